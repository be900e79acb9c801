//! The table of operations: what a route takes and answers. A test holds it against the router.

use event_model::{
    ConnectionHealth, FeedCoverage, Incident, Job, PolicyDocument, PolicyVersion, QuarantineItem,
    Remedy,
};
use schemars::{Schema, SchemaGenerator};

use super::whole;
use crate::acts::exceptions::{ExceptionBody, ViewBody};
use crate::acts::replays::ReplayBody;
use crate::api::{activities, audit, connections, decisions, incidents, policies, stats};
use crate::problem::ProblemItem;
use ports::{NewConnection, ServiceDescription};

/// One operation.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: &'static [&'static str],
    pub(super) body: Option<&'static str>,
    pub(super) answer: (u16, &'static str),
    pub(super) media_type: &'static str,
    pub(super) if_match: bool,
}

impl Operation {
    const fn new(
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        answer: (u16, &'static str),
    ) -> Self {
        Operation {
            method,
            path,
            summary,
            query: &[],
            body: None,
            answer,
            media_type: "application/json",
            if_match: false,
        }
    }

    const fn query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }

    const fn body(mut self, schema: &'static str) -> Self {
        self.body = Some(schema);
        self
    }

    const fn media_type(mut self, media_type: &'static str) -> Self {
        self.media_type = media_type;
        self
    }

    const fn if_match(mut self) -> Self {
        self.if_match = true;
        self
    }

    pub(super) fn tag(&self) -> &'static str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    pub(super) fn id(&self) -> String {
        let path = self
            .path
            .replace(['{', '}'], "")
            .replace(['/', '-', '.'], "_");
        format!("{}{path}", self.method)
    }

    pub(super) fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        let segments = self.path.split('/');
        segments.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

const PAGED: &[&str] = &["limit", "cursor"];
const INCIDENT_QUERY: &[&str] = &[
    "status",
    "severity",
    "verdict",
    "owner",
    "tag",
    "connection",
    "policy",
    "actor_email",
    "object_id",
    "event_id",
    "number",
    "repeat_of",
    "repeats",
    "q",
    "from",
    "to",
    "limit",
    "cursor",
];
const EXPORT_QUERY: &[&str] = &[
    "format",
    "status",
    "severity",
    "verdict",
    "owner",
    "tag",
    "connection",
    "policy",
    "actor_email",
    "object_id",
    "event_id",
    "number",
    "repeat_of",
    "repeats",
    "q",
    "from",
    "to",
];

const fn get(path: &'static str, summary: &'static str, answer: &'static str) -> Operation {
    Operation::new("get", path, summary, (200, answer))
}

const fn post(path: &'static str, summary: &'static str, answer: (u16, &'static str)) -> Operation {
    Operation::new("post", path, summary, answer)
}

/// Every operation, by resource.
pub(super) const OPERATIONS: &[Operation] = &[
    get(
        "/services",
        "The catalogue of cloud services.",
        "Page<ServiceDescription>",
    ),
    get(
        "/connections",
        "The connections, oldest first.",
        "Page<ConnectionItem>",
    )
    .query(&["service", "state", "limit", "cursor"]),
    post(
        "/connections",
        "Adds a connection that awaits consent.",
        (201, "ConnectionItem"),
    )
    .body("NewConnection"),
    get(
        "/connections/{id}",
        "One connection; its ETag is its revision.",
        "ConnectionItem",
    ),
    post(
        "/connections/{id}/authorize",
        "Where the service's administrator gives consent.",
        (200, "AuthorizeAnswer"),
    ),
    post(
        "/connections/{id}/enable",
        "Sets the feed up.",
        (200, "ConnectionItem"),
    )
    .body("EnableBody"),
    post(
        "/connections/{id}/disable",
        "Ends polling, deliveries and actions before it answers.",
        (200, "ConnectionItem"),
    ),
    post(
        "/connections/{id}/webhook-secret",
        "Replaces the secret that deliveries are proved with; the one before is still taken for a while.",
        (200, "ConnectionItem"),
    )
    .body("NewWebhookSecret"),
    get(
        "/connections/{id}/health",
        "What the last health check saw.",
        "ConnectionHealth",
    ),
    post(
        "/connections/{id}/health",
        "Checks the connection now.",
        (200, "ConnectionHealth"),
    ),
    get(
        "/connections/{id}/coverage",
        "How far each stream was read, and what was missed.",
        "FeedCoverage",
    ),
    get(
        "/activities",
        "Recorded activity, newest received first.",
        "Page<ActivityItem>",
    )
    .query(&activities::FILTERS),
    get(
        "/activities/{connection_id}/{event_id}/raw",
        "What the service sent, byte for byte.",
        "object",
    ),
    get(
        "/policies",
        "The latest version of each policy, oldest first.",
        "Page<PolicyVersion>",
    )
    .query(PAGED),
    post(
        "/policies",
        "Saves a policy; it is in use unless `enabled` is false.",
        (201, "PolicyVersion"),
    )
    .body("PolicyDocument"),
    post(
        "/policies/check",
        "Every mistake of a policy, without saving it.",
        (200, "CheckAnswer"),
    )
    .body("PolicyDocument"),
    post(
        "/policies/replay",
        "Tries a draft or a saved version on recorded activity; nothing is executed.",
        (202, "Job"),
    )
    .body("ReplayBody"),
    get(
        "/policy-templates",
        "Policies to start from, each with an example that violates it and one that complies.",
        "Page<Template>",
    ),
    get(
        "/policies/verdicts",
        "What people concluded of each policy's incidents, and how precise that makes it.",
        "Page<PolicyVerdictsItem>",
    ),
    get(
        "/policies/{id}",
        "The latest version; its ETag is the version.",
        "PolicyVersion",
    ),
    Operation::new(
        "put",
        "/policies/{id}",
        "Saves the next version.",
        (200, "PolicyVersion"),
    )
    .body("PolicyDocument")
    .if_match(),
    Operation::new(
        "delete",
        "/policies/{id}",
        "Takes a policy out of use for good or until enabled.",
        (204, ""),
    ),
    post(
        "/policies/{id}/enable",
        "Puts the latest version into use.",
        (200, "PolicyVersion"),
    ),
    post(
        "/policies/{id}/disable",
        "Takes the policy out of use.",
        (200, "PolicyVersion"),
    ),
    post(
        "/decisions",
        "Whether an attempted download, share, login and so on may go on. Violations are recorded before the answer.",
        (200, "Decided"),
    )
    .query(&["enforce", "undecided"])
    .body("Attempt"),
    post(
        "/decisions/batch",
        "Decides up to 100 attempts, each for itself; their violations are recorded together.",
        (200, "DecidedBatch"),
    )
    .query(&["undecided"])
    .body("AttemptBatch"),
    get("/incidents", "Incidents, newest first.", "Page<Incident>").query(INCIDENT_QUERY),
    get(
        "/incidents/stream",
        "Each new or changed incident as a server-sent event.",
        "string",
    )
    .query(&["after"])
    .media_type("text/event-stream"),
    get("/incidents/export", "Incidents as CSV or JSON.", "string")
        .query(EXPORT_QUERY)
        .media_type("text/csv"),
    get(
        "/incidents/{id}",
        "One incident, by its id or its number; its ETag is its revision.",
        "Incident",
    ),
    post(
        "/incidents/work",
        "Changes many incidents: some that are named, or all that match. Each is changed or refused for itself.",
        (200, "WorkAnswer"),
    )
    .body("WorkBody"),
    Operation::new(
        "patch",
        "/incidents/{id}",
        "Changes an incident's status, severity, owner, tags, verdict, or says something. Its repeats are changed with it.",
        (200, "Incident"),
    )
    .body("RulingBody")
    .if_match(),
    post(
        "/incidents/{id}/remedies",
        "Plans a response that a person asks for (202, a `Remedy`). With `dry_run=true` nothing is \
         changed or planned, and the answer (200) says what would be done.",
        (200, "Rehearsal"),
    )
    .query(&["dry_run"])
    .body("Response"),
    get(
        "/exceptions",
        "What is let be, newest first.",
        "Page<Exception>",
    )
    .query(&["policy", "in_use", "limit", "cursor"]),
    post(
        "/exceptions",
        "Lets a person, an object or a pattern be that violates a policy, until a moment.",
        (201, "Exception"),
    )
    .body("ExceptionBody"),
    get("/exceptions/{id}", "One exception.", "Exception"),
    post(
        "/exceptions/{id}/end",
        "Ends an exception before its time.",
        (200, "Exception"),
    ),
    get(
        "/views",
        "Kept views of the incidents: one's own, and those that are shared.",
        "Page<SavedView>",
    ),
    post("/views", "Keeps a view.", (201, "SavedView")).body("ViewBody"),
    Operation::new(
        "delete",
        "/views/{id}",
        "Forgets a view of one's own.",
        (204, ""),
    ),
    get(
        "/breakers",
        "Policies that did as much on a connection as their limit allows, and what stands still since.",
        "Page<Breaker>",
    ),
    post(
        "/breakers/{policy_id}/{connection_id}/continue",
        "Does what stands still, and begins to count anew.",
        (200, "object"),
    ),
    post(
        "/breakers/{policy_id}/{connection_id}/cancel",
        "Drops what stands still, and begins to count anew.",
        (200, "object"),
    ),
    get("/remedies", "Remedies, newest first.", "Page<Remedy>").query(&[
        "incident",
        "connection",
        "state",
        "kind",
        "object_id",
        "limit",
        "cursor",
    ]),
    get("/remedies/{id}", "One remedy.", "Remedy"),
    post(
        "/remedies/{id}/retry",
        "Makes a remedy due again that failed or was given up.",
        (202, "Remedy"),
    ),
    post(
        "/remedies/{id}/approve",
        "Lets a remedy go ahead that waits for a person.",
        (202, "Remedy"),
    ),
    post(
        "/remedies/{id}/cancel",
        "Takes back a remedy that was not begun.",
        (200, "Remedy"),
    ),
    post(
        "/remedies/{id}/undo",
        "Plans the undoing; answers the remedy that will do it.",
        (202, "Remedy"),
    ),
    get(
        "/quarantine",
        "What is held aside, newest first.",
        "Page<QuarantineItem>",
    )
    .query(&["connection", "incident", "state", "limit", "cursor"]),
    get("/quarantine/{id}", "One quarantine item.", "QuarantineItem"),
    post(
        "/quarantine/{id}/restore",
        "Plans putting it back.",
        (202, "Remedy"),
    ),
    post(
        "/quarantine/{id}/delete",
        "Plans deleting it for good.",
        (202, "Remedy"),
    ),
    get(
        "/replays",
        "Trials of policies, newest first.",
        "Page<Job>",
    )
    .query(&["policy", "limit", "cursor"]),
    get("/replays/{id}", "One trial, and what it found so far.", "Job"),
    post(
        "/replays/{id}/cancel",
        "Ends a trial before its time.",
        (200, "Job"),
    ),
    get(
        "/blind-spots",
        "Activity of which something could not be inspected.",
        "Page<ActivityItem>",
    )
    .query(&["connection", "from", "to", "limit", "cursor"]),
    get(
        "/audit",
        "The audit trail, newest first.",
        "Page<AuditItem>",
    )
    .query(PAGED),
    get("/stats", "Counts for a first look.", "Overview"),
    get("/openapi.json", "This document.", "object"),
];

/// A way to the schema of a type.
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schemas that operations name.
pub(super) const SCHEMAS: &[(&str, SchemaOf)] = &[
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
    ("RulingBody", whole::<incidents::RulingBody>),
    ("WorkAnswer", whole::<incidents::WorkAnswer>),
    ("WorkBody", whole::<incidents::WorkBody>),
    ("PolicyVerdictsItem", whole::<stats::PolicyVerdictsItem>),
    ("ServiceDescription", whole::<ServiceDescription>),
    ("Template", whole::<::policy::Template>),
];

#[cfg(test)]
mod tests {
    use super::super::parameters::parameter;
    use super::*;

    #[test]
    fn every_parameter_says_what_it_means() {
        for operation in OPERATIONS {
            for name in operation.query {
                assert!(!parameter(name).0.is_empty(), "{} {name}", operation.path);
            }
        }
    }

    #[test]
    fn the_table_names_every_filter_that_is_read() {
        assert!(
            incidents::FILTERS
                .iter()
                .all(|name| INCIDENT_QUERY.contains(name))
        );
        assert!(
            incidents::FILTERS
                .iter()
                .all(|name| EXPORT_QUERY.contains(name))
        );
    }
}
