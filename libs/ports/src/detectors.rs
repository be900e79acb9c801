use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Changes, StoreError};

/// Detectors of an administrator's own that are kept.
pub const DETECTORS_MAX: u32 = 200;
/// Bytes of all their definitions together.
pub const DETECTORS_BYTES_MAX: u64 = 48 * 1024 * 1024;

/// What is known of a detector without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DetectorEntry {
    /// The name that rules use.
    pub name: String,
    /// The name that people read.
    pub title: String,
    /// The group that counts its values, too.
    pub group: Option<String>,
    /// What it looks for: `dictionary`, `pattern`, `rows` or `documents`.
    pub looks_for: String,
    /// How many entries, rows or documents it knows; 1 for a pattern.
    pub entries: u64,
    /// How long its definition is, in bytes.
    pub bytes: u64,
    /// Who saved it.
    pub by: String,
    /// When.
    pub saved_at: DateTime<Utc>,
    /// Grows by one with every change: the ETag.
    pub revision: u64,
}

/// A detector of an administrator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDetector {
    /// What is known of it.
    pub entry: DetectorEntry,
    /// The detector, as JSON. Values of tables stand there as salted hashes only.
    pub definition: String,
}

/// Detectors that administrators write. Who reads them makes them ready: a store does not look into them.
#[async_trait]
pub trait DetectorStore: Send + Sync {
    /// Saves a detector under its name, and gives its entry back with the next revision. With `seen`, only
    /// when what is there has that revision; 0 stands for nothing.
    ///
    /// # Errors
    /// `Conflict` when what is there has another revision.
    async fn save_detector(
        &self,
        detector: &KeptDetector,
        seen: Option<u64>,
    ) -> Result<DetectorEntry, StoreError>;

    /// The detector of that name.
    async fn detector(&self, name: &str) -> Result<Option<KeptDetector>, StoreError>;

    /// What is known of each, by name; at most [`DETECTORS_MAX`].
    async fn detector_entries(&self) -> Result<Vec<DetectorEntry>, StoreError>;

    /// Every one of them, by name; at most [`DETECTORS_MAX`].
    async fn every_detector(&self) -> Result<Vec<KeptDetector>, StoreError>;

    /// Forgets a detector. Whether there was one.
    async fn remove_detector(&self, name: &str) -> Result<bool, StoreError>;

    /// Signals each saved or removed detector.
    fn detector_changes(&self) -> Changes;
}
