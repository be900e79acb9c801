use async_trait::async_trait;
use event_model::Incident;

use crate::StoreError;

/// One version of an incident that is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Its place: grows with every change of any incident.
    pub sequence: u64,
    /// The incident as that change left it, without its remedies: they change beside it.
    pub incident: Incident,
}

/// What waits to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxBacklog {
    /// Entries that wait.
    pub waiting: u64,
    /// Entries removed untold since the store was made, because more than [`OUTBOX_ENTRIES_MAX`] waited.
    pub dropped: u64,
}

/// Most entries that wait, give or take [`OUTBOX_PRUNED_EVERY`]: beyond it the oldest are removed.
pub const OUTBOX_ENTRIES_MAX: u64 = 1_000_000;
/// Every so many changes the bound is looked at.
pub const OUTBOX_PRUNED_EVERY: u64 = 1_000;

/// What is to be told of incidents. An entry is written in the transaction that changes the incident,
/// so none is told that was not recorded, and none is recorded that is not told.
#[async_trait]
pub trait IncidentOutbox: Send + Sync {
    /// The oldest entries, at most so many, in the order of the changes. Once an entry was shown, none
    /// with a smaller sequence appears any more.
    async fn outbox_waiting(&self, limit: u32) -> Result<Vec<OutboxEntry>, StoreError>;

    /// Everything up to and including this sequence was told, and is forgotten.
    async fn outbox_told(&self, through: u64) -> Result<(), StoreError>;

    /// How much waits.
    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError>;
}
