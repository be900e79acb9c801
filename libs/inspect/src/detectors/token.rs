//! Secrets that are one word: which bytes follow a prefix, and whether they look random.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::detect::{Candidate, Hit, Strength};

/// Whether the byte belongs to base 64, in either alphabet.
pub(crate) fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(byte)
}

/// Whether the anchor starts a word: what stands before is neither letter, digit nor joiner.
pub(crate) fn starts_word(candidate: &Candidate<'_>) -> bool {
    let before = candidate.before();
    !(before.is_ascii_alphanumeric() || before == b'_')
}

/// Whether `bytes` hold enough different characters to be random rather than a placeholder.
pub(crate) fn is_random(bytes: &[u8]) -> bool {
    let enough = (bytes.len() / 3).clamp(4, 10);
    distinct_at_least(bytes, enough) && longest_repeat(bytes) <= 4
}

pub(crate) fn distinct_at_least(bytes: &[u8], enough: usize) -> bool {
    let mut seen = [0u64; 4];
    let mut distinct = 0;
    for byte in bytes {
        let (word, bit) = (usize::from(byte / 64), 1 << (byte % 64));
        distinct += usize::from(seen[word] & bit == 0);
        seen[word] |= bit;
        if distinct >= enough {
            return true;
        }
    }
    false
}

fn longest_repeat(bytes: &[u8]) -> usize {
    bytes
        .chunk_by(|a, b| a == b)
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0)
}

/// Whether the value is a placeholder, a variable, or a sequence: whatever stands there in place of
/// a secret.
pub(crate) fn stands_for_a_secret(value: &[u8]) -> bool {
    const ANYWHERE: [&str; 40] = [
        "example",
        "changeme",
        "change_me",
        "change-me",
        "your_",
        "your-",
        "yourapi",
        "yourkey",
        "yoursecret",
        "yourtoken",
        "yourpass",
        "placeholder",
        "dummy",
        "sample",
        "redacted",
        "xxxx",
        "****",
        "....",
        "insert",
        "replace",
        "todo",
        "fixme",
        "undefined",
        "${",
        "{{",
        "$(",
        "%(",
        "#{",
        "process.env",
        "environ",
        "getenv",
        "foobar",
        "abcdefghijkl",
        "0123456789abcdef",
        "1234567890abc",
        "mysecret",
        "my_secret",
        "my-secret",
        "notreal",
        "fakefake",
    ];
    const WHOLE: [&str; 16] = [
        "null", "none", "true", "false", "nil", "password", "passwd", "secret", "token", "pass",
        "string", "required", "optional", "hidden", "empty", "apikey",
    ];
    static WORDS: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(ANYWHERE)
            .ok()
    });
    let bracketed = matches!(
        (value.first(), value.last()),
        (Some(b'<'), Some(b'>')) | (Some(b'%'), Some(b'%')) | (Some(b'['), Some(b']'))
    );
    bracketed
        || WHOLE
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
        || words.as_ref().is_some_and(|words| words.is_match(value))
}

/// Whether the value is a UUID, which names more often than it opens.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The bytes that base 64 stands for, in either alphabet, up to the first character of neither.
pub(crate) fn from_base64(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0);
    for character in text {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xFF) as u8);
        }
    }
    bytes
}

/// How many of the first bytes satisfy `allowed`.
pub(crate) fn length_of(bytes: &[u8], allowed: fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| allowed(byte)).count()
}

/// A hit over `length` bytes from the anchor.
pub(crate) fn hit(candidate: &Candidate<'_>, length: usize, strength: Strength) -> Option<Hit> {
    let (start, end) = (candidate.at, candidate.at + length);
    let value = candidate.text.get(start..end)?.to_owned();
    Some(Hit {
        start,
        end,
        value,
        strength,
        test_value: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_secret_is_told_from_one() {
        let rows = [
            ("your_api_key", true),
            ("<token>", true),
            ("${DB_PASSWORD}", true),
            ("{{ secret }}", true),
            ("AKIAIOSFODNN7EXAMPLE", true),
            ("changeme123", true),
            ("abcdefghijklmnop", true),
            ("password", true),
            ("hunter2hunter", false),
            ("q4FBfFTdimyPGNcPyMZQz5OW", false),
        ];
        for (value, stands) in rows {
            assert_eq!(stands_for_a_secret(value.as_bytes()), stands, "{value}");
        }
    }

    #[test]
    fn base_64_is_read_in_either_alphabet() {
        let rows: [(&str, &[u8]); 5] = [
            ("dXNlcjpwYXNz", b"user:pass"),
            ("dXNlcjpwYXNzdw==", b"user:passw"),
            ("-_-_", &[0xFB, 0xFF, 0xBF]),
            ("+/+/", &[0xFB, 0xFF, 0xBF]),
            ("", b""),
        ];
        for (text, bytes) in rows {
            assert_eq!(from_base64(text.as_bytes()), bytes, "{text}");
        }
    }
}
