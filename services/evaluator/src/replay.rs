//! Time travel: a policy tried on recorded activity.
//!
//! What it promises: nothing is executed and nothing is written but the job. Activity is read a page at a
//! time, so memory does not grow with the range, and after each stretch the job is saved with its place: a
//! trial goes on where it was when a process dies. Content is not kept; what a rule asks of it is answered
//! from what incidents kept of it, and where that does not decide, the activity is counted as undecided.

mod memory;
mod runner;
mod tally;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use event_model::{
    Baseline, ConnectionId, EventId, Incident, Outcome, PAGE_ITEMS_MAX, PageRequest,
    PolicyDocument, PolicyId, PolicyOutcome, PolicyRef, PolicyVersion, RemedyKind, Replay,
    TriggerAction,
};
use policy::{Chain, ContentState, Evaluation, Input, PolicySet};
use ports::{ActivityFilter, ActivityStore, IncidentStore, StoreError, StoredActivity};

use crate::incident::wanted;
use crate::replay::memory::Memory;
use crate::replay::tally::{Compared, Tally};

pub use runner::{ReplayOptions, ReplayPorts, Replays};

/// Activities of one page.
const PAGE_ACTIVITIES: u32 = PAGE_ITEMS_MAX;
/// Most incidents of a page that are asked what they kept of the content.
const REMEMBERED_INCIDENTS_MAX: u32 = 500;

/// What a policy came to on one activity.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) outcome: Outcome,
    /// What would be done, or was.
    pub(crate) actions: Vec<RemedyKind>,
    /// Why, in the words of the trace.
    pub(crate) why: String,
}

impl Came {
    fn complied() -> Self {
        Came {
            outcome: Outcome::Complied,
            actions: Vec::new(),
            why: String::new(),
        }
    }
}

/// A policy that is tried on recorded activity.
struct Trial {
    policies: PolicySet,
}

impl Trial {
    /// The policy as if it were in use; what is wrong with its rule, when it does not compile.
    fn of(
        document: &PolicyDocument,
        reference: Option<&PolicyRef>,
        at: DateTime<Utc>,
    ) -> Result<Self, String> {
        let nobody = PolicyId::new(at, 0);
        let version = PolicyVersion {
            id: reference.map_or(nobody, |policy| policy.id),
            version: reference.map_or(1, |policy| policy.version),
            enabled: true,
            saved_at: at,
            document: document.clone(),
        };
        let (policies, refused) = PolicySet::compile(&[version]);
        match refused.first().and_then(|(_, mistakes)| mistakes.first()) {
            Some(mistake) => Err(mistake.to_string()),
            None => Ok(Trial { policies }),
        }
    }

    fn watches(&self, stored: &StoredActivity) -> bool {
        let action = TriggerAction::of(stored.activity.event_type);
        action.is_some_and(|action| {
            let mut watching = self.policies.triggered_by(stored.connection_id, action);
            watching.next().is_some()
        })
    }

    fn evaluate(&self, stored: &StoredActivity, content: ContentState<'_>) -> Evaluation {
        let input = Input::of(&stored.activity, &stored.provenance, content);
        self.policies
            .evaluate(stored.connection_id, &input, Chain::Whole)
    }

    /// Whether the content could decide it.
    fn asks_for_content(&self, stored: &StoredActivity) -> bool {
        self.evaluate(stored, ContentState::NotFetched)
            .needs
            .content
    }

    fn came(&self, stored: &StoredActivity, memory: &Memory) -> Came {
        let evaluation = self.evaluate(stored, memory.content());
        match evaluation.verdict.outcomes.first() {
            Some(outcome) => came(outcome),
            None => Came::complied(),
        }
    }
}

fn came(outcome: &PolicyOutcome) -> Came {
    let actions = match outcome.outcome {
        Outcome::Violated => wanted(outcome).map(|(kind, _)| kind).collect(),
        Outcome::Complied | Outcome::Undecided => Vec::new(),
    };
    Came {
        outcome: outcome.outcome,
        actions,
        why: tally::why(outcome),
    }
}

/// What is tried, and where activity and incidents are read.
pub(crate) struct Replayer {
    activities: Arc<dyn ActivityStore>,
    incidents: Arc<dyn IncidentStore>,
    draft: Trial,
    other: Option<Trial>,
    recorded: Option<PolicyId>,
}

/// The incidents of a page, by their activities.
type ByActivity = HashMap<(ConnectionId, EventId), Vec<Incident>>;

impl Replayer {
    /// Ready to try what is asked; what is wrong with a rule, when one does not compile.
    pub(crate) fn new(
        activities: Arc<dyn ActivityStore>,
        incidents: Arc<dyn IncidentStore>,
        replay: &Replay,
    ) -> Result<Self, String> {
        let ask = &replay.ask;
        let (other, recorded) = match &ask.baseline {
            Baseline::Nothing => (None, None),
            Baseline::Recorded { policy } => (None, Some(*policy)),
            Baseline::Version { policy, document } => {
                (Some(Trial::of(document, Some(policy), ask.from)?), None)
            }
        };
        Ok(Replayer {
            activities,
            incidents,
            draft: Trial::of(&ask.document, ask.policy.as_ref(), ask.from)?,
            other,
            recorded,
        })
    }

    /// Looks at the next page of activity. Whether there is more.
    pub(crate) async fn page(&self, replay: &mut Replay) -> Result<bool, StoreError> {
        let ask = &replay.ask;
        let filter = ActivityFilter {
            connection: ask.connection,
            from: Some(ask.from),
            to: Some(ask.to),
            ..ActivityFilter::default()
        };
        let request = PageRequest {
            cursor: replay.cursor.clone(),
            limit: PAGE_ACTIVITIES,
        };
        let page = self.activities.activity_page(&filter, &request).await?;
        let last = page.items.last().map(|stored| stored.received_at);
        let looked_at = page.items.len() as u64;
        // What Tidegate did itself no policy looks at.
        let items: Vec<StoredActivity> = page.items.into_iter().filter(|one| !one.own).collect();
        let recorded = self.recorded_of(&items).await?;
        let remembered = self.remembered_of(&items).await?;
        let mut tally = Tally::of(&mut replay.report);
        tally.looked_at(looked_at);
        for stored in &items {
            let of_it = |all: &ByActivity| all.get(&key(stored)).cloned().unwrap_or_default();
            let memory = Memory::of(stored, &of_it(&remembered));
            let recorded = of_it(&recorded).into_iter().next();
            if let Some(compared) = self.compare(stored, &memory, recorded) {
                tally.add(stored, compared);
            }
        }
        replay.cursor = page.next;
        replay.percent = match (replay.cursor.is_some(), last) {
            (true, Some(last)) => percent(replay, last),
            _ => 100,
        };
        Ok(replay.cursor.is_some())
    }

    /// What the draft and the other came to; none, when neither looks at it.
    fn compare(
        &self,
        stored: &StoredActivity,
        memory: &Memory,
        recorded: Option<Incident>,
    ) -> Option<Compared> {
        let watched = self.draft.watches(stored);
        let other_watches = self
            .other
            .as_ref()
            .is_some_and(|other| other.watches(stored));
        if !watched && !other_watches && recorded.is_none() {
            return None;
        }
        let before = match (&self.other, &recorded) {
            (Some(other), _) => other.came(stored, memory),
            (None, Some(incident)) => was(incident),
            (None, None) => Came::complied(),
        };
        Some(Compared {
            watched,
            now: self.draft.came(stored, memory),
            before,
            incident: recorded.map(|incident| incident.id),
        })
    }

    /// The incidents that were recorded of the policy.
    async fn recorded_of(&self, items: &[StoredActivity]) -> Result<ByActivity, StoreError> {
        let Some(policy) = self.recorded else {
            return Ok(ByActivity::new());
        };
        let events: Vec<_> = items.iter().map(key).collect();
        // INVARIANT: of one policy and one activity there is at most one incident.
        let limit = PAGE_ACTIVITIES;
        let found = self
            .incidents
            .incidents_of_events(&events, Some(policy), limit)
            .await?;
        Ok(by_activity(found))
    }

    /// Incidents of any policy by activity whose content is asked for: they kept what was found in it.
    async fn remembered_of(&self, items: &[StoredActivity]) -> Result<ByActivity, StoreError> {
        let asks = |one: &&StoredActivity| {
            let other = self.other.as_ref();
            self.draft.asks_for_content(one)
                || other.is_some_and(|other| other.asks_for_content(one))
        };
        let events: Vec<_> = items.iter().filter(asks).map(key).collect();
        if events.is_empty() {
            return Ok(ByActivity::new());
        }
        let limit = REMEMBERED_INCIDENTS_MAX;
        let found = self
            .incidents
            .incidents_of_events(&events, None, limit)
            .await?;
        Ok(by_activity(found))
    }
}

fn key(stored: &StoredActivity) -> (ConnectionId, EventId) {
    (stored.connection_id, stored.activity.event_id.clone())
}

fn by_activity(incidents: Vec<Incident>) -> ByActivity {
    let mut all = ByActivity::new();
    for incident in incidents {
        let key = (incident.connection_id, incident.activity.event_id.clone());
        all.entry(key).or_default().push(incident);
    }
    all
}

/// What was recorded: undoing and deleting for good are a person's acts and not the policy's.
fn was(incident: &Incident) -> Came {
    let planned = incident.remedies.iter().filter(|one| one.of.is_none());
    Came {
        outcome: Outcome::Violated,
        actions: planned.map(|remedy| remedy.kind).collect(),
        why: String::new(),
    }
}

/// How much of the range lies behind, newest first.
fn percent(replay: &Replay, last: DateTime<Utc>) -> u8 {
    let whole = (replay.ask.to - replay.ask.from).num_milliseconds().max(1);
    let behind = (replay.ask.to - last).num_milliseconds().clamp(0, whole);
    // Not over yet.
    ((behind * 100 / whole) as u8).min(99)
}
