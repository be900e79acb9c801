//! One record on disk. Parsing is total: no bytes make it panic, and no damaged frame passes.
//!
//! Little-endian, version 1 of the segment format:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | length of what follows the checksum |
//! | 4 | 4 | CRC-32C of the length and of what follows the checksum |
//! | 8 | 8 | offset |
//! | 16 | 8 | appended at, in microseconds since 1970 |
//! | 24 | 8 | where this frame's group starts in the file: all before was durable when it was written |
//! | 32 | 1 | 1 when it is the last of its call, else 0 |
//! | 33 | | key length (4), key, number of headers (4), each a name and a value with lengths (4), value |

use bytes::Bytes;
use ports::{AppendError, LogRecord};

/// What a segment file begins with: the format and its version.
pub(crate) const MAGIC: &[u8; 8] = b"TGLOG\x00\x00\x01";

/// Bytes of a frame before its record.
pub(crate) const HEAD_BYTES: usize = 33;

/// Longest frame, in bytes: a record's bound, and room for the lengths of its parts.
pub(crate) const FRAME_BYTES_MAX: usize = LogRecord::BYTES_MAX + 64 * 1024;

const CHECKED_FROM: usize = 8;

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whole frame, in bytes.
    pub(crate) bytes: usize,
    pub(crate) offset: u64,
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
    let size: usize = records
        .iter()
        .map(|record| HEAD_BYTES + 8 + 8 * record.headers.len() + record.size())
        .sum();
    let mut frames = Vec::with_capacity(size);
    for (index, record) in records.iter().enumerate() {
        let start = frames.len();
        encode(record, index + 1 == records.len(), &mut frames);
        let bytes = frames.len() - start;
        if bytes > FRAME_BYTES_MAX {
            return Err(AppendError::TooLarge { bytes });
        }
    }
    Ok(frames)
}

fn encode(record: &LogRecord, last_of_call: bool, frames: &mut Vec<u8>) {
    let start = frames.len();
    frames.resize(start + HEAD_BYTES, 0);
    frames[start + 32] = u8::from(last_of_call);
    put(frames, record.key.as_bytes());
    frames.extend_from_slice(&length_of(record.headers.len()));
    for (name, value) in &record.headers {
        put(frames, name.as_bytes());
        put(frames, value.as_bytes());
    }
    frames.extend_from_slice(&record.value);
    let length = length_of(frames.len() - start - CHECKED_FROM);
    frames[start..start + 4].copy_from_slice(&length);
}

fn put(frames: &mut Vec<u8>, part: &[u8]) {
    frames.extend_from_slice(&length_of(part.len()));
    frames.extend_from_slice(part);
}

/// A longer part than `u32` can tell is saturated here, and its frame refused as too large.
fn length_of(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// Gives each frame its place, moment and checksum; gives back the offset after the last.
pub(crate) fn stamp(frames: &mut [u8], first: u64, appended_at_us: i64, group_at: u64) -> u64 {
    let mut offset = first;
    let mut rest = frames;
    while let Some(bytes) = frame_bytes(rest) {
        let (frame, after) = rest.split_at_mut(bytes);
        frame[8..16].copy_from_slice(&offset.to_le_bytes());
        frame[16..24].copy_from_slice(&appended_at_us.to_le_bytes());
        frame[24..32].copy_from_slice(&group_at.to_le_bytes());
        let checksum = checksum(frame);
        frame[4..8].copy_from_slice(&checksum.to_le_bytes());
        offset += 1;
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
    Some(Head {
        bytes: frame_bytes(bytes)?,
        offset: u64_at(bytes, 8)?,
        appended_at_us: u64_at(bytes, 16)? as i64,
        group_at: u64_at(bytes, 24)?,
        last_of_call: *bytes.get(32)? == 1,
    })
}

/// The head of the whole, undamaged frame at the start of these bytes.
pub(crate) fn checked(bytes: &[u8]) -> Option<Head> {
    let head = head(bytes)?;
    let frame = bytes.get(..head.bytes)?;
    (u32_at(frame, 4)? == checksum(frame)).then_some(head)
}

/// The record in a frame.
pub(crate) fn record(frame: &[u8]) -> Option<LogRecord> {
    let mut rest = frame.get(HEAD_BYTES..)?;
    let key = take_text(&mut rest)?;
    let count = u32_at(rest, 0)? as usize;
    rest = &rest[4..];
    let mut headers = Vec::with_capacity(count.min(rest.len() / 8));
    for _ in 0..count {
        headers.push((take_text(&mut rest)?.into(), take_text(&mut rest)?.into()));
    }
    Some(LogRecord {
        key,
        headers,
        value: Bytes::copy_from_slice(rest),
    })
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let length = u32_at(rest, 0)? as usize;
    let text = rest.get(4..4usize.checked_add(length)?)?;
    *rest = &rest[4 + length..];
    String::from_utf8(text.to_vec()).ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> LogRecord {
        LogRecord {
            key: "k".into(),
            headers: vec![("a".into(), "b".into())],
            value: Bytes::from_static(b"value"),
        }
    }

    #[test]
    fn the_format_on_disk_is_what_was_promised() {
        let mut frames = encode_call(&[sample()]).unwrap();
        assert_eq!(stamp(&mut frames, 7, 1_000_000, 8), 8);
        let hex: String = frames.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "31000000cb3f02bc0700000000000000\
             40420f00000000000800000000000000\
             01\
             010000006b\
             01000000010000006101000000\
             6276616c7565"
        );
    }

    #[test]
    fn a_record_of_countless_empty_headers_is_too_large() {
        let mut record = sample();
        record.headers = vec![("".into(), "".into()); FRAME_BYTES_MAX / 8];
        assert!(matches!(
            encode_call(&[record]),
            Err(AppendError::TooLarge { .. })
        ));
    }

    proptest! {
        #[test]
        fn a_frame_survives_and_no_flipped_bit_passes(
            key in ".{0,20}",
            headers in proptest::collection::vec((".{0,9}", ".{0,9}"), 0..4),
            value in proptest::collection::vec(any::<u8>(), 0..200),
            bit in any::<prop::sample::Index>(),
        ) {
            let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            let given = LogRecord { key, headers, value: value.into() };
            let mut frame = encode_call(std::slice::from_ref(&given)).unwrap();
            stamp(&mut frame, 3, -5, 99);
            let head = checked(&frame).unwrap();
            prop_assert_eq!((head.offset, head.appended_at_us, head.group_at), (3, -5, 99));
            prop_assert_eq!(record(&frame), Some(given));
            let bit = bit.index(frame.len() * 8);
            frame[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(checked(&frame), None);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = checked(&bytes);
            let _ = record(&bytes);
        }
    }
}
