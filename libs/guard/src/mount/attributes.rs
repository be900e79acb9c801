//! What the kernel is told of files, and how things that failed are told.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event_model::VaultItem;
use fuser::{FileAttr, FileType, INodeNo};
use vault::ciphertext_bytes;

use crate::wire::Shown;

/// Bytes that programs are advised to read at a time: `cp` writes as many at a time then. Of more the kernel
/// looks for runs of memory as great, which it seldom has at hand.
const BLOCK_BYTES: u32 = 256 * 1024;

/// A folder that is not one of a disk: everybody may look into it whom a policy lets, and into the vault write.
pub(super) fn folder(number: u64, may_write: bool) -> FileAttr {
    FileAttr {
        ino: INodeNo(number),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::Directory,
        perm: if may_write { 0o777 } else { 0o555 },
        nlink: 2,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        rdev: 0,
        blksize: BLOCK_BYTES,
        flags: 0,
    }
}

/// An item: everybody may read and write it whom a policy lets.
pub(super) fn item(number: u64, item: &VaultItem, shown: Shown) -> FileAttr {
    let content = item.bytes.unwrap_or_default();
    let size = match shown {
        Shown::Plaintext => content,
        Shown::Ciphertext => ciphertext_bytes(content),
    };
    let at = SystemTime::from(item.received_at);
    FileAttr {
        size,
        blocks: size.div_ceil(512),
        atime: at,
        mtime: at,
        ctime: at,
        crtime: at,
        kind: FileType::RegularFile,
        perm: 0o666,
        nlink: 1,
        ..folder(number, false)
    }
}

/// An item that is being written: so much of it came.
pub(super) fn coming(number: u64, bytes: u64) -> FileAttr {
    FileAttr {
        size: bytes,
        blocks: bytes.div_ceil(512),
        kind: FileType::RegularFile,
        perm: 0o666,
        nlink: 1,
        ..folder(number, false)
    }
}

/// What is of a disk, `size` bytes long as it is shown.
pub(super) fn of_disk(number: u64, meta: &Metadata, kind: FileType, size: u64) -> FileAttr {
    FileAttr {
        ino: INodeNo(number),
        size,
        blocks: meta.blocks(),
        atime: time(meta.atime(), meta.atime_nsec()),
        mtime: time(meta.mtime(), meta.mtime_nsec()),
        ctime: time(meta.ctime(), meta.ctime_nsec()),
        crtime: UNIX_EPOCH,
        kind,
        perm: (meta.mode() & 0o7777) as u16,
        nlink: meta.nlink() as u32,
        uid: meta.uid(),
        gid: meta.gid(),
        rdev: 0,
        blksize: BLOCK_BYTES,
        flags: 0,
    }
}

fn time(seconds: i64, nanos: i64) -> SystemTime {
    let nanos = u32::try_from(nanos).unwrap_or_default();
    match u64::try_from(seconds) {
        Ok(after) => UNIX_EPOCH + Duration::new(after, nanos),
        Err(_) => UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs()),
    }
}
