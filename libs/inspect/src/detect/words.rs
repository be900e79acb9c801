//! Where the words that start secrets stand. They are looked up where a word begins, by its first
//! three bytes in a table that fits the fastest cache: what this costs does not grow with the number
//! of words.

use std::collections::BTreeMap;

use super::blocks::{BLOCK, places, words_at};
use super::{Anchor, Detector};

/// Bytes of a word that the table knows.
const HEAD_BYTES: usize = 3;
const HEAD_BITS: u32 = 16;

#[derive(Debug)]
pub(crate) struct Words {
    /// One bit for each value of the heads' hash.
    filter: Vec<u64>,
    /// Heads, ascending, each with its words, longest first.
    heads: Vec<(u32, Vec<Word>)>,
}

#[derive(Debug)]
struct Word {
    text: String,
    /// The detectors that start here.
    owners: Vec<usize>,
}

impl Words {
    pub(crate) fn of(detectors: &[&'static Detector]) -> Self {
        let mut owners: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, detector) in detectors.iter().enumerate() {
            if let Anchor::Words(words) = detector.anchor {
                for text in words.iter().flat_map(|word| spelled(word)) {
                    owners.entry(text).or_default().push(index);
                }
            }
        }
        let mut heads: BTreeMap<u32, Vec<Word>> = BTreeMap::new();
        let mut filter = vec![0u64; 1 << (HEAD_BITS - 6)];
        for (text, owners) in owners {
            let head = head_at(text.as_bytes(), 0).expect("a word has three bytes");
            let slot = slot(head);
            filter[slot / 64] |= 1 << (slot % 64);
            heads.entry(head).or_default().push(Word { text, owners });
        }
        let mut heads: Vec<(u32, Vec<Word>)> = heads.into_iter().collect();
        for (_, words) in &mut heads {
            words.sort_by_key(|word| std::cmp::Reverse(word.text.len()));
        }
        Self { filter, heads }
    }

    /// Calls `at` with every detector and place where one of its words starts. Of several words
    /// that start at one place the longest counts.
    pub(crate) fn each(&self, bytes: &[u8], mut at: impl FnMut(usize, usize)) {
        let mut word_before = 0;
        for base in (0..bytes.len()).step_by(BLOCK) {
            let words = words_at(bytes, base);
            let starts = words & !(words << 1 | word_before);
            word_before = words >> (BLOCK - 1);
            for place in places(starts) {
                if let Some(word) = self.at(bytes, base + place) {
                    word.owners
                        .iter()
                        .for_each(|owner| at(*owner, base + place));
                }
            }
        }
    }

    fn at(&self, bytes: &[u8], start: usize) -> Option<&Word> {
        let head = head_at(bytes, start)?;
        let slot = slot(head);
        if self.filter[slot / 64] & 1 << (slot % 64) == 0 {
            return None;
        }
        let known = self.heads.binary_search_by_key(&head, |(head, _)| *head);
        let rest = &bytes[start..];
        self.heads[known.ok()?]
            .1
            .iter()
            .find(|word| rest.starts_with(word.text.as_bytes()))
    }
}

/// All texts that a word stands for.
pub(crate) fn spelled(word: &str) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut rest = word.as_bytes();
    while let Some((set, after)) = first_set(rest) {
        texts = texts
            .iter()
            .flat_map(|text| {
                set.iter()
                    .map(move |byte| format!("{text}{}", char::from(*byte)))
            })
            .collect();
        rest = after;
    }
    texts
}

/// How many bytes of `text` the word stands for, when they start it.
pub(crate) fn starts_with(text: &[u8], word: &str) -> Option<usize> {
    let mut rest = word.as_bytes();
    let mut length = 0;
    while let Some(first) = rest.first() {
        let here = text.get(length)?;
        if *first == b'[' {
            let (set, after) = first_set(rest)?;
            set.contains(here).then_some(())?;
            rest = after;
        } else {
            (first == here).then_some(())?;
            rest = &rest[1..];
        }
        length += 1;
    }
    Some(length)
}

/// The characters that the first of the word may be, and what follows it.
fn first_set(word: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (first, rest) = word.split_first()?;
    let close = rest.iter().position(|byte| *byte == b']');
    let Some(close) = close.filter(|_| *first == b'[') else {
        return Some((vec![*first], rest));
    };
    let mut set = Vec::new();
    let mut inside = &rest[..close];
    while let Some((from, after)) = inside.split_first() {
        inside = after;
        match after {
            [b'-', to, after @ ..] => {
                set.extend(*from..=*to);
                inside = after;
            }
            _ => set.push(*from),
        }
    }
    Some((set, &rest[close + 1..]))
}

fn head_at(bytes: &[u8], start: usize) -> Option<u32> {
    let [a, b, c] = *bytes.get(start..)?.first_chunk::<HEAD_BYTES>()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

fn slot(head: u32) -> usize {
    (head.wrapping_mul(0x9E37_79B1) >> (32 - HEAD_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_characters_are_spelled_out() {
        assert_eq!(spelled("a[0-2x]"), ["a0", "a1", "a2", "ax"]);
        assert_eq!(starts_with(b"a2b", "a[0-2x]b"), Some(3));
        assert_eq!(starts_with(b"a3b", "a[0-2x]b"), None);
        assert_eq!(starts_with(b"a", "a[0-2x]b"), None);
    }

    #[test]
    fn every_word_of_every_detector_is_found_where_a_word_begins() {
        let detectors = crate::detectors::built_in();
        let words = Words::of(&detectors);
        for detector in &detectors {
            let Anchor::Words(texts) = detector.anchor else {
                continue;
            };
            for text in texts.iter().flat_map(|text| spelled(text)) {
                assert_eq!(
                    starts_with(format!("{text}x").as_bytes(), &text),
                    Some(text.len())
                );
                assert!(text.as_bytes()[0].is_ascii_alphanumeric(), "{text}");
                for before in ["", "=", "'é ", &"-".repeat(62)] {
                    let mut found = false;
                    words.each(format!("{before}{text}").as_bytes(), |owner, at| {
                        found |= detectors[owner].name == detector.name && at == before.len();
                    });
                    assert!(found, "{text} after {before:?}");
                }
            }
        }
    }
}
