//! Every relational port at once: what a store is.

use crate::{
    AccountStore, ActivityStore, AuditTrail, CheckpointStore, ClientSecretStore, ConnectionStore,
    ConsentStore, DetectorStore, EvaluationStore, FeedNotes, GrantStore, IncidentOutbox,
    IncidentStore, JobStore, LeaseStore, PolicyStore, QuarantineStore, RemedyStore, SessionStore,
    StatsStore, TokenStore, VaultIndex, WebhookSecretStore,
};

/// Every relational port at once.
pub trait RelationalStore:
    AccountStore
    + ActivityStore
    + AuditTrail
    + CheckpointStore
    + ClientSecretStore
    + ConnectionStore
    + ConsentStore
    + DetectorStore
    + EvaluationStore
    + FeedNotes
    + GrantStore
    + IncidentOutbox
    + IncidentStore
    + JobStore
    + LeaseStore
    + PolicyStore
    + QuarantineStore
    + RemedyStore
    + SessionStore
    + StatsStore
    + TokenStore
    + VaultIndex
    + WebhookSecretStore
{
}

impl<T> RelationalStore for T where
    T: AccountStore
        + ActivityStore
        + AuditTrail
        + CheckpointStore
        + ClientSecretStore
        + ConnectionStore
        + ConsentStore
        + DetectorStore
        + EvaluationStore
        + FeedNotes
        + GrantStore
        + IncidentOutbox
        + IncidentStore
        + JobStore
        + LeaseStore
        + PolicyStore
        + QuarantineStore
        + RemedyStore
        + SessionStore
        + StatsStore
        + TokenStore
        + VaultIndex
        + WebhookSecretStore
{
}
