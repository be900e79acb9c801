//! What stands on disk: frames. Parsing is total: no bytes make it panic, and no damaged frame passes.
//!
//! Little-endian, version 1 of the segment format:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | length of what follows the checksum |
//! | 4 | 4 | CRC-32C of the length and of what follows the checksum |
//! | 8 | 8 | offset, of the first record of several |
//! | 16 | 8 | appended at, in microseconds since 1970 |
//! | 24 | 8 | where this frame's group starts in the file: all before was durable when it was written |
//! | 32 | 1 | bit 0: it is the last of its call; bit 1: it is a block |
//! | 33 | | a record, or a block of them: `record.rs`, `block.rs` |

use std::cell::RefCell;

use ports::{AppendError, LogRecord};

use self::block::Packer;

mod block;
mod record;

/// What a segment file begins with: the format and its version.
pub(crate) const MAGIC: &[u8; 8] = b"TGLOG\x00\x00\x01";

/// Bytes of a frame before what it holds.
pub(crate) const HEAD_BYTES: usize = 33;

/// Longest frame, in bytes: a record's bound, and room for the lengths of its parts.
pub(crate) const FRAME_BYTES_MAX: usize = LogRecord::BYTES_MAX + 64 * 1024;

const CHECKED_FROM: usize = 8;
const FLAGS_AT: usize = 32;
const LAST_OF_CALL: u8 = 1;
const BLOCK: u8 = 2;

thread_local! {
    /// Its buffers, of twice a block at most, are kept from call to call.
    static PACKER: RefCell<Packer> = RefCell::default();
}

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whole frame, in bytes.
    pub(crate) bytes: usize,
    /// Of its first record.
    pub(crate) offset: u64,
    /// How many records it holds; at least one.
    pub(crate) records: u64,
    pub(crate) appended_at_us: i64,
    pub(crate) group_at: u64,
    pub(crate) last_of_call: bool,
}

/// The frames of one call, still to be stamped.
pub(crate) fn encode_call(records: &[LogRecord]) -> Result<Vec<u8>, AppendError> {
    let too_large = |record: &&LogRecord| record.size() > LogRecord::BYTES_MAX;
    if let Some(large) = records.iter().find(too_large) {
        return Err(AppendError::TooLarge {
            bytes: large.size(),
        });
    }
    PACKER.with_borrow_mut(|packer| {
        packer.begin();
        records.iter().try_for_each(|record| packer.add(record))?;
        Ok(packer.finish())
    })
}

/// Puts a frame of that content behind the others; it is stamped later.
fn put_frame(frames: &mut Vec<u8>, flags: u8, parts: [&[u8]; 2]) {
    let start = frames.len();
    let bytes = HEAD_BYTES + parts[0].len() + parts[1].len();
    frames.reserve(bytes);
    frames.extend_from_slice(&length_of(bytes - CHECKED_FROM));
    frames.resize(start + HEAD_BYTES, 0);
    frames[start + FLAGS_AT] = flags;
    frames.extend_from_slice(parts[0]);
    frames.extend_from_slice(parts[1]);
}

/// A longer part than `u32` can tell is saturated here, and its frame refused as too large.
fn length_of(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// Gives each frame its place, moment and checksum; gives back the offset after the last.
pub(crate) fn stamp(frames: &mut [u8], first: u64, appended_at_us: i64, group_at: u64) -> u64 {
    let mut offset = first;
    let mut rest = frames;
    while let Some(head) = head(rest) {
        let (frame, after) = rest.split_at_mut(head.bytes);
        frame[8..16].copy_from_slice(&offset.to_le_bytes());
        frame[16..24].copy_from_slice(&appended_at_us.to_le_bytes());
        frame[24..32].copy_from_slice(&group_at.to_le_bytes());
        let checksum = checksum(frame);
        frame[4..8].copy_from_slice(&checksum.to_le_bytes());
        offset += head.records;
        rest = after;
    }
    offset
}

fn checksum(frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[CHECKED_FROM..])
}

/// How long the frame at the start of these bytes says it is; none when that cannot be a frame.
pub(crate) fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    let frame = u32_at(bytes, 0)? as usize + CHECKED_FROM;
    (HEAD_BYTES..=FRAME_BYTES_MAX)
        .contains(&frame)
        .then_some(frame)
}

/// The head of a frame, unchecked; none when these bytes cannot begin a frame.
pub(crate) fn head(bytes: &[u8]) -> Option<Head> {
    let flags = *bytes.get(FLAGS_AT)?;
    let records = match flags & BLOCK {
        0 => 1,
        _ => block::records_in(&bytes[HEAD_BYTES..])?,
    };
    Some(Head {
        bytes: frame_bytes(bytes)?,
        offset: u64_at(bytes, 8)?,
        records,
        appended_at_us: u64_at(bytes, 16)? as i64,
        group_at: u64_at(bytes, 24)?,
        last_of_call: flags & LAST_OF_CALL != 0,
    })
}

/// The head of the whole, undamaged frame at the start of these bytes.
pub(crate) fn checked(bytes: &[u8]) -> Option<Head> {
    let head = head(bytes)?;
    let frame = bytes.get(..head.bytes)?;
    (u32_at(frame, 4)? == checksum(frame)).then_some(head)
}

/// The records in a whole frame, in order.
pub(crate) fn records(frame: &[u8]) -> Option<Vec<LogRecord>> {
    let content = frame.get(HEAD_BYTES..)?;
    match frame[FLAGS_AT] & BLOCK {
        0 => Some(vec![record::read(content)?]),
        _ => block::read(content),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
