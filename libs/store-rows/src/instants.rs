//! Moments as they are stored.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ports::StoreError;

use crate::failure::corrupt;

/// As stored: microseconds since 1970.
pub fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// As it was before [`micros`], without what is finer than a microsecond.
///
/// # Errors
/// `Corrupt` when it lies outside of what can be told.
pub fn instant(micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| corrupt("instant")("it lies outside of what can be told"))
}

/// That much later, as it can be stored.
pub fn later(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| now.checked_add_signed(by))
        .and_then(|at| DateTime::from_timestamp_micros(at.timestamp_micros()))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
