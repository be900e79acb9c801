//! A record in bytes: key length (4), key, number of headers (4), each a name and a value with lengths
//! (4), and then the value, to the end.

use bytes::Bytes;
use ports::LogRecord;

use super::{length_of, u32_at};

/// Appends the record.
pub(super) fn write(record: &LogRecord, out: &mut Vec<u8>) {
    put(out, record.key.as_bytes());
    out.extend_from_slice(&length_of(record.headers.len()));
    for (name, value) in &record.headers {
        put(out, name.as_bytes());
        put(out, value.as_bytes());
    }
    out.extend_from_slice(&record.value);
}

fn put(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&length_of(part.len()));
    out.extend_from_slice(part);
}

/// Reads the record that these bytes are.
pub(super) fn read(bytes: &[u8]) -> Option<LogRecord> {
    let mut rest = bytes;
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
