//! The house rules that a machine can hold: edges, sizes, names, headers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each crate may use. A new edge is a new word here, reviewed.
const MAY_USE: &[(&str, &[&str])] = &[
    // vocabulary
    ("event-model", &[]),
    // rules: pure
    ("policy", &["event-model"]),
    ("inspect", &[]),
    ("labels", &[]),
    // carries inspection out in processes that may die
    ("inspector", &["inspect"]),
    ("ocsf", &["event-model"]),
    ("access", &["event-model"]),
    // ports and what stands on them
    ("ports", &["event-model"]),
    ("telemetry", &[]),
    ("sealing", &[]),
    ("connector", &["event-model", "ports"]),
    ("connector-kit", &["event-model", "ports", "connector"]),
    (
        "connections",
        &["event-model", "ports", "connector", "telemetry"],
    ),
    (
        "intake",
        &["event-model", "ports", "connector", "telemetry"],
    ),
    (
        "decisions",
        &[
            "event-model",
            "ports",
            "policy",
            "inspect",
            "inspector",
            "labels",
            "telemetry",
        ],
    ),
    ("sinks", &["event-model", "ports", "ocsf", "telemetry"]),
    ("sign-on", &["event-model", "ports", "connector"]),
    // adapters: never know a role
    ("store-rows", &["event-model", "ports", "sealing"]),
    (
        "store-sqlite",
        &["event-model", "ports", "sealing", "store-rows"],
    ),
    (
        "store-postgres",
        &["event-model", "ports", "sealing", "store-rows"],
    ),
    ("log-embedded", &["event-model", "ports"]),
    ("log-kafka", &["event-model", "ports"]),
    ("vault", &["event-model", "ports", "sealing"]),
    // enforces on everything that the vault holds what access decides
    ("guard", &["event-model", "ports", "vault", "access"]),
    // roles: never know each other, nor an adapter
    (
        "ingest",
        &["event-model", "ports", "connector", "intake", "telemetry"],
    ),
    (
        "poller",
        &[
            "event-model",
            "ports",
            "connector",
            "connections",
            "intake",
            "telemetry",
        ],
    ),
    (
        "evaluator",
        &[
            "event-model",
            "ports",
            "connector",
            "connections",
            "policy",
            "decisions",
            "inspect",
            "labels",
            "inspector",
            "ocsf",
            "telemetry",
        ],
    ),
    (
        "actions",
        &[
            "event-model",
            "ports",
            "connector",
            "connections",
            "labels",
            "vault",
            "telemetry",
        ],
    ),
    (
        "console",
        &[
            "event-model",
            "ports",
            "access",
            "vault",
            "connector",
            "connections",
            "policy",
            "decisions",
            "inspect",
            "telemetry",
        ],
    ),
    // a cloud service of its own: knows nothing of Tidegate
    ("toy-cloud", &[]),
    // the one place where a role meets an adapter
    ("tidegate", &["*"]),
    ("tests", &["*"]),
];

/// Most lines of a file before its tests.
const FILE_LINES_MAX: usize = 500;
/// Most lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// A file longer than this opens with `//!`.
const LINES_WITHOUT_HEADER_MAX: usize = 100;
/// Names that say nothing.
const GRAB_BAGS: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "misc", "manager",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn crates() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for group in ["libs", "services"] {
        for entry in fs::read_dir(root().join(group)).unwrap() {
            let path = entry.unwrap().path();
            if path.join("Cargo.toml").is_file() {
                found.insert(
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    path,
                );
            }
        }
    }
    found.insert("tests".into(), root().join("tests"));
    found
}

fn rust_files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// Every Rust file with its text and its path below the root.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for group in ["libs", "services", "tests"] {
        rust_files(&root().join(group), &mut files);
    }
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Tests and contract suites: their tables may be long.
fn is_test_file(name: &str) -> bool {
    name.contains("/tests/")
        || name.ends_with("/tests.rs")
        || name.starts_with("tests/it/")
        || name.starts_with("libs/ports/src/contract/")
}

/// The lines before the unit tests at a file's foot.
fn before_tests(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
}

fn none(broken: Vec<String>) {
    assert!(
        broken.is_empty(),
        "{} broken:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn a_crate_uses_only_the_crates_that_the_table_lets_it() {
    let crates = crates();
    let mut broken = Vec::new();
    for (name, path) in &crates {
        let Some((_, may_use)) = MAY_USE.iter().find(|(of, _)| of == name) else {
            broken.push(format!("`{name}` is not in the table"));
            continue;
        };
        let text = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        assert_eq!(
            manifest["package"]["name"].as_str(),
            Some(name.as_str()),
            "folder = package"
        );
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        for used in dependencies.into_iter().flat_map(toml::Table::keys) {
            let ours = crates.contains_key(used);
            if ours && !may_use.contains(&used.as_str()) && *may_use != ["*"] {
                broken.push(format!("`{name}` may not use `{used}`"));
            }
        }
    }
    none(broken);
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    let too_long = |(name, text): (String, String)| {
        let lines = before_tests(&text).count();
        let over = lines > FILE_LINES_MAX && !is_test_file(&name);
        over.then(|| format!("{name} has {lines} lines, at most {FILE_LINES_MAX}"))
    };
    none(sources().into_iter().filter_map(too_long).collect());
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut broken = Vec::new();
    for (name, text) in sources() {
        if is_test_file(&name) {
            continue;
        }
        let mut open: Option<(usize, usize, &str)> = None;
        for (number, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            match open {
                None if is_function(line) && !line.trim_end().ends_with(';') => {
                    open = Some((number, indent, line.trim()));
                }
                Some((from, at, what)) if indent == at && line.trim() == "}" => {
                    let lines = number - from + 1;
                    if lines > FUNCTION_LINES_MAX {
                        broken.push(format!("{name}:{} has {lines} lines: {what}", from + 1));
                    }
                    open = None;
                }
                Some((_, at, _)) if indent == at && line.trim_end().ends_with(';') => open = None,
                _ => {}
            }
        }
    }
    none(broken);
}

fn is_function(line: &str) -> bool {
    let words = line.trim_start();
    [
        "fn ",
        "pub fn ",
        "async fn ",
        "pub async fn ",
        "pub(crate) fn ",
        "pub(crate) async fn ",
        "pub(super) fn ",
        "pub(super) async fn ",
        "const fn ",
        "pub const fn ",
    ]
    .iter()
    .any(|start| words.starts_with(start))
}

#[test]
fn a_long_file_opens_with_what_it_promises() {
    let silent = |(name, text): (String, String)| {
        let long = before_tests(&text).count() > LINES_WITHOUT_HEADER_MAX;
        (long && !text.starts_with("//!") && !is_test_file(&name)).then_some(name)
    };
    none(sources().into_iter().filter_map(silent).collect());
}

#[test]
fn names_say_what_things_are() {
    let says_nothing = |(name, _): (String, String)| {
        let stem = Path::new(&name)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .to_lowercase();
        (GRAB_BAGS.contains(&stem.as_str()) || name.ends_with("/mod.rs")).then_some(name)
    };
    none(sources().into_iter().filter_map(says_nothing).collect());
}

#[test]
fn nothing_is_left_for_later_without_saying_where() {
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["X", "XX"].concat(),
    ];
    let mut broken = Vec::new();
    for (name, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            if marks.iter().any(|mark| comment.contains(mark)) {
                broken.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(broken);
}

#[test]
fn every_error_code_has_a_page_and_every_page_a_code() {
    let mut used = BTreeSet::new();
    for (name, text) in sources() {
        if is_test_file(&name) {
            continue;
        }
        for (at, _) in text.match_indices("TG-") {
            let code = text.get(at..at + 6).unwrap_or_default();
            if code[3..].bytes().all(|byte| byte.is_ascii_digit()) {
                used.insert(code.to_owned());
            }
        }
    }
    let pages: BTreeSet<String> = fs::read_dir(root().join("docs/errors"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .collect();
    assert_eq!(used, pages);
}

#[test]
fn rules_and_vocabulary_do_no_input_or_output() {
    let pure = [
        "libs/event-model/src",
        "libs/policy/src",
        "libs/inspect/src",
        "libs/access/src",
    ];
    let banned = [
        "std::fs",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "tokio::",
        "reqwest",
        "std::process",
        "std::env",
    ];
    let mut broken = Vec::new();
    for (name, text) in sources() {
        if !pure.iter().any(|dir| name.starts_with(dir)) || is_test_file(&name) {
            continue;
        }
        for (number, line) in before_tests(&text).enumerate() {
            let code = line.split_once("//").map_or(line, |(code, _)| code);
            if banned.iter().any(|word| code.contains(word)) {
                broken.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(broken);
}
