//! What an attempt's object holds: told by the caller, or found by inspecting bytes that came along.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use event_model::{BlindSpot, Evidence};
use inspect::{DetectorSet, Inspection};
use inspector::Inspector;
use labels::Labelling;
use policy::{ContentFacts, Coverage};
use tokio::sync::Semaphore;

use crate::attempt::{AttemptMistake, AttemptedContent, Matches};
use crate::inspected;

/// Largest content that comes along with an attempt, in bytes.
pub const CONTENT_BYTES_MAX: usize = 512 * 1024;
/// Most pieces of evidence kept of one content.
const EVIDENCE_MAX: usize = 100;

/// What is known of the content.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) facts: Option<ContentFacts>,
    /// Still to be inspected.
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) blind_spots: Vec<BlindSpot>,
}

impl Known {
    pub(crate) fn of(given: Option<AttemptedContent>) -> Result<Self, Vec<AttemptMistake>> {
        let Some(given) = given else {
            return Ok(Known::default());
        };
        let mut mistakes = Vec::new();
        let bytes = given
            .base64
            .as_deref()
            .and_then(|text| decode(text, &mut mistakes));
        let facts = given
            .base64
            .is_none()
            .then(|| facts_of(given, &mut mistakes));
        match mistakes.is_empty() {
            true => Ok(Known {
                facts,
                bytes,
                ..Known::default()
            }),
            false => Err(mistakes),
        }
    }
}

fn decode(text: &str, mistakes: &mut Vec<AttemptMistake>) -> Option<Vec<u8>> {
    let wrong = match STANDARD.decode(text) {
        Ok(bytes) if bytes.len() <= CONTENT_BYTES_MAX => return Some(bytes),
        Ok(bytes) => format!(
            "is {} bytes of content, at most {CONTENT_BYTES_MAX} are taken: inspect it and tell what was found",
            bytes.len()
        ),
        Err(_) => "is not base64".to_owned(),
    };
    mistakes.push(AttemptMistake::new("/content/base64", wrong));
    None
}

fn facts_of(given: AttemptedContent, mistakes: &mut Vec<AttemptMistake>) -> ContentFacts {
    let reason = given.reason.unwrap_or_else(|| "not told why".to_owned());
    let coverage = match given.coverage.as_deref() {
        None | Some("full") => Coverage::Full,
        Some("partial") => Coverage::Partial {
            reasons: vec![reason],
        },
        Some("none") => Coverage::None { reason },
        Some(_) => {
            let message = "is not `full`, `partial` or `none`";
            mistakes.push(AttemptMistake::new("/content/coverage", message));
            Coverage::Full
        }
    };
    ContentFacts {
        more_labels: policy::MoreLabels::None,
        kind: given.kind.unwrap_or_default(),
        coverage,
        counts: counts(given.matches.unwrap_or_default()),
        labels: given.labels.unwrap_or_default(),
        properties: given.properties.unwrap_or_default().into_iter().collect(),
    }
}

/// The counts by detector, and those of the groups that the detectors are of.
fn counts(given: BTreeMap<String, Matches>) -> BTreeMap<String, [usize; 3]> {
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let told: Vec<String> = given.keys().cloned().collect();
    for (detector, matches) in given {
        let levels = match matches {
            Matches::Sure(count) => [count; 3],
            Matches::ByConfidence(levels) => levels,
        };
        let known = DetectorSet::built_in().describe(&detector);
        let group = known.and_then(|known| known.group);
        if let Some(group) = group.filter(|group| !told.iter().any(|name| name == group)) {
            let sum = counts.entry(group.to_owned()).or_default();
            for (sum, level) in sum.iter_mut().zip(levels) {
                *sum = sum.saturating_add(level);
            }
        }
        counts.insert(detector, levels);
    }
    counts
}

/// Inspects the bytes where they can do no harm, a few at a time and for so long; who finds no room is told so.
pub(crate) async fn inspect(
    known: &mut Known,
    name: Option<String>,
    by: &Inspecting<'_>,
    patience: Duration,
) {
    let Some(bytes) = known.bytes.take() else {
        return;
    };
    let work = async {
        let _held = by.room.acquire().await.ok()?;
        Some(by.inspector.inspect(bytes.into(), name).await)
    };
    match tokio::time::timeout(patience, work).await {
        Ok(Some(Ok(inspection))) => take(known, &inspection, by.labelling),
        Ok(Some(Err(error))) => blind(known, "unavailable", &error.to_string()),
        Ok(None) => blind(known, "unavailable", "nothing is inspected any more"),
        Err(_) => blind(known, "limit", "inspecting the content took too long"),
    }
}

/// Who inspects, a few contents at a time, and what labels follow.
pub(crate) struct Inspecting<'a> {
    pub(crate) inspector: &'a dyn Inspector,
    pub(crate) room: &'a Semaphore,
    pub(crate) labelling: &'a Labelling,
}

fn blind(known: &mut Known, reason: &str, detail: &str) {
    known.blind_spots.push(BlindSpot {
        reason: reason.to_owned(),
        detail: detail.to_owned(),
    });
    known.facts = Some(ContentFacts {
        more_labels: policy::MoreLabels::None,
        kind: String::new(),
        coverage: Coverage::None {
            reason: detail.to_owned(),
        },
        counts: BTreeMap::new(),
        labels: Vec::new(),
        properties: Vec::new(),
    });
}

fn take(known: &mut Known, inspection: &Inspection, labelling: &Labelling) {
    let mut facts = inspected::facts(inspection);
    let labels = inspected::labels_of_content(labelling, &facts);
    facts.labels = inspected::label_names(&labels);
    known.blind_spots = inspected::blind_spots(inspection);
    known.evidence = inspected::evidence(inspection, EVIDENCE_MAX);
    known.facts = Some(facts);
}
