//! The vocabulary of Tidegate: what every crate means by an activity, a connection, an incident, a remedy.
//!
//! Nothing here does I/O, reads a clock or draws a random number. Types are shaped so that an
//! illegal state cannot be written down; transitions consume the old state and return the new one.
//!
//! - [`Activity`]: the 24 fields of one event, with a [`Provenance`] for each.
//! - [`ActivityRecord`]: the wire format v1, what the activity log carries.
//! - [`Connection`] and [`Lifecycle`]: one tenant of one service and what an administrator allowed.
//! - [`Checkpoint`] and [`FeedPage`]: where a pull stream stands, and the only thing that moves it.
//! - [`PolicyDocument`], [`Verdict`]: what a policy says, and what came of it.
//! - [`Case`]: what people make of an incident; [`Exception`]: what is let be, by whom, until when.
//! - [`Incident`], [`Remedy`], [`QuarantineItem`]: what was violated, what was done, how it is undone.
//! - [`VaultItem`]: what is known of content that is held encrypted.
//! - [`AccessPolicyRecord`], [`AccessGroupRecord`]: who may read and write what is held, as it is stored.
//! - [`Identity`]: who acts, with [`Role`]s and [`Permission`]s; [`Account`], [`Session`], [`ApiToken`]: by what they are known.
//! - [`Job`]: work that takes longer than a request, and how far it is.
//! - [`SinkStanding`]: how far what is handed on to others has come.

mod access;
mod account;
mod activity;
mod case;
mod checkpoint;
mod connection;
mod coverage;
mod exception;
mod field;
mod identity;
mod ids;
mod incident;
mod instant;
mod job;
mod page;
mod policy;
mod precedence;
mod raw;
mod reason;
mod record;
mod remedy;
mod replay;
mod response;
mod safeguards;
mod scan;
mod secret;
mod sink;
mod tombstone;
mod vault;
mod verdict;
mod view;
mod written;

pub use access::{
    ACCESS_GROUPS_MAX, ACCESS_LINKS_MAX, ACCESS_POLICIES_MAX, AccessChange, AccessGroupRecord,
    AccessPermission, AccessPolicyRecord, AccessRecords, OsType, VAULT_GROUP,
};
pub use account::{Account, AccountState, ApiToken, Session, SessionStage, Subject};
pub use activity::{Activity, EventType, PartyType, Visibility};
pub use case::{
    ACTS_MAX, COMMENT_BYTES_MAX, Case, CaseAct, CaseChange, CaseRefusal, CaseVerdict, IncidentLink,
    Kinship, Likeness, Milestones, OWNER_BYTES_MAX, REPEAT_WINDOW_HOURS, REPEATS_MAX, Repeats,
    TAG_CHARS_MAX, TAGS_MAX,
};
pub use checkpoint::{Checkpoint, CheckpointError, FeedPage, Position, RawEvent, Round};
pub use connection::{
    Connection, ConnectionHealth, Feed, FeedChoice, HealthCheck, IllegalTransition, Lifecycle,
    RegisteredPart, Registration,
};
pub use coverage::{CoverageGap, FeedCoverage, GapReason, StreamCoverage, StreamStanding};
pub use exception::{
    EXCEPTION_DAYS_MAX, Exception, ExceptionMatch, ExceptionMistake, MATCH_BYTES_MAX,
};
pub use field::{Field, FieldSource, Provenance};
pub use identity::{CameBy, ConnectionScope, Identity, Permission, Role};
pub use ids::{
    AccessGroupId, AccessPolicyId, AccountId, AuditId, ConnectionId, EventId, ExceptionId, IdError,
    IncidentId, JobId, PolicyId, QuarantineId, RemedyId, SessionId, TokenId, VaultId, ViewId,
};
pub use incident::{Incident, IncidentStatus, Latency, TimelineEntry, TimelineKind};
pub use instant::rfc3339;
pub use job::{Job, JobKind, JobState, JobWork};
pub use page::{PAGE_ITEMS_MAX, Page, PageRequest};
pub use policy::{
    Effect, Mode, PolicyDocument, PolicyRef, PolicyVersion, Response, ResponseKind, Severity,
    Trigger, TriggerAction,
};
pub use raw::RawJson;
pub use reason::Reason;
pub use record::{
    ActivityRecord, Arrival, Assurance, DEAD_LETTER, DEAD_LETTER_REPLAYED, DeadLetter,
    DeadLetterReason, DeadLetterReplayed, RecordBody, RecordError, RecordHead, TraceContext,
    WIRE_VERSION,
};
pub use remedy::{
    Approval, QuarantineItem, QuarantineState, Remedy, RemedyKind, RemedyState, Restoration,
    Snapshot,
};
pub use replay::{
    ActionDelta, Baseline, IncidentDelta, Replay, ReplayAsk, ReplayExample, ReplayReport,
};
pub use response::{AFTER_HOURS_MAX, LinkScope, Particulars, Whom};
pub use safeguards::{ApprovalRule, Limit, Safeguards};
pub use scan::{
    CrawlList, Relabelled, Scan, ScanAsk, ScanExample, ScanKind, ScanMode, ScanOfPolicy,
    ScanReport, folder_of,
};
pub use secret::Secret;
pub use sink::{SinkItem, SinkStanding, SinkState, SinkStream, SinkTrial};
pub use tombstone::{
    DEFAULT_TOMBSTONE, NO_TOMBSTONE, TOMBSTONE_BYTES_MAX, TombstoneText, TombstoneWords,
};
pub use vault::{
    LegalHold, VaultItem, VaultOrigin, VaultState, Vaulted, VaultedContent, WrappedKey,
};
pub use verdict::{BlindSpot, Evidence, Outcome, PolicyOutcome, TraceNode, Truth, Verdict};
pub use view::{SavedView, VIEW_NAME_CHARS_MAX, VIEW_QUERY_BYTES_MAX};
pub use written::{plain_until, write_text};
