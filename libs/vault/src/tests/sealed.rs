//! Ciphertext out of the vault and back into it.

use super::*;

const PART_BYTES: usize = 4 * 1024 * 1024;

async fn sealed(world: &World, id: VaultId, at_once: u64) -> Vec<u8> {
    let content = world.vault.open_sealed(id, "backup").await.unwrap();
    let mut all = Vec::new();
    while (all.len() as u64) < content.bytes() {
        let from = all.len() as u64;
        let to = (from + at_once).min(content.bytes());
        all.extend_from_slice(&content.read(from..to).await.unwrap());
    }
    assert_eq!(all.len() as u64, content.bytes());
    all
}

async fn mend(world: &World, id: VaultId, ciphertext: &[u8]) -> Result<u32, VaultError> {
    let mut mending = world.vault.mend(id, "backup").await?;
    for piece in ciphertext.chunks(1_000_003) {
        mending.write(piece).await?;
    }
    assert_eq!(mending.received(), ciphertext.len() as u64);
    mending.finish().await
}

#[tokio::test]
async fn what_was_lost_comes_back_from_ciphertext_byte_for_byte() {
    for bytes in [0, 1, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES + 70_000] {
        let world = World::on(Storage::memory()).await;
        let plain = content(bytes);
        let item = world.put(&plain).await;
        let backup = sealed(&world, item.id, 1_000_000).await;
        assert!(
            !backup
                .windows(64)
                .any(|window| plain.windows(64).next() == Some(window))
        );
        assert_eq!(
            mend(&world, item.id, &backup).await.unwrap(),
            0,
            "nothing is missing"
        );
        let parts = world.ports.storage.parts(item.id, 1).await.unwrap();
        for part in &parts {
            let removed = world.ports.storage.remove_part(item.id, 1, *part).await;
            removed.unwrap();
        }
        assert!(world.get(item.id).await.is_err(), "{bytes}");
        let mended = mend(&world, item.id, &backup).await.unwrap();
        assert_eq!(mended as usize, parts.len(), "{bytes}");
        assert_eq!(world.get(item.id).await.unwrap(), plain, "{bytes}");
        assert_eq!(sealed(&world, item.id, 7_777_777).await, backup, "{bytes}");
    }
}

#[tokio::test]
async fn only_the_items_own_ciphertext_comes_back() {
    let world = World::on(Storage::memory()).await;
    let (plain, other) = (content(PART_BYTES + 9), content(PART_BYTES + 9));
    let (item, another) = (world.put(&plain).await, world.put(&other).await);
    let backup = sealed(&world, item.id, 1 << 20).await;
    let anothers = sealed(&world, another.id, 1 << 20).await;
    let mut changed = backup.clone();
    changed[100] ^= 1;
    let mut late = backup.clone();
    *late.last_mut().unwrap() ^= 1;
    let longer = [backup.as_slice(), &[0]].concat();
    // what comes => what is said
    let rows: [(&[u8], &str); 6] = [
        (&anothers, "does not begin as a part"),
        (&changed, "part 0 was changed"),
        (&late, "part 1 was changed"),
        (&backup[..backup.len() - 1], "part 1 has"),
        (&longer, "not what was taken in"),
        (&[], "part 0 has 0 bytes"),
    ];
    for (ciphertext, expected) in rows {
        let said = mend(&world, item.id, ciphertext)
            .await
            .unwrap_err()
            .to_string();
        assert!(said.contains(expected), "{expected} is not in {said}");
        assert_eq!(world.get(item.id).await.unwrap(), plain, "{expected}");
    }
    world.vault.delete(another.id, "ada").await.unwrap();
    let gone = world.vault.mend(another.id, "backup").await;
    assert!(matches!(gone, Err(VaultError::State { .. })));
    let gone = world.vault.open_sealed(another.id, "backup").await;
    assert!(matches!(gone, Err(VaultError::State { .. })));
}
