use event_model::{
    ConnectionHealth, FeedCoverage, Incident, Job, PolicyDocument, PolicyVersion, QuarantineItem,
    Remedy, ScanAsk,
};
use ports::{DetectorEntry, NewConnection, ServiceDescription};
use schemars::{Schema, SchemaGenerator};

use super::whole;
use crate::acts::exceptions::{ExceptionBody, ViewBody};
use crate::acts::replays::ReplayBody;
use crate::acts::{access, accounts, own};
use crate::api::{
    activities, audit, connections, decisions, detectors, incidents, policies, scans, stats,
    tokens, users,
};
use crate::problem::ProblemItem;

/// A way to the schema of a type.
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schemas that operations name.
pub(super) const SCHEMAS: &[(&str, SchemaOf)] = &[
    ("AccessAnswer", whole::<access::explained::AccessAnswer>),
    ("AccessGroupBody", whole::<access::AccessGroupBody>),
    ("AccessGroupRecord", whole::<event_model::AccessGroupRecord>),
    ("AccessPolicyBody", whole::<access::AccessPolicyBody>),
    (
        "AccessPolicyRecord",
        whole::<event_model::AccessPolicyRecord>,
    ),
    ("AccessQuestion", whole::<access::explained::AccessQuestion>),
    ("RankedPolicy", whole::<access::RankedPolicy>),
    ("Account", whole::<event_model::Account>),
    ("AccountChange", whole::<accounts::AccountChange>),
    ("ApiToken", whole::<event_model::ApiToken>),
    ("Invited", whole::<users::Invited>),
    ("Me", whole::<users::Me>),
    ("NewAccount", whole::<accounts::NewAccount>),
    ("NewToken", whole::<own::NewToken>),
    ("NewTokenAnswer", whole::<tokens::NewTokenAnswer>),
    ("ActivityItem", whole::<activities::ActivityItem>),
    ("Attempt", whole::<::decisions::Attempt>),
    ("AttemptBatch", whole::<decisions::AttemptBatch>),
    ("AuditItem", whole::<audit::AuditItem>),
    ("Breaker", whole::<ports::Breaker>),
    ("Rehearsal", whole::<ports::Rehearsal>),
    ("Response", whole::<event_model::Response>),
    ("AuthorizeAnswer", whole::<connections::AuthorizeAnswer>),
    ("CheckAnswer", whole::<policies::CheckAnswer>),
    ("ConnectionHealth", whole::<ConnectionHealth>),
    ("FeedCoverage", whole::<FeedCoverage>),
    ("ConnectionItem", whole::<connections::ConnectionItem>),
    ("Decided", whole::<::decisions::Decided>),
    ("DecidedBatch", whole::<decisions::DecidedBatch>),
    ("DetectorBody", whole::<detectors::DetectorBody>),
    ("DetectorEntry", whole::<DetectorEntry>),
    ("DetectorItem", whole::<detectors::DetectorItem>),
    ("DetectorList", whole::<detectors::DetectorList>),
    ("TryAnswer", whole::<detectors::TryAnswer>),
    ("TryBody", whole::<detectors::TryBody>),
    ("EnableBody", whole::<connections::EnableBody>),
    ("NewWebhookSecret", whole::<ports::NewWebhookSecret>),
    ("Incident", whole::<Incident>),
    ("Job", whole::<Job>),
    ("NewConnection", whole::<NewConnection>),
    ("Overview", whole::<stats::OverviewItem>),
    ("PolicyDocument", whole::<PolicyDocument>),
    ("PolicyVersion", whole::<PolicyVersion>),
    ("Problem", whole::<ProblemItem<'static>>),
    ("QuarantineItem", whole::<QuarantineItem>),
    ("Remedy", whole::<Remedy>),
    ("ReplayBody", whole::<ReplayBody>),
    ("Exception", whole::<event_model::Exception>),
    ("ExceptionBody", whole::<ExceptionBody>),
    ("SavedView", whole::<event_model::SavedView>),
    ("ViewBody", whole::<ViewBody>),
    ("WorkAnswer", whole::<incidents::WorkAnswer>),
    ("WorkBody", whole::<incidents::WorkBody>),
    ("PolicyVerdictsItem", whole::<stats::PolicyVerdictsItem>),
    ("RulingBody", whole::<incidents::RulingBody>),
    ("ScanAsk", whole::<ScanAsk>),
    ("ScanItem", whole::<scans::ScanItem>),
    ("SinkItem", whole::<event_model::SinkItem>),
    ("SinkTrial", whole::<event_model::SinkTrial>),
    ("ServiceDescription", whole::<ServiceDescription>),
    ("Template", whole::<::policy::Template>),
];
