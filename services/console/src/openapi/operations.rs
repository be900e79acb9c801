//! The table of operations: what a route takes and answers. A test holds it against the router.

use event_model::Permission::*;

use super::access::ACCESS;
use super::accounts::ACCOUNTS;
use super::cases::CASES;
use super::detectors::DETECTORS;
use super::operation::{Operation, PAGED, get, post};
use super::scans::SCANS;
use super::sinks::SINKS;
use crate::api::activities;

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

const ACTIVITY_EXPORT_QUERY: &[&str] = &[
    "format",
    "connection",
    "event_type",
    "event_id",
    "actor_email",
    "actor",
    "address",
    "object_id",
    "object",
    "blind_spot",
    "q",
    "from",
    "to",
];

/// Every operation.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    let others = [ACCOUNTS, SCANS, CASES, DETECTORS, SINKS, ACCESS];
    OPERATIONS.iter().chain(others.into_iter().flatten())
}

/// The operations by resource, but for those that stand in files of their own.
const OPERATIONS: &[Operation] = &[
    get(
        "/services",
        "The catalogue of cloud services.",
        "Page<ServiceDescription>",
    )
    .needs(ConnectionsRead),
    get(
        "/connections",
        "The connections, oldest first.",
        "Page<ConnectionItem>",
    )
    .query(&["service", "state", "limit", "cursor"])
    .needs(ConnectionsRead),
    post(
        "/connections",
        "Adds a connection that awaits consent.",
        (201, "ConnectionItem"),
    )
    .body("NewConnection")
    .needs(ConnectionsManage),
    get(
        "/connections/{id}",
        "One connection; its ETag is its revision.",
        "ConnectionItem",
    )
    .needs(ConnectionsRead),
    post(
        "/connections/{id}/authorize",
        "Where the service's administrator gives consent.",
        (200, "AuthorizeAnswer"),
    )
    .needs(ConnectionsManage),
    post(
        "/connections/{id}/enable",
        "Sets the feed up.",
        (200, "ConnectionItem"),
    )
    .body("EnableBody")
    .needs(ConnectionsManage),
    post(
        "/connections/{id}/disable",
        "Ends polling, deliveries and actions before it answers.",
        (200, "ConnectionItem"),
    )
    .needs(ConnectionsManage),
    post(
        "/connections/{id}/webhook-secret",
        "Replaces the secret that deliveries are proved with; the one before is still taken for a while.",
        (200, "ConnectionItem"),
    )
    .body("NewWebhookSecret")
    .needs(ConnectionsManage),
    get(
        "/connections/{id}/health",
        "What the last health check saw.",
        "ConnectionHealth",
    )
    .needs(ConnectionsRead),
    post(
        "/connections/{id}/health",
        "Checks the connection now.",
        (200, "ConnectionHealth"),
    )
    .needs(ConnectionsManage),
    get(
        "/connections/{id}/coverage",
        "How far each stream was read, and what was missed.",
        "FeedCoverage",
    )
    .needs(ConnectionsRead),
    get(
        "/activities",
        "Recorded activity, newest received first.",
        "Page<ActivityItem>",
    )
    .query(&activities::FILTERS)
    .needs(ActivitiesRead),
    get(
        "/activities/export",
        "Recorded activity as a file, at most 50,000 of them.",
        "string",
    )
    .query(ACTIVITY_EXPORT_QUERY)
    .media_type("text/csv")
    .needs(ActivitiesRead),
    get(
        "/activities/{connection_id}/{event_id}/raw",
        "What the service sent, byte for byte.",
        "object",
    )
    .needs(ActivitiesRaw),
    get(
        "/policies",
        "The latest version of each policy, oldest first.",
        "Page<PolicyVersion>",
    )
    .query(PAGED)
    .needs(PoliciesRead),
    post(
        "/policies",
        "Saves a policy; it is in use unless `enabled` is false.",
        (201, "PolicyVersion"),
    )
    .body("PolicyDocument")
    .needs(PoliciesManage),
    post(
        "/policies/check",
        "Every mistake of a policy, without saving it.",
        (200, "CheckAnswer"),
    )
    .body("PolicyDocument")
    .needs(PoliciesRead),
    post(
        "/policies/replay",
        "Tries a draft or a saved version on recorded activity; nothing is executed.",
        (202, "Job"),
    )
    .body("ReplayBody")
    .needs(PoliciesTry),
    get(
        "/policy-templates",
        "Policies to start from, each with an example that violates it and one that complies.",
        "Page<Template>",
    )
    .needs(PoliciesRead),
    get(
        "/policies/{id}",
        "The latest version; its ETag is the version.",
        "PolicyVersion",
    )
    .needs(PoliciesRead),
    Operation::new(
        "put",
        "/policies/{id}",
        "Saves the next version.",
        (200, "PolicyVersion"),
    )
    .body("PolicyDocument")
    .if_match()
    .needs(PoliciesManage),
    Operation::new(
        "delete",
        "/policies/{id}",
        "Takes a policy out of use for good or until enabled.",
        (204, ""),
    )
    .if_match()
    .needs(PoliciesManage),
    post(
        "/policies/{id}/enable",
        "Puts the latest version into use.",
        (200, "PolicyVersion"),
    )
    .needs(PoliciesManage),
    post(
        "/policies/{id}/disable",
        "Takes the policy out of use.",
        (200, "PolicyVersion"),
    )
    .needs(PoliciesManage),
    post(
        "/decisions",
        "Whether an attempted download, share, login and so on may go on. Violations are recorded before the answer.",
        (200, "Decided"),
    )
    .query(&["enforce", "undecided"])
    .body("Attempt")
    .needs(DecisionsAsk),
    post(
        "/decisions/batch",
        "Decides up to 100 attempts, each for itself; their violations are recorded together.",
        (200, "DecidedBatch"),
    )
    .query(&["undecided"])
    .body("AttemptBatch")
    .needs(DecisionsAsk),
    get("/incidents", "Incidents, newest first.", "Page<Incident>").query(INCIDENT_QUERY)
    .needs(IncidentsRead),
    get(
        "/incidents/stream",
        "Each new or changed incident as a server-sent event.",
        "string",
    )
    .query(&["after"])
    .media_type("text/event-stream")
    .needs(IncidentsRead),
    get("/incidents/export", "Incidents as CSV or JSON.", "string")
        .query(EXPORT_QUERY)
        .media_type("text/csv")
    .needs(IncidentsExport),
    get(
        "/incidents/{id}",
        "One incident, by its id or its number; its ETag is its revision.",
        "Incident",
    )
    .needs(IncidentsRead),
    Operation::new(
        "patch",
        "/incidents/{id}",
        "Changes an incident's status, severity, owner, tags, verdict, or says something. Its repeats are changed with it.",
        (200, "Incident"),
    )
    .body("RulingBody")
    .if_match()
    .needs(IncidentsWork),
    post(
        "/incidents/{id}/remedies",
        "Plans a response that a person asks for (202, a `Remedy`). With `dry_run=true` nothing is \
         changed or planned, and the answer (200) says what would be done.",
        (200, "Rehearsal"),
    )
    .query(&["dry_run"])
    .body("Response")
    .needs(RemediesAsk),
    get(
        "/breakers",
        "Policies that did as much on a connection as their limit allows, and what stands still since.",
        "Page<Breaker>",
    )
    .needs(RemediesRead),
    post(
        "/breakers/{policy_id}/{connection_id}/continue",
        "Does what stands still, and begins to count anew.",
        (200, "object"),
    )
    .needs(RemediesApprove),
    post(
        "/breakers/{policy_id}/{connection_id}/cancel",
        "Drops what stands still, and begins to count anew.",
        (200, "object"),
    )
    .needs(RemediesApprove),
    get("/remedies", "Remedies, newest first.", "Page<Remedy>").query(&[
        "incident",
        "connection",
        "state",
        "kind",
        "object_id",
        "policy",
        "limit",
        "cursor",
    ])
    .needs(RemediesRead),
    get("/remedies/{id}", "One remedy.", "Remedy")
    .needs(RemediesRead),
    post(
        "/remedies/{id}/retry",
        "Makes a remedy due again that failed or was given up.",
        (202, "Remedy"),
    )
    .needs(RemediesAsk),
    post(
        "/remedies/{id}/approve",
        "Lets a remedy go ahead that waits for a person.",
        (202, "Remedy"),
    )
    .needs(RemediesApprove),
    post(
        "/remedies/{id}/cancel",
        "Takes back a remedy that was not begun.",
        (200, "Remedy"),
    )
    .needs(RemediesCancel),
    post(
        "/remedies/{id}/undo",
        "Plans the undoing; answers the remedy that will do it.",
        (202, "Remedy"),
    )
    .needs(RemediesAsk),
    get(
        "/quarantine",
        "What is held aside, newest first.",
        "Page<QuarantineItem>",
    )
    .query(&["connection", "incident", "state", "limit", "cursor"])
    .needs(QuarantineRead),
    get("/quarantine/{id}", "One quarantine item.", "QuarantineItem")
    .needs(QuarantineRead),
    post(
        "/quarantine/{id}/restore",
        "Plans putting it back.",
        (202, "Remedy"),
    )
    .needs(QuarantineRestore),
    post(
        "/quarantine/{id}/delete",
        "Plans deleting it for good.",
        (202, "Remedy"),
    )
    .needs(QuarantineDelete),
    get(
        "/replays",
        "Trials of policies, newest first.",
        "Page<Job>",
    )
    .query(&["policy", "limit", "cursor"])
    .needs(PoliciesTry),
    get("/replays/{id}", "One trial, and what it found so far.", "Job")
    .needs(PoliciesTry),
    post(
        "/replays/{id}/cancel",
        "Ends a trial before its time.",
        (200, "Job"),
    )
    .needs(PoliciesTry),
    get(
        "/blind-spots",
        "Activity of which something could not be inspected.",
        "Page<ActivityItem>",
    )
    .query(&["connection", "blind_spot", "from", "to", "limit", "cursor"])
    .needs(ActivitiesRead),
    get(
        "/audit",
        "The audit trail, newest first.",
        "Page<AuditItem>",
    )
    .query(&["by", "action", "subject", "q", "from", "to", "limit", "cursor"])
    .needs(AuditRead),
    get(
        "/audit/export",
        "The audit trail as a file, newest first, at most 500,000 entries; with the hashes, in JSON as in CSV.",
        "string",
    )
    .query(&["format", "by", "action", "subject", "q", "from", "to"])
    .media_type("text/csv")
    .needs(AuditRead),
    get("/stats", "Counts for a first look.", "Overview")
    .needs(StatsRead),
    get("/openapi.json", "This document.", "object")
    .known(),
];

#[cfg(test)]
mod tests {
    use super::super::parameters::parameter;
    use super::*;
    use crate::api::incidents;

    #[test]
    fn every_operation_says_what_it_needs() {
        let silent = all().filter(|one| one.needs.is_none());
        let silent: Vec<&str> = silent.map(|one| one.path).collect();
        assert!(silent.is_empty(), "add `.needs(…)` to {silent:?}");
    }

    #[test]
    fn every_parameter_says_what_it_means() {
        for operation in all() {
            for name in operation.query {
                assert!(!parameter(name).0.is_empty(), "{} {name}", operation.path);
            }
        }
    }

    #[test]
    fn the_table_names_every_filter_that_is_read() {
        assert!(
            activities::NARROWING
                .iter()
                .all(|name| ACTIVITY_EXPORT_QUERY.contains(name)
                    && activities::FILTERS.contains(name))
        );
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
