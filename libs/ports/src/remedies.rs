//! The remedies: claimed under leases, saved under fencing epochs.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{
    Activity, ConnectionId, ConnectionScope, IncidentId, Limit, Page, PageRequest, PolicyId,
    QuarantineId, QuarantineItem, Remedy, RemedyId, RemedyKind, RemedyState, TimelineEntry,
};

use crate::{Admitted, Breaker, BreakerRuling, Changes, StoreError};

/// The right to carry out one remedy for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemedyLease {
    /// Which remedy.
    pub remedy_id: RemedyId,
    /// By whom.
    pub holder: String,
    /// Grows with every claim.
    pub epoch: u64,
    /// Until when, unless saved again.
    pub until: DateTime<Utc>,
}

/// A remedy to carry out, with what it is about.
#[derive(Debug, Clone)]
pub struct ClaimedRemedy {
    /// The remedy.
    pub remedy: Remedy,
    /// The activity of its incident.
    pub activity: Activity,
    /// The incident's readable number.
    pub incident_number: String,
    /// The violated policy.
    pub policy_id: PolicyId,
    /// Its name.
    pub policy_name: String,
    /// The policy's message for the user.
    pub notification: Option<String>,
    /// When the activity reached us.
    pub received_at: Option<DateTime<Utc>>,
    /// W3C `traceparent` of the activity's journey.
    pub traceparent: Option<String>,
    /// For `restore` and `purge`: the remedy that it undoes or completes.
    pub of: Option<Remedy>,
    /// For a `restore` from quarantine: what the same incident had done to the object before, with a
    /// snapshot, in the order in which it was done.
    pub earlier: Vec<Remedy>,
    /// For `restore` and `purge`: the quarantine item that it puts back or deletes.
    pub quarantine: Option<QuarantineItem>,
    /// The right to carry it out.
    pub lease: RemedyLease,
}

/// What is written together with a remedy's new state, in one transaction.
#[derive(Debug, Clone, Default)]
pub struct RemedyProgress {
    /// An entry of the incident's timeline.
    pub timeline: Option<TimelineEntry>,
    /// The quarantine item that this remedy made or changed.
    pub quarantine: Option<QuarantineItem>,
    /// Whether to give the lease back.
    pub release: bool,
}

/// Which remedies a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemedyFilter {
    /// Of this incident.
    pub incident: Option<IncidentId>,
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// Of connections within this.
    pub within: ConnectionScope,
    /// In one of these states; all when empty.
    pub state: Vec<RemedyState>,
    /// Of this kind.
    pub kind: Option<RemedyKind>,
    /// On this object, in the service's words.
    pub object: Option<String>,
    /// For an incident of this policy.
    pub policy: Option<PolicyId>,
}

/// The remedies.
#[async_trait]
pub trait RemedyStore: Send + Sync {
    /// Takes remedies that are due: not final, not waiting for approval, not standing still, past their
    /// `next_attempt_at`, not leased, of an enabled connection (or not acting in a service), no
    /// earlier remedy of the same incident still open, and no leased remedy on the same object of
    /// the same connection. Oldest first.
    async fn claim_remedies(
        &self,
        holder: &str,
        limit: u32,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimedRemedy>, StoreError>;

    /// Writes the remedy's new state, prolongs the lease to `until` (or gives it back), and writes
    /// what goes with it. The incident's revision grows; `effect_at` of its latency becomes the last
    /// remedy's `done_at`.
    ///
    /// # Errors
    /// `Fenced` when another claimed it meanwhile: nothing is written.
    async fn save_remedy(
        &self,
        lease: &RemedyLease,
        until: DateTime<Utc>,
        remedy: &Remedy,
        progress: &RemedyProgress,
    ) -> Result<(), StoreError>;

    /// Plans one more remedy: a restore or purge that a person asked for. The quarantine item moves
    /// to `restoring` or `deleting` in the same transaction.
    ///
    /// # Errors
    /// `Conflict` when the item is not `held`; `NotFound` when there is none.
    async fn plan_for_quarantine(
        &self,
        item: QuarantineId,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<QuarantineItem, StoreError>;

    /// Plans an undo of a remedy that is done and has a snapshot but no quarantine item.
    ///
    /// # Errors
    /// `Conflict` when an undo of it is already planned or done; `NotFound` when there is none.
    async fn plan_undo(&self, remedy: &Remedy, timeline: &TimelineEntry) -> Result<(), StoreError>;

    /// Makes a remedy due again that was given up, failed, or waited for approval without needing
    /// anybody's in particular.
    ///
    /// # Errors
    /// `Conflict` when it is in another state; `NotFound` when there is none.
    async fn retry_remedy(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError>;

    /// Plans a remedy that a person asked for.
    ///
    /// # Errors
    /// `NotFound` when there is no such incident.
    async fn plan_remedy(
        &self,
        remedy: &Remedy,
        timeline: &TimelineEntry,
    ) -> Result<(), StoreError>;

    /// Takes a person's approval. With the last one that is needed the remedy is due.
    ///
    /// # Errors
    /// `Conflict` when this approval does not count: see [`Remedy::approve`]; `NotFound` when there is no
    /// such remedy.
    async fn approve_remedy(
        &self,
        id: RemedyId,
        by: &str,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError>;

    /// Takes back a remedy that was not begun: planned, waiting for approval, or standing still. The
    /// quarantine item that it was to restore or delete is held again.
    ///
    /// # Errors
    /// `Conflict` when it is in another state, or somebody carries it out at this moment; `NotFound` when
    /// there is none.
    async fn cancel_remedy(
        &self,
        id: RemedyId,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<Remedy, StoreError>;

    /// Counts the remedy against its policy's limit on its connection, once however often it is asked.
    /// Exact also among many processes: no more than the limit go on before a person has looked, and what
    /// comes after the first that stands still does so too.
    async fn admit_remedy(
        &self,
        id: RemedyId,
        policy: PolicyId,
        connection: ConnectionId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<Admitted, StoreError>;

    /// The breakers behind which something stands still, the oldest first; at most 1,000.
    async fn breakers(&self) -> Result<Vec<Breaker>, StoreError>;

    /// Does or drops what stands still behind a breaker, and begins to count anew. Gives how many
    /// remedies that were; at most 1,000 at a time, so ask again while there are some.
    async fn rule_on_breaker(
        &self,
        policy: PolicyId,
        connection: ConnectionId,
        ruling: BreakerRuling,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError>;

    /// The remedy of that id.
    async fn remedy(&self, id: RemedyId) -> Result<Option<Remedy>, StoreError>;

    /// A page of remedies, newest first.
    async fn remedy_page(
        &self,
        filter: &RemedyFilter,
        request: &PageRequest,
    ) -> Result<Page<Remedy>, StoreError>;

    /// When the next remedy that is now waiting or leased may be claimed; none when none waits.
    async fn next_remedy_at(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Signals that remedies may be due.
    fn remedy_changes(&self) -> Changes;
}
