//! Phrases in text. A phrase is looked up where a word begins, by the first eight letters of that
//! word, in a table that fits the fastest cache. Phrases that begin with a letter beyond ASCII have
//! an automaton of their own, which reads only text that has such letters.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

use super::blocks::{BLOCK, padded, places, words_of};

/// Letters of a word that the table knows.
const KEY_BYTES: usize = 8;
/// Bytes of a block in which a word may start, so that its first letters are in the block too.
const STEP: usize = BLOCK - KEY_BYTES;
const FILTER_BITS: u32 = 16;

/// A phrase in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Phrase {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Which of the lexicon's phrases.
    pub(crate) index: usize,
}

#[derive(Debug)]
pub(crate) struct Lexicon {
    texts: Vec<String>,
    /// One bit for each value of the keys' hash.
    filter: Vec<u64>,
    /// The phrases whose first word has the key.
    by_key: Keys,
    /// Phrases that begin with a letter beyond ASCII.
    beyond: Option<(AhoCorasick, Vec<usize>)>,
}

impl Lexicon {
    /// A lexicon of phrases in lower case.
    pub(crate) fn of<'p>(phrases: impl IntoIterator<Item = &'p str>) -> Self {
        let texts: Vec<String> = phrases.into_iter().map(fold).collect();
        let mut by_key: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let mut beyond: Vec<usize> = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let bytes = text.as_bytes();
            if bytes.first().is_some_and(|byte| *byte >= 0x80) {
                beyond.push(index);
                continue;
            }
            let word = first_word(bytes);
            by_key.entry(key_of(word)).or_default().push(index);
            if word.len() == bytes.len() && word.len() < KEY_BYTES {
                let plural = [word, b"s"].concat();
                by_key.entry(key_of(&plural)).or_default().push(index);
            }
        }
        let mut filter = vec![0u64; 1 << (FILTER_BITS - 6)];
        for key in by_key.keys() {
            let slot = slot(*key);
            filter[slot / 64] |= 1 << (slot % 64);
        }
        let automaton = AhoCorasick::new(beyond.iter().map(|index| &texts[*index])).ok();
        Self {
            beyond: automaton
                .filter(|_| !beyond.is_empty())
                .map(|automaton| (automaton, beyond)),
            texts,
            filter,
            by_key: Keys::of(&by_key),
        }
    }

    /// Calls `found` with every phrase that stands alone and starts in `from..to`, which are ends
    /// of characters of `text`.
    pub(crate) fn each(&self, text: &str, from: usize, to: usize, mut found: impl FnMut(Phrase)) {
        let bytes = text.as_bytes();
        let mut word_before = from
            .checked_sub(1)
            .map_or(0, |before| u64::from(bytes[before].is_ascii_alphanumeric()));
        for base in (from..to).step_by(STEP) {
            let block = match bytes[base..].first_chunk::<BLOCK>() {
                Some(block) => *block,
                None => padded(bytes, base),
            };
            let words = words_of(&block);
            let inside = u64::MAX >> (BLOCK - (to - base).min(STEP));
            let starts = words & !(words << 1 | word_before) & inside;
            word_before = words >> (STEP - 1) & 1;
            for place in places(starts) {
                let letters = (!(words >> place)).trailing_zeros() as usize;
                let key = key_in(&block, place, letters);
                let slot = slot(key);
                if self.filter[slot / 64] & 1 << (slot % 64) != 0 {
                    self.look_up(key, text, base + place, &mut found);
                }
            }
        }
        self.each_beyond(text, from, to, found);
    }

    fn look_up(&self, key: u64, text: &str, start: usize, found: &mut impl FnMut(Phrase)) {
        for index in self.by_key.get(key) {
            let phrase = &self.texts[*index];
            if let Some(end) = same(text, start, phrase)
                && ends_alone(text.as_bytes(), end)
            {
                found(Phrase {
                    start,
                    end,
                    index: *index,
                });
            }
        }
    }

    fn each_beyond(&self, text: &str, from: usize, to: usize, mut found: impl FnMut(Phrase)) {
        let Some((automaton, indexes)) = &self.beyond else {
            return;
        };
        let longest = text.ceil_char_boundary(to.saturating_add(super::phrases::PHRASE_BYTES_MAX));
        let stretch = &text[from..longest];
        if stretch.is_ascii() {
            return;
        }
        let folded = fold(stretch);
        for one in automaton.find_overlapping_iter(&folded) {
            let end = from + one.end();
            if from + one.start() < to && ends_alone(text.as_bytes(), end) {
                found(Phrase {
                    start: from + one.start(),
                    end,
                    index: indexes[one.pattern().as_usize()],
                });
            }
        }
    }
}

/// Where `phrase` ends when it stands at `start`, in whatever case.
fn same(text: &str, start: usize, phrase: &str) -> Option<usize> {
    let end = start + phrase.len();
    let there = text.as_bytes().get(start..end)?;
    if there.eq_ignore_ascii_case(phrase.as_bytes()) {
        return Some(end);
    }
    if phrase.is_ascii() {
        return None;
    }
    let there = text.get(start..end)?;
    let alike = there.chars().map(fold_one).eq(phrase.chars());
    alike.then_some(end)
}

/// Whether no ASCII letter or digit follows one that the phrase ends with; an English plural may.
fn ends_alone(bytes: &[u8], end: usize) -> bool {
    if !bytes[end - 1].is_ascii_alphanumeric() {
        return true;
    }
    let word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let plural = bytes
        .get(end)
        .is_some_and(|b| b.eq_ignore_ascii_case(&b's'));
    !word(end) || (plural && !word(end + 1))
}

/// Phrases by key: a table with room to spare, searched from the key's own place on.
#[derive(Debug)]
struct Keys {
    /// A key and the stretch of `indexes` that is its own; an empty stretch is a free place.
    places: Vec<(u64, usize, usize)>,
    indexes: Vec<usize>,
    /// Bits of a hash that are the place.
    bits: u32,
}

impl Keys {
    fn of(by_key: &BTreeMap<u64, Vec<usize>>) -> Self {
        let bits = (4 * by_key.len() + 1)
            .next_power_of_two()
            .trailing_zeros()
            .max(1);
        let mut keys = Self {
            places: vec![(0, 0, 0); 1 << bits],
            indexes: Vec::new(),
            bits,
        };
        for (key, indexes) in by_key {
            let from = keys.indexes.len();
            keys.indexes.extend(indexes);
            let mut place = keys.place(*key);
            while keys.places[place].1 < keys.places[place].2 {
                place = (place + 1) % keys.places.len();
            }
            keys.places[place] = (*key, from, keys.indexes.len());
        }
        keys
    }

    fn get(&self, key: u64) -> &[usize] {
        let mut place = self.place(key);
        loop {
            let (known, from, to) = self.places[place];
            if known == key || from == to {
                return &self.indexes[from..to];
            }
            place = (place + 1) % self.places.len();
        }
    }

    fn place(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.bits)) as usize
    }
}

fn first_word(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric());
    &bytes[..end.unwrap_or(bytes.len())]
}

fn key_of(word: &[u8]) -> u64 {
    let mut block = [0; BLOCK];
    let length = word.len().min(KEY_BYTES);
    block[..length].copy_from_slice(&word[..length]);
    key_in(&block, 0, length)
}

/// The first letters of the word at `place`, in lower case: all of them that the key has room for.
fn key_in(block: &[u8; BLOCK], place: usize, letters: usize) -> u64 {
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let word = block[place..].first_chunk::<KEY_BYTES>();
    let word = word.map_or(0, |word| u64::from_le_bytes(*word));
    let kept = u64::MAX >> (64 - 8 * letters.clamp(1, KEY_BYTES));
    (word | LOWER) & kept
}

fn slot(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - FILTER_BITS)) as usize
}

/// Lower case that keeps every character's length, so that offsets stay valid.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.bytes().take_while(u8::is_ascii).count();
        let (plain, more) = rest.split_at(plain);
        let start = folded.len();
        folded.push_str(plain);
        folded[start..].make_ascii_lowercase();
        let mut characters = more.chars();
        folded.extend(characters.next().map(fold_one));
        rest = characters.as_str();
    }
    folded
}

fn fold_one(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(low), None) if low.len_utf8() == character.len_utf8() => low,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASES: [&str; 9] = [
        "card",
        "card number",
        "né le",
        "é",
        "карта",
        "卡",
        "ss#",
        "telephone",
        "1099",
    ];

    #[test]
    fn phrases_are_found_where_they_stand_alone() {
        let lexicon = Lexicon::of(PHRASES);
        let rows: [(&str, &[usize]); 14] = [
            ("card", &[0]),
            ("Cards!", &[0]),
            ("a CARD Number", &[0, 1]),
            ("cardinal", &[]),
            ("discard", &[]),
            ("card numbers", &[0, 1]),
            ("NÉ LE 1", &[2, 3]),
            ("ваша КАРТА", &[4]),
            ("信用卡号", &[5]),
            ("SS#123", &[6]),
            ("telephones", &[7]),
            ("telephoner", &[]),
            ("form 1099, cardx", &[8]),
            ("ß card", &[0]),
        ];
        for (text, expected) in rows {
            for padding in [0, 50, 55, 56, 57, 63, 64] {
                let text = format!("{}{text}", " ".repeat(padding));
                let mut found = Vec::new();
                lexicon.each(&text, 0, text.len(), |phrase| found.push(phrase.index));
                found.sort_unstable();
                assert_eq!(found, expected, "{text}");
            }
        }
    }

    #[test]
    fn a_stretch_tells_what_starts_in_it() {
        let lexicon = Lexicon::of(PHRASES);
        let text = "card card 卡 card";
        let mut found = Vec::new();
        lexicon.each(text, 2, 10, |phrase| found.push(phrase.start));
        lexicon.each(text, 10, 14, |phrase| found.push(phrase.start));
        assert_eq!(found, [5, 10]);
    }
}
