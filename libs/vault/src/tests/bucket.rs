//! A bucket that speaks S3: on a server when `TIDEGATE_TEST_S3` has its address, as `http://127.0.0.1:9000`, and
//! it knows a bucket `tidegate-test`, for the access key `test` with the secret `test`.

use event_model::Secret;

use super::*;
use crate::format::PART_CONTENT_BYTES;

#[tokio::test]
async fn a_bucket_holds_content() {
    let Ok(endpoint) = std::env::var("TIDEGATE_TEST_S3") else {
        eprintln!("SKIPPED: `TIDEGATE_TEST_S3` names no server");
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bucket = |secret: &str| BucketOptions {
        bucket: "tidegate-test".into(),
        prefix: format!("a/{}", ports::contract::servers::fresh_name()),
        endpoint: Some(endpoint.clone()),
        region: "us-east-1".into(),
        credentials: Some(("test".into(), Secret::new(secret.into()))),
    };
    let world = World::on(Storage::bucket(&bucket("test")).unwrap()).await;
    assert!(world.vault.look().await.unwrap().contains("tidegate-test"));
    let given = content(2 * PART_CONTENT_BYTES + 70_000);
    let mut put = world.vault.put(new_item(), "ada").await.unwrap();
    let id = put.id();
    put.copy_from(&mut &given[..], |_| ()).await.unwrap();
    put.pause().await;
    // Two go on at the same time: no part is written over, and both are told. Then one does.
    let mut both = Vec::new();
    for _ in 0..2 {
        both.push(world.vault.resume(id, "ada").await.unwrap());
    }
    for mut put in both {
        let there = put.received() as usize;
        let told = match put.copy_from(&mut &given[there..], |_| ()).await {
            Ok(()) => put.finish().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(told, VaultError::PutElsewhere(_)), "{told:?}");
    }
    let mut put = world.vault.resume(id, "ada").await.unwrap();
    assert_eq!(put.received() as usize, 2 * PART_CONTENT_BYTES);
    let rest = &given[2 * PART_CONTENT_BYTES..];
    put.copy_from(&mut &rest[..], |_| ()).await.unwrap();
    put.finish().await.unwrap();

    assert!(world.get(id).await.unwrap() == given);
    world.vault.verify(id, "ada", |_| ()).await.unwrap();
    let storage = &world.ports.storage;
    assert_eq!(storage.parts(id, 1).await.unwrap(), [0, 1, 2]);
    storage.remove_part(id, 1, 1).await.unwrap();
    let told = world.get(id).await.unwrap_err().to_string();
    assert!(told.ends_with("part 1 is missing"), "{told}");
    world.vault.delete(id, "ada").await.unwrap();
    assert_eq!(storage.parts(id, 1).await.unwrap(), [0_u32; 0]);
}
