use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ports::StoreError;

use crate::failure::corrupt;

/// As stored: microseconds since 1970.
pub(crate) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// As it was before [`micros`], without what is finer than a microsecond.
pub(crate) fn instant(micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| corrupt("instant")("it lies outside of what can be told"))
}

/// That much later, as it can be stored.
pub(crate) fn later(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| now.checked_add_signed(by))
        .and_then(|at| DateTime::from_timestamp_micros(at.timestamp_micros()))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
