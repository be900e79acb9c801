//! A connector's samples: `samples/NAME.json` must map to `expected/NAME.json`.
//!
//! A sample is one event as the service sends it. What is expected is the list of activities that
//! come of it, each `{"activity": {...}, "own": bool, "provenance": {...}}`, or
//! `{"not_mappable": reason}`; what is not written down is not compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::DateTime;
use connector::Connector;
use event_model::{Connection, ConnectionId, Lifecycle, RawEvent};
use serde_json::Value;
use serde_json::value::RawValue;

/// Largest sample read, in bytes.
const SAMPLE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What one sample came to.
pub(super) struct Row {
    pub(super) name: String,
    /// What differs, each in a line; empty when the sample is mapped as expected.
    pub(super) differences: Vec<String>,
}

/// Maps every sample of the folder.
pub(super) fn run(connector: Connector, folder: &Path) -> anyhow::Result<Vec<Row>> {
    let connector = Arc::new(connector);
    let mapper = connector.mapper(&connection(&connector));
    let mut names: Vec<String> = std::fs::read_dir(folder.join("samples"))
        .with_context(|| format!("`{}` has no folder `samples`", folder.display()))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    let mut rows = Vec::with_capacity(names.len());
    for name in names {
        let event = RawEvent {
            json: RawValue::from_string(read(&folder.join("samples").join(&name))?)
                .with_context(|| format!("the sample `{name}` is not JSON"))?,
        };
        let mapped = mapper.map(&event, DateTime::UNIX_EPOCH);
        let expected = read(&folder.join("expected").join(&name)).ok();
        let got = match mapped {
            Ok(mapped) => mapped
                .iter()
                .map(|one| {
                    serde_json::json!({
                        "activity": one.activity,
                        "own": one.own,
                        "provenance": one.provenance,
                    })
                })
                .collect(),
            Err(error) => serde_json::json!({"not_mappable": error.reason}),
        };
        let mut differences = Vec::new();
        match expected {
            None => differences.push("there is no expectation for it".to_owned()),
            Some(expected) => {
                let expected: Value = serde_json::from_str(&expected)
                    .with_context(|| format!("the expectation `{name}` is not JSON"))?;
                compare("", &expected, &got, &mut differences);
            }
        }
        rows.push(Row { name, differences });
    }
    Ok(rows)
}

/// Notes where what was got is not what was expected; what is not written down is not compared.
fn compare(at: &str, expected: &Value, got: &Value, differences: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (key, value) in expected {
                let got = got.get(key).unwrap_or(&Value::Null);
                compare(&format!("{at}/{key}"), value, got, differences);
            }
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare(&format!("{at}/{index}"), expected, got, differences);
            }
        }
        (expected, got) if expected == got => {}
        (expected, got) => differences.push(format!("{at}: expected {expected}, got {got}")),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let context = || format!("`{}` cannot be read", path.display());
    let size = std::fs::metadata(path).with_context(context)?.len();
    anyhow::ensure!(
        size <= SAMPLE_BYTES_MAX,
        "`{}` is larger than {SAMPLE_BYTES_MAX} bytes",
        path.display()
    );
    std::fs::read_to_string(path).with_context(context)
}

/// The connection that samples are mapped for: no real one.
fn connection(connector: &Connector) -> Connection {
    let since = DateTime::UNIX_EPOCH;
    let params = connector.describe().params.into_iter();
    let params: BTreeMap<String, String> = params
        .filter_map(|param| Some((param.name, param.default?)))
        .collect();
    Connection {
        id: ConnectionId::new(since, 1),
        service: connector.id().to_owned(),
        name: "samples".into(),
        params,
        base_url: Some("http://127.0.0.1:9000".into()),
        client_id: Some("tidegate".into()),
        tenant_id: Some("acme".into()),
        lifecycle: Lifecycle::Authorized { since },
        health: None,
        created_at: since,
        revision: 1,
    }
}
