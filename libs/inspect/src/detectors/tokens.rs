//! Keys and tokens of services that start with a prefix of their own: the prefix, the characters
//! that follow it, and how many.

use super::token::{is_random, stands_for_a_secret, starts_word};
use crate::detect::{Anchor, Candidate, Detector, Hit, Strength, Verify, starts_with};

pub(crate) mod applications;
pub(crate) mod commerce;
pub(crate) mod development;
pub(crate) mod intelligence;
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

pub(crate) fn alnum(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric()
}

pub(crate) fn hex(byte: &u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(byte)
}

pub(crate) fn upper(byte: &u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

pub(crate) fn lower(byte: &u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

pub(crate) fn url_safe(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(byte)
}

pub(crate) fn dotted(byte: &u8) -> bool {
    url_safe(byte) || *byte == b'.'
}

/// A prefix, then random characters, then nothing that could belong to them.
pub(crate) struct Token {
    /// Which bytes may follow the prefix.
    pub(crate) body: fn(&u8) -> bool,
    /// How many, at least and at most.
    pub(crate) chars: (usize, usize),
    /// What such a token is worth.
    pub(crate) strength: Strength,
}

impl Token {
    /// Prefixes within one long run of body characters look at it once together.
    pub(crate) fn verify(&self, candidate: &Candidate<'_>, anchor: Anchor) -> Option<Hit> {
        let Anchor::Words(prefixes) = anchor else {
            return None;
        };
        if !starts_word(candidate) {
            return None;
        }
        let bytes = candidate.bytes();
        let all = &bytes[candidate.at..];
        let prefix = prefixes
            .iter()
            .filter_map(|prefix| starts_with(all, prefix))
            .max()?;
        let from = candidate.at + prefix;
        let (end, _) = candidate.run_end(from, self.body);
        let (least, most) = self.chars;
        let length = end.max(from) - from;
        let ends = bytes
            .get(end)
            .is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let fits = (least..=most).contains(&length) && ends;
        let body = &bytes[from..from + length.min(most)];
        if !fits || !is_random(body) || !is_mixed(body) || stands_for_a_secret(body) {
            return None;
        }
        let value = candidate.text.get(candidate.at..end)?;
        Some(Hit {
            start: candidate.at,
            end,
            value: value.to_owned(),
            strength: self.strength,
            test_value: value.contains("_test_"),
        })
    }
}

/// Whether the body has a digit, or letters of either case: words have neither.
fn is_mixed(body: &[u8]) -> bool {
    let any = |kind: fn(&u8) -> bool| body.iter().any(kind);
    any(u8::is_ascii_digit) || (any(u8::is_ascii_lowercase) && any(u8::is_ascii_uppercase))
}
