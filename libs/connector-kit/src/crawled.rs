//! A connector's samples of what exists: `crawled/NAME.json`, each with what it must become.
//!
//! A sample is `{"kind": "shares" or "content", "element": {...}, "becomes": [...]}`: the element as it is
//! mapped, with `over` and `item` where the manifest lists several levels. What is not written down in
//! `becomes` is not compared.

use std::fs;
use std::path::Path;

use chrono::DateTime;
use connector::Mapped;
use event_model::{RawEvent, ScanKind};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::difference;
use crate::folder::{Folder, FolderError, SAMPLES_MAX, read, unusable};

/// When elements are said to have been listed, in seconds since 1970.
const LISTED_AT_S: i64 = 1_800_000_000;

/// One sample with what it became.
#[derive(Debug, Clone)]
pub struct CrawledSample {
    /// The sample's file.
    pub name: String,
    /// What was listed.
    pub kind: ScanKind,
    /// What differs from what it must become, each with its place and both values; empty when nothing.
    pub differences: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: ScanKind,
    element: Box<RawValue>,
    becomes: Value,
}

impl Folder {
    /// Maps every sample of what exists and compares it with what it must become.
    ///
    /// # Errors
    /// When the manifest has mistakes, or a file cannot be read.
    pub fn test_crawled(&self) -> Result<Vec<CrawledSample>, FolderError> {
        let connector = self.connector()?;
        let connection = connector.sample_connection();
        let now = DateTime::from_timestamp(LISTED_AT_S, 0).unwrap_or_default();
        let mut all = Vec::new();
        for path in crawled(&self.root().join("crawled"))? {
            let written: Written =
                serde_json::from_str(&read(&path)?).map_err(|error| FolderError::NotJson {
                    path: path.display().to_string(),
                    line: error.line(),
                    column: error.column(),
                })?;
            let mapper = connector.crawl_mapper(written.kind, &connection);
            let event = RawEvent {
                json: written.element.into(),
            };
            let became = match mapper.map(&event, now) {
                Ok(mapped) => mapped.iter().map(activity).collect(),
                Err(error) => json!({"not_mappable": error.reason}),
            };
            let mut differences = difference::between(&written.becomes, &became);
            if !connector.can_scan(written.kind) {
                differences.push(format!("the manifest has no crawl of {}", written.kind));
            }
            let name = path.file_name().unwrap_or_default();
            all.push(CrawledSample {
                name: name.to_string_lossy().into_owned(),
                kind: written.kind,
                differences,
            });
        }
        Ok(all)
    }
}

fn activity(mapped: &Mapped) -> Value {
    json!(mapped.activity)
}

/// The samples of a folder, by name; none when there is no folder.
fn crawled(folder: &Path) -> Result<Vec<std::path::PathBuf>, FolderError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(|cause| unusable(folder, "read", cause))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|cause| unusable(folder, "read", cause))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
        if found.len() > SAMPLES_MAX {
            let path = folder.display().to_string();
            return Err(FolderError::TooMany { path });
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_becomes_what_its_samples_say_and_each_crawl_has_a_sample() {
        let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
        let mut crawls = 0;
        for folder in Folder::all_at(&connectors).unwrap() {
            let name = folder.root().display().to_string();
            let samples = folder.test_crawled().unwrap();
            for sample in &samples {
                let differences = &sample.differences;
                assert!(
                    differences.is_empty(),
                    "{name} {}: {differences:#?}",
                    sample.name
                );
            }
            let connector = folder.connector().unwrap();
            for kind in ScanKind::ALL
                .iter()
                .filter(|kind| connector.can_scan(**kind))
            {
                let has_sample = samples.iter().any(|sample| sample.kind == *kind);
                assert!(has_sample, "{name} has no sample of {kind}");
                crawls += 1;
            }
        }
        assert!(crawls >= 11, "six services list what exists");
    }
}
