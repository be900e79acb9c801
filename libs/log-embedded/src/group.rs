//! How far a consumer group has come, durably: a small file with two slots, written in turn.
//!
//! A commit overwrites the older slot and makes it durable, so a torn write costs that commit only.
//! The file does not grow; one commit is one write and one `fdatasync`.
//!
//! A slot is, little-endian: sequence (8), offset (8), CRC-32C of both (4). Slots are 512 bytes
//! apart so that no sector holds both.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use crate::disk;

const SLOT_BYTES: usize = 20;
const SLOT_DISTANCE: usize = 512;
const NAME_BYTES_MAX: usize = 100;
/// How the file of a group is called, after its name.
pub(crate) const SUFFIX: &str = "group";

struct Slots {
    file: File,
    sequence: u64,
    /// A failed `fdatasync` makes nothing durable ever after, as for the log itself.
    poisoned: bool,
}

/// A consumer group of a topic.
pub(crate) struct Group {
    slots: Mutex<Slots>,
    committed: AtomicU64,
    /// Whoever holds it reads the one partition; the other members wait.
    pub(crate) partition: Arc<AsyncMutex<()>>,
}

impl Group {
    /// Makes a group that has committed nothing.
    pub(crate) fn create(folder: &Path, name: &str) -> io::Result<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(allowed) {
            let why = "a group's name has 1 to 100 letters, digits, `-` or `_`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let path = folder.join(format!("{name}.{SUFFIX}"));
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&[0; SLOT_DISTANCE + SLOT_BYTES])?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&slot(1, 0))?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        disk::sync_folder(folder)?;
        Self::open(&path)
    }

    /// Opens the file of a group.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        let most = (SLOT_DISTANCE + SLOT_BYTES) as u64;
        (&file).take(most).read_to_end(&mut bytes)?;
        let newest = [0, SLOT_DISTANCE]
            .into_iter()
            .filter_map(|at| read_slot(bytes.get(at..)?))
            .max();
        let Some((sequence, committed)) = newest else {
            let why = format!("both slots of `{}` are damaged", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        };
        Ok(Group {
            slots: Mutex::new(Slots {
                file,
                sequence,
                poisoned: false,
            }),
            committed: AtomicU64::new(committed),
            partition: Arc::default(),
        })
    }

    /// The offset after the last that is done with.
    pub(crate) fn committed(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// Nothing is committed beyond the log's end: after records were lost or removed by hand, the
    /// group reads what is appended anew instead of waiting for offsets of before.
    pub(crate) fn not_beyond(&self, end: u64) {
        if self.committed.fetch_min(end, Ordering::AcqRel) > end {
            tracing::error!(end, "a group had committed more records than the log holds");
        }
    }

    /// Everything before this offset is done with. Never goes backwards.
    pub(crate) fn commit(&self, offset: u64) -> io::Result<()> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if offset <= self.committed() {
            return Ok(());
        }
        slots.write(offset)?;
        self.committed.store(offset, Ordering::Release);
        Ok(())
    }
}

impl Slots {
    fn write(&mut self, offset: u64) -> io::Result<()> {
        if self.poisoned {
            return Err(io::Error::other("an earlier fsync failed"));
        }
        let sequence = self.sequence + 1;
        // The first sequence, 1, stands in slot 0.
        let at = ((sequence - 1) % 2) * SLOT_DISTANCE as u64;
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(&slot(sequence, offset))?;
        self.file
            .sync_data()
            .inspect_err(|_| self.poisoned = true)?;
        self.sequence = sequence;
        Ok(())
    }
}

fn slot(sequence: u64, offset: u64) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    bytes[8..16].copy_from_slice(&offset.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..16]);
    bytes[16..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn read_slot(bytes: &[u8]) -> Option<(u64, u64)> {
    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let (sequence, offset) = (number(0)?, number(8)?);
    (bytes.get(..SLOT_BYTES)? == slot(sequence, offset) && sequence > 0)
        .then_some((sequence, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_commit_leaves_the_one_before_and_two_damaged_slots_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let group = Group::create(folder.path(), "g").unwrap();
        for offset in [5, 9, 12] {
            group.commit(offset).unwrap();
        }
        drop(group);
        let path = folder.path().join("g.group");
        let whole = std::fs::read(&path).unwrap();
        let committed = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Group::open(&path).map(|group| group.committed()).ok()
        };
        assert_eq!(committed(&whole), Some(12));
        let mut newest_torn = whole.clone();
        newest_torn[SLOT_DISTANCE + 9] ^= 1;
        assert_eq!(committed(&newest_torn), Some(9));
        let mut both = newest_torn;
        both[9] ^= 1;
        assert_eq!(committed(&both), None);
    }

    #[test]
    fn the_slot_on_disk_is_what_was_promised() {
        let hex: String = slot(1, 5)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, "010000000000000005000000000000005e685dd8");
    }

    #[test]
    fn a_group_cannot_be_named_out_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "../x", "a/b", "a.b", &"x".repeat(101)] {
            assert!(Group::create(folder.path(), name).is_err(), "{name}");
        }
    }
}
