//! What an inspection means to policies: counts by detector and group, coverage, labels, evidence and blind spots.
//! The same for attempts before the fact and for activity after it.

use std::collections::{BTreeMap, BTreeSet};

use event_model::{BlindSpot, Evidence};
use inspect::{Confidence, Inspection};
use labels::{Label, Labelling};
use policy::{ContentFacts, Coverage, MoreLabels};

/// Most labels of one object.
const LABELS_MAX: usize = 1_000;

/// What policies know of a content, labels apart.
pub fn facts(inspection: &Inspection) -> ContentFacts {
    ContentFacts {
        kind: inspection.kind.to_string(),
        coverage: match &inspection.coverage {
            inspect::Coverage::Full => Coverage::Full,
            inspect::Coverage::Partial { reasons } => Coverage::Partial {
                reasons: reasons.iter().map(ToString::to_string).collect(),
            },
            inspect::Coverage::None { reason } => Coverage::None {
                reason: reason.to_string(),
            },
        },
        counts: counts(inspection),
        labels: Vec::new(),
        more_labels: MoreLabels::None,
        properties: inspection.metadata.clone(),
    }
}

/// Distinct values by every detector and group that found one, whoever wrote it.
fn counts(inspection: &Inspection) -> BTreeMap<String, [usize; 3]> {
    let names = inspection.findings.iter().flat_map(|found| {
        let group = found.group.as_deref();
        [Some(found.detector.as_ref()), group].into_iter().flatten()
    });
    let names: BTreeSet<&str> = names.collect();
    let levels = |name: &str| {
        let at_least = |confidence| inspection.findings.count(name, confidence);
        [Confidence::Low, Confidence::Medium, Confidence::High].map(at_least)
    };
    names
        .into_iter()
        .map(|name| (name.to_owned(), levels(name)))
        .collect()
}

/// What was found, the surest first, at most so much of it.
pub fn evidence(inspection: &Inspection, evidence_max: usize) -> Vec<Evidence> {
    let mut findings: Vec<_> = inspection.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.confidence));
    let kept = findings.into_iter().take(evidence_max);
    kept.map(|finding| Evidence {
        detector: finding.detector.to_string(),
        confidence: finding.confidence.word().to_owned(),
        masked: finding.masked.clone(),
        place: finding.place.to_string(),
        occurrences: finding.occurrences,
        test_value: finding.test_value,
    })
    .collect()
}

/// What could not be read, and why.
pub fn blind_spots(inspection: &Inspection) -> Vec<BlindSpot> {
    let reasons = inspection.coverage.reasons();
    let spot = |reason: &inspect::Reason| BlindSpot {
        reason: reason.word().to_owned(),
        detail: reason.to_string(),
    };
    reasons.iter().map(spot).collect()
}

/// The labels that the content itself tells: those that its findings stand for, and those that the document carries.
pub fn labels_of_content(labelling: &Labelling, facts: &ContentFacts) -> Vec<Label> {
    let mut labels = labelling.of_findings(|detector, level| {
        facts.counts.get(detector).map_or(0, |counts| counts[level])
    });
    labels.extend(labelling.of_document(&facts.properties));
    labels
}

/// Each name once, and each id beside its name: rules may say either.
pub fn label_names(labels: &[Label]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let all = labels
        .iter()
        .flat_map(|label| [Some(&label.name), label.id.as_ref()]);
    for name in all.flatten() {
        if names.len() < LABELS_MAX && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
