//! What the evaluator writes, in one transaction.

use async_trait::async_trait;
use event_model::{ActivityRecord, BlindSpot, Incident, IncidentId};

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

/// One activity and what came of it.
#[derive(Debug, Clone)]
pub struct EvaluatedActivity {
    /// The activity as it stood in the log.
    pub record: ActivityRecord,
    /// What could not be inspected.
    pub blind_spots: Vec<BlindSpot>,
    /// Violations, each of another policy.
    pub incidents: Vec<NewIncident>,
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
}
