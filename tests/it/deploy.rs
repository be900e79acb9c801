//! deploy/ speaks of metrics, settings and roles that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use telemetry::{Counter, Gauge, Timing};
use tidegate::config::KEYS;
use tidegate::wiring::Role;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

/// Every series that `/metrics` can show.
fn series() -> BTreeSet<String> {
    let plain = Counter::ALL.iter().map(|metric| metric.spec());
    let plain = plain.chain(Gauge::ALL.iter().map(|metric| metric.spec()));
    let mut names: BTreeSet<String> = plain.map(|spec| spec.name.to_owned()).collect();
    for timing in Timing::ALL {
        for end in ["_bucket", "_sum", "_count"] {
            names.insert(format!("{}{end}", timing.spec().name));
        }
    }
    names
}

/// The names in a text that begin like ours.
fn mentioned(text: &str, prefix: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c))
        .filter(|word| word.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if let ("expr", Some(text)) = (key.as_str(), value.as_str()) {
                    found.push(text.to_owned());
                }
                expressions(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn dashboards_and_alerts_ask_for_metrics_that_there_are() {
    let known = series();
    let mut asked = BTreeSet::new();
    for path in files(&deploy().join("grafana"), "json") {
        let board: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut found = Vec::new();
        expressions(&board, &mut found);
        assert!(!found.is_empty(), "{} asks nothing", path.display());
        asked.extend(found.iter().flat_map(|text| mentioned(text, "tidegate_")));
    }
    let dashboards: BTreeSet<String> = asked.clone();
    for path in files(&deploy().join("k8s"), "yaml") {
        let text = fs::read_to_string(path).unwrap();
        let lines = text
            .lines()
            .filter(|line| line.trim_start().starts_with("expr:"));
        asked.extend(lines.flat_map(|line| mentioned(line, "tidegate_")));
    }
    let unknown: Vec<&String> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "there are no metrics {unknown:?}");
    let base = |name: &String| {
        let ends = ["_bucket", "_sum", "_count"];
        let end = ends.iter().find_map(|end| name.strip_suffix(end));
        end.unwrap_or(name).to_owned()
    };
    let drawn: BTreeSet<String> = dashboards.iter().map(base).collect();
    let all: BTreeSet<String> = known.iter().map(base).collect();
    let missing: Vec<&String> = all.difference(&drawn).collect();
    assert!(missing.is_empty(), "no dashboard draws {missing:?}");
}

#[test]
fn settings_and_roles_of_the_deployments_are_those_of_the_binary() {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for key in KEYS {
        let name = format!("TIDEGATE_{}", key.name.to_uppercase());
        if key.secret {
            known.insert(format!("{name}_FILE"));
        }
        known.insert(name);
    }
    let mut mentioned_settings = BTreeSet::new();
    let mut ran = BTreeSet::new();
    let mut paths = files(&deploy(), "yaml");
    paths.push(deploy().join("Containerfile"));
    for path in paths {
        let text = fs::read_to_string(path).unwrap();
        mentioned_settings.extend(mentioned(&text, "TIDEGATE_"));
        let runs = text.lines().filter_map(|line| line.split_once("[run, "));
        ran.extend(runs.map(|(_, role)| role.trim_end_matches(']').to_owned()));
    }
    let unknown: Vec<&String> = mentioned_settings.difference(&known).collect();
    assert!(unknown.is_empty(), "there are no settings {unknown:?}");
    let roles: BTreeSet<String> = Role::ALL
        .iter()
        .map(|role| role.name().to_owned())
        .collect();
    assert_eq!(ran, roles);
}
