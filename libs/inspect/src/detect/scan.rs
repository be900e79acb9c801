//! The pass over the text: anchors in, findings out.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memchr_iter;

use super::context::{Context, Verdict, WINDOW_BYTES};
use super::findings::mask;
use super::normalise::Normalised;
use super::{
    Anchor, Candidate, Confidence, Detector, Finding, Findings, Hit, Strength, WORK_BASE,
    WORK_PER_BYTE_MAX,
};
use crate::{Field, Place, Segment};

/// Distinct values kept by one scan.
const FINDINGS_MAX: usize = 10_000;
/// Occurrences of one value whose context is judged.
const JUDGED_MAX: u32 = 256;
/// A phrase must be this near for a value that is nothing without context.
const NEEDED_WITHIN: usize = 100;

/// Detectors sorted by where they start, with what they need to look.
#[derive(Debug)]
pub(crate) struct Engine {
    detectors: &'static [&'static Detector],
    contexts: Vec<Context>,
    digits: Vec<usize>,
    at: Vec<usize>,
    words: Option<AhoCorasick>,
    /// The detector that each word belongs to.
    word_owners: Vec<usize>,
}

impl Engine {
    pub(crate) fn new(detectors: &'static [&'static Detector]) -> Self {
        let mut engine = Self {
            detectors,
            contexts: detectors
                .iter()
                .map(|detector| Context::of(detector))
                .collect(),
            digits: Vec::new(),
            at: Vec::new(),
            words: None,
            word_owners: Vec::new(),
        };
        let mut words: Vec<&str> = Vec::new();
        for (index, detector) in detectors.iter().enumerate() {
            match detector.anchor {
                Anchor::Digits => engine.digits.push(index),
                Anchor::At => engine.at.push(index),
                Anchor::Words(anchors) => {
                    words.extend(anchors);
                    engine.word_owners.extend(anchors.iter().map(|_| index));
                }
            }
        }
        engine.words = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&words)
            .ok()
            .filter(|_| !words.is_empty());
        engine
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
        let mut pass = Pass {
            engine: self,
            segment,
            text: &normalised.text,
            normalised: &normalised,
            free_from: vec![0; self.detectors.len()],
        };
        let bytes = pass.text.as_bytes();
        let mut digit_before = false;
        for (at, byte) in bytes.iter().enumerate() {
            let digit = byte.is_ascii_digit();
            if digit && !digit_before {
                for index in &self.digits {
                    pass.try_at(*index, at, tally);
                }
            }
            digit_before = digit;
        }
        if !self.at.is_empty() {
            for at in memchr_iter(b'@', bytes) {
                for index in &self.at {
                    pass.try_at(*index, at, tally);
                }
            }
        }
        for found in self.words.iter().flat_map(|words| words.find_iter(bytes)) {
            pass.try_at(
                self.word_owners[found.pattern().as_usize()],
                found.start(),
                tally,
            );
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

/// One segment being scanned.
struct Pass<'p> {
    engine: &'p Engine,
    segment: &'p Segment,
    text: &'p str,
    normalised: &'p Normalised<'p>,
    free_from: Vec<usize>,
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
        if let Some(hit) = (detector.verify)(&candidate)
            && hit.start >= free_from
        {
            self.keep(index, hit, tally);
        }
    }

    fn keep(&mut self, index: usize, hit: Hit, tally: &mut Tally) {
        let offset = self.normalised.source_offset(hit.start);
        let field = field_at(&self.segment.fields, offset);
        // A value does not run on into the next cell.
        let last = self.normalised.source_offset(hit.end - 1);
        if field.is_some_and(|field| last >= field.end) {
            return;
        }
        let key = (index, hit.value);
        let known = tally.known.get(&key).copied();
        let settled = known.map(|at| &tally.findings.items[at]).filter(|finding| {
            finding.confidence == Confidence::High || finding.occurrences >= JUDGED_MAX
        });
        let settled = settled.map(|finding| finding.confidence);
        if settled.is_none() && !tally.work(2 * WINDOW_BYTES) {
            return;
        }
        let confidence = settled.or_else(|| {
            let verdict = self.engine.contexts[index].judge(self.text, hit.start, hit.end, field);
            confidence(hit.strength, verdict)
        });
        let Some(confidence) = confidence else { return };
        self.free_from[index] = hit.end;
        match known {
            Some(at) => {
                let finding = &mut tally.findings.items[at];
                finding.occurrences = finding.occurrences.saturating_add(1);
                if confidence > finding.confidence {
                    finding.confidence = confidence;
                    finding.offset = offset;
                    finding.place = place_of(self.segment, field);
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
                    place: place_of(self.segment, field),
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
        (Strength::NeedsContext, Verdict::Silent | Verdict::Against) => None,
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
