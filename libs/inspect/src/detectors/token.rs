//! Secrets that are one word: which bytes follow a prefix, and whether they look random.

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
    let mut seen = [false; 256];
    bytes
        .iter()
        .for_each(|byte| seen[usize::from(*byte)] = true);
    let distinct = seen.iter().filter(|seen| **seen).count();
    let longest_repeat = bytes
        .chunk_by(|a, b| a == b)
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0);
    distinct >= (bytes.len() / 3).clamp(4, 10) && longest_repeat <= 4
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
