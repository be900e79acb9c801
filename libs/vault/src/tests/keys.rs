//! Wrapping keys: made, renewed, changed for others, lost.

use super::*;
use crate::format::PART_CONTENT_BYTES;

#[tokio::test]
async fn a_rotation_wraps_anew_and_leaves_the_content_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, home) = (folder.path().join("keys"), folder.path().join("vault"));
    let entropy = Arc::new(SeededEntropy::new(3));
    let kms = LocalKms::from_file(keys.clone(), entropy.clone())
        .ok()
        .unwrap();
    let world = World::with(Storage::folder(&home).unwrap(), Arc::new(kms)).await;
    let given = content(PART_CONTENT_BYTES + 9);
    let items = [world.put(&given).await.id, world.put(b"other").await.id];
    let deleted = world.put(b"deleted").await.id;
    world.vault.delete(deleted, "ada").await.unwrap();
    let mut put = world.vault.put(new_item(), "ada").await.unwrap();
    let coming = put.id();
    put.copy_from(&mut &given[..PART_CONTENT_BYTES], |_| ())
        .await
        .unwrap();
    put.pause().await;

    let stored = || {
        let part = home.join(items[0].to_string()).join("1/0000000");
        std::fs::read(part).unwrap()
    };
    let (content_before, key_before) = (stored(), world.item(items[0]).await.key);
    let none = world.vault.rotate(false, "ada", |_| ()).await.unwrap();
    assert_eq!(
        none,
        Rotated {
            current: 3,
            ..Rotated::default()
        }
    );
    let mut seen = 0;
    let rotated = world
        .vault
        .rotate(true, "ada", |_| seen += 1)
        .await
        .unwrap();
    assert_eq!(
        (rotated, seen),
        (
            Rotated {
                rewrapped: 3,
                ..Rotated::default()
            },
            3
        )
    );
    assert!(stored() == content_before, "the content was not touched");
    assert_ne!(world.item(items[0]).await.key, key_before);

    // With the new key alone everything opens, and goes on; with the old one alone nothing.
    let text = std::fs::read_to_string(&keys).unwrap();
    let (new, old) = text.split_once('\n').unwrap();
    for (keys, opens) in [(new, true), (old, false)] {
        let kms = LocalKms::from_text(keys, entropy.clone()).ok().unwrap();
        let vault = Vault::new(VaultPorts {
            keys: KeyRing::new(Arc::new(kms), Vec::new()),
            ..world.ports.clone()
        });
        for id in items {
            assert_eq!(vault.verify(id, "ada", |_| ()).await.is_ok(), opens);
        }
        assert_eq!(vault.resume(coming, "ada").await.is_ok(), opens);
    }
}

#[tokio::test]
async fn a_key_that_does_not_open_keeps_no_other_from_being_wrapped_anew() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let kms = LocalKms::from_file(keys, Arc::new(SeededEntropy::new(3)));
    let world = World::with(Storage::memory(), Arc::new(kms.unwrap())).await;
    let [first, lost, last] = [
        world.put(b"first").await.id,
        world.put(b"lost").await.id,
        world.put(b"last").await.id,
    ];
    let mut item = world.item(lost).await;
    // Another item's: it is wrapped for that one only.
    item.key = world.item(first).await.key;
    world.store.save_vault_item(&item).await.unwrap();
    let rotated = world.vault.rotate(true, "ada", |_| ()).await.unwrap();
    let expected = Rotated {
        rewrapped: 2,
        current: 0,
        not_opened: 1,
    };
    assert_eq!(rotated, expected);
    for id in [first, last] {
        world.get(id).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_file_that_is_lost_is_not_made_anew_while_something_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, kept) = (folder.path().join("keys"), folder.path().join("kept"));
    let entropy = Arc::new(SeededEntropy::new(3));
    let of_file = || {
        let kms = LocalKms::from_file(keys.clone(), entropy.clone());
        KeyRing::new(Arc::new(kms.unwrap()), Vec::new())
    };
    let kms = LocalKms::from_file(keys.clone(), entropy.clone()).unwrap();
    let world = World::with(Storage::memory(), Arc::new(kms)).await;
    assert!(!keys.exists(), "the first put makes it");
    world.vault.look_for_keys().await.unwrap();
    let id = world.put(b"salaries").await.id;
    std::fs::rename(&keys, &kept).unwrap();
    // A process that starts now.
    let vault = Vault::new(VaultPorts {
        keys: of_file(),
        ..world.ports.clone()
    });
    let put = vault.put(new_item(), "ada").await.err().unwrap();
    let read = vault.open(id, "ada", Act::Read).await.err().unwrap();
    let looked = vault.look().await.unwrap_err();
    for error in [put.to_string(), looked.to_string()] {
        assert!(error.contains("keys` is missing"), "{error}");
    }
    let source = std::error::Error::source(&read).unwrap().to_string();
    assert!(source.contains("is missing"), "{source}");
    assert!(!keys.exists(), "nothing was made in its place");
    // It comes back while the process runs; and another process puts a new key into it.
    std::fs::rename(&kept, &keys).unwrap();
    vault.open(id, "ada", Act::Read).await.unwrap();
    world.vault.rotate(true, "ada", |_| ()).await.unwrap();
    vault.open(id, "ada", Act::Read).await.unwrap();
    // Where nothing is held any more, a lost key is no loss.
    std::fs::remove_file(&keys).unwrap();
    world.vault.delete(id, "ada").await.unwrap();
    let begun = Vault::new(VaultPorts {
        keys: of_file(),
        ..world.ports.clone()
    });
    begun.put(new_item(), "ada").await.unwrap();
    assert!(keys.exists());
}

#[tokio::test]
async fn a_key_that_is_not_there_is_said_by_its_name() {
    let world = World::on(Storage::memory()).await;
    let id = world.put(b"salaries").await.id;
    let other = "b:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let kms = LocalKms::from_text(other, Arc::new(SeededEntropy::new(1)));
    let vault = Vault::new(VaultPorts {
        keys: KeyRing::new(Arc::new(kms.ok().unwrap()), Vec::new()),
        ..world.ports.clone()
    });
    let told = vault.open(id, "ada", Act::Read).await.err().unwrap();
    let source = std::error::Error::source(&told).unwrap().to_string();
    assert_eq!(
        told.to_string(),
        format!("the data key of `{id}` cannot be had")
    );
    assert_eq!(
        source,
        "the wrapped key does not open: the value is sealed with the key `a`, which is not known"
    );
    let renewed = vault
        .rotate(true, "ada", |_| ())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        renewed.contains("put a new one before the others"),
        "{renewed}"
    );
}

#[tokio::test]
async fn looking_says_where_everything_is_and_that_it_answers() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Storage::folder(folder.path()).unwrap()).await;
    let said = world.vault.look().await.unwrap();
    let expected = format!(
        "the folder `{}`, keys by the keys of the configuration",
        folder.path().display()
    );
    assert_eq!(said, expected);
}
