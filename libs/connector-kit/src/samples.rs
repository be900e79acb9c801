//! A connector's samples: `samples/NAME.json` must become `expected/NAME.json`.
//!
//! A sample is one event as the service sends it. What is expected is the list of activities that
//! come of it, each `{"activity": {...}, "own": bool, "provenance": {...}}`, or
//! `{"not_mappable": reason}`; what is not written down is not compared.

use chrono::DateTime;
use connector::Mapped;
use event_model::RawEvent;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::difference;
use crate::folder::{self, Folder, FolderError};

/// When samples are said to have been received, in seconds since 1970, for mappings that ask.
const RECEIVED_AT_S: i64 = 1_800_000_000;

/// One sample with what it became.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// The sample's file.
    pub name: String,
    /// How large it is, in bytes.
    pub bytes: usize,
    /// Its activities; none when it could not be mapped.
    pub mapped: Vec<Mapped>,
    /// All of it as JSON, as it stands in `expected`.
    pub became: Value,
    /// What differs from what was expected, each with its place and both values; empty when nothing.
    pub differences: Vec<String>,
}

impl Folder {
    /// Maps every sample and compares it with what is expected.
    ///
    /// # Errors
    /// When the manifest has mistakes, or a file cannot be read.
    pub fn test(&self) -> Result<Vec<Sampled>, FolderError> {
        let connector = self.connector()?;
        let mapper = connector.mapper(&connector.sample_connection());
        let received_at = DateTime::from_timestamp(RECEIVED_AT_S, 0).unwrap_or_default();
        let mut all = Vec::new();
        for (name, text) in self.samples()? {
            let path = self.root().join("samples").join(&name);
            folder::json(&path, &text)?;
            let bytes = text.len();
            let json = RawValue::from_string(text).map_err(|error| FolderError::NotJson {
                path: path.display().to_string(),
                line: error.line(),
                column: error.column(),
            })?;
            let event = RawEvent { json: json.into() };
            let (mapped, became) = match mapper.map(&event, received_at) {
                Ok(mapped) => {
                    let became = mapped.iter().map(as_expected).collect();
                    (mapped, became)
                }
                Err(error) => (Vec::new(), json!({"not_mappable": error.reason})),
            };
            let differences = match self.expected(&name)? {
                Some(expected) => difference::between(&expected, &became),
                None => vec!["there is no expected event for it: see `--bless`".to_owned()],
            };
            all.push(Sampled {
                name,
                bytes,
                mapped,
                became,
                differences,
            });
        }
        Ok(all)
    }

    /// Maps every sample and writes down what it becomes; gives those of which that is new.
    ///
    /// # Errors
    /// As [`Self::test`], and when a file cannot be written.
    pub fn bless_all(&self) -> Result<Vec<Sampled>, FolderError> {
        let mut changed = self.test()?;
        changed.retain(|sampled| !sampled.differences.is_empty());
        for sampled in &changed {
            self.bless(&sampled.name, &sampled.became)?;
        }
        Ok(changed)
    }
}

fn as_expected(mapped: &Mapped) -> Value {
    json!({
        "activity": mapped.activity,
        "own": mapped.own,
        "provenance": mapped.provenance,
    })
}
