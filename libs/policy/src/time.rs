//! The hour and the day of the week of an instant, in a named time zone.
//!
//! The zones are compiled in (IANA's, by the crate `jiff`): nothing of the machine is read.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

const DAY_SECONDS: i64 = 24 * 3600;

/// The days as `_time.weekday` names them.
pub(crate) const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone that a rule names.
#[derive(Debug, Clone)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// UTC, where a rule names none.
    pub(crate) fn utc() -> Self {
        Zone(TimeZone::UTC)
    }

    /// The zone of that IANA name; the error is what is wrong, and the nearest known name.
    pub(crate) fn named(name: &str) -> Result<Self, (String, Option<String>)> {
        ZONES.get(name.trim()).map(Zone).map_err(|_| {
            let message = format!("there is no time zone `{}`", crate::token::cut(name));
            let known: Vec<String> = ZONES.available().map(|zone| zone.to_string()).collect();
            let near = crate::mistake::nearest(name, known.iter().map(String::as_str));
            (message, near.map(str::to_owned))
        })
    }

    /// Seconds since the epoch as the zone's clocks show them; none outside the years -9999 to 9999.
    fn local(&self, seconds: i64) -> Option<i64> {
        let at = Timestamp::from_second(seconds).ok()?;
        Some(seconds + i64::from(self.0.to_offset(at).seconds()))
    }

    /// The second of the day.
    pub(crate) fn second_of_day(&self, seconds: i64) -> Option<i64> {
        self.local(seconds)
            .map(|local| local.rem_euclid(DAY_SECONDS))
    }

    /// The day of the week.
    pub(crate) fn weekday(&self, seconds: i64) -> Option<&'static str> {
        // The epoch was a Thursday.
        let day = self.local(seconds)?.div_euclid(DAY_SECONDS) + 3;
        WEEKDAYS.get(day.rem_euclid(7) as usize).copied()
    }
}

/// A stretch of the day, from one time to just before another; over midnight when the second is the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    from: i64,
    to: i64,
}

impl Stretch {
    /// Between two different times of the day, in seconds.
    pub(crate) fn between(from: i64, to: i64) -> Option<Self> {
        (from != to).then_some(Stretch { from, to })
    }

    pub(crate) fn holds(self, second_of_day: i64) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&second_of_day)
        } else {
            second_of_day >= self.from || second_of_day < self.to
        }
    }
}

/// The second of the day of `08:30`; `24:00` is its end.
pub(crate) fn time_of_day(text: &str) -> Option<i64> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |digits: &str| {
        let sound = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        sound.then(|| digits.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let sound = minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0));
    sound.then_some(hours * 3600 + minutes * 60)
}
