//! Whatever becomes of what is stored: it opens to what went in, or is refused with what is wrong.

use std::path::{Path, PathBuf};

use super::*;
use crate::format::{PART_CONTENT_BYTES, SEALED_CHUNK_BYTES};

struct Folder {
    world: World,
    folder: tempfile::TempDir,
}

impl Folder {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::on(Storage::folder(folder.path()).unwrap()).await;
        Folder { world, folder }
    }

    fn part(&self, id: VaultId, part: u32) -> PathBuf {
        let item = self.folder.path().join(id.to_string());
        item.join(format!("1/{part:07}"))
    }

    /// What reading everything says is wrong.
    async fn said(&self, id: VaultId) -> String {
        let told = self.world.get(id).await.expect_err("it is damaged");
        assert!(matches!(told, VaultError::Damaged { .. }), "{told:?}");
        let said = told.to_string();
        let prefix = format!("the content of `{id}` is damaged: ");
        said.strip_prefix(&prefix).unwrap_or(&said).to_owned()
    }
}

fn write(path: &Path, stored: &[u8]) {
    std::fs::write(path, stored).unwrap();
}

#[tokio::test]
async fn every_changed_byte_and_every_cut_is_refused() {
    let folder = Folder::new().await;
    let id = folder.world.put(&content(300)).await.id;
    let path = folder.part(id, 0);
    let stored = std::fs::read(&path).unwrap();
    assert_eq!(stored.len(), 64 + 300 + 16 + 56);
    for at in 0..stored.len() {
        for bit in [1, 0x80] {
            let mut changed = stored.clone();
            changed[at] ^= bit;
            write(&path, &changed);
            folder.said(id).await;
        }
        write(&path, &stored[..at]);
        let said = folder.said(id).await;
        assert_eq!(
            said,
            format!("part 0 has {at} bytes and must have {}", stored.len())
        );
    }
    write(&path, &[&stored[..], b"x"].concat());
    folder.said(id).await;
    write(&path, &stored);
    assert_eq!(folder.world.get(id).await.unwrap(), content(300));
}

#[tokio::test]
async fn a_changed_byte_is_refused_wherever_it_stands_in_many_chunks() {
    let folder = Folder::new().await;
    let id = folder.world.put(&content(2 * CHUNK_BYTES + 5)).await.id;
    let path = folder.part(id, 0);
    let stored = std::fs::read(&path).unwrap();
    // Around every edge of a chunk, a tag and the trailer, and all over the rest.
    let edges = [
        0,
        SEALED_CHUNK_BYTES,
        2 * SEALED_CHUNK_BYTES,
        2 * SEALED_CHUNK_BYTES + 21,
    ];
    let around = edges.iter().flat_map(|edge| 64 + edge - 18..64 + edge + 2);
    let everywhere = (0..stored.len()).step_by(997);
    for at in around.chain(everywhere) {
        let mut changed = stored.clone();
        changed[at] ^= 1 << (at % 8);
        write(&path, &changed);
        folder.said(id).await;
    }
    write(&path, &stored);
    assert!(folder.world.get(id).await.unwrap() == content(2 * CHUNK_BYTES + 5));
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let folder = Folder::new().await;
    let bytes = 2 * PART_CONTENT_BYTES + 3 * CHUNK_BYTES + 5;
    let (id, other) = (
        folder.world.put(&content(bytes)).await.id,
        folder.world.put(&content(bytes)).await.id,
    );
    let stored: Vec<Vec<u8>> = (0..3)
        .map(|part| std::fs::read(folder.part(id, part)).unwrap())
        .collect();
    let foreign = std::fs::read(folder.part(other, 1)).unwrap();
    let swapped_chunks = |part: &[u8]| {
        let (first, second) = (64, 64 + SEALED_CHUNK_BYTES);
        let mut swapped = part.to_vec();
        swapped[first..second].copy_from_slice(&part[second..second + SEALED_CHUNK_BYTES]);
        swapped[second..second + SEALED_CHUNK_BYTES].copy_from_slice(&part[first..second]);
        swapped
    };
    let mut disguised = foreign.clone();
    disguised[..64].copy_from_slice(&stored[1][..64]);
    let without_a_chunk = [&stored[2][..64], &stored[2][64 + SEALED_CHUNK_BYTES..]].concat();
    let of_another = format!("in the place of part 1 stands part 1 of `{other}`");
    // which part is replaced, by what => what is said
    let rows: Vec<(u32, Option<Vec<u8>>, &str)> = vec![
        (1, None, "part 1 is missing"),
        (2, None, "part 2 is missing"),
        (
            1,
            Some(stored[0].clone()),
            "in the place of part 1 stands part 0",
        ),
        (
            0,
            Some(stored[1].clone()),
            "in the place of part 0 stands part 1",
        ),
        (1, Some(foreign), &of_another),
        (1, Some(disguised), "part 1 was changed: it does not open"),
        (
            1,
            Some(swapped_chunks(&stored[1])),
            "part 1 was changed: it does not open",
        ),
        (
            2,
            Some(swapped_chunks(&stored[2])),
            "part 2 was changed: it does not open",
        ),
        (
            2,
            Some(without_a_chunk),
            "part 2 has 131245 bytes and must have 196797",
        ),
        (
            0,
            Some(vec![0; stored[0].len()]),
            "part 0 does not begin as a part of the vault",
        ),
    ];
    for (part, by, expected) in rows {
        let path = folder.part(id, part);
        match &by {
            Some(by) => write(&path, by),
            None => std::fs::remove_file(&path).unwrap(),
        }
        assert_eq!(folder.said(id).await, expected);
        let verified = folder.world.vault.verify(id, "ada", |_| ()).await;
        assert!(matches!(verified, Err(VaultError::Damaged { .. })));
        write(&path, &stored[part as usize]);
    }
    assert!(folder.world.get(id).await.unwrap() == content(bytes));
}

#[tokio::test]
async fn an_index_that_was_changed_is_found() {
    let folder = Folder::new().await;
    let (id, other) = (
        folder.world.put(&content(300)).await.id,
        folder.world.put(&content(300)).await.id,
    );
    let (item, foreign) = (folder.world.item(id).await, folder.world.item(other).await);
    let refuse = async |changed: VaultItem| {
        let revision = folder.world.item(id).await.revision;
        let saved = VaultItem {
            revision,
            ..changed
        };
        folder.world.store.save_vault_item(&saved).await.unwrap();
        folder.world.get(id).await.unwrap_err().to_string()
    };
    let longer = refuse(VaultItem {
        bytes: Some(301),
        ..item.clone()
    })
    .await;
    assert!(
        longer.contains("part 0 has 436 bytes and must have 437"),
        "{longer}"
    );
    let endless = refuse(VaultItem {
        bytes: Some(u64::MAX),
        ..item.clone()
    })
    .await;
    assert!(endless.contains("at most"), "{endless}");
    let key = refuse(VaultItem {
        key: foreign.key,
        ..item.clone()
    })
    .await;
    assert_eq!(key, format!("the data key of `{id}` cannot be had"));
    let none = refuse(VaultItem {
        key: None,
        ..item.clone()
    })
    .await;
    assert_eq!(none, format!("the item `{id}` has no key any more"));
    let version = refuse(VaultItem {
        version: 2,
        ..item.clone()
    })
    .await;
    assert_eq!(version, format!("the data key of `{id}` cannot be had"));
    let revision = folder.world.item(id).await.revision;
    folder
        .world
        .store
        .save_vault_item(&VaultItem { revision, ..item })
        .await
        .unwrap();
    assert_eq!(folder.world.get(id).await.unwrap(), content(300));
}

#[tokio::test]
async fn no_two_parts_are_sealed_with_one_nonce() {
    let folder = Folder::new().await;
    let given = content(2 * PART_CONTENT_BYTES);
    let mut put = folder.world.vault.put(new_item(), "ada").await.unwrap();
    let id = put.id();
    put.copy_from(&mut &given[..], |_| ()).await.unwrap();
    let mut prefixes = std::collections::HashSet::new();
    put.pause().await;
    for _ in 0..3 {
        for part in folder.world.ports.storage.parts(id, 1).await.unwrap() {
            let path = folder.part(id, part);
            let stored = std::fs::read(&path).unwrap();
            assert!(
                prefixes.insert(stored[50..57].to_vec()),
                "a prefix came twice"
            );
            // Torn, so it is sealed again.
            write(&path, &stored[..stored.len() - 1]);
        }
        let mut put = folder.world.vault.resume(id, "ada").await.unwrap();
        assert_eq!(put.received(), 0);
        put.copy_from(&mut &given[..], |_| ()).await.unwrap();
        let failing = VaultPorts {
            audit: Arc::new(failing::NoTrail),
            ..folder.world.ports.clone()
        };
        put.on(failing).finish().await.unwrap_err();
    }
    assert!(prefixes.len() >= 6, "{}", prefixes.len());
}
