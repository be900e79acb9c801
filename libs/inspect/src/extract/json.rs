//! Text out of JSON: one value, or one a line. Each string and number becomes a line of the text,
//! with its escapes resolved and the key before it, and is a [`Field`] named by its path, for the
//! names around a value are the best context there is. One pass without recursion; where the text
//! stops being JSON the rest is read as it stands.

use std::sync::Arc;

use super::charset;
use super::harvest::Harvest;
use crate::{Field, Place};

/// Values that carry their path; the text of later ones is kept without.
const FIELDS_MAX: usize = 1 << 18;
/// Names of a path that are told, the innermost ones, and characters of one name.
const PATH_NAMES_MAX: usize = 3;
/// Objects and lists around a value in which its names are looked for.
const PATH_SEARCHED_MAX: usize = 32;
const NAME_CHARS_MAX: usize = 80;
/// Objects and lists within each other whose names are followed.
const NESTED_MAX: usize = 10_000;

/// Whether text that begins with `head` is JSON; `expected` is for names that promise it.
pub(crate) fn is_json(head: &str, expected: bool) -> bool {
    let start = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let inner = start.get(1..).unwrap_or_default().trim_start();
    let begins_value = |text: &str| {
        text.starts_with(['{', '[', '"', '-', ']', '}'])
            || text.starts_with(|c: char| c.is_ascii_digit())
            || ["true", "false", "null"]
                .iter()
                .any(|word| text.starts_with(word))
    };
    match start.as_bytes().first() {
        Some(b'{') => inner.starts_with('}') || key_follows(inner),
        // Brackets begin much that is not JSON: a list of objects, or a name that promises it.
        Some(b'[') if expected => begins_value(inner),
        Some(b'[') => inner.starts_with('{') && key_follows(inner[1..].trim_start()),
        _ => expected && begins_value(start),
    }
}

fn key_follows(text: &str) -> bool {
    let Some(key) = text.strip_prefix('"') else {
        return false;
    };
    let bytes = key.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return key[at + 1..].trim_start().starts_with(':'),
            b'\n' => return false,
            _ => at += 1,
        }
    }
    false
}

pub(crate) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place) {
    let source = charset::decode(bytes, None);
    let mut reading = Reading::new(&source, harvest.text_bytes_left());
    reading.run();
    let Reading { text, fields, .. } = reading;
    harvest.push_fields(place.clone(), text, fields);
}

/// An open object or list.
struct Open {
    /// The key whose value is being read; none in a list.
    key: Option<Arc<str>>,
    is_object: bool,
}

struct Reading<'s> {
    source: &'s str,
    at: usize,
    text_bytes_max: usize,
    text: String,
    fields: Vec<Field>,
    open: Vec<Open>,
    /// The path of the value that comes next, while it stays the same.
    path: Option<Arc<str>>,
}

impl<'s> Reading<'s> {
    fn new(source: &'s str, text_bytes_max: usize) -> Self {
        Self {
            source,
            at: 0,
            text_bytes_max,
            text: String::new(),
            fields: Vec::new(),
            open: Vec::new(),
            path: None,
        }
    }

    fn run(&mut self) {
        while self.text.len() <= self.text_bytes_max {
            self.skip_blank();
            let Some(byte) = self.source.as_bytes().get(self.at).copied() else {
                return;
            };
            let goes_on = match byte {
                b'{' | b'[' => self.enter(byte == b'{'),
                b'}' | b']' => {
                    self.open.pop();
                    self.path = None;
                    self.at += 1;
                    true
                }
                b',' | b':' => {
                    self.at += 1;
                    true
                }
                b'"' => self.string(),
                _ => self.bare(),
            };
            if !goes_on {
                return self.rest();
            }
        }
    }

    fn skip_blank(&mut self) {
        let rest = &self.source.as_bytes()[self.at..];
        let blank = rest.iter().position(|byte| !byte.is_ascii_whitespace());
        self.at += blank.unwrap_or(rest.len());
    }

    fn enter(&mut self, is_object: bool) -> bool {
        self.at += 1;
        self.path = None;
        self.open.push(Open {
            key: None,
            is_object,
        });
        self.open.len() <= NESTED_MAX
    }

    /// A key or a value in quotes; false when the quote is not closed.
    fn string(&mut self) -> bool {
        let bytes = &self.source.as_bytes()[self.at + 1..];
        let mut end = 0;
        loop {
            match memchr::memchr2(b'"', b'\\', &bytes[end.min(bytes.len())..]) {
                Some(step) if bytes[end + step] == b'\\' => end += step + 2,
                Some(step) => break end += step,
                None => return false,
            }
        }
        let raw = &self.source[self.at + 1..self.at + 1 + end];
        self.at += end + 2;
        if self.is_key() {
            let mut key = String::new();
            unescape(raw, &mut key);
            self.text.push_str(&format!("\"{key}\": "));
            let key: String = key.chars().take(NAME_CHARS_MAX).collect();
            if let Some(open) = self.open.last_mut() {
                open.key = Some(key.into());
            }
            self.path = None;
        } else {
            self.text.push('"');
            let start = self.text.len();
            unescape(raw, &mut self.text);
            self.name(start);
            self.text.push_str("\"\n");
        }
        true
    }

    /// Whether the string that ends here is followed by a colon, in an object.
    fn is_key(&mut self) -> bool {
        let in_object = self.open.last().is_some_and(|open| open.is_object);
        if in_object {
            self.skip_blank();
        }
        in_object && self.source.as_bytes().get(self.at) == Some(&b':')
    }

    /// A number or a word; false when it is neither.
    fn bare(&mut self) -> bool {
        let rest = &self.source[self.at..];
        let end = rest
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        let is_number = word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if end == 0 || !(is_number || ["true", "false", "null", "NaN"].contains(&word)) {
            return false;
        }
        let start = self.text.len();
        self.text.push_str(word);
        self.name(start);
        self.text.push('\n');
        self.at += end;
        true
    }

    /// Gives the text from `start` on its path.
    fn name(&mut self, start: usize) {
        if self.fields.len() >= FIELDS_MAX || start == self.text.len() {
            return;
        }
        let path = self.path.get_or_insert_with(|| path_of(&self.open)).clone();
        let end = self.text.len();
        self.fields.push(Field {
            start,
            end,
            name: path,
            cell: None,
        });
    }

    /// What is left is not JSON.
    fn rest(&mut self) {
        self.text.push_str(&self.source[self.at..]);
    }
}

fn path_of(open: &[Open]) -> Arc<str> {
    let near = open.iter().rev().take(PATH_SEARCHED_MAX);
    let names = near.filter_map(|open| open.key.as_deref());
    let mut names: Vec<&str> = names.take(PATH_NAMES_MAX).collect();
    names.reverse();
    names.join(".").into()
}

/// Appends what `raw` stands for; an escape that stands for nothing is kept as it is.
fn unescape(raw: &str, text: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(escape) = rest.chars().next() else {
            return text.push('\\');
        };
        rest = &rest[escape.len_utf8()..];
        match escape {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' | 'b' | 'f' => text.push(' '),
            'u' => rest = unescape_unit(rest, text),
            other => text.push(other),
        }
    }
    text.push_str(rest);
}

/// Appends the character of the four hexadecimal digits that `rest` starts with, or of the two
/// halves of one, and answers what follows.
fn unescape_unit<'s>(rest: &'s str, text: &mut String) -> &'s str {
    let unit = |from: &str| u16::from_str_radix(from.get(..4)?, 16).ok();
    let Some(first) = unit(rest) else {
        text.push_str("\\u");
        return rest;
    };
    let after = &rest[4..];
    let second = after.strip_prefix("\\u").and_then(unit);
    let pair = second.and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    match pair {
        Some(character) if u32::from(character) > 0xFFFF => {
            text.push(character);
            &after[6..]
        }
        _ => {
            text.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
            after
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> (String, Vec<(String, String)>) {
        let mut reading = Reading::new(source, 1 << 20);
        reading.run();
        let named = reading.fields.iter().map(|field| {
            (
                field.name.to_string(),
                reading.text[field.start..field.end].to_owned(),
            )
        });
        let named = named.collect();
        (reading.text, named)
    }

    #[test]
    fn every_value_is_named_by_its_path() {
        let (_, named) = read(r#"{"a": {"card": ["41\u00e911", {"no": 5}]}, "b": "x\ny"}"#);
        let pairs: Vec<(&str, &str)> = named
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("a.card", "41é11"), ("a.card.no", "5"), ("b", "x\ny")]
        );
    }

    #[test]
    fn what_is_not_json_is_read_as_it_stands() {
        let rows = [
            ("{\"a\": oops 4111", "\"a\": oops 4111"),
            ("{\"a\": \"never closed", "\"a\": \"never closed"),
            ("[1, 2", "1\n2\n"),
            ("{\"a\":1}\n{\"b\":2}\n", "\"a\": 1\n\"b\": 2\n"),
            (
                "\"\\ud83d\\ude00 \\ud83d \\u12\"",
                "\"😀 \u{FFFD} \\u12\"\n",
            ),
            ("]]}}1", "1\n"),
        ];
        for (source, text) in rows {
            assert_eq!(read(source).0, text, "{source}");
        }
    }
}
