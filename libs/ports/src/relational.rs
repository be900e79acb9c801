//! Every relational port at once: what a store is.

use crate::{
    AccessStore, AccountStore, ActivityStore, AuditTrail, CheckpointStore, ClientSecretStore,
    ConnectionStore, ConsentStore, EvaluationStore, ExceptionStore, FeedNotes, GrantStore,
    IncidentOutbox, IncidentStore, JobStore, LeaseStore, PolicyStore, QuarantineStore, RemedyStore,
    SessionStore, StatsStore, TokenStore, VaultIndex, ViewStore, WebhookSecretStore,
};

/// Every relational port at once.
pub trait RelationalStore:
    AccessStore
    + AccountStore
    + ActivityStore
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
    + SessionStore
    + StatsStore
    + TokenStore
    + VaultIndex
    + ViewStore
    + WebhookSecretStore
{
}

impl<T> RelationalStore for T where
    T: AccessStore
        + AccountStore
        + ActivityStore
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
        + SessionStore
        + StatsStore
        + TokenStore
        + VaultIndex
        + ViewStore
        + WebhookSecretStore
{
}
