//! Words with digits: which detectors start at each. Text without digits costs next to nothing, and
//! a word is looked at once, however many groups of digits it has.

use super::super::blocks::{self, BLOCK, places};
use super::super::forms::FORM_BYTES_MAX;
use super::{Pass, Secrets, Tally};
use crate::detect::{Anchor, Detector, GroupLengths};

/// Digits and letters that a part of an address may have.
const ADDRESS_PART_MAX: usize = 4;

/// A word with a digit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its first digit.
    pub(super) at: usize,
    /// How many digits follow each other there.
    digits: usize,
}

impl Word {
    /// Whether it is nothing but digits.
    pub(super) fn is_number(self) -> bool {
        self.digits == self.end - self.start
    }

    /// Digits that it starts with.
    pub(super) fn leading_digits(self) -> usize {
        if self.at == self.start {
            self.digits
        } else {
            0
        }
    }
}

/// A block of text: which of its bytes are letters or digits, and which are digits.
#[derive(Clone, Copy)]
struct Block {
    base: usize,
    words: u64,
    digits: u64,
}

impl Block {
    /// Where the word ends that the byte at `place` belongs to.
    fn word_end(self, bytes: &[u8], place: usize) -> usize {
        let length = (self.words >> place).trailing_ones() as usize;
        if place + length < BLOCK {
            return self.base + place + length;
        }
        let mut end = bytes.len().min(self.base + BLOCK);
        while end < bytes.len() {
            let length = blocks::words_at(bytes, end).trailing_ones() as usize;
            end += length;
            if length < BLOCK {
                break;
            }
        }
        end
    }

    /// The start of the word that the byte at `place` belongs to; `None` when it is too long for any
    /// form. Nothing before `from` is looked at.
    fn word_start(self, bytes: &[u8], place: usize, from: usize) -> Option<usize> {
        let length = (self.words << (BLOCK - 1 - place)).leading_ones() as usize;
        if length <= place {
            Some((self.base + place + 1 - length).max(from))
        } else {
            word_start(bytes, self.base + place, from)
        }
    }

    /// Digits from `place` to `end` at most.
    fn digits(self, bytes: &[u8], place: usize, end: usize) -> usize {
        let length = (self.digits >> place).trailing_ones() as usize;
        if place + length < BLOCK {
            return length;
        }
        let rest = bytes.get(self.base + BLOCK..end).unwrap_or_default();
        length + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }
}

impl Pass<'_> {
    /// Tries every word with a digit.
    pub(super) fn try_numbers(&mut self, secrets: &mut Secrets<'_>, tally: &mut Tally) {
        let bytes = self.text.as_bytes();
        let mut done = 0;
        let mut digit_before = 0;
        for base in (0..bytes.len()).step_by(BLOCK) {
            if tally.is_spent() {
                tally.stop();
                return;
            }
            if done >= base + BLOCK {
                digit_before = 0;
                continue;
            }
            let digits = blocks::digits_at(bytes, base);
            let groups = digits & !(digits << 1 | digit_before);
            digit_before = digits >> (BLOCK - 1);
            if groups == 0 {
                continue;
            }
            let words = blocks::words_at(bytes, base);
            let block = Block {
                base,
                words,
                digits,
            };
            for place in places(groups) {
                if base + place >= done {
                    done = self.try_group(block, place, done, secrets, tally);
                }
            }
        }
    }

    /// Tries the word that the digit at `place` belongs to; says where the word ends.
    fn try_group(
        &mut self,
        block: Block,
        place: usize,
        from: usize,
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) -> usize {
        let bytes = self.text.as_bytes();
        let end = block.word_end(bytes, place);
        // A word this long is no identifier, whatever else it holds.
        let start = block.word_start(bytes, place, from);
        if let Some(start) = start.filter(|start| end - start <= FORM_BYTES_MAX) {
            let word = Word {
                start,
                end,
                at: block.base + place,
                digits: block.digits(bytes, place, end),
            };
            self.try_anchors(word, tally);
            self.try_codes(word, secrets, tally);
        }
        end
    }

    /// Tries the detectors of numbers, accounts and addresses that may start at the word.
    fn try_anchors(&mut self, word: Word, tally: &mut Tally) {
        let bytes = self.text.as_bytes();
        let engine = self.engine;
        let before = word.start.checked_sub(1).map_or(b' ', |at| bytes[at]);
        let after = bytes.get(word.end).copied().unwrap_or(b' ');
        if word.is_number() {
            for index in engine.numbers.starting_with(word.digits, after) {
                self.try_at(*index, word.at, tally);
            }
        } else if is_account(&bytes[word.start..word.end], word.at - word.start) {
            for index in &engine.accounts {
                self.try_at(*index, word.at, tally);
            }
        }
        let signed = b".:-".contains(&after) || b".:-".contains(&before);
        if signed && word.end - word.start <= ADDRESS_PART_MAX {
            for index in &engine.addresses {
                self.try_at(*index, word.at, tally);
            }
        }
    }
}

/// Digits that the first group of a number may have.
const GROUP_DIGITS: usize = 32;

/// The detectors of numbers, by how many digits their first group has: first those of groups that
/// nothing joins to another, then those of groups that a sign may join.
#[derive(Debug)]
pub(super) struct Numbers {
    by_digits: [[Vec<usize>; GROUP_DIGITS]; 2],
}

impl Numbers {
    pub(super) fn of(detectors: &[&'static Detector]) -> Self {
        let starting = |digits: usize, joins: bool| {
            let starts = |detector: &Detector| {
                let Anchor::Number(GroupLengths { alone, joined }) = detector.anchor else {
                    return false;
                };
                let lengths = if joins { joined } else { alone };
                lengths & 1 << digits != 0
            };
            let all = 0..detectors.len();
            all.filter(|index| starts(detectors[*index])).collect()
        };
        Self {
            by_digits: [false, true]
                .map(|joins| std::array::from_fn(|digits| starting(digits, joins))),
        }
    }

    /// Those of which a number may start with a group of so many digits, and this sign behind it.
    fn starting_with(&self, digits: usize, after: u8) -> &[usize] {
        static JOINS: [bool; 256] = {
            let mut joins = [false; 256];
            let signs = b" -./()\r\n";
            let mut at = 0;
            while at < signs.len() {
                joins[signs[at] as usize] = true;
                at += 1;
            }
            joins
        };
        let by_digits = &self.by_digits[usize::from(JOINS[usize::from(after)])];
        by_digits.get(digits).map_or(&[], Vec::as_slice)
    }

    /// All of them.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &usize> {
        let mut all: Vec<&usize> = self.by_digits.iter().flatten().flatten().collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }
}

/// Whether the word is a country's two letters and then digits.
fn is_account(word: &[u8], digits_from: usize) -> bool {
    digits_from == 2 && word.get(3).is_some_and(u8::is_ascii_digit)
}

/// The start of the word that holds `at`; `None` when it is too long for any form.
fn word_start(bytes: &[u8], at: usize, from: usize) -> Option<usize> {
    let least = from.max(at.saturating_sub(FORM_BYTES_MAX));
    let letters = bytes[least..at]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let start = at - letters;
    let touched = start
        .checked_sub(1)
        .is_some_and(|before| bytes[before].is_ascii_alphanumeric());
    (!touched).then_some(start)
}

#[cfg(test)]
fn word_end(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric());
    word.map_or(bytes.len(), |length| at + length)
}

/// The word at a digit, found byte by byte; `None` when it is too long for any form.
#[cfg(test)]
pub(super) fn word_at(bytes: &[u8], at: usize) -> Option<Word> {
    let rest = bytes[at..].iter();
    Some(Word {
        start: word_start(bytes, at, 0)?,
        end: word_end(bytes, at),
        at,
        digits: rest.take_while(|byte| byte.is_ascii_digit()).count(),
    })
}
