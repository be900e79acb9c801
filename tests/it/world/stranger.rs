//! A stranger writes a connector with nothing but docs/connector-tutorial.md.
//!
//! The manifest is the pieces of that page, put together.

use connector_kit::{Coverage, Folder};
use serde_json::Value;

const TUTORIAL: &str = include_str!("../../../docs/connector-tutorial.md");

/// The pieces of the page that are marked so, each as it stands there.
fn pieces(mark: &str) -> Vec<&'static str> {
    let fence = format!("```{mark}\n");
    let after = TUTORIAL.split(fence.as_str()).skip(1);
    after
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

fn manifest() -> String {
    pieces("yaml").concat()
}

fn record() -> Value {
    serde_json::from_str(pieces("json sample")[0]).unwrap()
}

#[test]
fn the_pieces_of_the_tutorial_are_a_connector_without_a_mistake() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("samples")).unwrap();
    std::fs::write(dir.path().join("connector.yaml"), manifest()).unwrap();
    std::fs::write(dir.path().join("samples/first.json"), record().to_string()).unwrap();
    let folder = Folder::at(dir.path());
    let found = folder.lint().unwrap();
    assert!(found.mistakes.is_empty(), "{:#?}", found.mistakes);
    folder.bless_all().unwrap();
    let samples = folder.test().unwrap();
    let became = &samples[0].became[0]["activity"];
    let expected: Value = serde_json::from_str(pieces("json expected")[0]).unwrap();
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(became[field], *value, "{field}");
    }
    let connector = folder.connector().unwrap();
    let coverage = Coverage::of(connector.id(), &samples);
    assert_eq!(coverage.shortfalls(connector.least_coverage()), []);
}
