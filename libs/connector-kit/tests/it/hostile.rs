//! What comes from outside, mangled: manifests, events, OpenAPI documents. Nothing panics, and each is
//! done with in bounded time. `make fuzz` runs the same for longer.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::DateTime;
use connector::{Connector, Mapper};
use connector_kit::Folder;
use connector_kit::draft::Answers;
use event_model::{Field, RawEvent};
use ports::{Clock, SystemClock};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

/// Longest time for one input, in a build without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most text of an event's fields, for each byte of the event: templates and joins repeat values.
const GROWTH_MAX: usize = 64;

/// The manifests that come with Tidegate.
static MANIFESTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let all = folders().into_iter().map(|folder| folder.yaml().unwrap());
    all.collect()
});

/// Their mappers, each with its samples.
static MAPPERS: LazyLock<Vec<(Mapper, Vec<Value>)>> = LazyLock::new(|| {
    let mapper = |folder: Folder| {
        let connector = folder.connector().unwrap();
        let samples = folder.samples().unwrap().into_iter();
        let samples = samples.map(|(_, text)| serde_json::from_str(&text).unwrap());
        (
            connector.mapper(&connector.sample_connection()),
            samples.collect(),
        )
    };
    folders().into_iter().map(mapper).collect()
});

/// What YAML and its readers stumble over.
const ODD: [&str; 24] = [
    "",
    "~",
    "{",
    "}",
    "[[[[",
    "- -",
    "*nobody",
    "&a [*a]",
    "!!int x",
    "\"\\u0000\"",
    "'",
    "|",
    ">-",
    "{}",
    "[]",
    "-1",
    "0",
    "99999999999999999999",
    "1e999",
    "true",
    "\u{feff}",
    "{path: /a}",
    "{first_of: []}",
    "{all: []}",
];

fn folders() -> Vec<Folder> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
    Folder::all_at(&root).unwrap()
}

/// Does it within the patience.
fn soon<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let clock = SystemClock::new();
    let done = work();
    let took = clock.monotonic();
    assert!(took < PATIENCE, "{what} took {took:?}");
    done
}

/// One change of a text, by its lines.
fn mangled(text: &str, kind: u8, at: usize, other: usize, odd: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return odd.to_owned();
    }
    let (at, other) = (at % lines.len(), other % lines.len());
    match kind % 6 {
        0 => drop(lines.remove(at)),
        1 => lines.swap(at, other),
        2 => lines.insert(at, lines[other].clone()),
        3 => {
            let end = (at + other % 12).min(lines.len());
            lines.drain(at..end);
        }
        4 => {
            let key = lines[at]
                .split_once(": ")
                .map(|(key, _)| format!("{key}: {odd}"));
            lines[at] = key.unwrap_or_else(|| odd.to_owned());
        }
        _ => lines[at] = format!("  {}", lines[at]),
    }
    lines.join("\n")
}

/// One change of a document: the value at some place becomes another.
fn changed(value: &mut Value, place: &mut usize, new: &Value) {
    if *place == 0 {
        *value = new.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| changed(item, place, new)),
        Value::Object(map) => map.values_mut().for_each(|item| changed(item, place, new)),
        _ => {}
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[a-z]{1,8}@[a-z]{1,8}\\.example".prop_map(Value::from),
        Just(Value::from("%[fe80::1%x]%:1")),
        Just(Value::from("-9223372036854775808.999999999999")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn map(mapper: &Mapper, event: &Value) -> Result<(), TestCaseError> {
    let text = event.to_string();
    let size = text.len();
    let event = RawEvent {
        json: RawValue::from_string(text).unwrap().into(),
    };
    let mapped = soon("mapping", || mapper.map(&event, DateTime::UNIX_EPOCH));
    for one in mapped.unwrap_or_default() {
        let mut written = 0;
        for field in Field::ALL {
            let text = one.activity.text(field);
            let present = one.provenance.of(field).is_present();
            prop_assert_eq!(text.is_some(), present, "{}", field);
            written += text.map_or(0, |text| text.len());
        }
        prop_assert!(
            written <= GROWTH_MAX * size.max(1_024),
            "{} of {}",
            written,
            size
        );
    }
    Ok(())
}

/// Each case reads a whole manifest; `make fuzz` asks for more of them.
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let cases = asked.and_then(|cases| cases.parse().ok()).unwrap_or(32);
    ProptestConfig::with_cases(cases)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_mangled_manifest_makes_its_reader_panic(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<u8>(), any::<usize>(), any::<usize>(), prop::sample::select(&ODD[..])), 1..5),
    ) {
        let mut yaml = which.get(&MANIFESTS).clone();
        for (kind, at, other, odd) in changes {
            yaml = mangled(&yaml, kind, at, other, odd);
        }
        let found = soon("lint", || Connector::lint(&yaml, "m"));
        // What is left of a manifest that loads still maps without a panic.
        if let Ok(connector) = Connector::parse(&yaml, "m") {
            let connector = Arc::new(connector);
            let mapper = connector.mapper(&connector.sample_connection());
            map(&mapper, &serde_json::json!({"id": 1, "type": "x", "events": [{"id": 2}]}))?;
        } else {
            prop_assert!(!found.mistakes.is_empty());
        }
    }

    #[test]
    fn no_mangled_event_makes_a_mapping_panic(
        which in any::<prop::sample::Index>(),
        sample in any::<prop::sample::Index>(),
        changes in prop::collection::vec((0usize..80, any_value()), 1..4),
    ) {
        let (mapper, samples) = which.get(&MAPPERS);
        let mut event = sample.get(samples).clone();
        for (mut place, new) in changes {
            changed(&mut event, &mut place, &new);
        }
        map(mapper, &event)?;
    }

    #[test]
    fn no_mangled_openapi_document_makes_the_draft_panic(
        changes in prop::collection::vec((any::<u8>(), any::<usize>(), any::<usize>(), prop::sample::select(&ODD[..])), 1..6),
    ) {
        let mut text = include_str!("../../src/draft/notes-api.yaml").to_owned();
        for (kind, at, other, odd) in changes {
            text = mangled(&text, kind, at, other, odd);
        }
        if let Ok(answers) = soon("the draft", || Answers::from_openapi(&text, None)) {
            drop(Connector::lint(&answers.manifest(), "m"));
        }
    }
}

#[test]
fn aliases_of_aliases_are_refused_and_not_expanded() {
    let mut yaml = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (one, next) in ('a'..='j').zip('b'..='k') {
        let ten = format!("*{one}, ").repeat(10);
        yaml += &format!("{next}: &{next} [{ten}]\n");
    }
    let found = soon("lint", || Connector::lint(&yaml, "m"));
    assert!(!found.mistakes.is_empty());
    let openapi = format!("openapi: 3.0.0\n{yaml}");
    assert!(soon("the draft", || Answers::from_openapi(&openapi, None)).is_err());
}

#[test]
fn events_that_are_very_large_or_very_deep_are_done_with_soon() {
    let wide: String = (0..200_000).map(|n| format!("\"k{n}\": {n},")).collect();
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let rows = [
        (format!("{{{wide} \"id\": \"e\"}}"), false),
        (format!("{{\"id\": \"e\", \"type\": {deep}}}"), true),
        (format!("{{\"id\": \"{}\"}}", "x".repeat(4_000_000)), false),
        (
            format!("{{{}\"id\": \"e\"}}", "\"id\": \"d\", ".repeat(100_000)),
            false,
        ),
    ];
    for (mapper, _) in MAPPERS.iter() {
        for (json, too_deep) in &rows {
            let event = RawEvent {
                json: RawValue::from_string(json.clone()).unwrap().into(),
            };
            // Mapped, or set aside with its reason.
            let mapped = soon("mapping", || mapper.map(&event, DateTime::UNIX_EPOCH));
            let set_aside = mapped.err().map(|error| error.reason.word());
            assert_eq!(set_aside == Some("too_deep"), *too_deep, "{set_aside:?}");
            assert_ne!(set_aside, Some("not_json"));
        }
    }
}
