//! Records of one call, packed together: a page of a feed repeats itself in every record, and is a
//! tenth as large for it.
//!
//! A block is the number of its records (4), their bytes before they were compressed (4), and these
//! bytes as an LZ4 block: each record with its length (4). A few records, and those that do not get
//! smaller, stand in frames of their own.
//! Source: LZ4 block format, github.com/lz4/lz4, doc/lz4_Block_format.md.

use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};
use ports::{AppendError, LogRecord};

use super::{
    BLOCK, FLAGS_AT, FRAME_BYTES_MAX, HEAD_BYTES, LAST_OF_CALL, length_of, put_frame, record,
    u32_at,
};

/// Most bytes of a block's records before they are compressed. LZ4 looks back 64 KiB at most.
pub(super) const BLOCK_BYTES_MAX: usize = 60 * 1024;
/// Fewer records are not worth it: they have little to repeat.
const BLOCK_RECORDS_MIN: u32 = 4;
const HEADING_BYTES: usize = 8;
const LENGTH_BYTES: usize = 4;

/// Packs the records of a call into frames.
#[derive(Default)]
pub(super) struct Packer {
    frames: Vec<u8>,
    /// Where the newest frame starts.
    newest: usize,
    /// Records that wait for their block to be full.
    waiting: Vec<u8>,
    records: u32,
    packed: Vec<u8>,
}

impl Packer {
    /// Makes ready for a call, whatever became of the one before.
    pub(super) fn begin(&mut self) {
        self.frames.clear();
        self.waiting.clear();
        self.records = 0;
    }

    /// Adds a record behind the others.
    pub(super) fn add(&mut self, record: &LogRecord) -> Result<(), AppendError> {
        let start = self.waiting.len();
        self.waiting.extend_from_slice(&[0; LENGTH_BYTES]);
        record::write(record, &mut self.waiting);
        let length = self.waiting.len() - start - LENGTH_BYTES;
        if HEAD_BYTES + length > FRAME_BYTES_MAX {
            let bytes = HEAD_BYTES + length;
            return Err(AppendError::TooLarge { bytes });
        }
        self.waiting[start..start + LENGTH_BYTES].copy_from_slice(&length_of(length));
        if self.waiting.len() > BLOCK_BYTES_MAX {
            self.close(start);
        }
        self.records += 1;
        Ok(())
    }

    /// The frames of all records.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.close(self.waiting.len());
        if let Some(flags) = self.frames.get_mut(self.newest + FLAGS_AT) {
            *flags |= LAST_OF_CALL;
        }
        // A record may be as large as a call: what is kept is not.
        self.waiting.shrink_to(2 * BLOCK_BYTES_MAX);
        std::mem::take(&mut self.frames)
    }

    /// Makes frames of what waits before `end`.
    fn close(&mut self, end: usize) {
        if !self.packs(end) {
            self.put_each(end);
        }
        self.waiting.drain(..end);
        self.records = 0;
    }

    /// Puts a block, when that is worth it.
    fn packs(&mut self, end: usize) -> bool {
        if self.records < BLOCK_RECORDS_MIN || end > BLOCK_BYTES_MAX {
            return false;
        }
        let plain = &self.waiting[..end];
        let most = get_maximum_output_size(end);
        if self.packed.len() < most {
            self.packed.resize(most, 0);
        }
        let Ok(bytes) = compress_into(plain, &mut self.packed) else {
            return false;
        };
        if bytes > end / 8 * 7 {
            return false;
        }
        let mut heading = [0; HEADING_BYTES];
        heading[..4].copy_from_slice(&self.records.to_le_bytes());
        heading[4..].copy_from_slice(&length_of(end));
        self.newest = self.frames.len();
        put_frame(&mut self.frames, BLOCK, [&heading, &self.packed[..bytes]]);
        true
    }

    fn put_each(&mut self, end: usize) {
        let mut rest = &self.waiting[..end];
        while let Some((record, after)) = split(rest) {
            self.newest = self.frames.len();
            put_frame(&mut self.frames, 0, [record, &[]]);
            rest = after;
        }
    }
}

/// The first record of several, and what follows it; none at the end, or where it goes beyond.
fn split(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32_at(records, 0)? as usize;
    records.get(LENGTH_BYTES..)?.split_at_checked(length)
}

/// How many records a block says it holds; none when it cannot be one.
pub(super) fn records_in(content: &[u8]) -> Option<u64> {
    let records = u32_at(content, 0)?;
    let most = (BLOCK_BYTES_MAX / LENGTH_BYTES) as u32;
    (1..=most).contains(&records).then_some(records.into())
}

/// Its records, in order; none unless it is what it says.
pub(super) fn read(content: &[u8]) -> Option<Vec<LogRecord>> {
    let (records, bytes) = (records_in(content)?, u32_at(content, 4)? as usize);
    if bytes > BLOCK_BYTES_MAX {
        return None;
    }
    let mut plain = vec![0; bytes];
    let filled = decompress_into(content.get(HEADING_BYTES..)?, &mut plain).ok()?;
    let mut rest = plain.get(..filled).filter(|_| filled == bytes)?;
    let mut found = Vec::with_capacity(records as usize);
    while let Some((record, after)) = split(rest) {
        found.push(record::read(record)?);
        rest = after;
    }
    (rest.is_empty() && found.len() as u64 == records).then_some(found)
}
