//! The traits by which the roles reach the world, named by role, with no technology in them.
//!
//! A role is handed only the ports it needs: `ingest` never sees a grant, `policy` sees nothing at
//! all. Adapters implement the traits; the suites in [`contract`] say what every adapter must hold,
//! and run against each of them. Small ports have an in-memory version here; the relational ones
//! have SQLite's `:memory:` for that.

pub mod contract;

mod access;
mod accounts;
mod activities;
mod administration;
mod answers;
mod audit;
mod breakers;
mod checkpoints;
mod clock;
mod connections;
mod countries;
mod detectors;
mod entropy;
mod error;
mod evaluation;
mod exceptions;
mod feed_notes;
mod findings;
mod gate;
mod incidents;
mod jobs;
mod leases;
mod log;
mod mail;
mod memory_log;
mod outbox;
mod policies;
mod quarantine;
mod rehearsals;
mod relational;
mod remedies;
mod secrets;
mod sign_on;
mod signals;
mod sinks;
mod stats;
mod vault;
mod views;

pub use access::AccessStore;
pub use accounts::{
    ACCOUNTS_MAX, AccountLink, AccountStore, Credentials, SESSIONS_MAX, SecondFactor, SessionStore,
    TOKENS_MAX, TokenStore,
};
pub use activities::{ActivityDetails, ActivityFilter, ActivityStore, BlindSpots, StoredActivity};
pub use administration::{
    AdminError, Callback, ConnectionAdministration, FieldMistake, NewClient, NewConnection,
    NewWebhookSecret, ServiceAbilities, ServiceDescription, ServiceParam,
};
pub use answers::{
    ANSWER_BYTES_MAX, ANSWERS_KEPT_MAX, AnswerStore, Claimed, KeptAnswer, OnceAsked,
};
pub use audit::{AuditEntry, AuditFilter, AuditTrail, BrokenChain, NewAudit};
pub use breakers::{Admitted, Breaker, BreakerRuling};
pub use checkpoints::CheckpointStore;
pub use clock::{Clock, ManualClock, SystemClock};
pub use connections::{ConnectionFilter, ConnectionStore};
pub use countries::{Countries, CountryCode, NoCountries};
pub use detectors::{
    DETECTORS_BYTES_MAX, DETECTORS_MAX, DetectorEntry, DetectorStore, KeptDetector,
};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use error::StoreError;
pub use evaluation::{
    AwaitedActivity, EvaluatedActivity, EvaluatedBatch, EvaluationStore, IncidentKind, NewIncident,
    Recorded, SecondLook,
};
pub use exceptions::{EXCEPTIONS_IN_USE_MAX, ExceptionFilter, ExceptionStore};
pub use feed_notes::{FeedNotes, GAPS_KEPT_MAX};
pub use findings::{
    BLIND_SPOT_COUNTS_MAX, BlindSpotAsk, BlindSpotCount, FOUND_GROUPS_MAX, FoundInIncidents, What,
};
pub use gate::{CallGate, GateError, LocalCallGate, Pass};
pub use incidents::{CaseError, IncidentChange, IncidentFilter, IncidentStore};
pub use jobs::{JOBS_KEPT_MAX, JobFilter, JobStore};
pub use leases::{Lease, LeaseStore, pull_lease};
pub use log::{
    ActivityLog, AppendError, Delivered, Header, HeaderText, Log, LogError, LogReader, LogRecord,
    LogScan, Place, Scan, Topic,
};
pub use mail::{Mail, MailError, Mailer, MemoryMailer};
pub use memory_log::MemoryLog;
pub use outbox::{
    IncidentOutbox, OUTBOX_ENTRIES_MAX, OUTBOX_PRUNED_EVERY, OutboxBacklog, OutboxEntry,
};
pub use policies::{POLICIES_IN_USE_MAX, PolicyStore};
pub use quarantine::{QuarantineFilter, QuarantineStore};
pub use rehearsals::{Rehearsal, RehearsedCall, RehearsedRemedy};
pub use relational::RelationalStore;
pub use remedies::{ClaimedRemedy, RemedyFilter, RemedyLease, RemedyProgress, RemedyStore};
pub use secrets::{
    ClientSecretStore, ConsentStore, Grant, GrantStore, PendingConsent, Tokens,
    WEBHOOK_SECRETS_MAX, WebhookSecret, WebhookSecretStore,
};
pub use sign_on::{SignOn, SignOnError, SignOnTie, SignedOn};
pub use signals::{LocalSignals, PullSignals, Signals, WebhookNote, WebhookNotes};
pub use sinks::{SINK_STANDINGS_MAX, SinkDesk, SinkStandings};
pub use stats::{
    Board, CLOSED_MAX, CONNECTIONS_ASKED_MAX, CaseTimes, Overview, PolicyVerdicts, Spread,
    StatsStore,
};
pub use vault::{VaultFilter, VaultIndex};
pub use views::{VIEWS_MAX, VIEWS_SHOWN_MAX, ViewStore};

/// A cheap signal that something changed: the number grows with each change that this process
/// made or saw. Receivers wait for it instead of asking again and again; it may also fire in vain.
pub type Changes = tokio::sync::watch::Receiver<u64>;
