use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use event_model::{EventId, EventType};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::catalogue::Catalogue;
use crate::testing::connection;

mod projected;
mod repeated;

fn received_at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn raw(json: &str) -> RawEvent {
    RawEvent {
        json: RawJson::checked(json),
    }
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

fn built_in(id: &str) -> Mapper {
    let connector = CATALOGUE.get(id).unwrap();
    connector.mapper(&connector.sample_connection())
}

/// A manifest with these lines for some fields and a reason for the others.
fn mapper(head: &str, fields: &[(&str, &str)]) -> Mapper {
    let lines = Field::ALL.iter().map(|field| {
        let given = fields.iter().find(|(name, _)| *name == field.name());
        format!(
            "    {field}: {}",
            given.map_or("{absent: not here}", |(_, verb)| verb)
        )
    });
    let lines: Vec<String> = lines.collect();
    let yaml = format!(
        "manifest: 1\nid: test\nname: Test\nparams:\n  domains: {{default: \"acme.example, *.acme.example\"}}\n  empty: {{}}\nauth: {{kind: none}}\npush:\n  verify: {{kind: standard_webhooks}}\n  reconcile: {{nothing: test}}\nnormalize:\n{head}  fields:\n{}\n",
        lines.join("\n")
    );
    let parsed = Connector::parse(&yaml, "test").unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    Arc::new(parsed).mapper(&connection(None))
}

/// What a verb makes of an event, for `actor_id`: the value and its provenance.
fn found(verb: &str, event: &Value) -> String {
    let mapper = mapper(
        "",
        &[
            ("event_id", "/id"),
            ("actor_id", verb),
            ("actor_email", "/mail"),
        ],
    );
    let mut event = event.clone();
    event["id"] = "e1".into();
    let mapped = mapper
        .map(&raw(&event.to_string()), received_at())
        .unwrap()
        .remove(0);
    let value = mapped.activity.actor_id.unwrap_or_else(|| "-".into());
    format!("{value} ({})", mapped.provenance.of(Field::ActorId))
}

#[test]
fn every_verb_is_total() {
    let event = json!({
        "text": "Hello", "number": 42, "truth": true, "empty": "", "null": null, "list": [1, 2], "mail": "Bob@EU.acme.example",
        "ip": "[10.1.2.3]:443", "bad_ip": "x", "path": "/a/b/c.txt", "odd_path": "/a b/é#/..", "seconds": 1_700_000_000, "millis": "1700000000123",
        "targets": [{"type": "Group", "id": "g"}, {"type": "User", "id": 7}],
    });
    let rows = [
        ("/text", "Hello (native)"),
        ("/number", "42 (native)"),
        ("/truth", "true (native)"),
        ("/empty", "- (absent: not in the event)"),
        ("/null", "- (absent: not in the event)"),
        ("/list", "- (absent: not in the event)"),
        ("/list/1", "2 (native)"),
        ("/nothing/here", "- (absent: not in the event)"),
        ("[/null, /empty, /text]", "Hello (native)"),
        ("[/null, {absent: the reason}]", "- (absent: the reason)"),
        ("{const: x}", "x (derived)"),
        ("{param: domains}", "acme.example, *.acme.example (config)"),
        ("{param: empty}", "- (absent: `params.empty` is not set)"),
        ("{connection: tenant_id}", "acme (config)"),
        ("{lookup: /text, table: {Hello: World}}", "World (derived)"),
        (
            "{lookup: /truth, table: {true: yes it is}}",
            "yes it is (derived)",
        ),
        (
            "{lookup: /text, table: {He*: by prefix, Hel*: by longer prefix}}",
            "by longer prefix (derived)",
        ),
        (
            "{lookup: /text, table: {a: b}}",
            "- (absent: not in the manifest's table)",
        ),
        ("{lookup: /text, table: {a: b}, default: c}", "c (derived)"),
        (
            "{lookup: /null, table: {a: b}, default: c}",
            "- (absent: not in the event)",
        ),
        (
            "{template: \"{/text}-{/number}{/null?}\"}",
            "Hello-42 (derived)",
        ),
        (
            "{template: \"{/text}-{/null}\"}",
            "- (absent: `{/null}` has no value)",
        ),
        (
            "{time: /seconds, format: epoch_s}",
            "2023-11-14T22:13:20.000Z (native)",
        ),
        (
            "{time: /millis, format: epoch_ms}",
            "2023-11-14T22:13:20.123Z (native)",
        ),
        ("{time: /text}", "- (absent: not a time)"),
        ("{received_at: true}", "2027-01-15T08:00:00.000Z (derived)"),
        ("{ip: /ip}", "10.1.2.3 (native)"),
        ("{ip: /bad_ip}", "- (absent: not an IP address)"),
        (
            "{domain_class: /mail, against: {param: domains}}",
            "internal (derived)",
        ),
        (
            "{domain_class: /mail, against: {param: empty}}",
            "- (absent: there is no list of internal domains)",
        ),
        (
            "{domain_class: /text, against: {param: domains}}",
            "- (absent: not an e-mail address)",
        ),
        ("{lower: /mail}", "bob@eu.acme.example (derived)"),
        ("{field: actor_email}", "Bob@EU.acme.example (derived)"),
        ("{basename: /path}", "c.txt (derived)"),
        ("{url_path: /odd_path}", "/a%20b/%C3%A9%23/.. (derived)"),
        (
            "{regex_capture: /path, pattern: \"^/([^/]+)/\"}",
            "a (derived)",
        ),
        (
            "{regex_capture: /text, pattern: \"^/([^/]+)/\"}",
            "- (absent: the pattern does not match)",
        ),
        ("{join_each: /targets, take: /id, with: /}", "g/7 (derived)"),
        (
            "{join_each: /targets, take: {const: x, when: {path: /type, equals: User}}}",
            "x (derived)",
        ),
        (
            "{join_each: /text, take: /id}",
            "- (absent: not in the event)",
        ),
        (
            "{join: [/text, /null, /number], with: \"+\"}",
            "Hello+42 (derived)",
        ),
        ("{join: [/null]}", "- (absent: not in the event)"),
        ("{hash_id: [/null]}", "- (absent: not in the event)"),
        (
            "{pick: /targets, where: {path: /type, equals: User}, take: /id}",
            "7 (native)",
        ),
        (
            "{pick: /targets, where: {path: /type, equals: App}, take: /id}",
            "- (absent: not in the event)",
        ),
        (
            "{path: /text, when: {path: /number, equals: 42}}",
            "Hello (native)",
        ),
        (
            "{path: /text, when: {path: /number, in: [1, 2]}}",
            "- (absent: does not apply to this event)",
        ),
        (
            "{path: /text, when: {path: /truth, equals: false}, otherwise: not true}",
            "- (absent: not true)",
        ),
        ("envelope/number", "42 (native)"),
    ];
    for (verb, expected) in rows {
        assert_eq!(found(verb, &event), expected, "{verb}");
    }
}

#[test]
fn a_derived_id_depends_on_each_value_and_its_place() {
    let verb = "{hash_id: [/a, /b]}";
    let id = |event: Value| found(verb, &event);
    let one = id(json!({"a": "x", "b": "y"}));
    assert!(
        one.starts_with("drv_") && one.ends_with(" (derived)"),
        "{one}"
    );
    assert_eq!(one, id(json!({"a": "x", "b": "y", "c": 1})));
    for other in [
        json!({"a": "xy", "b": ""}),
        json!({"a": "y", "b": "x"}),
        json!({"a": "x"}),
    ] {
        assert_ne!(one, id(other));
    }
}

#[test]
fn an_event_without_an_id_gets_the_same_one_however_it_is_written() {
    let mapper = mapper("", &[("actor_id", "/who")]);
    let id = |json: &str| {
        mapper
            .map(&raw(json), received_at())
            .unwrap()
            .remove(0)
            .activity
            .event_id
    };
    assert_eq!(id(r#"{"who": "a", "n": 1}"#), id(r#"{"n":1,"who":"a"}"#));
    assert_ne!(id(r#"{"who": "a", "n": 1}"#), id(r#"{"who":"a","n":2}"#));
}

#[test]
fn what_is_no_event_is_set_aside_with_its_reason() {
    let plain = mapper("", &[("actor_id", "/who")]);
    let exploding = mapper(
        "  explode: /events\n",
        &[("actor_id", "/who"), ("tenant_id", "envelope/tenant")],
    );
    let skipping = mapper(
        "  skip: {path: /type, equals: ping}\n",
        &[("actor_id", "/who")],
    );
    let many = json!({"events": vec![json!({"who": "a"}); EXPLODED_MAX + 1]}).to_string();
    let deep = format!("{}{}", "[".repeat(80), "]".repeat(80));
    let rows: [(&Mapper, &str, Result<usize, &str>); 14] = [
        (&plain, r#"{"who": "a"}"#, Ok(1)),
        (&plain, r#"{"other": "a"}"#, Err("not_mappable")),
        (&plain, "{}", Err("not_mappable")),
        (&plain, "[]", Err("not_mappable")),
        (&plain, "7", Err("not_mappable")),
        (&plain, &deep, Err("too_deep")),
        (&skipping, r#"{"type": "ping"}"#, Ok(0)),
        (
            &exploding,
            r#"{"tenant": "t", "events": [{"who": "a"}, {"who": "b"}]}"#,
            Ok(2),
        ),
        (&exploding, r#"{"events": {"who": "a"}}"#, Ok(1)),
        // Without a list, or with an empty one, the event itself is what there is to say.
        (&exploding, r#"{"tenant": "t"}"#, Ok(1)),
        (&exploding, r#"{"tenant": "t", "events": []}"#, Ok(1)),
        (&exploding, r#"{"events": []}"#, Err("not_mappable")),
        (&exploding, r#"{"who": "a"}"#, Err("not_mappable")),
        (&exploding, &many, Err("not_mappable")),
    ];
    for (mapper, json, expected) in rows {
        let outcome = mapper.map(&raw(json), received_at());
        let outcome = outcome
            .as_ref()
            .map(Vec::len)
            .map_err(|error| error.reason.word());
        assert_eq!(outcome, expected, "{}", &json[..json.len().min(60)]);
    }
    let event = raw(r#"{"tenant": "t", "events": [{"who":  "a"}, {"who": "b"}]}"#);
    let parts = exploding.map(&event, received_at()).unwrap();
    assert_eq!(parts[0].raw.get(), r#"{"who":  "a"}"#);
    assert_eq!(parts[1].activity.tenant_id.as_deref(), Some("t"));
    assert_ne!(parts[0].activity.event_id, parts[1].activity.event_id);
    // The same part of another event is another activity.
    let other = raw(r#"{"tenant": "t", "at": 2, "events": [{"who": "a"}, {"who": "b"}]}"#);
    let others = exploding.map(&other, received_at()).unwrap();
    assert_ne!(parts[0].activity.event_id, others[0].activity.event_id);
    assert_eq!(
        parts[0].activity.event_id,
        exploding.map(&event, received_at()).unwrap()[0]
            .activity
            .event_id
    );
}

#[test]
fn a_value_beyond_its_bound_or_outside_its_words_is_absent_with_the_reason() {
    let mapper = mapper(
        "",
        &[
            ("actor_id", "/a"),
            ("event_id", "/id"),
            ("visibility", "/v"),
            ("event_type", "/t"),
            ("event_timestamp", "/at"),
        ],
    );
    let long = "x".repeat(FIELD_BYTES_MAX + 1);
    let event = json!({"a": long, "id": "y".repeat(EventId::LENGTH_MAX + 1), "v": "secret", "t": "gossip", "at": "2026-01-02T03:04:05"});
    let mapped = mapper
        .map(&raw(&event.to_string()), received_at())
        .unwrap()
        .remove(0);
    let source = |field| mapped.provenance.of(field).to_string();
    assert_eq!(source(Field::ActorId), "absent: longer than is taken");
    assert_eq!(source(Field::EventId), "derived");
    assert!(mapped.activity.event_id.as_str().starts_with("drv_"));
    assert_eq!(
        source(Field::Visibility),
        "absent: the service's word is not in the manifest's table"
    );
    assert_eq!(
        (mapped.activity.event_type, source(Field::EventType)),
        (EventType::Other, "derived".into())
    );
    assert_eq!(source(Field::EventTimestamp), "native");
}

fn samples(service: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../connectors")
        .join(service);
    let found = std::fs::read_dir(root.join("samples")).unwrap();
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Each sample with what it must become, beside it under `expected`. Run with `TIDEGATE_BLESS=1` to
/// write what it becomes now, and review the difference.
#[test]
fn the_samples_of_every_connector_become_what_is_expected() {
    let mut seen = 0;
    for connector in Catalogue::built_in().iter() {
        let service = connector.id.as_str();
        let mapper = built_in(service);
        for path in samples(service) {
            let event = raw(&std::fs::read_to_string(&path).unwrap());
            let outcome = match mapper.map(&event, received_at()) {
                Ok(all) => json!(all.iter().map(|mapped| json!({
                    "activity": mapped.activity, "provenance": mapped.provenance, "own": mapped.own,
                })).collect::<Vec<_>>()),
                Err(error) => json!({"not_mappable": error.reason}),
            };
            let name = path.file_name().unwrap();
            let expected = path.parent().unwrap().with_file_name("expected").join(name);
            if std::env::var_os("TIDEGATE_BLESS").is_some() {
                let text = serde_json::to_string_pretty(&outcome).unwrap();
                std::fs::write(&expected, text + "\n").unwrap();
            }
            let text = std::fs::read_to_string(&expected).unwrap_or_default();
            let expected: Value = serde_json::from_str(&text).unwrap_or_default();
            assert_eq!(outcome, expected, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 24, "{seen} samples");
}

fn outcome(mapper: &Mapper, event: &RawEvent) -> String {
    match mapper.map(event, received_at()) {
        Ok(all) => all
            .iter()
            .map(|one| {
                let Mapped {
                    activity,
                    provenance,
                    own,
                    raw,
                } = one;
                json!([activity, provenance, own, raw.get()]).to_string()
            })
            .collect(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_program_finds_what_no_verb_finds_and_is_total() {
    let event =
        json!({"list": [{"k": "a", "v": 7}, {"k": "b", "v": ""}], "mail": "bob@acme.example"});
    let rows = [
        (
            ".list | map(select(.k == \"a\") | .v) | first",
            "7 (derived)",
        ),
        ("[.list[].k] | join(\",\")", "a,b (derived)"),
        (".mail | split(\"@\")[1]", "acme.example (derived)"),
        (".nothing", "- (absent: the program gives no text)"),
        (".list", "- (absent: the program gives no text)"),
        (".list.k", "- (absent: the program fails on this event)"),
        ("empty", "- (absent: the program gives no text)"),
        (
            "range(1e9)",
            "- (absent: the program gives more than 100 values)",
        ),
        (
            "[range(1e9)] | length",
            "- (absent: the program takes too long)",
        ),
    ];
    for (program, expected) in rows {
        let verb = format!("{{jaq: '{program}'}}");
        assert_eq!(found(&verb, &event), expected, "{program}");
    }
}

#[test]
fn a_rewritten_event_is_mapped_as_whatever_the_program_gives() {
    let rows = [
        (".body // .", r#"{"body": {"id": "1"}}"#, "1"),
        (".body // .", r#"{"id": "2"}"#, "2"),
        (
            ". as $e | .ids[] | $e + {id: .}",
            r#"{"ids": [3, 4]}"#,
            "3 4",
        ),
        ("select(.id != \"5\")", r#"{"id": "5"}"#, ""),
        (".id", r#"{"id": "6"}"#, "the event is not an object"),
        (".id.x", r#"{"id": "7"}"#, "the program fails on this event"),
        (".[]", r#"["8"]"#, "the event is not an object"),
    ];
    for (program, event, expected) in rows {
        let head = format!("  rewrite: {{jaq: '{program}'}}\n");
        let mapper = mapper(&head, &[("event_id", "/id")]);
        let outcome = match mapper.map(&raw(event), received_at()) {
            Ok(mapped) => {
                assert!(
                    mapped.iter().all(|one| one.raw.get() == event),
                    "as it was sent"
                );
                let ids = mapped.iter().map(|one| one.activity.event_id.to_string());
                ids.collect::<Vec<_>>().join(" ")
            }
            Err(refused) => refused.detail,
        };
        assert_eq!(outcome, expected, "{program} {event}");
    }
    let huge = format!(r#"{{"id": "{}"}}"#, "x".repeat(crate::jaq::INPUT_BYTES_MAX));
    let refused =
        mapper("  rewrite: {jaq: '.'}\n", &[("event_id", "/id")]).map(&raw(&huge), received_at());
    assert!(
        refused
            .unwrap_err()
            .detail
            .starts_with("the event has more than")
    );
}
