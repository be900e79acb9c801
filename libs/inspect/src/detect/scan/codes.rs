//! Identifiers by their forms. Each word with a digit is walked once; what stands there is checked,
//! judged, and the best of it kept.

use std::ops::Range;

use super::super::forms::FORM_BYTES_MAX;
use super::super::phrases::{Detectors, Verdict};
use super::numbers::Word;
use super::{Engine, NEEDED_WITHIN, Pass, Secrets, Tally, confidence, counts_within};
use crate::detect::{Confidence, Strength, Verify};
use crate::detectors::{continues_after, continues_before};

/// Letters that may stand before the first digit, as a word of their own.
const LEADING_LETTERS_MAX: usize = 5;
/// Forms that are tried at one place.
const TRIED_MAX: usize = 96;

/// The detectors of forms that are complete together.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// How many forms they are.
    forms: usize,
    /// Those that are nothing without a phrase.
    wanting: Detectors,
    /// The others, each with whether its form is telling by itself.
    free: Vec<(usize, bool)>,
}

impl Together {
    /// By owners, as the engine numbers them.
    pub(super) fn of(owners: &[u16], wanting: &[bool]) -> Self {
        let needs = |owner: &&u16| wanting[usize::from(**owner)];
        let detector = |owner: &u16| usize::from(owner / 2);
        Together {
            forms: owners.len(),
            wanting: owners.iter().filter(needs).map(detector).collect(),
            free: owners
                .iter()
                .filter(|owner| !needs(owner))
                .map(|owner| (detector(owner), owner % 2 == 1))
                .collect(),
        }
    }
}

/// Forms that stand at a place: where they end, and which are complete there.
pub(super) type Complete<'e> = (usize, &'e Together);

/// A code that stands at a place, and what it is worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    end: usize,
    detector: usize,
    strength: Strength,
}

/// A code that is as good as its confidence, then its phrase's distance, then its length, then its
/// detector's place in the list.
type Rank = (Confidence, usize, usize, usize);

impl<'p> Pass<'p> {
    /// Tries all forms at the word.
    pub(super) fn try_codes(&mut self, word: Word, secrets: &mut Secrets<'_>, tally: &mut Tally) {
        if word.start < self.codes_from {
            return;
        }
        self.codes_from = word.end;
        let bytes = self.text.as_bytes();
        let forms = &self.engine.forms;
        let leading = leading_word(bytes, word).filter(|start| {
            forms.may_start(
                &bytes[*start..word.start - 1],
                false,
                Some(bytes[word.start - 1]),
            )
        });
        if leading.is_some_and(|start| self.try_codes_from(start, 0, secrets, tally)) {
            return;
        }
        let after = bytes.get(word.end).copied();
        if forms.may_start(&bytes[word.start..word.end], word.is_number(), after)
            && !self.is_unheard(word, after)
        {
            self.try_codes_from(word.start, word.leading_digits(), secrets, tally);
        }
    }

    /// Whether the word is digits alone, and all forms that it completes are nothing without a phrase, of which none
    /// is near: most numbers of a table are.
    fn is_unheard(&mut self, word: Word, after: Option<u8>) -> bool {
        let engine: &'p Engine = self.engine;
        let alone = word
            .is_number()
            .then(|| engine.forms.of_digits_alone(word.leading_digits(), after))
            .flatten();
        let Some(together) = alone.map(|number| &engine.together[number]) else {
            return false;
        };
        let field = super::field_at_start(self.piece, self.normalised, word.start);
        together.free.is_empty() && {
            let nearby = self.surroundings.nearby(&(word.start..word.end), field);
            !together.wanting.meets(nearby)
        }
    }

    fn try_codes_from(
        &mut self,
        start: usize,
        digits: usize,
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) -> bool {
        let bytes = self.text.as_bytes();
        if continues_before(bytes, start) {
            return false;
        }
        let engine: &'p Engine = self.engine;
        let mut complete = std::mem::take(&mut self.complete);
        complete.clear();
        let mut tried = 0;
        let walked = engine.forms.walk(bytes, start, digits, |end, number| {
            if tried < TRIED_MAX && !runs_on(bytes, start, end) {
                tried += engine.together[number].forms;
                complete.push((end, &engine.together[number]));
            }
        });
        let mut codes = std::mem::take(&mut self.codes);
        codes.clear();
        let best = if tally.work(walked) {
            self.best(start, &mut complete, &mut codes, secrets, tally)
        } else {
            None
        };
        self.complete = complete;
        self.codes = codes;
        let Some((rank, code)) = best else {
            return false;
        };
        self.keep_code(start, code, rank.0, tally);
        true
    }

    fn keep_code(&mut self, start: usize, code: Code, sure: Confidence, tally: &mut Tally) {
        let span = start..code.end;
        self.codes_from = span.end;
        let Verify::Code { cased, .. } = self.engine.detectors[code.detector].verify else {
            return;
        };
        let written = &self.text.as_bytes()[span.clone()];
        let mut bare = Bare::new();
        let bare = bare.of(written, span.end, cased);
        let value = bare.iter().copied().map(char::from).collect();
        let key = (code.detector, value);
        self.record(key, &span, false, sure, tally);
    }

    /// The best of what stands at `start`. A form that is nothing without a phrase is left out where
    /// none is near.
    fn best(
        &mut self,
        start: usize,
        complete: &mut Vec<Complete<'p>>,
        codes: &mut Vec<Code>,
        secrets: &mut Secrets<'_>,
        tally: &mut Tally,
    ) -> Option<(Rank, Code)> {
        let (last, _) = complete.last()?;
        let field = super::field_at_start(self.piece, self.normalised, start);
        let nearby = *self.surroundings.nearby(&(start..*last), field);
        let heard = |together: &Together| together.wanting.meets(&nearby);
        complete.retain(|(_, together)| !together.free.is_empty() || heard(together));
        self.add_free(start, complete, codes);
        if codes.is_empty() && !complete.iter().any(|(_, together)| heard(together)) {
            return None;
        }
        let longest = complete.iter().map(|(end, _)| *end).max()?;
        let contested = self.claimed(&(start..longest), secrets).is_some();
        let longest = if contested {
            let mut open = complete.iter().map(|(end, _)| *end).rev();
            open.find(|end| self.claimed(&(start..*end), secrets) < Some(Confidence::High))?
        } else {
            longest
        };
        self.surroundings.look_around(&(start..longest), field);
        let spoken_for = self.surroundings.spoken_for(NEEDED_WITHIN);
        if !tally.work(self.surroundings.searched()) {
            return None;
        }
        self.add_spoken_for(start, complete, &spoken_for, codes);
        self.best_of(start, codes, contested.then_some(secrets), tally)
    }

    fn best_of(
        &mut self,
        start: usize,
        codes: &[Code],
        mut contested: Option<&mut Secrets<'_>>,
        tally: &mut Tally,
    ) -> Option<(Rank, Code)> {
        let mut best: Option<(Rank, Code)> = None;
        for code in codes {
            let span = start..code.end;
            if !tally.work(super::JUDGING_WORK) || self.field_of(&span).is_none() {
                continue;
            }
            let Some(rank) = self.rank(&span, code) else {
                continue;
            };
            if best.as_ref().is_some_and(|(than, _)| rank <= *than) {
                continue;
            }
            let taken = contested.as_mut();
            let taken = taken.and_then(|secrets| self.claimed(&span, secrets));
            if taken < Some(rank.0) {
                best = Some((rank, *code));
            }
        }
        best
    }

    /// Adds the codes that may be something without a phrase.
    fn add_free(&self, start: usize, complete: &[Complete<'_>], codes: &mut Vec<Code>) {
        let mut bare = Bare::new();
        for (end, together) in complete {
            for (detector, telling) in &together.free {
                codes.extend(self.checked((start, *end), *detector, *telling, &mut bare));
            }
        }
    }

    /// Adds the codes that a phrase speaks for.
    fn add_spoken_for(
        &self,
        start: usize,
        complete: &[Complete<'_>],
        spoken_for: &Detectors,
        codes: &mut Vec<Code>,
    ) {
        let mut bare = Bare::new();
        for (end, together) in complete {
            for detector in together.wanting.both(spoken_for) {
                codes.extend(self.checked((start, *end), detector, false, &mut bare));
            }
        }
    }

    /// The code, when its check digits fit.
    fn checked(
        &self,
        (start, end): (usize, usize),
        detector: usize,
        telling: bool,
        bare: &mut Bare,
    ) -> Option<Code> {
        let Verify::Code {
            check,
            cased,
            strength,
        } = self.engine.detectors[detector].verify
        else {
            return None;
        };
        let written = &self.text.as_bytes()[start..end];
        let stripped = bare.of(written, end, cased);
        let strength = if telling { Strength::Plain } else { strength };
        check(stripped).then_some(Code {
            end,
            detector,
            strength,
        })
    }

    fn rank(&mut self, span: &Range<usize>, code: &Code) -> Option<Rank> {
        let within = counts_within(code.strength);
        let verdict = self.surroundings.judge(code.detector, within);
        let nearness = match verdict {
            Verdict::Named => usize::MAX,
            Verdict::For(distance) => usize::MAX - 1 - distance,
            Verdict::Silent | Verdict::Against => 0,
        };
        let rank = confidence(code.strength, verdict)?;
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

/// What is left of a form without its signs, in upper case unless its case counts.
struct Bare {
    /// Where the form ended that was read last, and whether its case counted.
    read: Option<(usize, bool)>,
    bytes: [u8; FORM_BYTES_MAX],
    length: usize,
}

impl Bare {
    fn new() -> Self {
        Self {
            read: None,
            bytes: [0; FORM_BYTES_MAX],
            length: 0,
        }
    }

    /// What is left of the form that is written here and ends at `end`.
    fn of(&mut self, written: &[u8], end: usize, cased: bool) -> &[u8] {
        if self.read != Some((end, cased)) {
            self.read = Some((end, cased));
            self.length = 0;
            let signless = written.iter().filter(|byte| byte.is_ascii_alphanumeric());
            for (byte, place) in signless.zip(&mut self.bytes) {
                *place = if cased {
                    *byte
                } else {
                    byte.to_ascii_uppercase()
                };
                self.length += 1;
            }
        }
        &self.bytes[..self.length]
    }
}

/// The start of a short word of letters that one sign parts from a word that starts with a digit.
fn leading_word(bytes: &[u8], word: Word) -> Option<usize> {
    let end = word.start.checked_sub(1)?;
    let lettered = end > 0 && bytes[end - 1].is_ascii_alphabetic();
    if !lettered || word.leading_digits() == 0 || !b" -.".contains(&bytes[end]) {
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
