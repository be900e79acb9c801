//! JSON from outside, bounded before it is parsed.

use event_model::{DeadLetterReason, plain_until};
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::document::{Document, Malformed, Outline};
use crate::mapping::projection::Projection;
use crate::pointer::Pointer;

/// Deepest nesting of arrays and objects that is taken.
pub const JSON_DEPTH_MAX: usize = 64;

/// The manifest finds no event in what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct NotMappable {
    /// Why, as a word for the dead letter.
    pub reason: DeadLetterReason,
    /// Why, in a sentence.
    pub detail: String,
}

impl NotMappable {
    pub(crate) fn because(reason: DeadLetterReason, detail: impl Into<String>) -> Self {
        NotMappable {
            reason,
            detail: detail.into(),
        }
    }
}

/// Parses bytes as a value. Duplicate keys are taken: the last counts.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, NotMappable> {
    bounded(bytes)?;
    serde_json::from_slice(bytes).map_err(|error| not_json(error.line(), error.column()))
}

/// Parses so much of a text as a projection wants, as [`value`] does.
pub(crate) fn projected<'t>(
    text: &'t str,
    projection: &'t Projection,
) -> Result<Document<'t>, NotMappable> {
    Document::parse(text, projection).map_err(|malformed| refused(text, malformed))
}

/// A text, one level of it, and the elements of one of its lists.
pub(crate) type Listing<'t> = (&'t str, Outline<'t>, Option<Vec<&'t str>>);

/// Reads one level of a body, and the elements of the list there when that is one level down.
pub(crate) fn outline<'t>(bytes: &'t [u8], list: &Pointer) -> Result<Listing<'t>, NotMappable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(bytes, error.valid_up_to());
        not_json(line, column)
    })?;
    let read = Outline::listing(text, list.only_key());
    let (outline, listed) = read.map_err(|malformed| refused(text, malformed))?;
    Ok((text, outline, listed))
}

/// Whatever else is wrong with it, what is nested too deep is called so.
fn refused(text: &str, Malformed(at): Malformed) -> NotMappable {
    let (line, column) = place(text.as_bytes(), at);
    let deep = bounded(text.as_bytes()).err();
    deep.unwrap_or_else(|| not_json(line, column))
}

/// Line and column of a byte, both from 1.
fn place(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = &bytes[..at.min(bytes.len())];
    let line = before.split(|byte| *byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n');
    (line, column.count() + 1)
}

/// Checks bytes and keeps them as they are.
pub(crate) fn raw(bytes: &[u8]) -> Result<&RawValue, NotMappable> {
    bounded(bytes)?;
    serde_json::from_slice(bytes).map_err(|error| not_json(error.line(), error.column()))
}

/// Nothing of the sender's text is repeated: it may hold anything.
fn not_json(line: usize, column: usize) -> NotMappable {
    let detail = format!("not JSON, at line {line}, column {column}");
    NotMappable::because(DeadLetterReason::NotJson, detail)
}

/// No recursion: counts brackets outside of strings.
fn bounded(bytes: &[u8]) -> Result<(), NotMappable> {
    // Most events have fewer brackets than there may be levels: counting them all is much faster.
    let opening = bytes.iter().filter(|byte| matches!(byte, b'{' | b'['));
    if opening.count() <= JSON_DEPTH_MAX {
        return Ok(());
    }
    let (mut depth, mut at) = (0usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth > JSON_DEPTH_MAX {
            let detail = format!("nested deeper than {JSON_DEPTH_MAX} levels");
            return Err(NotMappable::because(DeadLetterReason::TooDeep, detail));
        }
    }
    Ok(())
}

/// Where the quote stands that ends the text which begins here; the end where there is none.
fn end_of_text(bytes: &[u8], from: usize) -> usize {
    let mut at = plain_until(bytes, from);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
        at = plain_until(bytes, at);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded_and_brackets_in_strings_do_not_count() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let rows = [
            (nested(JSON_DEPTH_MAX), None),
            (nested(JSON_DEPTH_MAX + 1), Some(DeadLetterReason::TooDeep)),
            (nested(1_000_000), Some(DeadLetterReason::TooDeep)),
            (format!("\"{}\\\"[\"", "[".repeat(100)), None),
            ("{\"a\":1,\"a\":2}".into(), None),
            ("{".into(), Some(DeadLetterReason::NotJson)),
            (String::new(), Some(DeadLetterReason::NotJson)),
        ];
        for (text, reason) in rows {
            let parsed = value(text.as_bytes()).err().map(|error| error.reason);
            assert_eq!(parsed, reason, "{}", &text[..text.len().min(20)]);
        }
    }
}
