//! Counts what would be different, within the bounds of the report.

use std::collections::BTreeMap;

use event_model::{
    ActionDelta, IncidentDelta, IncidentId, Outcome, PolicyOutcome, RemedyKind, ReplayExample,
    ReplayReport, TraceNode,
};
use ports::StoredActivity;

use super::Came;

/// Under which further reasons are counted.
const OTHER: &str = "other";
/// Of whom it is not known who acted.
const UNKNOWN_USER: &str = "unknown";

/// What a draft came to beside what it is compared with.
pub(super) struct Compared {
    pub(super) watched: bool,
    pub(super) now: Came,
    pub(super) before: Came,
    pub(super) incident: Option<IncidentId>,
}

/// How a draft differs on one activity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Difference {
    Added,
    Gone,
    Same,
    Undecided,
    None,
}

impl Difference {
    fn between(before: Outcome, now: Outcome) -> Self {
        match (before, now) {
            (_, Outcome::Undecided) | (Outcome::Undecided, _) => Difference::Undecided,
            (Outcome::Violated, Outcome::Violated) => Difference::Same,
            (Outcome::Violated, Outcome::Complied) => Difference::Gone,
            (Outcome::Complied, Outcome::Violated) => Difference::Added,
            (Outcome::Complied, Outcome::Complied) => Difference::None,
        }
    }

    fn count(self, delta: &mut IncidentDelta) {
        match self {
            Difference::Added => delta.added += 1,
            Difference::Gone => delta.gone += 1,
            Difference::Same => delta.same += 1,
            Difference::Undecided => delta.undecided += 1,
            Difference::None => {}
        }
    }
}

/// A report that is being written.
pub(super) struct Tally<'r> {
    report: &'r mut ReplayReport,
}

impl<'r> Tally<'r> {
    pub(super) fn of(report: &'r mut ReplayReport) -> Self {
        Tally { report }
    }

    pub(super) fn looked_at(&mut self, activities: u64) {
        self.report.activities += activities;
    }

    pub(super) fn add(&mut self, stored: &StoredActivity, compared: Compared) {
        self.report.watched += u64::from(compared.watched);
        let Compared { now, before, .. } = &compared;
        let difference = Difference::between(before.outcome, now.outcome);
        if difference == Difference::None {
            return;
        }
        difference.count(&mut self.report.incidents);
        let day = stored.received_at.format("%Y-%m-%d").to_string();
        difference.count(self.report.days.entry(day).or_default());
        difference.count(self.user(stored));
        if difference == Difference::Undecided {
            let why = match now.outcome {
                Outcome::Undecided => &now.why,
                Outcome::Complied | Outcome::Violated => &before.why,
            };
            let why = why.clone();
            *self.reason(&why) += 1;
        } else {
            self.count_actions(&before.actions, &now.actions);
        }
        self.keep(stored, difference, compared);
    }

    fn user(&mut self, stored: &StoredActivity) -> &mut IncidentDelta {
        let users = &mut self.report.users;
        let user = actor(stored).unwrap_or_else(|| UNKNOWN_USER.to_owned());
        if users.len() >= ReplayReport::USERS_MAX && !users.contains_key(&user) {
            return &mut self.report.other_users;
        }
        users.entry(user).or_default()
    }

    fn reason(&mut self, why: &str) -> &mut u64 {
        let reasons = &mut self.report.undecided;
        // One place is kept for the others.
        let is_full = reasons.len() + 1 >= ReplayReport::REASONS_MAX;
        let known = !is_full || reasons.contains_key(why);
        let name = if known { why } else { OTHER };
        reasons.entry(name.to_owned()).or_default()
    }

    /// Actions are told apart by what they do: two of a kind are two.
    fn count_actions(&mut self, before: &[RemedyKind], now: &[RemedyKind]) {
        let mut balance: BTreeMap<RemedyKind, i64> = BTreeMap::new();
        for kind in now {
            *balance.entry(*kind).or_default() += 1;
        }
        for kind in before {
            *balance.entry(*kind).or_default() -= 1;
        }
        for (kind, balance) in balance {
            let ActionDelta { added, gone } = self
                .report
                .actions
                .entry(kind.word().to_owned())
                .or_default();
            *added += balance.max(0).unsigned_abs();
            *gone += balance.min(0).unsigned_abs();
        }
    }

    fn keep(&mut self, stored: &StoredActivity, difference: Difference, compared: Compared) {
        let examples = match difference {
            Difference::Added => &mut self.report.added,
            Difference::Gone => &mut self.report.gone,
            Difference::Undecided => &mut self.report.untold,
            Difference::Same | Difference::None => return,
        };
        if examples.len() >= ReplayReport::EXAMPLES_MAX {
            return;
        }
        let why = match difference {
            Difference::Undecided if compared.now.outcome != Outcome::Undecided => {
                compared.before.why
            }
            _ => compared.now.why,
        };
        let activity = &stored.activity;
        let object = activity
            .object_path
            .clone()
            .or(activity.object_name.clone());
        examples.push(ReplayExample {
            connection_id: stored.connection_id,
            event_id: activity.event_id.clone(),
            received_at: stored.received_at,
            event_name: activity.event_name.clone(),
            actor: actor(stored),
            object,
            incident: compared.incident,
            why,
        });
    }
}

fn actor(stored: &StoredActivity) -> Option<String> {
    let activity = &stored.activity;
    let actor = activity.actor_email.clone();
    actor.or_else(|| activity.actor_id.clone())
}

/// Why a policy came to its outcome: of an undecided one, what was missing; otherwise the rule.
pub(super) fn why(outcome: &PolicyOutcome) -> String {
    match outcome.outcome {
        Outcome::Undecided => missing(&outcome.trace).unwrap_or(&outcome.trace.expression),
        Outcome::Complied | Outcome::Violated => &outcome.trace.expression,
    }
    .to_owned()
}

/// The first note of a part that could not be told.
fn missing(node: &TraceNode) -> Option<&str> {
    let below = node.parts.iter().filter(|part| part.value != "true");
    let noted = node.note.as_deref();
    noted.or_else(|| below.filter(|part| part.value != "false").find_map(missing))
}
