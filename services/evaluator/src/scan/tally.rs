//! Counts what a scan found, within the bounds of its report.

use std::collections::BTreeMap;

use event_model::{Activity, Incident, ScanExample, ScanReport};
use ports::EvaluatedActivity;

use super::page::actions;

/// Under which further names and reasons are counted.
const OTHER: &str = "other";
/// Of whom or where it is not known.
const UNKNOWN: &str = "unknown";
/// Of what could not be mapped.
const UNMAPPED: &str = "not as the manifest says";

/// A report that is being written.
pub(super) struct Tally<'r> {
    report: &'r mut ScanReport,
}

impl<'r> Tally<'r> {
    pub(super) fn of(report: &'r mut ScanReport) -> Self {
        Tally { report }
    }

    /// A list that the service did not give.
    pub(super) fn not_listed(&mut self, why: &str) {
        let why = format!("a list was not given: {why}");
        count(&mut self.report.unread, ScanReport::REASONS_MAX, &why, 1);
    }

    pub(super) fn unmapped(&mut self, number: u64) {
        if number > 0 {
            count(
                &mut self.report.unread,
                ScanReport::REASONS_MAX,
                UNMAPPED,
                number,
            );
        }
    }

    /// One listed element, by the activities that stand for it. In a scan that acts, its actions are
    /// counted in all already.
    pub(super) fn add(&mut self, element: &[EvaluatedActivity], acts: bool) {
        self.report.listed += 1;
        self.report.looked_at += element.len() as u64;
        for one in element {
            for spot in &one.blind_spots {
                count(
                    &mut self.report.unread,
                    ScanReport::REASONS_MAX,
                    &spot.reason,
                    1,
                );
            }
            if !one.incidents.is_empty() {
                self.violating(one);
            }
        }
        if !acts {
            self.report.actions += actions(element);
        }
    }

    fn violating(&mut self, one: &EvaluatedActivity) {
        let activity = &one.record.activity;
        self.report.violating += 1;
        let names = ScanReport::NAMES_MAX;
        let user = user(activity).unwrap_or_else(|| UNKNOWN.to_owned());
        count(&mut self.report.users, names, &user, 1);
        count(&mut self.report.paths, names, &folder(activity), 1);
        for new in &one.incidents {
            self.policy(&new.incident);
            self.example(activity, &new.incident);
        }
    }

    fn policy(&mut self, incident: &Incident) {
        let policies = &mut self.report.policies;
        let id = incident.policy.id.to_string();
        let has_room = policies.len() < ScanReport::POLICIES_MAX || policies.contains_key(&id);
        let acting = incident.remedies.iter();
        let acting = acting.filter(|remedy| remedy.kind.acts_in_service());
        for remedy in acting.clone() {
            *self
                .report
                .kinds
                .entry(remedy.kind.word().to_owned())
                .or_default() += 1;
        }
        if has_room {
            let of_it = policies.entry(id).or_default();
            of_it.name.clone_from(&incident.policy.name);
            of_it.violations += 1;
            of_it.actions += acting.count() as u64;
        }
    }

    fn example(&mut self, activity: &Activity, incident: &Incident) {
        let examples = &mut self.report.examples;
        if examples.len() >= ScanReport::EXAMPLES_MAX {
            return;
        }
        let object = activity
            .object_path
            .clone()
            .or(activity.object_name.clone());
        let with = activity.target_user_email.clone();
        examples.push(ScanExample {
            event_id: activity.event_id.clone(),
            policy: incident.policy.name.clone(),
            object,
            user: user(activity),
            shared_with: with.or_else(|| activity.shared_link.clone()),
        });
    }
}

/// Adds to the number under a name; to that of the others, when there is no room for it.
fn count(numbers: &mut BTreeMap<String, u64>, names_max: usize, name: &str, by: u64) {
    // One place is kept for the others.
    let has_room = numbers.len() + 1 < names_max || numbers.contains_key(name);
    let name = if has_room { name } else { OTHER };
    *numbers.entry(name.to_owned()).or_default() += by;
}

fn user(activity: &Activity) -> Option<String> {
    let named = [
        &activity.from_email,
        &activity.actor_email,
        &activity.actor_id,
    ];
    named.into_iter().flatten().next().cloned()
}

/// The folder, two deep.
fn folder(activity: &Activity) -> String {
    let Some(path) = activity.object_path.as_deref() else {
        return UNKNOWN.to_owned();
    };
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    let parts = above.split('/').filter(|part| !part.is_empty()).take(2);
    let parts: Vec<&str> = parts.collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_model::{EventId, EventType};

    #[test]
    fn violations_are_counted_by_folder_two_deep() {
        for (path, expected) in [
            (Some("/alice/plans/2026/q3.docx"), "/alice/plans"),
            (Some("/alice/q3.docx"), "/alice"),
            (Some("/q3.docx"), "/"),
            (None, "unknown"),
        ] {
            let id = EventId::new("e").expect("a short id");
            let mut activity = Activity::bare(id, EventType::Sharing);
            activity.object_path = path.map(str::to_owned);
            assert_eq!(folder(&activity), expected);
        }
    }

    #[test]
    fn names_without_room_are_counted_together() {
        let mut numbers = BTreeMap::new();
        for n in 0..10 {
            count(&mut numbers, 4, &format!("n{n}"), 1);
        }
        assert_eq!(numbers.len(), 4);
        assert_eq!(numbers[OTHER], 7);
        assert_eq!(numbers.values().sum::<u64>(), 10);
    }
}
