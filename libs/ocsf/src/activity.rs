//! One activity, in the class that its kind and its object belong to.
//!
//! Who did it and from where are required by most classes. Where a service does not say who, it stands
//! itself as the application that reported it; where it does not say from where, the endpoint is named
//! after the service. Nothing else is made up.

use event_model::{Activity, ActivityRecord, EventType};
use serde_json::Value;

use crate::class::{self, Class, Deed};
use crate::finding::{milliseconds, optional_milliseconds, product};
use crate::observables::observables;
use crate::parties::{actor, hosted, resources, source, target};
use crate::texts::{object, optional, text};
use crate::words::Words;
use crate::{LOG_PRODUCT, SCHEMA_VERSION};

/// What tells this activity from every other: its connection and its event id.
pub fn activity_uid(record: &ActivityRecord) -> String {
    format!("{}/{}", record.connection_id, record.activity.event_id)
}

/// The activity as File Hosting Activity, API Activity, Authentication, Account Change or User Access
/// Management. The same record always makes the same event.
pub fn activity(record: &ActivityRecord, product_version: &str) -> Value {
    let activity = &record.activity;
    let words = Words::of(activity.event_name.as_deref().unwrap_or_default());
    let class = class::of(activity, &words);
    let deed = class.deed(activity, &words);
    let mut event = object([
        ("category_uid", Value::from(class.category().0)),
        ("category_name", Value::from(class.category().1)),
        ("class_uid", Value::from(class.uid())),
        ("class_name", Value::from(class.name())),
        ("activity_id", Value::from(deed.id)),
        ("activity_name", deed_name(deed, activity)),
        ("type_uid", Value::from(class.uid() * 100 + deed.id)),
        ("severity_id", Value::from(1)),
        ("severity", Value::from("Informational")),
        ("time", milliseconds(happened_at(record))),
        ("message", message(activity)),
        ("metadata", metadata(record, product_version)),
        ("actor", who(record)),
        ("src_endpoint", from_where(record)),
        ("status_detail", absences(activity)),
        ("unmapped", unmapped(record)),
    ]);
    if let (Value::Object(event), Value::Object(own)) = (&mut event, own(class, record, &words)) {
        event.extend(own);
    }
    let observed = observables(&event, "");
    if let (Value::Object(event), false) = (&mut event, observed.is_empty()) {
        event.insert("observables".into(), Value::from(observed));
    }
    event
}

/// What happened has a word of the schema; what has none keeps its service's.
fn deed_name(deed: Deed, activity: &Activity) -> Value {
    match (deed.name, &activity.event_name) {
        ("Other", Some(name)) if !name.is_empty() => text(name),
        (name, _) => Value::from(name),
    }
}

fn happened_at(record: &ActivityRecord) -> chrono::DateTime<chrono::Utc> {
    let activity = &record.activity;
    let said = activity.event_timestamp.or(activity.log_timestamp);
    said.unwrap_or(record.received_at)
}

fn message(activity: &Activity) -> Value {
    let name = activity.event_name.as_deref();
    let mut said = name.unwrap_or(activity.event_type.word()).to_owned();
    let who = activity
        .actor_email
        .as_deref()
        .or(activity.actor_name.as_deref());
    let what = activity
        .object_name
        .as_deref()
        .or(activity.object_id.as_deref());
    for (word, part) in [("by", who), ("on", what)] {
        if let Some(part) = part {
            said.push_str(&format!(", {word} {part}"));
        }
    }
    text(&said)
}

fn metadata(record: &ActivityRecord, product_version: &str) -> Value {
    let activity = &record.activity;
    object([
        ("version", Value::from(SCHEMA_VERSION)),
        ("product", product(product_version)),
        ("uid", text(&activity_uid(record))),
        ("tenant_uid", optional(&activity.tenant_id)),
        ("event_code", optional(&activity.event_name)),
        ("original_event_uid", text(activity.event_id.as_str())),
        ("log_provider", text(&record.service)),
        ("log_name", Value::from(LOG_PRODUCT)),
        ("logged_time", optional_milliseconds(activity.log_timestamp)),
        ("processed_time", milliseconds(record.received_at)),
    ])
}

fn who(record: &ActivityRecord) -> Value {
    match actor(&record.activity) {
        Value::Null => object([("app_name", text(&record.service))]),
        known => known,
    }
}

fn from_where(record: &ActivityRecord) -> Value {
    match source(&record.activity) {
        Value::Null => object([("svc_name", text(&record.service))]),
        known => known,
    }
}

/// What the service did not say of that which the schema wants to know.
fn absences(activity: &Activity) -> Value {
    let mut absent = Vec::new();
    if actor(activity).is_null() {
        absent.push("the service does not say who");
    }
    if source(activity).is_null() {
        absent.push("the service gives no address");
    }
    match absent.is_empty() {
        true => Value::Null,
        false => Value::from(absent.join("; ")),
    }
}

/// What the class has beside what all of them have.
fn own(class: Class, record: &ActivityRecord, words: &Words) -> Value {
    let activity = &record.activity;
    let affected = || match target(activity) {
        Value::Null => user_of(&actor(activity)),
        known => known,
    };
    match class {
        Class::FileHosting => object([("file", hosted(activity))]),
        Class::Api => {
            let operation = activity.event_name.as_deref();
            let operation = operation.unwrap_or(activity.event_type.word());
            let service = object([("name", text(&record.service))]);
            let api = object([("operation", text(operation)), ("service", service)]);
            object([("api", api), ("resources", resources(activity))])
        }
        Class::Authentication => {
            let (status_id, status) = class::outcome(words);
            object([
                ("user", user_of(&actor(activity))),
                ("service", object([("name", text(&record.service))])),
                ("status_id", status_id),
                ("status", status),
            ])
        }
        Class::Account => object([("user", affected())]),
        Class::UserAccess => object([
            ("user", affected()),
            (
                "privileges",
                Value::from(
                    activity
                        .role
                        .iter()
                        .map(|role| text(role))
                        .collect::<Vec<_>>(),
                ),
            ),
            ("resources", resources(activity)),
        ]),
    }
}

fn user_of(actor: &Value) -> Value {
    actor.get("user").cloned().unwrap_or_default()
}

/// What the schema has no place for. The shared link is left out: who has it can use it.
fn unmapped(record: &ActivityRecord) -> Value {
    let activity = &record.activity;
    let word = |word: Option<&'static str>| word.map_or(Value::Null, Value::from);
    let kind = (activity.event_type != EventType::Other).then_some(activity.event_type);
    object([
        ("connection_id", text(&record.connection_id.to_string())),
        ("event_type", word(kind.map(EventType::word))),
        ("arrival", Value::from(record.arrival.word())),
        ("assurance", Value::from(record.assurance.word())),
        (
            "own",
            if record.own {
                Value::from(true)
            } else {
                Value::Null
            },
        ),
        (
            "actor_type",
            word(activity.actor_type.map(|one| one.word())),
        ),
        ("actor_role", optional(&activity.actor_role)),
        ("object_type", optional(&activity.object_type)),
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
        ("traceparent", optional(&record.traceparent)),
    ])
}
