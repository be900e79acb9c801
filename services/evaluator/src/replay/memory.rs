//! What is still known of a content that is not kept: what incidents recorded of it, masked.
//!
//! Evidence says that something was there, never that something was not. So the facts are partial, and a
//! rule that asks for the absence of something stays undecided.

use std::collections::{BTreeMap, BTreeSet};

use event_model::Incident;
use inspect::DetectorSet;
use policy::{Confidence, ContentFacts, ContentState, Coverage};
use ports::StoredActivity;

/// Why nothing is known of a content.
const NOT_KEPT: &str = "it is not kept, and no incident recorded what was in it";
/// Why not everything is known of it.
const ONLY_EVIDENCE: &str = "only what incidents recorded of it is kept";

/// What is remembered of one content.
pub(super) enum Memory {
    /// Something was found in it.
    Evidence(ContentFacts),
    /// Nothing is known.
    Nothing(String),
}

impl Memory {
    pub(super) fn of(stored: &StoredActivity, incidents: &[Incident]) -> Self {
        let counts = counts(incidents);
        if !counts.is_empty() {
            return Memory::Evidence(ContentFacts {
                kind: String::new(),
                coverage: Coverage::Partial {
                    reasons: vec![ONLY_EVIDENCE.to_owned()],
                },
                counts,
                labels: Vec::new(),
                properties: Vec::new(),
            });
        }
        match stored.blind_spots.first() {
            Some(spot) => Memory::Nothing(format!("it could not be inspected: {}", spot.reason)),
            None => Memory::Nothing(NOT_KEPT.to_owned()),
        }
    }

    pub(super) fn content(&self) -> ContentState<'_> {
        match self {
            Memory::Evidence(facts) => ContentState::Known(facts),
            Memory::Nothing(reason) => ContentState::Unavailable { reason },
        }
    }
}

/// Distinct values by detector and by group, as far as their masks tell them apart.
fn counts(incidents: &[Incident]) -> BTreeMap<String, [usize; 3]> {
    let mut values: BTreeMap<(String, usize), BTreeSet<&str>> = BTreeMap::new();
    let evidence = incidents.iter().flat_map(|incident| &incident.evidence);
    for one in evidence.filter(|one| !one.test_value) {
        let Some(confidence) = Confidence::from_word(&one.confidence) else {
            continue;
        };
        let described = DetectorSet::built_in().describe(&one.detector);
        let group = described.and_then(|detector| detector.group);
        let names = std::iter::once(one.detector.as_str()).chain(group);
        for name in names {
            for level in 0..=confidence as usize {
                let seen = values.entry((name.to_owned(), level)).or_default();
                seen.insert(one.masked.as_str());
            }
        }
    }
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for ((name, level), seen) in values {
        counts.entry(name).or_default()[level] = seen.len();
    }
    counts
}
