//! What must be true at the end, whatever was killed when.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// What toy-cloud's users did.
#[derive(Default)]
pub(crate) struct Book {
    events: BTreeSet<String>,
    /// Object and the event that violated.
    violations: BTreeMap<String, String>,
}

/// What the platform shows.
pub(crate) struct Seen {
    pub(crate) activities: Vec<Value>,
    pub(crate) incidents: Vec<Value>,
    /// Events whose delivery had been answered with 2xx before the platform was looked at.
    pub(crate) accepted: BTreeSet<String>,
}

/// Figures of a run that passed.
pub(crate) struct Report {
    activities: usize,
    violations: usize,
    accepted_deliveries: usize,
    effects: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} activities, all there once; {} accepted deliveries, none lost; {} violations, one incident each; {} effects, none twice",
            self.activities, self.accepted_deliveries, self.violations, self.effects
        )
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Seen {
    fn event_ids(&self) -> BTreeSet<String> {
        self.activities
            .iter()
            .map(|activity| text(&activity["event_id"]))
            .collect()
    }

    fn open_remedies(&self) -> usize {
        let is_open = |remedy: &&Value| remedy["state"] != "done";
        let remedies =
            |incident: &Value| incident["remedies"].as_array().cloned().unwrap_or_default();
        self.incidents
            .iter()
            .map(|i| remedies(i).iter().filter(is_open).count())
            .sum()
    }
}

impl Book {
    pub(crate) fn write(&mut self, load: &Value) {
        let ids = load["event_ids"].as_array().unwrap();
        self.events.extend(ids.iter().map(text));
        for violation in load["violating"].as_array().unwrap() {
            self.violations
                .insert(text(&violation["object_id"]), text(&violation["event_id"]));
        }
    }

    pub(crate) fn activities(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn is_at_rest(&self, seen: &Seen) -> bool {
        self.events.is_subset(&seen.event_ids())
            && seen.accepted.is_subset(&seen.event_ids())
            && seen.incidents.len() >= self.violations.len()
            && seen.open_remedies() == 0
    }

    pub(crate) fn what_is_missing(&self, seen: &Seen) -> String {
        let there = seen.event_ids();
        let lost: Vec<&String> = self.events.difference(&there).take(5).collect();
        let open: Vec<String> = seen
            .incidents
            .iter()
            .flat_map(|incident| incident["remedies"].as_array().cloned().unwrap_or_default())
            .filter(|remedy| remedy["state"] != "done")
            .map(|remedy| {
                format!(
                    "{} {} {}",
                    remedy["kind"], remedy["state"], remedy["last_error"]
                )
            })
            .take(5)
            .collect();
        format!(
            "{} of {} activities, missing for example {lost:?}; {} of {} incidents; open remedies for example {open:?}",
            there.intersection(&self.events).count(),
            self.events.len(),
            seen.incidents.len(),
            self.violations.len(),
        )
    }

    /// Panics with a sentence where a promise does not hold.
    pub(crate) fn check(&self, seen: &Seen, effects: &BTreeMap<(String, String), usize>) -> Report {
        let there = seen.event_ids();
        let lost: Vec<&String> = seen.accepted.difference(&there).collect();
        assert!(lost.is_empty(), "accepted with 2xx and lost: {lost:?}");
        assert_eq!(
            there.len(),
            seen.activities.len(),
            "an activity is recorded twice"
        );

        let mut incidents: BTreeMap<String, usize> = BTreeMap::new();
        for incident in &seen.incidents {
            *incidents
                .entry(text(&incident["activity"]["event_id"]))
                .or_default() += 1;
        }
        let expected: BTreeMap<String, usize> = self
            .violations
            .values()
            .map(|event| (event.clone(), 1))
            .collect();
        assert_eq!(incidents, expected, "one violation, one incident");

        let mut expected = BTreeMap::new();
        for object in self.violations.keys() {
            expected.insert((object.clone(), "link_removed".to_owned()), 1);
            expected.insert((object.clone(), "move".to_owned()), 1);
        }
        assert_eq!(
            effects, &expected,
            "one violation, one effect of each remedy"
        );
        Report {
            activities: there.len(),
            violations: self.violations.len(),
            accepted_deliveries: seen.accepted.len(),
            effects: effects.len(),
        }
    }
}
