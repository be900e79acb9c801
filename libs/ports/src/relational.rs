//! Every relational port at once: what a store is.

use crate::{
    AccessStore, AccountStore, ActivityStore, AnswerStore, AuditTrail, CheckpointStore,
    ClientSecretStore, ConnectionStore, ConsentStore, DetectorStore, EvaluationStore,
    ExceptionStore, FeedNotes, GrantStore, IncidentOutbox, IncidentStore, JobStore, LeaseStore,
    PolicyStore, QuarantineStore, RemedyStore, SessionStore, SinkStandings, StatsStore, TokenStore,
    VaultIndex, ViewStore, WebhookSecretStore,
};

/// Every relational port at once.
pub trait RelationalStore:
    AccessStore
    + AccountStore
    + ActivityStore
    + AnswerStore
    + AuditTrail
    + CheckpointStore
    + ClientSecretStore
    + ConnectionStore
    + ConsentStore
    + DetectorStore
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
    + SinkStandings
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
        + AnswerStore
        + AuditTrail
        + CheckpointStore
        + ClientSecretStore
        + ConnectionStore
        + ConsentStore
        + DetectorStore
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
        + SinkStandings
        + StatsStore
        + TokenStore
        + VaultIndex
        + ViewStore
        + WebhookSecretStore
{
}
