//! What the words around a value say of it. The nearest phrase wins, phrases before the value count
//! more than phrases after it, and the name of the field that the value stands in beats them all.
//!
//! One automaton holds the phrases of every detector and reads each stretch of text at most once,
//! and only where a value is near, however many detectors ask.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use super::Detector;
use crate::Field;

/// Bytes looked at on each side, about 300 characters of most scripts.
pub(crate) const WINDOW_BYTES: usize = 300;
/// Bytes of text that are searched for phrases at once.
pub(crate) const BLOCK_BYTES: usize = 2_048;
/// No phrase is longer.
const PHRASE_BYTES_MAX: usize = 80;
/// Detectors that a set may hold.
pub(crate) const DETECTORS_MAX: usize = 512;
/// Phrases in one window that are weighed; the nearest to its start are left out beyond them.
const WEIGHED_MAX: usize = 64;
/// A phrase after the value counts as this many times further away, plus a fixed distance.
const AFTER_FACTOR: usize = 3;
const AFTER_PENALTY: usize = 20;
/// A line break between phrase and value counts as this many bytes.
const LINE_PENALTY: usize = 15;

/// What the surroundings of a value say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Silent,
    /// A phrase for it, this far away.
    For(usize),
    Against,
    /// The field that it stands in is named for it.
    Named,
}

/// A set of detectors, by index.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Detectors([u64; DETECTORS_MAX / 64]);

impl Detectors {
    fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub(crate) fn contains(&self, index: usize) -> bool {
        self.0[index / 64] & (1 << (index % 64)) != 0
    }

    fn extend(&mut self, other: &Self) {
        self.0
            .iter_mut()
            .zip(other.0)
            .for_each(|(word, more)| *word |= more);
    }
}

/// Whom a phrase speaks for, and whom against.
#[derive(Debug, Default)]
struct Meaning {
    for_them: Detectors,
    against: Detectors,
}

/// The phrases of all detectors.
#[derive(Debug)]
pub(crate) struct Phrases {
    searcher: Option<AhoCorasick>,
    meanings: Vec<Meaning>,
}

impl Phrases {
    pub(crate) fn of(detectors: &[&'static Detector]) -> Self {
        let mut index_of: HashMap<&str, usize> = HashMap::new();
        let mut texts: Vec<&str> = Vec::new();
        let mut meanings: Vec<Meaning> = Vec::new();
        for (detector, described) in detectors.iter().enumerate() {
            let positive = described.positive.iter().map(|phrase| (*phrase, true));
            let negative = described.negative.iter().map(|phrase| (*phrase, false));
            for (phrase, speaks_for) in positive.chain(negative) {
                let at = *index_of.entry(phrase).or_insert_with(|| {
                    texts.push(phrase);
                    meanings.push(Meaning::default());
                    texts.len() - 1
                });
                if speaks_for {
                    meanings[at].for_them.insert(detector);
                } else {
                    meanings[at].against.insert(detector);
                }
            }
        }
        let searcher = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(&texts)
            .ok()
            .filter(|_| !texts.is_empty());
        Self { searcher, meanings }
    }

    /// Phrases in `text` that stand alone, by where they end.
    fn find_in(&self, text: &str) -> Vec<Phrase> {
        let folded = if text.is_ascii() {
            None
        } else {
            Some(fold(text))
        };
        let folded = folded.as_deref().unwrap_or(text);
        self.searcher
            .iter()
            .flat_map(|searcher| searcher.find_overlapping_iter(folded))
            .filter(|found| stands_alone(folded, found.start(), found.end()))
            .map(|found| Phrase {
                start: found.start(),
                end: found.end(),
                index: found.pattern().as_usize(),
            })
            .collect()
    }
}

/// A phrase in the text.
#[derive(Clone, Copy, Debug)]
struct Phrase {
    start: usize,
    end: usize,
    index: usize,
}

/// The phrases of one text, found block by block as they are asked for.
pub(crate) struct Surroundings<'t> {
    phrases: &'t Phrases,
    text: &'t str,
    blocks: Vec<Option<Vec<Phrase>>>,
    names: HashMap<Arc<str>, Vec<Phrase>>,
    /// Bytes searched since the caller last asked.
    searched: usize,
}

/// What stands around one value.
pub(crate) struct Window<'f> {
    value: Range<usize>,
    field: Option<&'f Field>,
    near: Vec<Phrase>,
}

impl<'t> Surroundings<'t> {
    pub(crate) fn of(phrases: &'t Phrases, text: &'t str) -> Self {
        Self {
            phrases,
            text,
            blocks: vec![None; text.len() / BLOCK_BYTES + 1],
            names: HashMap::new(),
            searched: 0,
        }
    }

    /// Bytes searched since this was last asked.
    pub(crate) fn searched(&mut self) -> usize {
        std::mem::take(&mut self.searched)
    }

    /// The phrases around the value at `value`, which may stand in `field`.
    pub(crate) fn around<'f>(
        &mut self,
        value: Range<usize>,
        field: Option<&'f Field>,
    ) -> Window<'f> {
        let mut from = value.start.saturating_sub(WINDOW_BYTES);
        let mut to = self.text.len().min(value.end + WINDOW_BYTES);
        if let Some(field) = field
            && !self.names.contains_key(&field.name)
        {
            let found = self.phrases.find_in(&words_of(&field.name));
            self.names.insert(field.name.clone(), found);
        }
        // In a table of which the header is known, other rows say nothing of this one.
        if field.is_some_and(|field| field.cell.is_some()) {
            let bytes = self.text.as_bytes();
            from = memchr::memrchr(b'\n', &bytes[from..value.start]).map_or(from, |n| from + n);
            to = memchr::memchr(b'\n', &bytes[value.end..to]).map_or(to, |n| value.end + n);
        }
        let mut near = Vec::new();
        for block in from / BLOCK_BYTES..=to / BLOCK_BYTES {
            self.search(block);
            let found = self.blocks[block].as_deref().unwrap_or_default();
            let first = found.partition_point(|phrase| phrase.start < from);
            let inside = found[first..]
                .iter()
                .take_while(|phrase| phrase.start < to)
                .filter(|p| p.end <= value.start || (p.start >= value.end && p.end <= to));
            near.extend(inside.copied());
        }
        if near.len() > WEIGHED_MAX {
            near.sort_by_key(|p| value.start.abs_diff(p.end).min(p.start.abs_diff(value.end)));
            near.truncate(WEIGHED_MAX);
        }
        Window { value, field, near }
    }

    fn search(&mut self, block: usize) {
        if self.blocks[block].is_some() {
            return;
        }
        let start = self.text.ceil_char_boundary(block * BLOCK_BYTES);
        let next = self.text.ceil_char_boundary((block + 1) * BLOCK_BYTES);
        // What touches a phrase decides whether it stands alone.
        let from = self.text.floor_char_boundary(start.saturating_sub(1));
        let to = self
            .text
            .ceil_char_boundary(next.saturating_add(PHRASE_BYTES_MAX));
        let mut found = self.phrases.find_in(&self.text[from..to]);
        found.iter_mut().for_each(|phrase| {
            phrase.start += from;
            phrase.end += from;
        });
        found.retain(|phrase| (start..next).contains(&phrase.start));
        found.sort_by_key(|phrase| phrase.start);
        self.searched += to - from;
        self.blocks[block] = Some(found);
    }

    /// The detectors that any phrase of the window, or the field's name, speaks for.
    pub(crate) fn spoken_for(&self, window: &Window<'_>) -> Detectors {
        let mut all = Detectors::default();
        for phrase in window.near.iter().chain(self.named(window)) {
            all.extend(&self.phrases.meanings[phrase.index].for_them);
        }
        all
    }

    fn named(&self, window: &Window<'_>) -> &[Phrase] {
        let name = window.field.and_then(|field| self.names.get(&field.name));
        name.map_or(&[], Vec::as_slice)
    }

    /// Judges the value for one detector.
    pub(crate) fn judge(&self, window: &Window<'_>, detector: usize) -> Verdict {
        let named = self
            .speaking(self.named(window), detector)
            .max_by_key(|(speaks_for, phrase)| (phrase.end, *speaks_for));
        match named {
            Some((true, _)) => return Verdict::Named,
            Some((false, _)) => return Verdict::Against,
            None => {}
        }
        let nearest = self
            .speaking(&window.near, detector)
            .map(|(speaks_for, phrase)| (self.distance(phrase, &window.value), !speaks_for))
            .min();
        match nearest {
            Some((distance, false)) => Verdict::For(distance),
            Some((_, true)) => Verdict::Against,
            None => Verdict::Silent,
        }
    }

    fn speaking<'p>(
        &'p self,
        phrases: &'p [Phrase],
        detector: usize,
    ) -> impl Iterator<Item = (bool, &'p Phrase)> {
        phrases.iter().filter_map(move |phrase| {
            let meaning = &self.phrases.meanings[phrase.index];
            let speaks_for = meaning.for_them.contains(detector);
            (speaks_for || meaning.against.contains(detector)).then_some((speaks_for, phrase))
        })
    }

    fn distance(&self, phrase: &Phrase, value: &Range<usize>) -> usize {
        let before = phrase.end <= value.start;
        let between = if before {
            phrase.end..value.start
        } else {
            value.end..phrase.start
        };
        let between = &self.text.as_bytes()[between];
        let distance = between.len() + LINE_PENALTY * memchr::memchr_iter(b'\n', between).count();
        if before {
            distance
        } else {
            distance * AFTER_FACTOR + AFTER_PENALTY
        }
    }
}

/// Lower case that keeps every character's length, so that offsets stay valid.
fn fold(text: &str) -> String {
    text.chars()
        .map(|character| {
            let mut lower = character.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(low), None) if low.len_utf8() == character.len_utf8() => low,
                _ => character,
            }
        })
        .collect()
}

/// Whether no letter or digit touches the phrase; scripts without spaces are let through, and so
/// is an English plural.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if bytes[end - 1] >= 0x80 || bytes[start] >= 0x80 {
        return true;
    }
    let plural = bytes
        .get(end)
        .is_some_and(|b| b.eq_ignore_ascii_case(&b's'));
    let after = if plural { end + 1 } else { end };
    !word(start.checked_sub(1).map(|before| &bytes[before])) && !word(bytes.get(after))
}

/// A field's name as words: `cardNumber`, `card_number` and `CARD-NUMBER` all read `card number`.
fn words_of(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut lower_before = false;
    for character in name.chars() {
        if character.is_uppercase() && lower_before {
            words.push(' ');
        }
        lower_before = character.is_lowercase();
        words.push(if character.is_alphanumeric() {
            character
        } else {
            ' '
        });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fields_name_reads_as_words() {
        let rows = [
            ("cardNumber", "card Number"),
            ("card_number", "card number"),
            ("CARD-NO.", "CARD NO "),
            ("SSN", "SSN"),
        ];
        for (name, words) in rows {
            assert_eq!(words_of(name), words);
        }
    }

    #[test]
    fn no_phrase_is_longer_than_what_a_block_looks_ahead() {
        for detector in crate::detectors::built_in() {
            for phrase in detector.positive.iter().chain(detector.negative) {
                assert!((2..=PHRASE_BYTES_MAX).contains(&phrase.len()), "{phrase}");
                assert_eq!(fold(phrase), *phrase, "lower case");
            }
        }
    }
}
