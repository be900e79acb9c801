//! Words with digits: which detectors start at each. Text without digits costs next to nothing, and
//! a word is looked at once, however many groups of digits it has.

use super::super::blocks::{self, BLOCK, places};
use super::super::forms::FORM_BYTES_MAX;
use super::{Pass, Secrets, Tally};

/// Digits and letters that a part of an address may have.
const ADDRESS_PART_MAX: usize = 4;

impl Pass<'_> {
    /// Tries every word with a digit.
    pub(super) fn try_numbers(&mut self, secrets: &mut Secrets<'_>, tally: &mut Tally) {
        let bytes = self.text.as_bytes();
        let mut done = 0;
        let mut digit_before = 0;
        for base in (0..bytes.len()).step_by(BLOCK) {
            if done >= base + BLOCK {
                digit_before = 0;
                continue;
            }
            let digits = blocks::digits_at(bytes, base);
            let groups = digits & !(digits << 1 | digit_before);
            digit_before = digits >> (BLOCK - 1);
            for place in places(groups) {
                if base + place >= done {
                    done = self.try_number(done, base + place, secrets, tally);
                }
            }
        }
    }

    /// Tries the word that the digit at `at` belongs to; says where the word ends.
    fn try_number(
        &mut self,
        from: usize,
        at: usize,
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) -> usize {
        let bytes = self.text.as_bytes();
        let end = word_end(bytes, at);
        // A word this long is no identifier, whatever else it holds.
        let Some(start) = word_start(bytes, at, from).filter(|start| end - start <= FORM_BYTES_MAX)
        else {
            return end;
        };
        let engine = self.engine;
        let word = &bytes[start..end];
        let starting = if word.iter().all(u8::is_ascii_digit) {
            Some(&engine.numbers)
        } else {
            is_account(word, at - start).then_some(&engine.accounts)
        };
        let sign = |byte: Option<&u8>| byte.is_some_and(|byte| b".:-".contains(byte));
        let signed = || sign(bytes.get(end)) || sign(start.checked_sub(1).map(|at| &bytes[at]));
        let address = (word.len() <= ADDRESS_PART_MAX && signed()).then_some(&engine.addresses);
        for index in starting.into_iter().chain(address).flatten() {
            self.try_at(*index, at, tally);
        }
        self.try_codes(start, end, secrets, tally);
        end
    }
}

/// Whether the word is a country's two letters and then digits.
fn is_account(word: &[u8], digits_from: usize) -> bool {
    digits_from == 2 && word.get(3).is_some_and(u8::is_ascii_digit)
}

/// The start of the word that holds `at`; `None` when it is too long for any form.
pub(super) fn word_start(bytes: &[u8], at: usize, from: usize) -> Option<usize> {
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

pub(super) fn word_end(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric());
    word.map_or(bytes.len(), |length| at + length)
}
