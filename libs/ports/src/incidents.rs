//! The incidents: found by what they are about, changed by who read them last, told to who watches.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{
    CaseAct, CaseChange, CaseRefusal, CaseVerdict, ConnectionId, ConnectionScope, EventId,
    Incident, IncidentId, IncidentStatus, Page, PageRequest, PolicyId, Severity,
};
use thiserror::Error;

use crate::{Changes, StoreError};

/// Which incidents a list shows. Empty lists and absent values do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// In one of these states.
    pub status: Vec<IncidentStatus>,
    /// Of one of these severities.
    pub severity: Vec<Severity>,
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// Of connections within this.
    pub within: ConnectionScope,
    /// Of this policy.
    pub policy: Option<PolicyId>,
    /// By this actor's e-mail address, in any case.
    pub actor_email: Option<String>,
    /// On this object.
    pub object_id: Option<String>,
    /// From this event.
    pub event_id: Option<String>,
    /// Containing this text in number, policy, actor or object, in any case.
    pub text: Option<String>,
    /// Recorded at or after.
    pub from: Option<DateTime<Utc>>,
    /// Recorded before.
    pub to: Option<DateTime<Utc>>,
    /// With one of these numbers.
    pub numbers: Vec<String>,
    /// With this owner; the empty text for none.
    pub owner: Option<String>,
    /// With this tag, in any case.
    pub tag: Option<String>,
    /// With one of these verdicts.
    pub verdict: Vec<CaseVerdict>,
    /// Repeats of this incident.
    pub repeat_of: Option<IncidentId>,
    /// Whether repeats are left out.
    pub without_repeats: bool,
}

/// Why a person's change was not made.
#[derive(Debug, Error)]
pub enum CaseError {
    /// The incident does not take it.
    #[error(transparent)]
    Refused(#[from] CaseRefusal),
    /// The store did not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One change of one incident, in the order in which changes happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentChange {
    /// Grows with every change of any incident.
    pub sequence: u64,
    /// Which incident.
    pub incident_id: IncidentId,
}

/// The incidents.
#[async_trait]
pub trait IncidentStore: Send + Sync {
    /// The incident with its remedies and timeline.
    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError>;

    /// A page of incidents, newest first.
    async fn incident_page(
        &self,
        filter: &IncidentFilter,
        request: &PageRequest,
    ) -> Result<Page<Incident>, StoreError>;

    /// The incidents by these activities, of one policy or of all, at most so many.
    async fn incidents_of_events(
        &self,
        events: &[(ConnectionId, EventId)],
        policy: Option<PolicyId>,
        limit: u32,
    ) -> Result<Vec<Incident>, StoreError>;

    /// How many incidents match, counted up to a bound: more than that are as many as that.
    async fn incident_count(&self, filter: &IncidentFilter, most: u64) -> Result<u64, StoreError>;

    /// Makes a person's change, if the incident still has that revision (in any case without one), and
    /// gives it back. In the same transaction its repeats are changed as far as they take it, and a
    /// repeat that is reopened by itself becomes an incident of its own.
    ///
    /// # Errors
    /// `Conflict` when it was changed; `NotFound` when there is none; a refusal leaves everything as it was.
    async fn work_on_incident(
        &self,
        id: IncidentId,
        revision: Option<u64>,
        change: &CaseChange,
        act: &CaseAct,
    ) -> Result<Incident, CaseError>;

    /// Changes after a sequence number, oldest first, at most so many: what a live view missed.
    async fn incident_changes_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<IncidentChange>, StoreError>;

    /// The newest sequence number; 0 when nothing ever changed.
    async fn last_incident_change(&self) -> Result<u64, StoreError>;

    /// Signals each new or changed incident.
    fn incident_changes(&self) -> Changes;
}
