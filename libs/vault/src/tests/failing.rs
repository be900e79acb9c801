//! Storages that fill up and readers that break: what was there stays, what was not is not.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use event_model::{Page, PageRequest};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, memory::InMemory,
};
use ports::{AuditEntry, AuditFilter, AuditTrail, NewAudit, StoreError};
use tokio::io::{AsyncRead, ReadBuf};

use super::*;
use crate::format::PART_CONTENT_BYTES;

/// An audit trail that takes nothing.
pub(super) struct NoTrail;

fn full() -> StoreError {
    StoreError::Unavailable("the disk is full".into())
}

#[async_trait]
impl AuditTrail for NoTrail {
    async fn audit(&self, _: &NewAudit) -> Result<(), StoreError> {
        Err(full())
    }

    async fn audit_matching(
        &self,
        _: &AuditFilter,
        _: &PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        Err(full())
    }

    async fn audit_after(&self, _: u64, _: u32) -> Result<Vec<AuditEntry>, StoreError> {
        Err(full())
    }
}

/// A storage with room for so many parts.
#[derive(Debug)]
struct Small {
    objects: InMemory,
    room: AtomicU32,
}

impl fmt::Display for Small {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a small storage")
    }
}

type Stored<T> = object_store::Result<T>;

#[async_trait]
impl ObjectStore for Small {
    async fn put_opts(&self, at: &Path, what: PutPayload, how: PutOptions) -> Stored<PutResult> {
        let less = |room: u32| room.checked_sub(1);
        let room = self
            .room
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if room.is_err() {
            return Err(object_store::Error::Generic {
                store: "small",
                source: "no space left on device".into(),
            });
        }
        self.objects.put_opts(at, what, how).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Stored<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(at, how).await
    }

    async fn get_opts(&self, at: &Path, how: GetOptions) -> Stored<GetResult> {
        self.objects.get_opts(at, how).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Stored<Vec<bytes::Bytes>> {
        self.objects.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        which: BoxStream<'static, Stored<Path>>,
    ) -> BoxStream<'static, Stored<Path>> {
        self.objects.delete_stream(which)
    }

    fn list(&self, under: Option<&Path>) -> BoxStream<'static, Stored<ObjectMeta>> {
        self.objects.list(under)
    }

    async fn list_with_delimiter(&self, under: Option<&Path>) -> Stored<ListResult> {
        self.objects.list_with_delimiter(under).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Stored<()> {
        self.objects.copy_opts(from, to, how).await
    }
}

#[tokio::test]
async fn a_full_storage_is_said_and_the_put_goes_on_when_there_is_room() {
    let small = Arc::new(Small {
        objects: InMemory::new(),
        room: AtomicU32::new(2),
    });
    let world = World::on(Storage::of(small.clone())).await;
    let given = content(6 * PART_CONTENT_BYTES);
    let mut put = world.vault.put(new_item(), "ada").await.unwrap();
    let id = put.id();
    let told = put.copy_from(&mut &given[..], |_| ()).await.unwrap_err();
    assert!(matches!(told, VaultError::Storage(_)), "{told}");
    let again = put.copy_from(&mut &given[..], |_| ()).await.unwrap_err();
    assert!(matches!(again, VaultError::PutFailed(_)), "{again}");
    let over = put.finish().await.unwrap_err();
    assert!(matches!(over, VaultError::PutFailed(_)), "{over}");

    small.room.store(100, Ordering::SeqCst);
    let mut put = world.vault.resume(id, "ada").await.unwrap();
    assert_eq!(put.received() as usize, 2 * PART_CONTENT_BYTES);
    let rest = &given[2 * PART_CONTENT_BYTES..];
    put.copy_from(&mut &rest[..], |_| ()).await.unwrap();
    put.finish().await.unwrap();
    assert!(world.get(id).await.unwrap() == given);
}

/// A reader that breaks after so many bytes.
struct Breaking(usize);

impl AsyncRead for Breaking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let bytes = self.0.min(into.remaining());
        if bytes == 0 {
            return Poll::Ready(Err(std::io::Error::other("the line broke")));
        }
        into.put_slice(&vec![7; bytes]);
        self.0 -= bytes;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_source_that_breaks_ends_the_put_and_nothing_is_held() {
    let world = World::on(Storage::memory()).await;
    let mut put = world.vault.put(new_item(), "ada").await.unwrap();
    let id = put.id();
    let told = put
        .copy_from(&mut Breaking(100_000), |_| ())
        .await
        .unwrap_err();
    assert!(matches!(told, VaultError::Source(_)), "{told}");
    put.finish().await.unwrap_err();
    assert_eq!(world.item(id).await.state, VaultState::Receiving);
}

#[tokio::test]
async fn without_an_audit_trail_nothing_is_done() {
    let world = World::on(Storage::memory()).await;
    let id = world.put(b"salaries").await.id;
    let blind = Vault::new(VaultPorts {
        audit: Arc::new(NoTrail),
        ..world.ports.clone()
    });
    assert!(blind.put(new_item(), "ada").await.is_err());
    assert!(blind.open(id, "ada", Act::Read).await.is_err());
    assert!(blind.verify(id, "ada", |_| ()).await.is_err());
    assert!(blind.hold(id, "case 7", "ada").await.is_err());
    assert!(blind.delete(id, "ada").await.is_err());
    let item = world.item(id).await;
    assert_eq!((item.state, item.legal_hold), (VaultState::Held, None));
    assert_eq!(world.get(id).await.unwrap(), b"salaries");
}
