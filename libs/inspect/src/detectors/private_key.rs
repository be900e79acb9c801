//! Private keys in their text forms.

use memchr::memmem;

use super::token::{is_base64, is_random};
use crate::detect::{Anchor, Candidate, Detector, Hit, Strength, Verify};

/// Bytes of a key that are looked at: its headers and the start of its body.
const KEY_BYTES_MAX: usize = 2_048;
/// Characters of the body that make a key, and that tell it from others.
const BODY_CHARS_MIN: usize = 40;
const BODY_CHARS_KEPT: usize = 64;
/// Headers that a block may have before its body.
const HEADERS_MAX: usize = 16;

pub(crate) static PRIVATE_KEY: Detector = Detector {
    name: "private-key",
    title: "Private key",
    group: None,
    anchor: Anchor::Words(&["BEGIN ", "PuTTY-User-Key-File-"]),
    reach: KEY_BYTES_MAX,
    positive: &[],
    negative: &["example", "sample", "public key"],
    verify: Verify::At(private_key),
};

fn private_key(candidate: &Candidate<'_>) -> Option<Hit> {
    let putty = candidate.ahead(5) == b"PuTTY";
    let dashes = if putty { 0 } else { dashes_before(candidate)? };
    let start = candidate.at - dashes;
    let ahead = Candidate {
        at: start,
        ..*candidate
    }
    .ahead(KEY_BYTES_MAX);
    let (body_from, encrypted) = if putty {
        putty_body(ahead)?
    } else {
        pem_body(&ahead[dashes..]).map(|(from, encrypted)| (dashes + from, encrypted))?
    };
    let (value, end) = body(&ahead[body_from..])?;
    let strength = if encrypted {
        Strength::Plain
    } else {
        Strength::Certain
    };
    Some(Hit {
        start,
        end: start + body_from + end,
        value,
        strength,
        test_value: false,
    })
}

/// Dashes, and perhaps a space, right before the anchor.
fn dashes_before(candidate: &Candidate<'_>) -> Option<usize> {
    let before = &candidate.bytes()[..candidate.at];
    let space = usize::from(before.ends_with(b" "));
    let dashes = before[..before.len() - space].iter().rev();
    let dashes = dashes.take(5).take_while(|byte| **byte == b'-').count();
    (dashes >= 4).then_some(dashes + space)
}

/// Where the body of a PEM or PGP block starts, seen from its `BEGIN`, and whether it is encrypted.
fn pem_body(ahead: &[u8]) -> Option<(usize, bool)> {
    const LABEL_BYTES_MAX: usize = 80;
    let first = &ahead[..ahead.len().min(LABEL_BYTES_MAX)];
    let label_end = memmem::find(first, b"----")?;
    let label = &first[..label_end];
    memmem::find(label, b"PRIVATE KEY")?;
    let dashes = first[label_end..]
        .iter()
        .take_while(|b| **b == b'-')
        .count();
    let mut at = label_end + dashes;
    let mut encrypted = memmem::find(label, b"ENCRYPTED").is_some();
    // Headers such as `Proc-Type: 4,ENCRYPTED` and `Version: …` have a colon; a body never has.
    for _ in 0..=HEADERS_MAX {
        at += skip_space(&ahead[at..]);
        let line = &ahead[at..];
        let line = &line[..memchr::memchr2(b'\n', b'\\', line).unwrap_or(line.len())];
        if memchr::memchr(b':', line).is_none() {
            return Some((at, encrypted));
        }
        encrypted |= memmem::find(line, b"ENCRYPTED").is_some();
        at += line.len();
    }
    None
}

fn putty_body(ahead: &[u8]) -> Option<(usize, bool)> {
    let lines = memmem::find(ahead, b"Private-Lines:")? + b"Private-Lines:".len();
    let count = ahead[lines..]
        .iter()
        .take_while(|b| **b == b' ' || b.is_ascii_digit())
        .count();
    let encrypted = memmem::find(&ahead[..lines], b"Encryption: none").is_none();
    Some((lines + count, encrypted))
}

/// The first characters of the body, without line breaks in any spelling, and where they end.
fn body(bytes: &[u8]) -> Option<(String, usize)> {
    let mut value = String::with_capacity(BODY_CHARS_KEPT);
    let mut at = 0;
    while value.len() < BODY_CHARS_KEPT {
        at += skip_space(&bytes[at..]);
        match bytes.get(at) {
            Some(byte) if is_base64(byte) && *byte != b'-' => value.push(char::from(*byte)),
            _ => break,
        }
        at += 1;
    }
    (value.len() >= BODY_CHARS_MIN && is_random(value.as_bytes())).then_some((value, at))
}

/// Bytes of white space, of line breaks as JSON and code spell them, and of quotes and joiners
/// that code puts between lines.
fn skip_space(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match bytes[at..] {
            [b'\\', b'n' | b'r' | b't', ..] => at += 2,
            [b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'', ..] => at += 1,
            _ => return at,
        }
    }
}
