//! Holds `docs/detectors.md` to the detectors, and its examples to the truth.
//!
//! `UPDATE_DOCS=1 cargo test -p inspect --test reference` writes the generated part anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use inspect::{CustomDetector, DetectorSet};

const BEGIN: &str = "<!-- generated from the detectors: begin -->\n";
const END: &str = "<!-- generated from the detectors: end -->\n";
const TABLES: [&str; 4] = [
    include_str!("detect.txt"),
    include_str!("detect-identifiers.txt"),
    include_str!("detect-secrets.txt"),
    include_str!("detect-assigned.txt"),
];

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/detectors.md")
}

/// For each detector the first row of the tables that finds it, and the first that does not.
fn examples() -> BTreeMap<&'static str, [Option<&'static str>; 2]> {
    let mut examples: BTreeMap<&str, [Option<&str>; 2]> = BTreeMap::new();
    for line in TABLES.iter().flat_map(|table| table.lines()) {
        let columns: Vec<&str> = line.rsplitn(4, " | ").collect();
        if let [_, count, detector, text] = columns[..] {
            let pair = examples.entry(detector).or_default();
            pair[usize::from(count == "0")].get_or_insert(text);
        }
    }
    examples
}

fn generated() -> String {
    let set = DetectorSet::built_in();
    let examples = examples();
    let shown = |text: Option<&str>| {
        let short: String = text.unwrap_or_default().chars().take(72).collect();
        format!("`{}`", short.replace('|', "/").replace('`', "'"))
    };
    let mut written = String::from(
        "| name | what | group | how sure | found | not found |\n|---|---|---|---|---|---|\n",
    );
    for detector in set.names().filter_map(|name| set.describe(name)) {
        let [found, not_found] = examples.get(detector.name).copied().unwrap_or_default();
        writeln!(
            written,
            "| `{}` | {} | {} | {} | {} | {} |",
            detector.name,
            detector.title,
            detector
                .group
                .map_or(String::new(), |group| format!("`{group}`")),
            detector.how_sure(),
            shown(found),
            shown(not_found),
        )
        .expect("a string takes it");
    }
    written
}

#[test]
fn the_reference_is_fresh() {
    let written = std::fs::read_to_string(path()).expect("the reference is there");
    let (before, rest) = written
        .split_once(BEGIN)
        .expect("the reference has a generated part");
    let (there, after) = rest.split_once(END).expect("the generated part ends");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let fresh = format!("{before}{BEGIN}{}{END}{after}", generated());
        std::fs::write(path(), fresh).expect("the reference can be written");
    } else {
        assert!(
            there == generated(),
            "docs/detectors.md is stale: UPDATE_DOCS=1 writes it anew"
        );
    }
}

#[test]
fn every_detector_has_an_example_of_what_it_finds_and_of_what_it_does_not() {
    let set = DetectorSet::built_in();
    let examples = examples();
    let lacking: Vec<&str> = set
        .names()
        .filter(|name| set.describe(name).is_some())
        .filter(|name| examples.get(name).is_none_or(|pair| pair.contains(&None)))
        .collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}

#[test]
fn every_custom_detector_in_the_reference_can_be_used() {
    let written = std::fs::read_to_string(path()).expect("the reference is there");
    let blocks: Vec<&str> = written.split("```json\n").skip(1).collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        let json = block.split("```").next().unwrap_or_default();
        let read: CustomDetector = serde_json::from_str(json).expect("it can be read");
        let set = DetectorSet::built_in().with(std::slice::from_ref(&read));
        assert!(set.is_ok(), "{json}: {set:?}");
    }
}
