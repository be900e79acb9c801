//! JSON, strictly: no trailing comma, no key twice, no comment, no text that is not UTF-8. What it
//! reads keeps numbers as they are written, and knows where everything stood. Depth is bounded, so
//! that reading never overflows the stack.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::reader::Reader;

/// A document that is not what it must be, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {what}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// Characters of the line, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub what: String,
}

impl Malformed {
    /// A mistake at a byte of the text; whatever is not UTF-8 before it counts by byte.
    pub(crate) fn at(text: &[u8], offset: usize, what: impl Into<String>) -> Self {
        let before = &text[..offset.min(text.len())];
        let line_start = memrchr_newline(before).map_or(0, |newline| newline + 1);
        Malformed {
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: String::from_utf8_lossy(&before[line_start..])
                .chars()
                .count()
                + 1,
            what: what.into(),
        }
    }
}

fn memrchr_newline(text: &[u8]) -> Option<usize> {
    text.iter().rposition(|byte| *byte == b'\n')
}

/// Members of an object. A `BTreeMap` of UTF-8 keys is in the order of code points.
pub(crate) type Members = BTreeMap<String, Member>;

/// A value of an object, and where its key stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) key_at: usize,
    pub(crate) node: Node,
}

/// A value and the byte where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Members),
}

impl Value {
    /// What it is, for a sentence.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// Reads one document.
///
/// # Errors
/// At the first byte that is not what JSON has there.
pub(crate) fn read(bytes: &[u8]) -> Result<Node, Malformed> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let begins = usize::from(bytes.starts_with(BYTE_ORDER_MARK)) * BYTE_ORDER_MARK.len();
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Malformed::at(bytes, error.valid_up_to(), "this is not UTF-8"))?;
    let mut reader = Reader::new(text, begins);
    let read = reader.document();
    read.map_err(|mistake| Malformed::at(&bytes[begins..], mistake.at - begins, mistake.what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match read(text.as_bytes()) {
            Ok(_) => "read".to_owned(),
            Err(malformed) => malformed.to_string(),
        }
    }

    #[test]
    fn json_is_taken_strictly_and_a_mistake_has_its_place() {
        let rows = [
            ("{}", "read"),
            (
                " \r\n\t[1, -0.5e+3, \"a\\u00e9\\ud83d\\ude00\", true, null] ",
                "read",
            ),
            ("\u{feff}{\"a\": 1}", "read"),
            ("", "line 1, column 1: a value is missing"),
            (
                "{\"a\": 1,}",
                "line 1, column 9: a key in quotes is missing",
            ),
            ("[1, ]", "line 1, column 5: a value is missing"),
            (
                "{\"a\": 1 \"b\": 2}",
                "line 1, column 9: `,` or `}` is missing",
            ),
            ("[1 2]", "line 1, column 4: `,` or `]` is missing"),
            ("{\"a\" 1}", "line 1, column 6: `:` is missing"),
            (
                "{\"é\": 1,\n \"a\": 2, \"\\u0061\": 3}",
                "line 2, column 10: the key `a` stands here a second time",
            ),
            ("{} {}", "line 1, column 4: nothing may follow the value"),
            (
                "\"a\": {}",
                "line 1, column 4: nothing may follow the value: is `{` missing at the beginning?",
            ),
            ("// no\n{}", "line 1, column 1: a value is missing"),
            ("[01]", "line 1, column 3: `,` or `]` is missing"),
            ("[1.]", "line 1, column 4: a digit is missing"),
            ("[.5]", "line 1, column 2: a value is missing"),
            ("[+1]", "line 1, column 2: a value is missing"),
            ("[NaN]", "line 1, column 2: a value is missing"),
            ("[tru]", "line 1, column 2: a value is missing"),
            ("'a'", "line 1, column 1: a value is missing"),
            ("\"a", "line 1, column 3: the text has no end"),
            (
                "\"a\nb\"",
                "line 1, column 3: a control character must be escaped",
            ),
            ("\"\\x\"", "line 1, column 3: there is no such escape"),
            (
                "\"\\u12g4\"",
                "line 1, column 4: four hexadecimal digits are missing",
            ),
            (
                "\"\\ud800\"",
                "line 1, column 2: half of a pair of surrogates is missing",
            ),
            (
                "\"\\ude00\"",
                "line 1, column 2: half of a pair of surrogates is missing",
            ),
            (
                "\"\\ud800\\u0041\"",
                "line 1, column 2: half of a pair of surrogates is missing",
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(said(text), expected, "{text:?}");
        }
        let latin = read(b"{\"caf\xe9\": 1}").unwrap_err();
        assert_eq!(latin.to_string(), "line 1, column 6: this is not UTF-8");
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(said(&nested(32)), "read");
        assert_eq!(
            said(&nested(33)),
            "line 1, column 33: more than 32 values within each other"
        );
        assert!(said(&"[".repeat(1_000_000)).starts_with("line 1, column 33"));
    }
}
