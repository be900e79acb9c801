//! Detectors of an administrator's own, as rows.

use ports::{DetectorEntry, KeptDetector, StoreError};

use crate::failure::read;
use crate::sealed::RowSealer;

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

/// A detector as it stands in its row: its entry, and its definition as it is sealed.
///
/// # Errors
/// `Corrupt` when its entry has another form, or its definition does not open.
pub fn read_whole(
    sealer: &RowSealer,
    (entry, sealed): (String, Vec<u8>),
) -> Result<KeptDetector, StoreError> {
    let entry = read_entry(&entry)?;
    Ok(KeptDetector {
        definition: sealer.open_detector(&entry.name, &sealed)?,
        entry,
    })
}
