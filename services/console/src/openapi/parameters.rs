//! What the parameters of queries mean, by name: the same in every operation.

use event_model::{
    CaseVerdict, EventType, IncidentStatus, QuarantineState, RemedyKind, RemedyState, Severity,
};
use serde_json::{Value, json};

/// What a query parameter of that name means, and its schema.
pub(super) fn parameter(name: &str) -> (&'static str, Value) {
    let text = || json!({ "type": "string" });
    let words = |all: Vec<&str>| json!({ "type": "string", "enum": all });
    let listed = |all: Vec<&str>| json!({ "type": "string", "examples": [all.iter().take(2).copied().collect::<Vec<_>>().join(",")] });
    match name {
        "limit" => (
            "Most items of the page.",
            json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 50 }),
        ),
        "cursor" => (
            "Continue after this: the `next` of the page before.",
            text(),
        ),
        "connection" => ("Of this connection.", text()),
        "user" => ("Of this user.", text()),
        "service" => ("Of this service.", text()),
        "policy" => ("Of this policy.", text()),
        "incident" => ("Of this incident.", text()),
        "status" => (
            "In one of these states, separated by commas.",
            listed(word_list(IncidentStatus::ALL, IncidentStatus::word)),
        ),
        "severity" => (
            "Of one of these severities, separated by commas.",
            listed(word_list(Severity::ALL, Severity::word)),
        ),
        "verdict" => (
            "With one of these verdicts of people, separated by commas.",
            listed(word_list(CaseVerdict::ALL, CaseVerdict::word)),
        ),
        "state" => (
            "In one of these states, separated by commas.",
            listed(
                word_list(RemedyState::ALL, RemedyState::word)
                    .into_iter()
                    .chain(word_list(QuarantineState::ALL, QuarantineState::word))
                    .collect(),
            ),
        ),
        "kind" => (
            "Of this kind.",
            words(word_list(RemedyKind::ALL, RemedyKind::word)),
        ),
        "event_type" => (
            "Of this kind.",
            words(word_list(EventType::ALL, EventType::word)),
        ),
        "event_id" => ("With this event id.", text()),
        "actor_email" => ("By this actor, in any case.", text()),
        "object_id" => ("On this object.", text()),
        "version" => (
            "Which of several contents, from 1, the oldest first; the newest when absent.",
            json!({ "type": "integer", "minimum": 1 }),
        ),
        "q" => ("Containing this text, in any case.", text()),
        "from" => (
            "At or after this RFC 3339 time, or the start of this day in UTC.",
            text(),
        ),
        "to" => (
            "Before this RFC 3339 time, or the start of this day in UTC.",
            text(),
        ),
        other => of_parts(other),
    }
}

/// One part of an activity, or of an entry of the trail.
fn of_parts(name: &str) -> (&'static str, Value) {
    let text = || json!({ "type": "string" });
    match name {
        "actor" => (
            "With this text in the id, name or address of who acted, in any case.",
            text(),
        ),
        "address" => ("From exactly this IP address.", text()),
        "object" => (
            "With this text in the object's name or path, in any case.",
            text(),
        ),
        "blind_spot" => (
            "Of which something could not be inspected for this reason; `any` for every reason.",
            text(),
        ),
        "by" => ("By exactly this actor.", text()),
        "action" => (
            "Of this act, or of all acts that begin so: `policy` has `policy.saved`.",
            text(),
        ),
        "subject" => ("On this.", text()),
        other => of_cases(other),
    }
}

/// What people made of incidents.
fn of_cases(name: &str) -> (&'static str, Value) {
    let text = || json!({ "type": "string" });
    match name {
        "owner" => ("With this owner; `none` for those that nobody has.", text()),
        "tag" => ("With this tag.", text()),
        "number" => (
            "With one of these readable numbers, separated by commas; so does `q`, when it is nothing else.",
            text(),
        ),
        "in_use" => (
            "`true` for those that count now.",
            json!({ "type": "boolean" }),
        ),
        "repeat_of" => ("Repeats of this incident.", text()),
        "repeats" => (
            "`false` leaves out incidents that repeat an open one: that one says how many they are.",
            json!({ "type": "boolean", "default": true }),
        ),
        other => of_writing(other),
    }
}

/// What is about an answer's form, or about what is to be done, and not about what is looked for.
fn of_writing(name: &str) -> (&'static str, Value) {
    let words = |all: Vec<&str>| json!({ "type": "string", "enum": all });
    match name {
        "enforce" => (
            "`status` answers a denial with 403; the body is the same.",
            words(vec!["answer", "status"]),
        ),
        "undecided" => (
            "What becomes of an attempt that an enforcing policy could not be told of.",
            words(vec!["allow", "deny"]),
        ),
        "dry_run" => (
            "Whether nothing is to be changed or planned.",
            json!({ "type": "boolean" }),
        ),
        "format" => ("Of the file.", words(vec!["csv", "json", "jsonl"])),
        "after" => (
            "Continue after this event; a browser sends `Last-Event-ID` by itself.",
            json!({ "type": "integer", "minimum": 0 }),
        ),
        _ => ("", json!({ "type": "string" })),
    }
}

fn word_list<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|item| word(*item)).collect()
}
