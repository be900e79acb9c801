//! Identifiers by their forms. Each word with a digit is walked once; what stands there is checked,
//! judged, and the best of it kept.

use std::ops::Range;

use super::super::forms::FORM_BYTES_MAX;
use super::super::phrases::Detectors;
use super::{Pass, Secrets, Tally, confidence};
use crate::detect::phrases::{Verdict, Window};
use crate::detect::{Confidence, Hit, Strength, Verify};
use crate::detectors::{continues_after, continues_before};

/// Letters that may stand before the first digit, as a word of their own.
const LEADING_LETTERS_MAX: usize = 5;
/// Forms that are tried at one place.
const TRIED_MAX: usize = 96;

/// A form that stands at a place.
struct Candidate {
    span: Range<usize>,
    detector: usize,
    telling: bool,
}

/// A code that is as good as its confidence, then its phrase's distance, then its length, then its
/// detector's place in the list.
type Rank = (Confidence, usize, usize, usize);

impl Pass<'_> {
    /// Tries all forms at the word that the digit at `at` belongs to.
    pub(super) fn try_codes(&mut self, at: usize, secrets: &mut Secrets<'_>, tally: &mut Tally) {
        if at < self.codes_from {
            return;
        }
        let bytes = self.text.as_bytes();
        let Some(start) = word_start(bytes, at, self.codes_from) else {
            // A word this long is no identifier, whatever else it holds.
            self.codes_from = word_end(bytes, at);
            return;
        };
        self.codes_from = word_end(bytes, at);
        let leading = (start == at).then(|| leading_word(bytes, start)).flatten();
        for start in leading.into_iter().chain([start]) {
            if self.try_codes_from(start, secrets, tally) {
                return;
            }
        }
    }

    fn try_codes_from(
        &mut self,
        start: usize,
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) -> bool {
        let bytes = self.text.as_bytes();
        let mut found: Vec<Candidate> = Vec::new();
        let engine = self.engine;
        let walked = engine.forms.walk(bytes, start, |end, owners| {
            if found.len() < TRIED_MAX && !runs_on(bytes, start, end) {
                found.extend(owners.iter().map(|owner| Candidate {
                    span: start..end,
                    detector: usize::from(owner / 2),
                    telling: owner % 2 == 1,
                }));
            }
        });
        if !tally.work(walked) || found.is_empty() || continues_before(bytes, start) {
            return false;
        }
        found.retain(|candidate| self.is_free(&candidate.span, Confidence::High, secrets));
        let best = self.best(&found, secrets, tally);
        let Some((rank, candidate, hit)) = best else {
            return false;
        };
        self.codes_from = candidate.span.end;
        self.record(candidate.detector, hit, rank.0, tally);
        true
    }

    fn best<'c>(
        &mut self,
        found: &'c [Candidate],
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) -> Option<(Rank, &'c Candidate, Hit)> {
        let longest = found.iter().map(|candidate| candidate.span.end).max()?;
        let whole = found[0].span.start..longest;
        let segment = self.segment;
        let field = super::field_at(&segment.fields, self.normalised.source_offset(whole.start));
        let window = self.surroundings.around(whole, field);
        let spoken_for = self.surroundings.spoken_for(&window);
        let searched = self.surroundings.searched();
        let mut best: Option<(Rank, &Candidate, Hit)> = None;
        if !tally.work(searched) {
            return None;
        }
        for candidate in found {
            let Some(hit) = self.check(candidate, &spoken_for) else {
                continue;
            };
            if !tally.work(super::JUDGING_WORK) || self.field_of(&candidate.span).is_none() {
                continue;
            }
            let Some(rank) = self.rank(candidate, &hit, &window) else {
                continue;
            };
            let better = best.as_ref().is_none_or(|(than, _, _)| rank > *than);
            if better && self.is_free(&candidate.span, rank.0, secrets) {
                best = Some((rank, candidate, hit));
            }
        }
        best
    }

    fn check(&self, candidate: &Candidate, spoken_for: &Detectors) -> Option<Hit> {
        let Verify::Code {
            check,
            cased,
            strength,
        } = self.engine.detectors[candidate.detector].verify
        else {
            return None;
        };
        let strength = if candidate.telling {
            Strength::Plain
        } else {
            strength
        };
        let wanting = matches!(strength, Strength::NeedsContext | Strength::Checked);
        if wanting && !spoken_for.contains(candidate.detector) {
            return None;
        }
        let written = &self.text[candidate.span.clone()];
        let mut value: String = written
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        if !cased {
            value.make_ascii_uppercase();
        }
        check(value.as_bytes()).then_some(Hit {
            start: candidate.span.start,
            end: candidate.span.end,
            value,
            strength,
            test_value: false,
        })
    }

    fn rank(&self, candidate: &Candidate, hit: &Hit, window: &Window<'_>) -> Option<Rank> {
        let verdict = self.surroundings.judge(window, candidate.detector);
        let nearness = match verdict {
            Verdict::Named => usize::MAX,
            Verdict::For(distance) => usize::MAX - 1 - distance,
            Verdict::Silent | Verdict::Against => 0,
        };
        let rank = confidence(hit.strength, verdict)?;
        let order = usize::MAX - candidate.detector;
        Some((rank, nearness, candidate.span.len(), order))
    }

    fn is_free(
        &self,
        span: &Range<usize>,
        confidence: Confidence,
        secrets: &mut Secrets<'_>,
    ) -> bool {
        let by_numbers = self
            .claims
            .iter()
            .rev()
            .take_while(|claim| claim.span.end + FORM_BYTES_MAX > span.start)
            .filter(|claim| claim.span.end > span.start && claim.span.start < span.end)
            .map(|claim| claim.confidence)
            .max();
        let claimed = by_numbers.max(secrets.claimed(span));
        claimed.is_none_or(|claimed| claimed < confidence)
    }
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

fn word_end(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric());
    word.map_or(bytes.len(), |length| at + length)
}

/// The start of a short word of letters that one sign parts from `start`.
fn leading_word(bytes: &[u8], start: usize) -> Option<usize> {
    let end = start.checked_sub(1)?;
    if !b" -.".contains(&bytes[end]) {
        return None;
    }
    let letters = bytes[..end]
        .iter()
        .rev()
        .take(LEADING_LETTERS_MAX + 1)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    (1..=LEADING_LETTERS_MAX)
        .contains(&letters)
        .then(|| end - letters)
}

/// Whether the form from `start` to `end` is a part of something longer.
fn runs_on(bytes: &[u8], start: usize, end: usize) -> bool {
    if continues_after(bytes, end) {
        return true;
    }
    let digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    let spaced = bytes[start..end].contains(&b' ');
    let before = spaced
        && start.checked_sub(1).is_some_and(|at| bytes[at] == b' ')
        && digit(start.checked_sub(2));
    let after = bytes
        .get(end)
        .is_some_and(|sign| (*sign == b' ' && spaced || *sign == b'/') && digit(Some(end + 1)));
    before || after
}
