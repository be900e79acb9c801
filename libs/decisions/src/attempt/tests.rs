use super::*;

fn prepared(attempt: &str) -> Result<Prepared, Vec<AttemptMistake>> {
    let attempt: Attempt = serde_json::from_str(attempt).unwrap();
    attempt.prepare(DateTime::UNIX_EPOCH, 7)
}

#[test]
fn a_field_is_told_derived_or_absent() {
    let attempt = r#"{"service": "box", "action": "download", "activity":
        {"object_path": "/a/b.txt", "actor_email": "ann@example.com", "log_timestamp": "2026-01-31T09:30:00Z"}}"#;
    let prepared = prepared(attempt).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let sources: Vec<String> = prepared
        .provenance
        .iter()
        .filter(|(_, source)| source.is_present())
        .map(|(field, source)| format!("{field} {source}"))
        .collect();
    assert_eq!(
        sources,
        [
            "event_id derived",
            "event_timestamp derived",
            "log_timestamp native",
            "event_type derived",
            "actor_email native",
            "object_name derived",
            "object_path native",
        ]
    );
    assert_eq!(prepared.activity.object_name.as_deref(), Some("b.txt"));
    assert_eq!(prepared.activity.event_type, EventType::DataAccess);
}

#[test]
fn every_action_is_that_of_its_event_type() {
    for action in TriggerAction::ALL {
        assert_eq!(TriggerAction::of(event_type(*action)), Some(*action));
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let attempt = r#"{"action": "login", "idempotency_key": "", "activity": {"actor_ip_address": "1.2.3"},
        "request": {"country": "USA"}, "metadata": [{"a.b": {"c": 1}}, {"a.b": [[1]]}]}"#;
    let mistakes = prepared(attempt).err().unwrap();
    let fields: Vec<&str> = mistakes.iter().map(|wrong| wrong.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "/idempotency_key",
            "/activity/actor_ip_address",
            "/request/country",
            "/metadata/0",
            "/metadata/1"
        ]
    );
}

#[test]
fn values_of_metadata_become_texts() {
    let attempt = r#"{"action": "login", "metadata": [{"a.b": true, "a.c": 3, "a.d": ["x", 1], "a.e": "y"}]}"#;
    let files = prepared(attempt)
        .unwrap_or_else(|wrong| panic!("{wrong:?}"))
        .files;
    let values: Vec<String> = files
        .unwrap()
        .remove(0)
        .into_iter()
        .map(|(_, v)| v)
        .collect();
    assert_eq!(values, ["true", "3", "x;1", "y"]);
}
