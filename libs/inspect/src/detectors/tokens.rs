//! Keys and tokens of services that start with a prefix of their own: the prefix, the characters
//! that follow it, and how many.

use super::token::{is_random, length_of, starts_word};
use crate::detect::{Anchor, Candidate, Detector, Hit, Strength, Verify};

pub(crate) mod applications;
pub(crate) mod platforms;

/// Group of everything that opens a door.
pub(crate) const SECRET: &str = "secret";

const fn token(
    name: &'static str,
    title: &'static str,
    prefixes: &'static [&'static str],
    body: fn(&u8) -> bool,
    chars: (usize, usize),
) -> Detector {
    Detector {
        name,
        title,
        group: Some(SECRET),
        anchor: Anchor::Words(prefixes),
        reach: 96,
        positive: &[],
        negative: &[],
        verify: Verify::Token {
            body,
            chars,
            strength: Strength::Certain,
        },
    }
}

fn alnum(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn hex(byte: &u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(byte)
}

fn upper(byte: &u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn lower(byte: &u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn url_safe(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(byte)
}

fn dotted(byte: &u8) -> bool {
    url_safe(byte) || *byte == b'.'
}

/// A prefix, then random characters, then nothing that could belong to them.
pub(crate) fn verify(
    candidate: &Candidate<'_>,
    anchor: Anchor,
    body: fn(&u8) -> bool,
    (least, most): (usize, usize),
    strength: Strength,
) -> Option<Hit> {
    let Anchor::Words(prefixes) = anchor else {
        return None;
    };
    let all = candidate.ahead(most + 64);
    let prefix = prefixes
        .iter()
        .filter(|prefix| all.starts_with(prefix.as_bytes()))
        .map(|prefix| prefix.len())
        .max()?;
    let rest = &all[prefix..];
    let length = length_of(rest, body);
    let fits = (least..=most).contains(&length) && starts_word(candidate);
    let ends = rest
        .get(length)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric());
    if !fits || !ends || !is_random(&rest[..length]) {
        return None;
    }
    let value = candidate
        .text
        .get(candidate.at..candidate.at + prefix + length)?;
    Some(Hit {
        start: candidate.at,
        end: candidate.at + value.len(),
        value: value.to_owned(),
        strength,
        test_value: value.contains("_test_"),
    })
}
