//! What went in comes out: any size, any range, in one go or with interruptions.

use futures::TryStreamExt;
use proptest::prelude::*;

use super::*;
use crate::format::PART_CONTENT_BYTES;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Sizes around the edges of chunks and parts.
fn size() -> impl Strategy<Value = usize> {
    let edges = [0, CHUNK_BYTES, 2 * CHUNK_BYTES, PART_CONTENT_BYTES];
    (prop::sample::select(edges.to_vec()), 0..5_usize)
        .prop_map(|(edge, by)| (edge + by).saturating_sub(2))
}

#[tokio::test]
async fn what_went_in_comes_out_around_every_edge() {
    let world = World::on(Storage::memory()).await;
    for edge in [
        0,
        CHUNK_BYTES,
        2 * CHUNK_BYTES,
        PART_CONTENT_BYTES,
        2 * PART_CONTENT_BYTES,
    ] {
        for bytes in edge.saturating_sub(1)..=edge + 1 {
            let given = content(bytes);
            let item = world.put(&given).await;
            assert_eq!(item.bytes, Some(bytes as u64));
            let read = world.get(item.id).await.unwrap();
            assert!(read == given, "{bytes} bytes");
            let verified = world.vault.verify(item.id, "ada", |_| ()).await.unwrap();
            let sha256 = ring::digest::digest(&ring::digest::SHA256, &given);
            assert_eq!(verified.sha256[..], *sha256.as_ref(), "{bytes} bytes");
            world.vault.delete(item.id, "ada").await.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_range_is_what_stood_there(
        bytes in size(),
        (from, to) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let (from, to) = (from.index(bytes + 1), to.index(bytes + 1));
        let range = from.min(to)..from.max(to);
        runtime().block_on(async {
            let world = World::on(Storage::memory()).await;
            let given = content(bytes);
            let id = world.put(&given).await.id;
            let whole = world.vault.open(id, "ada", Act::Read).await.unwrap();
            let pieces = whole.read(range.start as u64..range.end as u64).unwrap();
            let pieces: Vec<_> = pieces.try_collect().await.unwrap();
            prop_assert!(pieces.concat() == given[range.clone()], "{range:?} of {bytes}");
            let beyond = bytes as u64..bytes as u64 + 1;
            let refused = matches!(whole.read(beyond).err(), Some(VaultError::Range { .. }));
            prop_assert!(refused, "beyond the end");
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_file_is_taken_in_from_where_it_stands() {
    use std::io::{Seek, SeekFrom, Write};

    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Storage::folder(folder.path()).unwrap()).await;
    // bytes of the file, taken by another way before, from where in the file
    for (bytes, before, from) in [
        (0, 0, 0),
        (1, 0, 0),
        (CHUNK_BYTES, 0, 0),
        (CHUNK_BYTES + 1, 5, 1),
        (PART_CONTENT_BYTES - 1, 1, 0),
        (PART_CONTENT_BYTES, 0, 0),
        (PART_CONTENT_BYTES, CHUNK_BYTES + 3, 77),
        (2 * PART_CONTENT_BYTES + 9, PART_CONTENT_BYTES, 1),
    ] {
        let given = content(bytes);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&given).unwrap();
        file.seek(SeekFrom::Start(from as u64)).unwrap();
        let first = content(before);
        let mut put = world.vault.put(new_item(), "ada").await.unwrap();
        put.take(&first).await.unwrap();
        let mut told = 0;
        put.copy_from_file(file, |so_far| told = so_far)
            .await
            .unwrap();
        let id = put.finish().await.unwrap().id;
        let expected = [&first[..], &given[from..]].concat();
        assert_eq!(told, expected.len() as u64);
        assert!(world.get(id).await.unwrap() == expected, "{bytes} {before}");
    }
}

#[tokio::test]
async fn a_put_that_died_cannot_be_read_and_goes_on_with_the_same_bytes() {
    // after so many bytes, of which so many parts are durable at least
    for (died_after, durable) in [
        (0, 0),
        (CHUNK_BYTES, 0),
        (PART_CONTENT_BYTES, 0),
        (4 * PART_CONTENT_BYTES + 5, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for storage in [Storage::memory(), Storage::folder(folder.path()).unwrap()] {
            let world = World::on(storage).await;
            let given = content(5 * PART_CONTENT_BYTES + 7);
            let mut put = world.vault.put(new_item(), "ada").await.unwrap();
            let id = put.id();
            put.copy_from(&mut &given[..died_after], |_| ())
                .await
                .unwrap();
            put.pause().await;
            let refused = world.get(id).await.unwrap_err();
            assert_eq!(refused.to_string(), format!("the item `{id}` is receiving"));

            let mut put = world.vault.resume(id, "ada").await.unwrap();
            let there = put.received() as usize;
            assert!(
                there >= durable * PART_CONTENT_BYTES && there <= died_after,
                "{there}"
            );
            let sha256 = ring::digest::digest(&ring::digest::SHA256, &given[..there]);
            assert_eq!(put.digest().unwrap()[..], *sha256.as_ref());
            put.copy_from(&mut &given[there..], |_| ()).await.unwrap();
            assert_eq!(put.digest(), None, "more was taken in");
            put.finish().await.unwrap();
            assert!(world.get(id).await.unwrap() == given);
        }
    }
}

#[tokio::test]
async fn a_part_that_was_torn_comes_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Storage::folder(folder.path()).unwrap()).await;
    let given = content(3 * PART_CONTENT_BYTES + 7);
    for tear in ["cut", "empty", "changed", "head", "gone"] {
        let mut put = world.vault.put(new_item(), "ada").await.unwrap();
        let id = put.id();
        put.copy_from(&mut &given[..], |_| ()).await.unwrap();
        // Everything but the commit.
        let ports = world.ports.clone();
        put.pause().await;
        let mut put = world.vault.resume(id, "ada").await.unwrap();
        let there = put.received() as usize;
        put.copy_from(&mut &given[there..], |_| ()).await.unwrap();
        let failing = VaultPorts {
            audit: Arc::new(failing::NoTrail),
            ..ports
        };
        put.on(failing).finish().await.unwrap_err();
        assert_eq!(
            world.ports.storage.parts(id, 1).await.unwrap(),
            [0, 1, 2, 3]
        );

        let torn = folder.path().join(id.to_string()).join("1/0000001");
        let mut stored = std::fs::read(&torn).unwrap();
        match tear {
            "cut" => stored.truncate(stored.len() - 1),
            "empty" => stored.clear(),
            "changed" => stored[1_000] ^= 1,
            "head" => stored[19] ^= 1,
            _ => {}
        }
        std::fs::remove_file(&torn).unwrap();
        if tear != "gone" {
            std::fs::write(&torn, stored).unwrap();
        }
        let mut put = world.vault.resume(id, "ada").await.unwrap();
        assert_eq!(put.received() as usize, PART_CONTENT_BYTES, "{tear}");
        put.copy_from(&mut &given[PART_CONTENT_BYTES..], |_| ())
            .await
            .unwrap();
        put.finish().await.unwrap();
        assert!(world.get(id).await.unwrap() == given, "{tear}");
    }
}

#[tokio::test]
async fn of_two_puts_of_one_item_one_is_told() {
    let world = World::on(Storage::memory()).await;
    let given = content(PART_CONTENT_BYTES + 7);
    let mut first = world.vault.put(new_item(), "ada").await.unwrap();
    let id = first.id();
    first.copy_from(&mut &given[..], |_| ()).await.unwrap();
    first.settled().await;
    let mut second = world.vault.resume(id, "ada").await.unwrap();
    let there = second.received() as usize;
    second
        .copy_from(&mut &given[there..], |_| ())
        .await
        .unwrap();
    second.finish().await.unwrap();
    let told = first.finish().await.unwrap_err();
    assert!(matches!(told, VaultError::PutElsewhere(_)), "{told}");
    assert!(world.get(id).await.unwrap() == given);
    assert_eq!(world.item(id).await.state, VaultState::Held);
    let over = world.vault.resume(id, "ada").await.err().unwrap();
    assert_eq!(over.to_string(), format!("the item `{id}` is held"));
}

#[tokio::test]
async fn a_put_that_was_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Storage::folder(folder.path()).unwrap()).await;
    let mut put = world.vault.put(new_item(), "ada").await.unwrap();
    let id = put.id();
    let given = content(2 * PART_CONTENT_BYTES);
    put.copy_from(&mut &given[..], |_| ()).await.unwrap();
    world.vault.delete(id, "ada").await.unwrap();
    let told = put.finish().await.unwrap_err();
    assert!(matches!(told, VaultError::GivenUp(_)), "{told:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
