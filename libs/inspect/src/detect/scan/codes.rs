//! Identifiers by their forms. Each word with a digit is walked once; what stands there is checked,
//! judged, and the best of it kept.

use std::ops::Range;

use super::super::forms::FORM_BYTES_MAX;
use super::super::phrases::{Detectors, Verdict, Window};
use super::{NEEDED_WITHIN, Pass, Secrets, Tally, confidence, counts_within};
use crate::detect::{Confidence, Strength, Verify};
use crate::detectors::{continues_after, continues_before};

/// Letters that may stand before the first digit, as a word of their own.
const LEADING_LETTERS_MAX: usize = 5;
/// Forms that are tried at one place.
const TRIED_MAX: usize = 96;

/// A form that stands at a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    end: usize,
    detector: usize,
    telling: bool,
}

/// A code that is as good as its confidence, then its phrase's distance, then its length, then its
/// detector's place in the list.
type Rank = (Confidence, usize, usize, usize);

impl Pass<'_> {
    /// Tries all forms at the word with a digit from `start` to `end`.
    pub(super) fn try_codes(
        &mut self,
        start: usize,
        end: usize,
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) {
        if start < self.codes_from {
            return;
        }
        self.codes_from = end;
        let bytes = self.text.as_bytes();
        let digit_first = bytes[start].is_ascii_digit();
        let leading = digit_first.then(|| leading_word(bytes, start)).flatten();
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
        if continues_before(bytes, start) {
            return false;
        }
        let engine = self.engine;
        let mut complete = std::mem::take(&mut self.complete);
        complete.clear();
        let mut tried = 0;
        let walked = engine.forms.walk(bytes, start, |end, owners| {
            if tried < TRIED_MAX && !runs_on(bytes, start, end) {
                tried += owners.len();
                complete.push((end, owners));
            }
        });
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        if tally.work(walked) {
            self.gather(start, &complete, &mut found);
        }
        self.complete = complete;
        let best = if found.is_empty() {
            None
        } else {
            self.best(start, &found, secrets, tally)
        };
        self.found = found;
        let Some((rank, code)) = best else {
            return false;
        };
        self.keep_code(start, &code, rank.0, tally);
        true
    }

    /// The forms that may be something: a form that is nothing without a phrase is left out where
    /// none is near.
    fn gather(&mut self, start: usize, complete: &[(usize, &[u16])], found: &mut Vec<Found>) {
        let Some((longest, _)) = complete.last() else {
            return;
        };
        let engine = self.engine;
        let field = super::field_at_start(self.piece, self.normalised, start);
        let nearby = self.surroundings.nearby(&(start..*longest), field);
        for (end, owners) in complete {
            for owner in *owners {
                let detector = usize::from(owner / 2);
                if !engine.wanting[usize::from(*owner)] || nearby.contains(detector) {
                    found.push(Found {
                        end: *end,
                        detector,
                        telling: owner % 2 == 1,
                    });
                }
            }
        }
    }

    fn keep_code(&mut self, start: usize, code: &Found, sure: Confidence, tally: &mut Tally) {
        let span = start..code.end;
        self.codes_from = span.end;
        let Verify::Code { cased, .. } = self.engine.detectors[code.detector].verify else {
            return;
        };
        let bare = Bare::of(&self.text.as_bytes()[span.clone()], cased);
        let value = bare.bytes().iter().copied().map(char::from).collect();
        let key = (code.detector, value);
        self.record(key, &span, false, sure, tally);
    }

    fn best(
        &mut self,
        start: usize,
        found: &[Found],
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) -> Option<(Rank, Found)> {
        let mut bare: Option<(usize, bool, Bare)> = None;
        let nobody = Detectors::default();
        let mut hopeful = |code: &Found| {
            self.wants_context(code) || self.check(start, code, &nobody, &mut bare).is_some()
        };
        if !found.iter().any(&mut hopeful) {
            return None;
        }
        let mut longest = found.iter().map(|code| code.end).max()?;
        let contested = self.claimed(&(start..longest), secrets).is_some();
        if contested {
            let open =
                |code: &&Found| self.claimed(&(start..code.end), secrets) < Some(Confidence::High);
            longest = found.iter().filter(open).map(|code| code.end).max()?;
        }
        let whole = start..longest;
        let field = super::field_at_start(self.piece, self.normalised, start);
        let mut window = self.surroundings.around(&whole, field);
        let spoken_for = self.surroundings.spoken_for(&mut window, NEEDED_WITHIN);
        if !tally.work(self.surroundings.searched()) {
            return None;
        }
        let mut best: Option<(Rank, Found)> = None;
        for code in found {
            let Some(strength) = self.check(start, code, &spoken_for, &mut bare) else {
                continue;
            };
            let span = start..code.end;
            if !tally.work(super::JUDGING_WORK) || self.field_of(&span).is_none() {
                continue;
            }
            let Some(rank) = self.rank(&span, code, strength, &mut window) else {
                continue;
            };
            let better = best.as_ref().is_none_or(|(than, _)| rank > *than);
            let mut free = || !contested || self.claimed(&span, secrets) < Some(rank.0);
            if better && free() {
                best = Some((rank, *code));
            }
        }
        best
    }

    /// Whether the code is nothing unless a phrase speaks for its detector.
    fn wants_context(&self, code: &Found) -> bool {
        self.engine.wanting[2 * code.detector + usize::from(code.telling)]
    }

    /// What the code is worth when its check digits fit; `None` when they do not, or when nothing
    /// speaks for a detector that wants it.
    fn check(
        &self,
        start: usize,
        code: &Found,
        spoken_for: &Detectors,
        bare: &mut Option<(usize, bool, Bare)>,
    ) -> Option<Strength> {
        let Verify::Code {
            check,
            cased,
            strength,
        } = self.engine.detectors[code.detector].verify
        else {
            return None;
        };
        if self.wants_context(code) && !spoken_for.contains(code.detector) {
            return None;
        }
        let strength = if code.telling {
            Strength::Plain
        } else {
            strength
        };
        let known = bare.take_if(|(end, with_case, _)| (*end, *with_case) == (code.end, cased));
        let (.., stripped) = bare.insert(known.unwrap_or_else(|| {
            let written = &self.text.as_bytes()[start..code.end];
            (code.end, cased, Bare::of(written, cased))
        }));
        check(stripped.bytes()).then_some(strength)
    }

    fn rank(
        &mut self,
        span: &Range<usize>,
        code: &Found,
        strength: Strength,
        window: &mut Window,
    ) -> Option<Rank> {
        let within = counts_within(strength);
        let verdict = self.surroundings.judge(window, code.detector, within);
        let nearness = match verdict {
            Verdict::Named => usize::MAX,
            Verdict::For(distance) => usize::MAX - 1 - distance,
            Verdict::Silent | Verdict::Against => 0,
        };
        let rank = confidence(strength, verdict)?;
        let order = usize::MAX - code.detector;
        Some((rank, nearness, span.len(), order))
    }

    /// The highest confidence that has claimed a part of `span`.
    fn claimed(&self, span: &Range<usize>, secrets: &mut Secrets<'_>) -> Option<Confidence> {
        let by_numbers = self
            .claims
            .iter()
            .rev()
            .take_while(|claim| claim.span.end + FORM_BYTES_MAX > span.start)
            .filter(|claim| claim.span.end > span.start && claim.span.start < span.end)
            .map(|claim| claim.confidence)
            .max();
        by_numbers.max(secrets.claimed(span))
    }
}

/// What is left of a form without its signs.
struct Bare {
    bytes: [u8; FORM_BYTES_MAX],
    length: usize,
}

impl Bare {
    fn of(written: &[u8], cased: bool) -> Self {
        let mut bare = Self {
            bytes: [0; FORM_BYTES_MAX],
            length: 0,
        };
        let signless = written.iter().filter(|byte| byte.is_ascii_alphanumeric());
        for (byte, place) in signless.zip(&mut bare.bytes) {
            *place = if cased {
                *byte
            } else {
                byte.to_ascii_uppercase()
            };
            bare.length += 1;
        }
        bare
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
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
