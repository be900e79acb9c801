//! What the words around a value say of it. The nearest phrase wins, phrases before the value count
//! more than phrases after it, and the name of the field that the value stands in beats them all.

use aho_corasick::AhoCorasick;

use super::Detector;
use crate::Field;

/// Bytes looked at on each side, about 300 characters of most scripts.
pub(crate) const WINDOW_BYTES: usize = 300;
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

#[derive(Debug)]
pub(crate) struct Context {
    phrases: Option<AhoCorasick>,
    /// Phrases before this index are for the value, the others against it.
    positive: usize,
}

impl Context {
    pub(crate) fn of(detector: &Detector) -> Self {
        let phrases: Vec<&str> = detector
            .positive
            .iter()
            .chain(detector.negative)
            .copied()
            .collect();
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(&phrases)
            .ok()
            .filter(|_| !phrases.is_empty());
        Self {
            phrases: built,
            positive: detector.positive.len(),
        }
    }

    /// Judges the value at `start..end`, which may stand in `field`.
    pub(crate) fn judge(
        &self,
        text: &str,
        start: usize,
        end: usize,
        field: Option<&Field>,
    ) -> Verdict {
        if let Some(field) = field {
            match self.nearest(&words_of(&field.name), "") {
                Some((true, _)) => return Verdict::Named,
                Some((false, _)) => return Verdict::Against,
                None => {}
            }
        }
        let mut before = &text[text.ceil_char_boundary(start.saturating_sub(WINDOW_BYTES))..start];
        let mut after = &text[end..text.floor_char_boundary(text.len().min(end + WINDOW_BYTES))];
        // In a table of which the header is known, other rows say nothing of this one.
        if field.is_some_and(|field| field.cell.is_some()) {
            before = before.rsplit('\n').next().unwrap_or_default();
            after = after.split('\n').next().unwrap_or_default();
        }
        match self.nearest(before, after) {
            Some((true, distance)) => Verdict::For(distance),
            Some((false, _)) => Verdict::Against,
            None => Verdict::Silent,
        }
    }

    /// The nearest phrase: whether it is for the value, and how far away it is.
    fn nearest(&self, before: &str, after: &str) -> Option<(bool, usize)> {
        let ahead = self.phrases_in(before).map(|(positive, found)| {
            let between = &before[found.end..];
            (
                positive,
                between.len() + LINE_PENALTY * between.matches('\n').count(),
            )
        });
        let behind = self.phrases_in(after).map(|(positive, found)| {
            let between = &after[..found.start];
            let distance = between.len() + LINE_PENALTY * between.matches('\n').count();
            (positive, distance * AFTER_FACTOR + AFTER_PENALTY)
        });
        let all: Vec<(bool, usize)> = ahead.chain(behind).collect();
        all.into_iter()
            .min_by_key(|(positive, distance)| (*distance, !positive))
    }

    fn phrases_in(&self, text: &str) -> impl Iterator<Item = (bool, std::ops::Range<usize>)> {
        // Folding changes lengths only outside ASCII; distances need not be exact there.
        let folded = if text.is_ascii() {
            text.to_owned()
        } else {
            fold(text)
        };
        let found: Vec<(bool, std::ops::Range<usize>)> = self
            .phrases
            .iter()
            .flat_map(|phrases| phrases.find_overlapping_iter(&folded))
            .filter(|found| stands_alone(&folded, found.start(), found.end()))
            .map(|found| (found.pattern().as_usize() < self.positive, found.range()))
            .collect();
        found.into_iter()
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
}
