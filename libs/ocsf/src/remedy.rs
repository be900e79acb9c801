//! What a remedy came to, as File Remediation Activity; as Remediation Activity where it was no file.

use event_model::{Incident, Remedy, RemedyKind, RemedyState};
use serde_json::Value;

use crate::SCHEMA_VERSION;
use crate::finding::{Context, milliseconds, product, severity};
use crate::parties::{hosted, resources, target};
use crate::texts::{object, optional, text};

/// The category `Remediation`.
const CATEGORY: u64 = 7;
const REMEDIATION: u64 = 7001;
const FILE_REMEDIATION: u64 = 7002;

/// What tells this end of the remedy from every other: a person may have it tried again.
pub fn remedy_uid(remedy: &Remedy) -> String {
    format!("{}:{}:{}", remedy.id, remedy.state, remedy.attempts)
}

/// What the remedy of that incident came to; nothing while it has not ended, or where it did nothing in
/// the service.
pub fn remedy(remedy: &Remedy, incident: &Incident, context: Context<'_>) -> Option<Value> {
    let (status_id, status) = status(remedy)?;
    let (activity_id, activity) = deed(remedy.kind)?;
    let file = hosted(&incident.activity);
    let (class, class_name) = match (file.is_null(), of_somebody(remedy.kind)) {
        (false, false) => (FILE_REMEDIATION, "File Remediation Activity"),
        _ => (REMEDIATION, "Remediation Activity"),
    };
    let mut event = object([
        ("category_uid", Value::from(CATEGORY)),
        ("category_name", Value::from("Remediation")),
        ("class_uid", Value::from(class)),
        ("class_name", Value::from(class_name)),
        ("activity_id", Value::from(activity_id)),
        ("activity_name", Value::from(activity)),
        ("type_uid", Value::from(class * 100 + activity_id)),
        ("severity_id", Value::from(severity(incident.severity).0)),
        ("severity", Value::from(severity(incident.severity).1)),
        ("status_id", Value::from(status_id)),
        ("status", Value::from(status)),
        ("status_detail", detail(remedy)),
        ("time", milliseconds(remedy.updated_at)),
        ("start_time", milliseconds(remedy.created_at)),
        ("end_time", milliseconds(remedy.updated_at)),
        ("command_uid", Value::from(remedy.id.to_string())),
        ("message", message(remedy, incident)),
        ("metadata", metadata(remedy, incident, context)),
        ("unmapped", unmapped(remedy, incident)),
    ]);
    if let (Value::Object(event), FILE_REMEDIATION) = (&mut event, class) {
        event.insert("file".into(), file);
    }
    Some(event)
}

/// Where it ended; nothing before that.
fn status(remedy: &Remedy) -> Option<(u64, &'static str)> {
    let lacks = remedy.restoration.as_ref();
    let lacks = lacks.is_some_and(|restoration| !restoration.not_restored.is_empty());
    match remedy.state {
        RemedyState::Done if lacks => Some((4, "Partial")),
        RemedyState::Done => Some((1, "Success")),
        RemedyState::GivenUp => Some((2, "Failure")),
        RemedyState::Superseded => Some((99, "Superseded")),
        RemedyState::Cancelled => Some((99, "Cancelled")),
        RemedyState::Planned
        | RemedyState::NeedsApproval
        | RemedyState::SnapshotTaken
        | RemedyState::Executing
        | RemedyState::Failed
        | RemedyState::Held => None,
    }
}

/// What it does, as the class numbers it; an e-mail does nothing in a service.
fn deed(kind: RemedyKind) -> Option<(u64, &'static str)> {
    use RemedyKind::*;
    match kind {
        Notify => None,
        Quarantine | QuarantineToVault | SuspendUser => Some((1, "Isolate")),
        Delete | Purge | EndSessions => Some((2, "Evict")),
        Restore => Some((3, "Restore")),
        RemoveLink
        | RemoveCollaborator
        | DowngradeRole
        | ExpireLink
        | SetLinkScope
        | RemoveExternalCollaborators
        | MakePrivate => Some((4, "Harden")),
        ApplyLabel => Some((99, "Label")),
        TransferOwner => Some((99, "Transfer of ownership")),
    }
}

/// Whether it is done to a person and not to an object.
fn of_somebody(kind: RemedyKind) -> bool {
    matches!(kind, RemedyKind::SuspendUser | RemedyKind::EndSessions)
}

/// Why it ended so.
fn detail(remedy: &Remedy) -> Value {
    let said = remedy.last_error.as_ref().or(remedy.because.as_ref());
    let lacking = remedy.restoration.as_ref();
    let lacking = lacking.map(|restoration| restoration.not_restored.join("; "));
    let lacking = lacking.filter(|text| !text.is_empty());
    lacking
        .as_ref()
        .or(said)
        .map_or(Value::Null, |said| text(said))
}

fn message(remedy: &Remedy, incident: &Incident) -> Value {
    let what = incident.activity.object_name.as_deref();
    let what = what.or(incident.activity.object_id.as_deref());
    let mut said = format!("{}: {} is {}", incident.number, remedy.kind, remedy.state);
    if let Some(what) = what {
        said.push_str(&format!(", on {what}"));
    }
    text(&said)
}

fn metadata(remedy: &Remedy, incident: &Incident, context: Context<'_>) -> Value {
    object([
        ("version", Value::from(SCHEMA_VERSION)),
        ("product", product(context.product_version)),
        ("uid", Value::from(remedy_uid(remedy))),
        ("correlation_uid", Value::from(incident.id.to_string())),
        ("tenant_uid", optional(&incident.activity.tenant_id)),
        ("event_code", Value::from(remedy.kind.word())),
        ("log_provider", context.service.map_or(Value::Null, text)),
    ])
}

/// What the schema has no place for.
fn unmapped(remedy: &Remedy, incident: &Incident) -> Value {
    object([
        ("number", text(&incident.number)),
        ("incident_id", Value::from(incident.id.to_string())),
        ("policy_id", Value::from(incident.policy.id.to_string())),
        ("policy", text(&incident.policy.name)),
        (
            "connection_id",
            Value::from(remedy.connection_id.to_string()),
        ),
        ("kind", Value::from(remedy.kind.word())),
        ("state", Value::from(remedy.state.word())),
        ("attempts", Value::from(remedy.attempts)),
        ("requested_by", optional(&remedy.requested_by)),
        (
            "of",
            remedy
                .of
                .map_or(Value::Null, |of| Value::from(of.to_string())),
        ),
        ("resources", resources(&incident.activity)),
        ("target_user", target(&incident.activity)),
        ("traceparent", optional(&incident.traceparent)),
    ])
}
