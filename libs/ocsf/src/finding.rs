//! One version of an incident as a finding.

use chrono::{DateTime, Utc};
use event_model::{CaseVerdict, Evidence, Incident, IncidentStatus, Mode, Severity, TimelineKind};
use serde_json::Value;

use crate::observables::observables;
use crate::parties::{actor, file, resources, source};
use crate::texts::{object, optional, text};
use crate::{LIST_ITEMS_MAX, SCHEMA_VERSION};

/// The category `Findings`.
const CATEGORY: u64 = 2;
const DETECTION_FINDING: u64 = 2004;
const DATA_SECURITY_FINDING: u64 = 2006;
/// `data_security.detection_system_id`: Cloud Access Security Broker.
const ACCESS_BROKER: u64 = 8;
/// `analytic.type_id`: Rule.
const RULE: u64 = 1;

/// What an incident itself does not say.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The service of the connection, where the connection is known.
    pub service: Option<&'a str>,
    /// Whether the policy looked at content.
    pub involves_content: bool,
    /// The version of this program.
    pub product_version: &'a str,
}

/// What tells this version of the incident from every other: the incident's id and its revision.
pub fn version_uid(incident: &Incident) -> String {
    format!("{}:{}", incident.id, incident.revision)
}

/// The version of the incident as a Data Security Finding, or a Detection Finding where no content was
/// looked at.
pub fn finding(incident: &Incident, context: Context<'_>) -> Value {
    let class = match context.involves_content {
        true => DATA_SECURITY_FINDING,
        false => DETECTION_FINDING,
    };
    let (activity_id, activity) = activity(incident, class);
    let (severity_id, severity) = severity(incident.severity);
    let (status_id, status) = status(incident.status);
    let mut finding = object([
        ("category_uid", Value::from(CATEGORY)),
        ("category_name", Value::from("Findings")),
        ("class_uid", Value::from(class)),
        ("class_name", Value::from(class_name(class))),
        ("activity_id", Value::from(activity_id)),
        ("activity_name", Value::from(activity)),
        ("type_uid", Value::from(class * 100 + activity_id)),
        ("severity_id", Value::from(severity_id)),
        ("severity", Value::from(severity)),
        ("status_id", Value::from(status_id)),
        ("status", Value::from(status)),
        ("time", milliseconds(incident.updated_at)),
        ("message", message(incident)),
        ("comment", comment(incident)),
        ("status_detail", optional(&incident.case.reason)),
        ("count", count(incident)),
        ("is_alert", Value::from(incident.mode == Mode::Enforce)),
        ("metadata", metadata(incident, context)),
        ("finding_info", finding_info(incident)),
        ("resources", resources(&incident.activity)),
        ("unmapped", unmapped(incident, context)),
    ]);
    if let (Value::Object(finding), Value::Object(worked)) = (&mut finding, worked_on(incident)) {
        finding.extend(worked);
    }
    let about = match context.involves_content {
        true => about_content(incident),
        false => about_activity(incident),
    };
    if let (Value::Object(finding), Value::Object(about)) = (&mut finding, about) {
        finding.extend(about);
    }
    finding
}

fn class_name(class: u64) -> &'static str {
    match class {
        DATA_SECURITY_FINDING => "Data Security Finding",
        _ => "Detection Finding",
    }
}

/// A version of a closed incident closes it, also when it says something more. Only the class about
/// data has a word for what was looked at and let be.
fn activity(incident: &Incident, class: u64) -> (u64, &'static str) {
    let let_be = matches!(
        incident.status,
        IncidentStatus::Suppressed | IncidentStatus::FalsePositive
    );
    match incident.revision {
        0 | 1 => (1, "Create"),
        _ if let_be && class == DATA_SECURITY_FINDING => (4, "Suppressed"),
        _ if incident.status.is_closed() => (3, "Close"),
        _ => (2, "Update"),
    }
}

pub(crate) fn severity(severity: Severity) -> (u64, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// A reopened one waits to be looked at, as a new one does.
fn status(status: IncidentStatus) -> (u64, &'static str) {
    match status {
        IncidentStatus::New | IncidentStatus::Reopened => (1, "New"),
        IncidentStatus::InProgress => (2, "In Progress"),
        IncidentStatus::Suppressed | IncidentStatus::FalsePositive => (3, "Suppressed"),
        IncidentStatus::Resolved => (4, "Resolved"),
    }
}

pub(crate) fn milliseconds(at: DateTime<Utc>) -> Value {
    Value::from(at.timestamp_millis())
}

pub(crate) fn optional_milliseconds(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, milliseconds)
}

fn message(incident: &Incident) -> Value {
    let activity = &incident.activity;
    let who = activity
        .actor_email
        .as_deref()
        .or(activity.actor_name.as_deref());
    let what = activity
        .object_name
        .as_deref()
        .or(activity.object_id.as_deref());
    let mut said = format!("{}: {}", incident.number, incident.policy.name);
    if let Some(who) = who {
        said.push_str(&format!(", by {who}"));
    }
    if let Some(what) = what {
        said.push_str(&format!(", on {what}"));
    }
    text(&said)
}

/// What a person said or did last.
fn comment(incident: &Incident) -> Value {
    let mut entries = incident.timeline.iter().rev();
    let last = entries.find(|entry| entry.kind == TimelineKind::Person);
    last.map_or(Value::Null, |entry| text(&entry.text))
}

/// What the profile `incident` adds: who works on it, and what people concluded.
fn worked_on(incident: &Incident) -> Value {
    let case = &incident.case;
    let owner = case.owner.as_deref();
    let assignee = owner.map(|owner| object([("name", text(owner))]));
    let verdict = case.verdict.map(verdict);
    object([
        ("assignee", assignee.unwrap_or_default()),
        (
            "verdict_id",
            verdict.map_or(Value::Null, |(id, _)| Value::from(id)),
        ),
        (
            "verdict",
            verdict.map_or(Value::Null, |(_, word)| Value::from(word)),
        ),
    ])
}

fn verdict(verdict: CaseVerdict) -> (u64, &'static str) {
    match verdict {
        CaseVerdict::FalsePositive => (1, "False Positive"),
        CaseVerdict::TruePositive => (2, "True Positive"),
        CaseVerdict::Benign => (5, "Benign"),
        CaseVerdict::Undetermined => (7, "Insufficient Data"),
        CaseVerdict::Duplicate => (10, "Duplicate"),
    }
}

/// How often it was seen, where it came again.
fn count(incident: &Incident) -> Value {
    let repeats = incident.case.repeats;
    repeats.map_or(Value::Null, |repeats| {
        Value::from(u64::from(repeats.count) + 1)
    })
}

/// This program.
pub(crate) fn product(version: &str) -> Value {
    object([
        ("name", Value::from("Tidegate")),
        ("vendor_name", Value::from("Tidegate")),
        ("version", Value::from(version)),
    ])
}

fn metadata(incident: &Incident, context: Context<'_>) -> Value {
    let activity = &incident.activity;
    object([
        ("version", Value::from(SCHEMA_VERSION)),
        ("profiles", Value::from(vec!["incident"])),
        ("product", product(context.product_version)),
        ("uid", Value::from(version_uid(incident))),
        ("sequence", Value::from(incident.revision)),
        ("tenant_uid", optional(&activity.tenant_id)),
        ("event_code", optional(&activity.event_name)),
        ("original_event_uid", text(activity.event_id.as_str())),
        ("log_provider", context.service.map_or(Value::Null, text)),
        ("logged_time", optional_milliseconds(activity.log_timestamp)),
        (
            "processed_time",
            optional_milliseconds(incident.latency.received_at),
        ),
    ])
}

fn finding_info(incident: &Incident) -> Value {
    let policy = &incident.policy;
    let analytic = object([
        ("type_id", Value::from(RULE)),
        ("type", Value::from("Rule")),
        ("uid", Value::from(policy.id.to_string())),
        ("name", text(&policy.name)),
        ("version", Value::from(policy.version.to_string())),
    ]);
    object([
        ("uid", Value::from(incident.id.to_string())),
        ("title", text(&policy.name)),
        ("desc", optional(&incident.notification)),
        ("analytic", analytic),
        ("created_time", milliseconds(incident.created_at)),
        ("modified_time", milliseconds(incident.updated_at)),
        (
            "first_seen_time",
            optional_milliseconds(incident.activity.event_timestamp),
        ),
        (
            "last_seen_time",
            optional_milliseconds(incident.case.repeats.map(|repeats| repeats.last_at)),
        ),
        ("related_events", related(incident)),
    ])
}

/// The incidents that this one repeats or follows.
fn related(incident: &Incident) -> Value {
    let links = [&incident.case.repeat_of, &incident.case.follows].into_iter();
    let links = links.flatten().map(|link| {
        object([
            ("uid", Value::from(link.id.to_string())),
            ("title", text(&link.number)),
        ])
    });
    Value::from(links.collect::<Vec<_>>())
}

/// Who, from where, on what: both classes have it, each in its place.
fn circumstances(incident: &Incident, involves_content: bool) -> Value {
    object([
        ("actor", actor(&incident.activity)),
        ("src_endpoint", source(&incident.activity)),
        ("file", file(&incident.activity, involves_content)),
    ])
}

fn about_content(incident: &Incident) -> Value {
    let policy = object([
        ("uid", Value::from(incident.policy.id.to_string())),
        ("name", text(&incident.policy.name)),
        ("version", Value::from(incident.policy.version.to_string())),
        ("is_applied", Value::from(incident.mode == Mode::Enforce)),
    ]);
    let mut detectors: Vec<&str> = incident
        .evidence
        .iter()
        .map(|one| one.detector.as_str())
        .collect();
    detectors.dedup();
    let pattern = (!detectors.is_empty()).then(|| text(&detectors.join(", ")));
    let found = incident.evidence.first().map(|one| text(&one.masked));
    let data_security = object([
        ("policy", policy),
        ("detection_system_id", Value::from(ACCESS_BROKER)),
        (
            "detection_system",
            Value::from("Cloud Access Security Broker"),
        ),
        ("detection_pattern", pattern.unwrap_or_default()),
        ("pattern_match", found.unwrap_or_default()),
    ]);
    let (confidence_id, confidence) = confidence(&incident.evidence);
    let mut about = circumstances(incident, true);
    let observed = observables(&about, "");
    if let Value::Object(about) = &mut about {
        about.insert("data_security".into(), data_security);
        about.insert("confidence_id".into(), Value::from(confidence_id));
        about.insert("confidence".into(), Value::from(confidence));
        if !observed.is_empty() {
            about.insert("observables".into(), Value::from(observed));
        }
    }
    about
}

/// The evidence is the activity itself.
fn about_activity(incident: &Incident) -> Value {
    let mut evidence = circumstances(incident, false);
    let observed = observables(&evidence, "evidences[0].");
    let resources = resources(&incident.activity);
    if let (Value::Object(evidence), false) = (&mut evidence, resources.is_null()) {
        evidence.insert("resources".into(), resources);
    }
    let is_empty = evidence.as_object().is_none_or(serde_json::Map::is_empty);
    let evidences = if is_empty { Vec::new() } else { vec![evidence] };
    object([
        ("evidences", Value::from(evidences)),
        ("observables", Value::from(observed)),
    ])
}

/// The highest confidence of what was found.
fn confidence(evidence: &[Evidence]) -> (u64, &'static str) {
    let any = |word: &str| evidence.iter().any(|one| one.confidence == word);
    if any("high") {
        (3, "High")
    } else if any("medium") {
        (2, "Medium")
    } else if any("low") {
        (1, "Low")
    } else {
        (0, "Unknown")
    }
}

/// What the schema has no place for.
fn unmapped(incident: &Incident, context: Context<'_>) -> Value {
    let activity = &incident.activity;
    let word = |word: Option<&'static str>| word.map_or(Value::Null, Value::from);
    let evidence = incident.evidence.iter().take(LIST_ITEMS_MAX).map(found);
    let blind_spots = incident.blind_spots.iter().take(LIST_ITEMS_MAX);
    let blind_spots = blind_spots.map(|spot| {
        object([
            ("reason", text(&spot.reason)),
            ("detail", text(&spot.detail)),
        ])
    });
    object([
        ("number", text(&incident.number)),
        ("status", Value::from(incident.status.word())),
        ("tags", tags(incident)),
        ("mode", Value::from(incident.mode.word())),
        (
            "connection_id",
            Value::from(incident.connection_id.to_string()),
        ),
        ("service", context.service.map_or(Value::Null, text)),
        ("event_type", Value::from(activity.event_type.word())),
        (
            "actor_type",
            word(activity.actor_type.map(|one| one.word())),
        ),
        ("actor_role", optional(&activity.actor_role)),
        ("from_email", optional(&activity.from_email)),
        ("target_user_id", optional(&activity.target_user_id)),
        ("target_user_email", optional(&activity.target_user_email)),
        (
            "target_user_type",
            word(activity.target_user_type.map(|one| one.word())),
        ),
        ("role", optional(&activity.role)),
        (
            "visibility",
            word(activity.visibility.map(|one| one.word())),
        ),
        ("evidence", Value::from(evidence.collect::<Vec<_>>())),
        ("blind_spots", Value::from(blind_spots.collect::<Vec<_>>())),
        ("traceparent", optional(&incident.traceparent)),
    ])
}

fn tags(incident: &Incident) -> Value {
    let tags = incident.case.tags.iter().map(String::as_str);
    Value::from(tags.collect::<Vec<_>>())
}

fn found(one: &Evidence) -> Value {
    object([
        ("detector", text(&one.detector)),
        ("confidence", text(&one.confidence)),
        ("masked", text(&one.masked)),
        ("place", text(&one.place)),
        ("occurrences", Value::from(one.occurrences)),
        ("test_value", Value::from(one.test_value)),
    ])
}
