//! Every relational port at once: what a store is.

use crate::{
    ActivityStore, AuditTrail, CheckpointStore, ClientSecretStore, ConnectionStore, ConsentStore,
    EvaluationStore, ExceptionStore, FeedNotes, GrantStore, IncidentOutbox, IncidentStore,
    JobStore, LeaseStore, PolicyStore, QuarantineStore, RemedyStore, StatsStore, VaultIndex,
    ViewStore, WebhookSecretStore,
};

/// Every relational port at once.
pub trait RelationalStore:
    ActivityStore
    + AuditTrail
    + CheckpointStore
    + ClientSecretStore
    + ConnectionStore
    + ConsentStore
    + EvaluationStore
    + ExceptionStore
    + FeedNotes
    + GrantStore
    + IncidentOutbox
    + IncidentStore
    + JobStore
    + LeaseStore
    + PolicyStore
    + QuarantineStore
    + RemedyStore
    + StatsStore
    + VaultIndex
    + ViewStore
    + WebhookSecretStore
{
}

impl<T> RelationalStore for T where
    T: ActivityStore
        + AuditTrail
        + CheckpointStore
        + ClientSecretStore
        + ConnectionStore
        + ConsentStore
        + EvaluationStore
        + ExceptionStore
        + FeedNotes
        + GrantStore
        + IncidentOutbox
        + IncidentStore
        + JobStore
        + LeaseStore
        + PolicyStore
        + QuarantineStore
        + RemedyStore
        + StatsStore
        + VaultIndex
        + ViewStore
        + WebhookSecretStore
{
}
