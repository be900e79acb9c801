//! What the words around a value say of it. The nearest phrase wins, phrases before the value count
//! more than phrases after it, and the name of the field that the value stands in beats them all.
//!
//! Text is searched for phrases only where a value is near, each stretch at most once however many
//! detectors ask, and the phrases around a value are looked at from the nearest on, no further than
//! the question needs.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::lexicon::{Lexicon, Phrase, fold};
use crate::Field;

/// Bytes looked at on each side, about 300 characters of most scripts.
pub(crate) const WINDOW_BYTES: usize = 300;
/// Bytes of text that are searched for phrases at once.
pub(crate) const BLOCK_BYTES: usize = 1_024;
/// No phrase is longer.
pub(crate) const PHRASE_BYTES_MAX: usize = 80;
/// Detectors that a set may hold.
pub(crate) const DETECTORS_MAX: usize = 512;
/// Phrases around one value that are weighed, from the nearest on.
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

    pub(crate) fn extend(&mut self, other: &Self) {
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

impl Meaning {
    /// Whether it speaks for the detector; `None` when it says nothing of it.
    fn of(&self, detector: usize) -> Option<bool> {
        let speaks_for = self.for_them.contains(detector);
        (speaks_for || self.against.contains(detector)).then_some(speaks_for)
    }
}

/// The phrases of all detectors.
#[derive(Debug)]
pub(crate) struct Phrases {
    lexicon: Lexicon,
    meanings: Vec<Meaning>,
    /// Detectors that have phrases.
    listening: Detectors,
}

impl Phrases {
    /// The phrases of detectors by index: those that speak for it, and those against.
    pub(crate) fn of<'p, S: AsRef<str> + 'p>(
        detectors: impl IntoIterator<Item = (&'p [S], &'p [S])>,
    ) -> Self {
        let mut index_of: HashMap<String, usize> = HashMap::new();
        let mut meanings: Vec<Meaning> = Vec::new();
        let mut listening = Detectors::default();
        for (detector, (positive, negative)) in detectors.into_iter().enumerate() {
            let positive = positive.iter().map(|phrase| (phrase, true));
            let negative = negative.iter().map(|phrase| (phrase, false));
            for (phrase, speaks_for) in positive.chain(negative) {
                let next = index_of.len();
                let at = *index_of.entry(fold(phrase.as_ref())).or_insert(next);
                if at == next {
                    meanings.push(Meaning::default());
                }
                listening.insert(detector);
                if speaks_for {
                    meanings[at].for_them.insert(detector);
                } else {
                    meanings[at].against.insert(detector);
                }
            }
        }
        let mut texts: Vec<(&String, &usize)> = index_of.iter().collect();
        texts.sort_by_key(|(_, index)| **index);
        Self {
            lexicon: Lexicon::of(texts.into_iter().map(|(text, _)| text.as_str())),
            meanings,
            listening,
        }
    }

    /// The phrases of a field's name, in order.
    fn in_name(&self, name: &str) -> Vec<usize> {
        let words = words_of(name);
        let mut found = Vec::new();
        self.lexicon
            .each(&words, 0, words.len(), |phrase| found.push(phrase));
        found.sort_unstable_by_key(|phrase| phrase.end);
        found.into_iter().map(|phrase| phrase.index).collect()
    }
}

/// The phrases of one stretch of text.
#[derive(Debug, Default)]
struct Block {
    /// Those that start in it, ascending.
    by_start: Vec<Phrase>,
    /// Those whose last byte is in it, ascending by their ends.
    by_end: Vec<Phrase>,
    /// The detectors that any of them says something of.
    mentioned: Detectors,
}

/// The phrases of one text, found block by block as they are asked for.
pub(crate) struct Surroundings<'t> {
    phrases: &'t Phrases,
    text: &'t str,
    blocks: Vec<Option<Block>>,
    names: Vec<Vec<usize>>,
    index_of_name: HashMap<Arc<str>, usize>,
    last_name: Option<(Arc<str>, usize)>,
    /// Bytes searched since the caller last asked.
    searched: usize,
}

/// What stands around one value, as far as it has been asked for.
pub(crate) struct Window {
    before: Side,
    after: Side,
    /// Index of the name of the field that the value stands in.
    name: Option<usize>,
    /// Distance and phrase, nearest first.
    near: Vec<(usize, usize)>,
}

/// One side of a value: the phrases from the nearest on.
#[derive(Clone, Copy)]
struct Side {
    /// The text that counts.
    from: usize,
    to: usize,
    block: usize,
    /// How many of the block's phrases are still to come; `None` before the block is looked at.
    left: Option<usize>,
    /// How far line breaks have been counted, and how many there were.
    seen: usize,
    breaks: usize,
    /// Distance and index of the next phrase.
    next: Option<(usize, usize)>,
}

impl<'t> Surroundings<'t> {
    pub(crate) fn of(phrases: &'t Phrases, text: &'t str) -> Self {
        Self {
            phrases,
            text,
            blocks: Vec::new(),
            names: Vec::new(),
            index_of_name: HashMap::new(),
            last_name: None,
            searched: 0,
        }
    }

    /// Bytes searched since this was last asked.
    pub(crate) fn searched(&mut self) -> usize {
        std::mem::take(&mut self.searched)
    }

    /// Whether any phrase says anything of the detector.
    fn heard_by(&self, detector: usize) -> bool {
        self.phrases.listening.contains(detector)
    }

    /// The detectors that phrases around the value, or the field's name, may say something of; no
    /// other is mentioned.
    pub(crate) fn nearby(&mut self, value: &Range<usize>, field: Option<&Field>) -> Detectors {
        let mut all = Detectors::default();
        if let Some(field) = field {
            let name = self.name(field);
            for index in &self.names[name] {
                all.extend(&self.phrases.meanings[*index].for_them);
                all.extend(&self.phrases.meanings[*index].against);
            }
        }
        let from = value.start.saturating_sub(WINDOW_BYTES) / BLOCK_BYTES;
        let to = self.text.len().min(value.end + WINDOW_BYTES) / BLOCK_BYTES;
        for block in from..=to {
            self.search(block);
            if let Some(block) = &self.blocks[block] {
                all.extend(&block.mentioned);
            }
        }
        all
    }

    /// The phrases around the value at `value`, which may stand in `field`.
    pub(crate) fn around(&mut self, value: &Range<usize>, field: Option<&Field>) -> Window {
        let mut from = value.start.saturating_sub(WINDOW_BYTES);
        let mut to = self.text.len().min(value.end + WINDOW_BYTES);
        // In a table of which the header is known, other rows say nothing of this one.
        if field.is_some_and(|field| field.cell.is_some()) {
            let bytes = self.text.as_bytes();
            from = memchr::memrchr(b'\n', &bytes[from..value.start]).map_or(from, |n| from + n);
            to = memchr::memchr(b'\n', &bytes[value.end..to]).map_or(to, |n| value.end + n);
        }
        let side = |from, to, seen: usize| Side {
            from,
            to,
            block: seen / BLOCK_BYTES,
            left: None,
            seen,
            breaks: 0,
            next: None,
        };
        let mut window = Window {
            before: side(from, value.start, value.start),
            after: side(value.end, to, value.end),
            name: field.map(|field| self.name(field)),
            near: Vec::new(),
        };
        self.step_back(&mut window.before);
        self.step_on(&mut window.after);
        window
    }

    /// How far away the phrases around a value are, nearest first.
    #[cfg(test)]
    pub(crate) fn distances(&mut self, value: &Range<usize>) -> Vec<usize> {
        let mut window = self.around(value, None);
        while self.grow(&mut window) {}
        window
            .near
            .into_iter()
            .map(|(distance, _)| distance)
            .collect()
    }

    fn name(&mut self, field: &Field) -> usize {
        match &self.last_name {
            Some((name, index)) if Arc::ptr_eq(name, &field.name) => *index,
            _ => {
                let known = self.index_of_name.get(&field.name).copied();
                let index = known.unwrap_or_else(|| {
                    self.names.push(self.phrases.in_name(&field.name));
                    self.searched += field.name.len();
                    self.index_of_name
                        .insert(field.name.clone(), self.names.len() - 1);
                    self.names.len() - 1
                });
                self.last_name = Some((field.name.clone(), index));
                index
            }
        }
    }

    /// The detectors that a phrase within this distance, or the field's name, speaks for.
    pub(crate) fn spoken_for(&mut self, window: &mut Window, within: usize) -> Detectors {
        while window.near.last().is_none_or(|last| last.0 <= within) && self.grow(window) {}
        let near = window.near.iter().take_while(|(far, _)| *far <= within);
        let mut all = Detectors::default();
        for index in near.map(|(_, index)| index).chain(self.named(window)) {
            all.extend(&self.phrases.meanings[*index].for_them);
        }
        all
    }

    fn named(&self, window: &Window) -> &[usize] {
        window.name.map_or(&[], |name| self.names[name].as_slice())
    }

    /// Judges the value for one detector by its field's name and the phrases within a distance.
    pub(crate) fn judge(&mut self, window: &mut Window, detector: usize, within: usize) -> Verdict {
        if !self.heard_by(detector) {
            return Verdict::Silent;
        }
        let named = self.named(window).iter().rev();
        let said = named.filter_map(|index| self.phrases.meanings[*index].of(detector));
        match said.into_iter().next() {
            Some(true) => return Verdict::Named,
            Some(false) => return Verdict::Against,
            None => {}
        }
        let mut against = None;
        let mut at = 0;
        while at < window.near.len() || self.grow(window) {
            let (distance, index) = window.near[at];
            if distance > within || against.is_some_and(|nearer| nearer < distance) {
                break;
            }
            match self.phrases.meanings[index].of(detector) {
                Some(true) => return Verdict::For(distance),
                Some(false) => against = Some(distance),
                None => {}
            }
            at += 1;
        }
        against.map_or(Verdict::Silent, |_| Verdict::Against)
    }

    /// Adds the next nearest phrase; `false` when there is none, or there have been enough.
    fn grow(&mut self, window: &mut Window) -> bool {
        let (before, after) = (window.before.next, window.after.next);
        if window.near.len() >= WEIGHED_MAX {
            return false;
        }
        let is_before = match (before, after) {
            (Some((before, _)), Some((after, _))) => before <= after,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return false,
        };
        if is_before {
            window.near.extend(before);
            self.step_back(&mut window.before);
        } else {
            window.near.extend(after);
            self.step_on(&mut window.after);
        }
        true
    }

    fn step_back(&mut self, side: &mut Side) {
        side.next = None;
        loop {
            self.search(side.block);
            let block = self.blocks[side.block].as_ref();
            let phrases = block.map_or(&[][..], |block| &block.by_end);
            let left = side
                .left
                .unwrap_or_else(|| phrases.partition_point(|phrase| phrase.end <= side.to));
            for (rest, phrase) in phrases[..left].iter().enumerate().rev() {
                if phrase.end < side.from {
                    return;
                }
                if phrase.start < side.from {
                    continue;
                }
                let between = &self.text.as_bytes()[phrase.end..side.seen];
                side.breaks += between.iter().filter(|byte| **byte == b'\n').count();
                side.seen = phrase.end;
                side.left = Some(rest);
                let distance = side.to - phrase.end + LINE_PENALTY * side.breaks;
                side.next = Some((distance, phrase.index));
                return;
            }
            // The last byte of a phrase may be that of a character that begins a block earlier.
            if side.block == 0 || side.block * BLOCK_BYTES + char::MAX_LEN_UTF8 <= side.from {
                side.left = Some(0);
                return;
            }
            side.block -= 1;
            side.left = None;
        }
    }

    fn step_on(&mut self, side: &mut Side) {
        side.next = None;
        loop {
            self.search(side.block);
            let block = self.blocks[side.block].as_ref();
            let phrases = block.map_or(&[][..], |block| &block.by_start);
            let done = side
                .left
                .unwrap_or_else(|| phrases.partition_point(|phrase| phrase.start < side.from));
            for (at, phrase) in phrases.iter().enumerate().skip(done) {
                if phrase.start >= side.to {
                    return;
                }
                if phrase.end > side.to {
                    continue;
                }
                let between = &self.text.as_bytes()[side.seen..phrase.start.max(side.seen)];
                side.breaks += between.iter().filter(|byte| **byte == b'\n').count();
                side.seen = side.seen.max(phrase.start);
                side.left = Some(at + 1);
                let distance = phrase.start - side.from + LINE_PENALTY * side.breaks;
                side.next = Some((distance * AFTER_FACTOR + AFTER_PENALTY, phrase.index));
                return;
            }
            if (side.block + 1) * BLOCK_BYTES >= side.to {
                side.left = Some(phrases.len());
                return;
            }
            side.block += 1;
            side.left = None;
        }
    }

    /// Finds the phrases of a block, once.
    fn search(&mut self, block: usize) {
        if self.blocks.is_empty() {
            let blocks = self.text.len() / BLOCK_BYTES + 1;
            self.blocks.resize_with(blocks, || None);
        }
        if self.blocks[block].is_some() {
            return;
        }
        let start = self.text.ceil_char_boundary(block * BLOCK_BYTES);
        let next = self.text.ceil_char_boundary((block + 1) * BLOCK_BYTES);
        let from = self
            .text
            .floor_char_boundary(start.saturating_sub(PHRASE_BYTES_MAX));
        let mut found = Block::default();
        self.phrases.lexicon.each(self.text, from, next, |phrase| {
            if phrase.start >= start {
                found.by_start.push(phrase);
            }
            if (start..next).contains(&(phrase.end - 1)) {
                found.by_end.push(phrase);
            }
        });
        for phrase in found.by_start.iter().chain(&found.by_end) {
            let meaning = &self.phrases.meanings[phrase.index];
            found.mentioned.extend(&meaning.for_them);
            found.mentioned.extend(&meaning.against);
        }
        found.by_start.sort_unstable();
        found
            .by_end
            .sort_unstable_by_key(|phrase| (phrase.end, phrase.start, phrase.index));
        self.searched += next - from;
        self.blocks[block] = Some(found);
    }
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
