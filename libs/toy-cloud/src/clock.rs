use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::Notify;

/// The service's clock: the machine's, plus what a test moved it by. It never goes back.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    moved_by_ms: AtomicI64,
    latest_ms: AtomicI64,
    moved: Notify,
}

impl Clock {
    pub(crate) fn now(&self) -> Moment {
        let here = machine_ms() + self.moved_by_ms.load(Ordering::Acquire);
        let before = self.latest_ms.fetch_max(here, Ordering::AcqRel);
        Moment(here.max(before))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.moved_by_ms.fetch_add(by_ms, Ordering::AcqRel);
        self.moved.notify_waiters();
    }

    /// Returns when `at` has come, be it by waiting or because the clock was moved.
    pub(crate) async fn sleep_until(&self, at: Moment) {
        loop {
            let moved = self.moved.notified();
            let left_ms = u64::try_from(at.0 - self.now().0).unwrap_or(0);
            if left_ms == 0 {
                return;
            }
            tokio::select! {
                () = moved => {}
                () = tokio::time::sleep(Duration::from_millis(left_ms)) => {}
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where toy-cloud reads the clock"
)]
fn machine_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// Milliseconds since the Unix epoch, written as RFC 3339 UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    pub(crate) fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
    }

    pub(crate) fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(i64::try_from(ms).unwrap_or(i64::MAX)))
    }

    pub(crate) fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub(crate) fn text(self) -> String {
        DateTime::from_timestamp_millis(self.0)
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        Ok(Self(at.timestamp_millis()))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}
