//! The pass over the text: anchors in, findings out.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memchr_iter;

use super::findings::mask;
use super::forms::Forms;
use super::normalise::Normalised;
use super::phrases::{Phrases, Surroundings, Verdict};
use super::words::Words;
use super::{
    Anchor, Candidate, Confidence, Detector, Finding, Findings, Hit, Strength, Verify, WORK_BASE,
    WORK_PER_BYTE_MAX,
};
use crate::{Field, Place, Segment};

mod codes;

/// Distinct values kept by one scan.
const FINDINGS_MAX: usize = 10_000;
/// Occurrences of one value whose context is judged.
const JUDGED_MAX: u32 = 256;
/// Units of work that judging one value's context costs, beside the search for phrases.
const JUDGING_WORK: usize = 64;
/// A phrase must be this near for a value that is nothing without context.
const NEEDED_WITHIN: usize = 100;
/// Bytes that are searched for digits at once.
const STRIDE: usize = 32;

/// Detectors sorted by where they start, with what they need to look.
#[derive(Debug)]
pub(crate) struct Engine {
    detectors: Vec<&'static Detector>,
    phrases: Phrases,
    digits: Vec<usize>,
    at: Vec<usize>,
    words: Words,
    /// Owners are detectors, doubled, and one more for the forms that are telling by themselves.
    forms: Forms,
}

impl Engine {
    pub(crate) fn new(detectors: &[&'static Detector]) -> Self {
        let starting = |wanted: fn(&Anchor) -> bool| {
            (0..detectors.len())
                .filter(|index| wanted(&detectors[*index].anchor))
                .collect()
        };
        let mut forms: Vec<(&str, u16)> = Vec::new();
        for (index, detector) in (0u16..).zip(detectors) {
            if let Anchor::Forms(written) = detector.anchor {
                forms.extend(written.iter().map(|form| match form.strip_prefix('!') {
                    Some(form) => (form, 2 * index + 1),
                    None => (*form, 2 * index),
                }));
            }
        }
        Self {
            phrases: Phrases::of(detectors),
            digits: starting(|anchor| matches!(anchor, Anchor::Digits)),
            at: starting(|anchor| matches!(anchor, Anchor::At)),
            words: Words::of(detectors),
            forms: Forms::of(&forms),
            detectors: detectors.to_vec(),
        }
    }

    pub(crate) fn scan(&self, segments: &[Segment]) -> Findings {
        let bytes: usize = segments.iter().map(|segment| segment.text.len()).sum();
        let mut tally = Tally {
            known: HashMap::new(),
            findings: Findings::default(),
            work_left: WORK_BASE + WORK_PER_BYTE_MAX * bytes as u64,
        };
        for segment in segments {
            self.scan_segment(segment, &mut tally);
        }
        tally.findings
    }

    fn scan_segment(&self, segment: &Segment, tally: &mut Tally) {
        let normalised = Normalised::of(&segment.text);
        let bytes = normalised.text.as_bytes();
        let mut pass = Pass {
            engine: self,
            segment,
            text: &normalised.text,
            normalised: &normalised,
            surroundings: Surroundings::of(&self.phrases, &normalised.text),
            free_from: vec![0; self.detectors.len()],
            claims: Vec::new(),
            codes_from: 0,
        };
        self.words
            .each(bytes, |index, at| pass.try_at(index, at, tally));
        for at in memchr_iter(b'@', bytes) {
            for index in &self.at {
                pass.try_at(*index, at, tally);
            }
        }
        pass.claims.sort_unstable_by_key(|claim| claim.span.start);
        let secrets = std::mem::take(&mut pass.claims);
        let mut secrets = Secrets {
            claims: &secrets,
            next: 0,
        };
        each_number(bytes, |at| {
            for index in &self.digits {
                pass.try_at(*index, at, tally);
            }
            pass.try_codes(at, &mut secrets, tally);
        });
    }
}

/// Calls `at` with the start of every group of digits.
fn each_number(bytes: &[u8], mut at: impl FnMut(usize)) {
    let mut digit_before = false;
    for (index, stride) in bytes.chunks(STRIDE).enumerate() {
        let any = stride
            .iter()
            .fold(false, |any, byte| any | byte.is_ascii_digit());
        if !any {
            digit_before = false;
            continue;
        }
        for (offset, byte) in stride.iter().enumerate() {
            let digit = byte.is_ascii_digit();
            if digit && !digit_before {
                at(index * STRIDE + offset);
            }
            digit_before = digit;
        }
    }
}

/// What one scan has gathered. Dropped with the scan: it is the only place that holds values.
struct Tally {
    /// Which finding each distinct value is.
    known: HashMap<(usize, String), usize>,
    findings: Findings,
    work_left: u64,
}

impl Tally {
    fn work(&mut self, units: usize) -> bool {
        let units = units as u64;
        if self.work_left < units {
            self.findings.truncated = true;
            return false;
        }
        self.work_left -= units;
        self.findings.work += units;
        true
    }
}

/// A stretch of text that a finding of at least medium confidence has taken.
#[derive(Debug)]
struct Claim {
    span: Range<usize>,
    confidence: Confidence,
}

/// The claims of secrets and addresses, walked along with the text.
struct Secrets<'c> {
    claims: &'c [Claim],
    next: usize,
}

impl Secrets<'_> {
    /// The highest confidence that has claimed a part of `span`; spans come in ascending order.
    fn claimed(&mut self, span: &Range<usize>) -> Option<Confidence> {
        while self
            .claims
            .get(self.next)
            .is_some_and(|claim| claim.span.end <= span.start)
        {
            self.next += 1;
        }
        self.claims[self.next..]
            .iter()
            .take_while(|claim| claim.span.start < span.end)
            .filter(|claim| claim.span.end > span.start)
            .map(|claim| claim.confidence)
            .max()
    }
}

/// One segment being scanned.
struct Pass<'p> {
    engine: &'p Engine,
    segment: &'p Segment,
    text: &'p str,
    normalised: &'p Normalised<'p>,
    surroundings: Surroundings<'p>,
    free_from: Vec<usize>,
    claims: Vec<Claim>,
    /// Where the next word with a digit may start.
    codes_from: usize,
}

impl Pass<'_> {
    fn try_at(&mut self, index: usize, at: usize, tally: &mut Tally) {
        let detector = self.engine.detectors[index];
        let free_from = self.free_from[index];
        if at < free_from || !tally.work(detector.reach) {
            return;
        }
        let candidate = Candidate {
            text: self.text,
            at,
            free_from,
        };
        let hit = match detector.verify {
            Verify::At(verify) => verify(&candidate),
            Verify::Token {
                body,
                chars,
                strength,
            } => crate::detectors::token(&candidate, detector.anchor, body, chars, strength),
            Verify::Code { .. } => None,
        };
        if let Some(hit) = hit
            && hit.start >= free_from
        {
            self.keep(index, hit, tally);
        }
    }

    /// The field that the value stands in; `None` when it runs on into the next cell.
    fn field_of(&self, value: &Range<usize>) -> Option<Option<&'_ Field>> {
        let offset = self.normalised.source_offset(value.start);
        let field = field_at(&self.segment.fields, offset);
        let last = self.normalised.source_offset(value.end - 1);
        field.is_none_or(|field| last < field.end).then_some(field)
    }

    fn keep(&mut self, index: usize, hit: Hit, tally: &mut Tally) {
        let segment = self.segment;
        let offset = self.normalised.source_offset(hit.start);
        let field = field_at(&segment.fields, offset);
        if self.field_of(&(hit.start..hit.end)).is_none() {
            return;
        }
        let known = tally.known.get(&(index, hit.value.clone())).copied();
        let settled = known.map(|at| &tally.findings.items[at]).filter(|finding| {
            finding.confidence == Confidence::High || finding.occurrences >= JUDGED_MAX
        });
        let settled = settled.map(|finding| finding.confidence);
        if settled.is_none() && !tally.work(JUDGING_WORK) {
            return;
        }
        let judged = settled.or_else(|| {
            let window = self.surroundings.around(hit.start..hit.end, field);
            confidence(hit.strength, self.surroundings.judge(&window, index))
        });
        if !tally.work(self.surroundings.searched()) {
            return;
        }
        if let Some(confidence) = judged {
            self.record(index, hit, confidence, tally);
        }
    }

    fn record(&mut self, index: usize, hit: Hit, confidence: Confidence, tally: &mut Tally) {
        let segment = self.segment;
        let offset = self.normalised.source_offset(hit.start);
        let field = field_at(&segment.fields, offset);
        self.free_from[index] = hit.end;
        if confidence > Confidence::Low {
            self.claims.push(Claim {
                span: hit.start..hit.end,
                confidence,
            });
        }
        let key = (index, hit.value);
        match tally.known.get(&key).copied() {
            Some(at) => {
                let finding = &mut tally.findings.items[at];
                finding.occurrences = finding.occurrences.saturating_add(1);
                if confidence > finding.confidence {
                    finding.confidence = confidence;
                    finding.offset = offset;
                    finding.place = place_of(segment, field);
                }
            }
            None if tally.findings.items.len() >= FINDINGS_MAX => tally.findings.truncated = true,
            None => {
                let detector = self.engine.detectors[index];
                tally.findings.items.push(Finding {
                    detector: detector.name,
                    group: detector.group,
                    confidence,
                    masked: mask(&key.1),
                    place: place_of(segment, field),
                    offset,
                    occurrences: 1,
                    test_value: hit.test_value,
                });
                tally.known.insert(key, tally.findings.items.len() - 1);
            }
        }
    }
}

fn confidence(strength: Strength, verdict: Verdict) -> Option<Confidence> {
    use Confidence::{High, Low, Medium};
    match (strength, verdict) {
        (Strength::Certain, _) => Some(High),
        (_, Verdict::Named) => Some(High),
        (Strength::NeedsContext, Verdict::For(distance)) => {
            (distance <= NEEDED_WITHIN).then_some(Medium)
        }
        (Strength::Checked, Verdict::For(distance)) => (distance <= NEEDED_WITHIN).then_some(High),
        (Strength::NeedsContext | Strength::Checked, Verdict::Silent | Verdict::Against) => None,
        (Strength::Doubtful, Verdict::For(_)) => Some(Medium),
        (Strength::Doubtful, Verdict::Silent | Verdict::Against) => Some(Low),
        (Strength::Plain, Verdict::For(_)) => Some(High),
        (Strength::Plain, Verdict::Silent) => Some(Medium),
        (Strength::Plain, Verdict::Against) => Some(Low),
    }
}

fn field_at(fields: &[Field], offset: usize) -> Option<&Field> {
    let after = fields.partition_point(|field| field.start <= offset);
    fields[..after].last().filter(|field| offset < field.end)
}

fn place_of(segment: &Segment, field: Option<&Field>) -> Place {
    field.map_or_else(
        || segment.place.clone(),
        |field| segment.place.within_field(field),
    )
}
