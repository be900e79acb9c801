//! The pass over the text: anchors in, findings out.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use memchr::memchr_iter;

use super::assignment::Names;
use super::findings::mask;
use super::forms::Forms;
use super::normalise::Normalised;
use super::phrases::{Phrases, Surroundings, Verdict};
use super::words::Words;
use super::{
    Anchor, Candidate, Confidence, Detector, Finding, Findings, Hit, Piece, Run, Strength, Verify,
    WORK_BASE, WORK_PER_BYTE_MAX,
};
use crate::detectors::Token;
use crate::{Field, Place};

mod assigned;
mod codes;
mod numbers;
#[cfg(test)]
mod reference;

/// Distinct values kept by one scan.
const FINDINGS_MAX: usize = 10_000;
/// Occurrences of one value whose context is judged.
const JUDGED_MAX: u32 = 256;
/// Units of work that judging one value's context costs, beside the search for phrases.
const JUDGING_WORK: usize = 64;
/// Bytes of a detector's reach that are one unit of work: most candidates are told from a part of it.
const REACH_PER_UNIT: usize = 4;
/// A phrase must be this near for a value that is nothing without context.
const NEEDED_WITHIN: usize = 100;

/// Detectors sorted by where they start, with what they need to look.
#[derive(Debug)]
pub(crate) struct Engine {
    detectors: Vec<&'static Detector>,
    phrases: Phrases,
    numbers: numbers::Numbers,
    accounts: Vec<usize>,
    addresses: Vec<usize>,
    /// Signs, each with the detectors that start there.
    signs: Vec<(u8, Vec<usize>)>,
    words: Words,
    names: Names,
    /// Owners are detectors, doubled, and one more for the forms that are telling by themselves.
    forms: Forms,
    /// Whose the forms are that are complete together, by the forms' number for them.
    together: Vec<codes::Together>,
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
        let wanting: Vec<bool> = detectors
            .iter()
            .flat_map(|detector| [wants_context(detector), false])
            .collect();
        let forms = Forms::of(&forms);
        let owners = forms.owners().iter();
        Self {
            together: owners
                .map(|owners| codes::Together::of(owners, &wanting))
                .collect(),
            phrases: Phrases::of(detectors.iter().map(|d| (d.positive, d.negative))),
            numbers: numbers::Numbers::of(detectors),
            accounts: starting(|anchor| matches!(anchor, Anchor::Account)),
            addresses: starting(|anchor| matches!(anchor, Anchor::Address)),
            signs: signs(detectors),
            words: Words::of(detectors),
            names: Names::of(detectors),
            forms,
            detectors: detectors.to_vec(),
        }
    }

    /// Scans all pieces.
    pub(crate) fn scan<'t>(&self, pieces: impl Iterator<Item = Piece<'t>>, tally: &mut Tally) {
        for piece in pieces {
            if tally.is_spent() {
                tally.stop();
                return;
            }
            self.scan_piece(piece, tally);
        }
    }

    fn scan_piece(&self, piece: Piece<'_>, tally: &mut Tally) {
        let normalised = Normalised::of(piece.text);
        let mut pass = Pass::of(self, piece, &normalised);
        let bytes = normalised.text.as_bytes();
        self.words
            .each(bytes, |index, at| pass.try_at(index, at, tally));
        for (sign, detectors) in &self.signs {
            for at in memchr_iter(*sign, bytes) {
                for index in detectors {
                    pass.try_at(*index, at, tally);
                }
            }
        }
        let mut secrets = pass.take_claims();
        pass.try_assignments(&mut Secrets::of(&secrets), tally);
        pass.try_fields(&mut Secrets::of(&secrets), tally);
        secrets.extend(pass.take_claims());
        secrets.sort_unstable_by_key(|claim| claim.span.start);
        pass.try_numbers(&mut Secrets::of(&secrets), tally);
    }
}

/// Whether a form of the detector, unless it is telling, is nothing without a phrase.
fn wants_context(detector: &Detector) -> bool {
    match detector.verify {
        Verify::Code { strength, .. } => {
            matches!(strength, Strength::NeedsContext | Strength::Checked)
        }
        Verify::At(_) | Verify::Token { .. } | Verify::Assigned { .. } => false,
    }
}

fn signs(detectors: &[&'static Detector]) -> Vec<(u8, Vec<usize>)> {
    let mut signs: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
    for (index, detector) in detectors.iter().enumerate() {
        if let Anchor::Sign(sign) = detector.anchor {
            signs.entry(sign).or_default().push(index);
        }
    }
    signs.into_iter().collect()
}

/// What one scan has gathered. Dropped with the scan: it is the only place that holds values.
pub(crate) struct Tally {
    /// Which finding each distinct value is.
    known: HashMap<(usize, String), usize>,
    findings: Findings,
    work_left: u64,
}

/// What a finding is called and shows.
pub(crate) struct Named {
    pub(crate) detector: Cow<'static, str>,
    pub(crate) group: Option<Cow<'static, str>>,
    pub(crate) masked: String,
    pub(crate) test_value: bool,
}

impl Tally {
    /// Nothing yet, with the work that this many bytes of text are worth.
    pub(crate) fn of(bytes: usize) -> Self {
        Self {
            known: HashMap::new(),
            findings: Findings::default(),
            work_left: WORK_BASE + WORK_PER_BYTE_MAX * bytes as u64,
        }
    }

    pub(crate) fn findings(self) -> Findings {
        self.findings
    }

    /// Spends work; `false` when there is too little left.
    pub(crate) fn work(&mut self, units: usize) -> bool {
        let units = units as u64;
        if self.work_left < units {
            self.work_left = 0;
            self.findings.truncated = true;
            return false;
        }
        self.work_left -= units;
        self.findings.work += units;
        true
    }

    /// Whether nothing more is looked at.
    pub(crate) fn is_spent(&self) -> bool {
        self.work_left == 0
    }

    /// Says that something was not looked for to the end.
    pub(crate) fn stop(&mut self) -> bool {
        self.findings.truncated = true;
        true
    }

    /// Counts a detector's value. What it is called and where it stands is asked for only when it is
    /// news.
    pub(crate) fn count(
        &mut self,
        (detector, value): (usize, String),
        confidence: Confidence,
        place: impl FnOnce() -> (usize, Place),
        named: impl FnOnce(&str) -> Named,
    ) {
        let key = (detector, value);
        if let Some(at) = self.known.get(&key).copied() {
            let finding = &mut self.findings.items[at];
            finding.occurrences = finding.occurrences.saturating_add(1);
            if confidence > finding.confidence {
                finding.confidence = confidence;
                (finding.offset, finding.place) = place();
            }
            return;
        }
        if self.findings.items.len() >= FINDINGS_MAX {
            self.findings.truncated = true;
            return;
        }
        if self.findings.items.len() + 1 == FINDINGS_MAX {
            // Nothing more could be told: what is left of the text is not looked at.
            self.work_left = 0;
        }
        let (offset, place) = place();
        let named = named(&key.1);
        self.findings.items.push(Finding {
            detector: named.detector,
            group: named.group,
            confidence,
            masked: named.masked,
            place,
            offset,
            occurrences: 1,
            test_value: named.test_value,
        });
        self.known.insert(key, self.findings.items.len() - 1);
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

impl<'c> Secrets<'c> {
    fn of(claims: &'c [Claim]) -> Self {
        Self { claims, next: 0 }
    }

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
    piece: Piece<'p>,
    text: &'p str,
    normalised: &'p Normalised<'p>,
    surroundings: Surroundings<'p>,
    free_from: Vec<usize>,
    /// For each detector, the last run of its characters that it met.
    runs: Vec<Cell<Run>>,
    claims: Vec<Claim>,
    /// Where the next word with a digit may start.
    codes_from: usize,
    /// Forms that stand at the place that is being tried, and what of them is a code.
    complete: Vec<codes::Complete<'p>>,
    codes: Vec<codes::Code>,
    /// The last run of text without a sign that ends a value.
    value: Range<usize>,
}

impl<'p> Pass<'p> {
    fn of(engine: &'p Engine, piece: Piece<'p>, normalised: &'p Normalised<'p>) -> Self {
        Self {
            engine,
            piece,
            text: &normalised.text,
            normalised,
            surroundings: Surroundings::of(&engine.phrases, &normalised.text),
            free_from: vec![0; engine.detectors.len()],
            runs: vec![Cell::default(); engine.detectors.len()],
            claims: Vec::new(),
            codes_from: 0,
            complete: Vec::new(),
            codes: Vec::new(),
            value: 0..0,
        }
    }

    /// What secrets and addresses have claimed, in order.
    fn take_claims(&mut self) -> Vec<Claim> {
        self.claims.sort_unstable_by_key(|claim| claim.span.start);
        std::mem::take(&mut self.claims)
    }

    fn try_at(&mut self, index: usize, at: usize, tally: &mut Tally) {
        let detector = self.engine.detectors[index];
        let free_from = self.free_from[index];
        if at < free_from || !tally.work(detector.reach / REACH_PER_UNIT) {
            return;
        }
        let dead_until = Cell::new(0);
        let candidate = Candidate {
            text: self.text,
            at,
            free_from,
            dead_until: &dead_until,
            run: &self.runs[index],
        };
        let hit = match detector.verify {
            Verify::At(verify) => verify(&candidate),
            Verify::Token {
                body,
                chars,
                strength,
            } => {
                let token = Token {
                    body,
                    chars,
                    strength,
                };
                token.verify(&candidate, detector.anchor)
            }
            Verify::Code { .. } | Verify::Assigned { .. } => None,
        };
        match hit {
            Some(hit) if hit.start >= free_from => self.keep(index, hit, tally),
            Some(_) => {}
            None => self.free_from[index] = free_from.max(dead_until.get()),
        }
    }

    /// The field that the value stands in; `None` when it runs on into the next cell.
    fn field_of(&self, value: &Range<usize>) -> Option<Option<&'p Field>> {
        if self.piece.fields.is_empty() {
            return Some(None);
        }
        let offset = self.normalised.source_offset(value.start);
        let field = field_at(self.piece.fields, offset);
        let last = self.normalised.source_offset(value.end - 1);
        field.is_none_or(|field| last < field.end).then_some(field)
    }

    fn keep(&mut self, index: usize, hit: Hit, tally: &mut Tally) {
        let span = hit.start..hit.end;
        let Some(field) = self.field_of(&span) else {
            return;
        };
        let wanting = matches!(hit.strength, Strength::NeedsContext | Strength::Checked);
        if wanting && !self.surroundings.nearby(&span, field).contains(index) {
            tally.work(self.surroundings.searched());
            return;
        }
        let key = (index, hit.value);
        let known = tally.known.get(&key).copied();
        let settled = known.map(|at| &tally.findings.items[at]).filter(|finding| {
            finding.confidence == Confidence::High || finding.occurrences >= JUDGED_MAX
        });
        let settled = settled.map(|finding| finding.confidence);
        if settled.is_none() && !tally.work(JUDGING_WORK) {
            return;
        }
        let judged = settled.or_else(|| self.judged(index, &span, field, hit.strength));
        if !tally.work(self.surroundings.searched()) {
            return;
        }
        if let Some(confidence) = judged {
            self.record(key, &span, hit.test_value, confidence, tally);
        }
    }

    fn judged(
        &mut self,
        index: usize,
        span: &Range<usize>,
        field: Option<&Field>,
        strength: Strength,
    ) -> Option<Confidence> {
        let silent =
            strength == Strength::Certain || !self.surroundings.nearby(span, field).contains(index);
        if silent {
            return confidence(strength, Verdict::Silent);
        }
        self.surroundings.look_around(span, field);
        let verdict = self.surroundings.judge(index, counts_within(strength));
        confidence(strength, verdict)
    }

    fn record(
        &mut self,
        (index, value): (usize, String),
        span: &Range<usize>,
        test_value: bool,
        confidence: Confidence,
        tally: &mut Tally,
    ) {
        self.free_from[index] = span.end;
        if confidence > Confidence::Low {
            self.claims.push(Claim {
                span: span.clone(),
                confidence,
            });
        }
        let place = || {
            let offset = self.normalised.source_offset(span.start);
            let field = field_at(self.piece.fields, offset);
            (offset, place_of(self.piece, field))
        };
        let detector = self.engine.detectors[index];
        tally.count((index, value), confidence, place, |value| Named {
            detector: detector.name.into(),
            group: detector.group.map(Into::into),
            masked: mask(value),
            test_value,
        });
    }
}

/// How far away a phrase may be to count.
fn counts_within(strength: Strength) -> usize {
    match strength {
        Strength::NeedsContext | Strength::Checked => NEEDED_WITHIN,
        Strength::Doubtful | Strength::Plain | Strength::Certain => usize::MAX,
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

/// The field that the value at `start` of the normalised text stands in.
fn field_at_start<'p>(
    piece: Piece<'p>,
    normalised: &Normalised<'_>,
    start: usize,
) -> Option<&'p Field> {
    if piece.fields.is_empty() {
        return None;
    }
    field_at(piece.fields, normalised.source_offset(start))
}

/// The field that the byte at `offset` of the text stands in.
pub(crate) fn field_at(fields: &[Field], offset: usize) -> Option<&Field> {
    let after = fields.partition_point(|field| field.start <= offset);
    fields[..after].last().filter(|field| offset < field.end)
}

/// Where a value of the piece stands.
pub(crate) fn place_of(piece: Piece<'_>, field: Option<&Field>) -> Place {
    field.map_or_else(
        || piece.place.clone(),
        |field| piece.place.within_field(field),
    )
}
