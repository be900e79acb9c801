//! Detectors of an administrator's own, as rows.

use ports::{DetectorEntry, KeptDetector, StoreError};

use crate::failure::read;

/// What errors call one.
pub const WHAT: &str = "detector";

/// The entry that is saved over what is there; `None` when that is not what was seen.
pub fn next(
    detector: &KeptDetector,
    there: Option<i64>,
    seen: Option<u64>,
) -> Option<DetectorEntry> {
    let there = there.unwrap_or_default() as u64;
    if seen.is_some_and(|seen| seen != there) {
        return None;
    }
    Some(DetectorEntry {
        revision: there + 1,
        ..detector.entry.clone()
    })
}

/// An entry as it stands in its row.
///
/// # Errors
/// `Corrupt` when it has another form.
pub fn read_entry(entry: &str) -> Result<DetectorEntry, StoreError> {
    read(WHAT, entry)
}

/// A detector as it stands in its row.
///
/// # Errors
/// `Corrupt` when its entry has another form.
pub fn read_whole((entry, definition): (String, String)) -> Result<KeptDetector, StoreError> {
    Ok(KeptDetector {
        entry: read_entry(&entry)?,
        definition,
    })
}
