//! What the words around a value say of it. The nearest phrase wins, phrases before the value count
//! more than phrases after it, and the name of the field that the value stands in beats them all.
//!
//! Text is searched for phrases only where a value is near, each stretch once however many detectors
//! ask on one way through the text, and the phrases around a value are looked at from the nearest on,
//! no further than the question needs. The phrases of [`BLOCKS_KEPT`] stretches are known at once.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::blocks;
use super::lexicon::{Lexicon, Phrase, fold};
use crate::Field;

mod window;

use window::Window;

/// Bytes looked at on each side, about 300 characters of most scripts.
pub(crate) const WINDOW_BYTES: usize = 300;
/// Bytes of text that are searched for phrases at once.
pub(crate) const BLOCK_BYTES: usize = 1_024;
/// Stretches whose phrases are kept. Values are asked of in the order of the text, a few times over.
const BLOCKS_KEPT: usize = 64;
/// No phrase is longer.
pub(crate) const PHRASE_BYTES_MAX: usize = 80;
/// Detectors that a set may hold.
pub(crate) const DETECTORS_MAX: usize = 512;

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

    /// Whether some detector is in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(one, two)| one & two != 0)
    }

    /// Those that are in both, ascending.
    pub(crate) fn both(&self, other: &Self) -> impl Iterator<Item = usize> {
        let words = self.0.into_iter().zip(other.0).enumerate();
        words.flat_map(|(at, (one, two))| blocks::places(one & two).map(move |bit| 64 * at + bit))
    }
}

impl FromIterator<usize> for Detectors {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> Self {
        let mut all = Detectors::default();
        indexes.into_iter().for_each(|index| all.insert(index));
        all
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
    /// Which stretch, counted from 1; none before the first is searched.
    number: usize,
    /// Those that start in it, ascending.
    by_start: Vec<Phrase>,
    /// Those whose last byte is in it, ascending by their ends.
    by_end: Vec<Phrase>,
    /// The detectors that any of them says something of.
    mentioned: Detectors,
    /// Whether a line may end between any of them and a value beside which it counts.
    is_broken: bool,
    /// Where the last question of either list ended: the next one is near.
    last_ended: usize,
    last_started: usize,
}

impl Block {
    /// How many phrases end at `to` or before.
    fn ended_at(&mut self, to: usize) -> usize {
        let ended = |phrase: &Phrase| phrase.end <= to;
        self.last_ended = moved(&self.by_end, self.last_ended, ended);
        self.last_ended
    }

    /// How many phrases start before `from`.
    fn started_before(&mut self, from: usize) -> usize {
        let started = |phrase: &Phrase| phrase.start < from;
        self.last_started = moved(&self.by_start, self.last_started, started);
        self.last_started
    }
}

/// How many of the first phrases are `before`, searched for from the last place on.
fn moved(phrases: &[Phrase], last: usize, before: impl Fn(&Phrase) -> bool) -> usize {
    const STEPS: usize = 8;
    let mut at = last.min(phrases.len());
    for _ in 0..STEPS {
        if at < phrases.len() && before(&phrases[at]) {
            at += 1;
        } else if at > 0 && !before(&phrases[at - 1]) {
            at -= 1;
        } else {
            return at;
        }
    }
    phrases.partition_point(before)
}

/// The first and last block around a value, and the index of its field's name.
type Asked = (usize, usize, Option<usize>);

/// No block at all.
const ASKED_NOTHING: Asked = (1, 0, None);

/// The phrases of one text, found block by block as they are asked for.
pub(crate) struct Surroundings<'t> {
    phrases: &'t Phrases,
    text: &'t str,
    blocks: Vec<Block>,
    names: Vec<Vec<usize>>,
    index_of_name: HashMap<Arc<str>, usize>,
    last_name: Option<(Arc<str>, usize)>,
    /// Bytes searched since the caller last asked.
    searched: usize,
    /// What stands around the value that was last asked of.
    window: Window,
    /// The blocks and the name that were last asked of, and whom they mention.
    last_nearby: (Asked, Detectors),
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
            window: Window::default(),
            last_nearby: (ASKED_NOTHING, Detectors::default()),
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
    pub(crate) fn nearby(&mut self, value: &Range<usize>, field: Option<&Field>) -> &Detectors {
        let from = value.start.saturating_sub(WINDOW_BYTES) / BLOCK_BYTES;
        let to = self.text.len().min(value.end + WINDOW_BYTES) / BLOCK_BYTES;
        let asked = (from, to, field.map(|field| self.name(field)));
        if self.last_nearby.0 != asked {
            self.last_nearby = (asked, self.mentioned(asked));
        }
        &self.last_nearby.1
    }

    fn mentioned(&mut self, (from, to, name): Asked) -> Detectors {
        let mut all = Detectors::default();
        for index in name.map_or(&[][..], |name| self.names[name].as_slice()) {
            all.extend(&self.phrases.meanings[*index].for_them);
            all.extend(&self.phrases.meanings[*index].against);
        }
        for block in from..=to {
            self.search(block);
            all.extend(&self.block(block).mentioned);
        }
        all
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

    /// The block's place among those that are kept: what [`Surroundings::search`] left there.
    fn block(&self, block: usize) -> &Block {
        &self.blocks[block % BLOCKS_KEPT]
    }

    /// Finds the phrases of a block, unless they are kept.
    fn search(&mut self, block: usize) {
        if self.blocks.is_empty() {
            self.blocks.resize_with(BLOCKS_KEPT, Block::default);
        }
        if self.block(block).number == block + 1 {
            return;
        }
        let mut found = std::mem::take(&mut self.blocks[block % BLOCKS_KEPT]);
        found.number = block + 1;
        found.by_start.clear();
        found.by_end.clear();
        found.mentioned = Detectors::default();
        let start = self.text.ceil_char_boundary(block * BLOCK_BYTES);
        let next = self.text.ceil_char_boundary((block + 1) * BLOCK_BYTES);
        let from = self
            .text
            .floor_char_boundary(start.saturating_sub(PHRASE_BYTES_MAX));
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
        // A value may start that far behind the block, or before it.
        let reach = from.saturating_sub(WINDOW_BYTES)..self.text.len().min(next + WINDOW_BYTES);
        found.is_broken = memchr::memchr(b'\n', &self.text.as_bytes()[reach]).is_some();
        (found.last_ended, found.last_started) = (0, 0);
        self.searched += next - from;
        self.blocks[block % BLOCKS_KEPT] = found;
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
