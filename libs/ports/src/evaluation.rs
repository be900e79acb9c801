//! What the evaluator writes, in one transaction.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ActivityRecord, BlindSpot, ConnectionId, EventId, Incident, IncidentId};

use crate::StoreError;

/// What an incident is about: the prefix of its readable number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IncidentKind {
    /// Content: `DLP-12`.
    Content,
    /// Sharing: `SHR-3`.
    Sharing,
    /// Any other activity: `ACT-7`.
    Activity,
}

impl IncidentKind {
    /// The prefix of its numbers.
    pub const fn prefix(self) -> &'static str {
        match self {
            IncidentKind::Content => "DLP",
            IncidentKind::Sharing => "SHR",
            IncidentKind::Activity => "ACT",
        }
    }
}

/// A violation to record.
#[derive(Debug, Clone)]
pub struct NewIncident {
    /// What it is about.
    pub kind: IncidentKind,
    /// The incident with its remedies; the store gives it its `number`.
    pub incident: Incident,
}

/// An activity that must be looked at again, because its content could not be had for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondLook {
    /// Not before this.
    pub at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why, in a sentence.
    pub reason: String,
}

/// An activity taken out for its second look.
#[derive(Debug, Clone)]
pub struct AwaitedActivity {
    /// The activity as it stood in the log.
    pub record: ActivityRecord,
    /// When the log had taken it.
    pub appended_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
}

/// One activity and what came of it.
#[derive(Debug, Clone)]
pub struct EvaluatedActivity {
    /// The activity as it stood in the log.
    pub record: ActivityRecord,
    /// When the log had taken it.
    pub appended_at: DateTime<Utc>,
    /// When policies had decided.
    pub evaluated_at: DateTime<Utc>,
    /// What could not be inspected. On a second look it replaces what was recorded before.
    pub blind_spots: Vec<BlindSpot>,
    /// Violations, each of another policy.
    pub incidents: Vec<NewIncident>,
    /// Whether this is a second look at an activity that is recorded already.
    pub is_second_look: bool,
    /// To be looked at (once more); when absent on a second look, it was the last.
    pub again: Option<SecondLook>,
}

/// A batch of the log, evaluated.
#[derive(Debug, Clone, Default)]
pub struct EvaluatedBatch {
    /// In the log's order.
    pub activities: Vec<EvaluatedActivity>,
}

/// What of a batch was new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Activities that were not there yet.
    pub activities_new: usize,
    /// Incidents that were not there yet.
    pub incidents_new: Vec<IncidentId>,
}

/// Where the evaluator's results go.
#[async_trait]
pub trait EvaluationStore: Send + Sync {
    /// Writes the batch in one transaction: activities unique by connection and event id, incidents
    /// by connection, event id and policy, remedies with their incidents. What is already there is
    /// left as it is, so the same batch can be written again.
    ///
    /// # Errors
    /// `Unavailable`: nothing of the batch is written.
    async fn record(&self, batch: &EvaluatedBatch) -> Result<Recorded, StoreError>;

    /// Which of these events are recorded already, in the order asked: they need no second
    /// evaluation, because their incidents were recorded in the same transaction.
    async fn are_recorded(
        &self,
        events: &[(ConnectionId, EventId)],
    ) -> Result<Vec<bool>, StoreError>;

    /// Takes out activities whose second look is due, oldest first; another taker does not get them
    /// before `now + hold`, and they come again unless a batch with them is recorded. Those of a
    /// connection that needs consent are not taken: they wait for it, and are due at once then.
    async fn take_awaited(
        &self,
        now: DateTime<Utc>,
        hold: Duration,
        limit: u32,
    ) -> Result<Vec<AwaitedActivity>, StoreError>;
}
