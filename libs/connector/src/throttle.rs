//! Patience: after a service asked for it, and within the budget that its manifest names.
//!
//! One throttle serves every caller of a connection, so that one caller's 429 holds back them all.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;

use crate::manifest::http::{Budget, Throttled, Wait};
use crate::time::{self, Format};

/// Longest pause that a service can ask for.
pub const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// Shortest pause after a service said "too many".
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// What holds one connection's calls back.
pub(crate) struct Throttle {
    budget: Option<Budget>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// No call before this, on the monotonic clock.
    not_before: Duration,
    /// Requests used of the budget, which flows back with time.
    used: f64,
    flowed_at: Duration,
}

impl Throttle {
    pub(crate) fn new(budget: Option<Budget>) -> Self {
        Throttle {
            budget,
            state: Mutex::default(),
        }
    }

    /// Takes one request from the budget at that moment of the monotonic clock.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn enter(&self, now: Duration) -> Result<(), Duration> {
        let mut state = self.state.lock().expect("no holder panics");
        if let Some(wait) = state
            .not_before
            .checked_sub(now)
            .filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        let Some(budget) = self.budget else {
            return Ok(());
        };
        let per_second = f64::from(budget.requests) / budget.per.as_secs_f64();
        let flowed = now.saturating_sub(state.flowed_at).as_secs_f64() * per_second;
        state.used = (state.used - flowed).max(0.0);
        state.flowed_at = now;
        let over = state.used + 1.0 - f64::from(budget.requests);
        if over > 0.0 {
            return Err(Duration::from_secs_f64(over / per_second));
        }
        state.used += 1.0;
        Ok(())
    }

    /// No call of this connection before that long.
    pub(crate) fn pause(&self, now: Duration, wait: Duration) {
        let mut state = self.state.lock().expect("no holder panics");
        state.not_before = state.not_before.max(now + wait);
    }
}

/// How long this answer asks to wait; none when it does not say "too many".
pub(crate) fn asked_for(
    rules: &[Throttled],
    status: u16,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Option<Duration> {
    let rule = rules.iter().find(|rule| {
        let named = rule.header.as_ref().is_none_or(|(name, start)| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.is_some_and(|value| value.starts_with(start.as_str()))
        });
        rule.status == status && named
    })?;
    let (name, epoch) = match &rule.wait {
        Wait::RetryAfter(name) => (name, false),
        Wait::EpochSeconds(name) => (name, true),
    };
    let text = headers.get(name).and_then(|value| value.to_str().ok());
    let asked = text.and_then(|text| match epoch {
        true => until(time::parse(text, Format::EpochSeconds)?, now),
        false => retry_after(text, now),
    });
    Some(asked.unwrap_or(rule.otherwise).clamp(PAUSE_MIN, PAUSE_MAX))
}

/// Seconds, whole or not, or an HTTP date.
pub(crate) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    until(time::parse(text, Format::Rfc2822)?, now)
}

fn until(moment: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    Some((moment - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now = time::parse("2015-10-21T07:27:00Z", Format::Rfc3339).unwrap();
        let rows = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
            ("Wed, 21 Oct 2015 07:26:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("NaN", None),
            ("inf", None),
        ];
        for (text, seconds) in rows {
            assert_eq!(
                retry_after(text, now),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn a_budget_lets_its_requests_through_and_then_as_many_as_flow_back() {
        let per = Duration::from_secs(10);
        let throttle = Throttle::new(Some(Budget { requests: 2, per }));
        let at = Duration::from_secs;
        assert!(throttle.enter(at(0)).is_ok());
        assert!(throttle.enter(at(0)).is_ok());
        assert_eq!(throttle.enter(at(0)), Err(at(5)));
        assert!(throttle.enter(at(5)).is_ok());
        assert!(throttle.enter(at(6)).is_err());
        assert!(throttle.enter(at(1_000)).is_ok());
        assert!(throttle.enter(at(1_000)).is_ok());
        assert!(
            throttle.enter(at(1_000)).is_err(),
            "what is not used does not pile up"
        );
    }

    #[test]
    fn a_pause_holds_until_its_end_and_a_shorter_one_does_not_cut_it() {
        let throttle = Throttle::new(None);
        let at = Duration::from_secs;
        throttle.pause(at(0), at(10));
        throttle.pause(at(1), at(1));
        assert_eq!(throttle.enter(at(4)), Err(at(6)));
        assert!(throttle.enter(at(10)).is_ok());
    }
}
