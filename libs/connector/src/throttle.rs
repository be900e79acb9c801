//! Patience: after a service asked for it, and within the budget that its manifest names.
//!
//! One throttle serves every caller of an account, so that one caller's 429 holds back them all.
//!
//! INVARIANT: between a signal and the end of its pause nothing enters. A shorter pause never cuts a
//! longer one.

use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::egress::Answer;
use crate::json;
use crate::manifest::http::{Budget, Throttled, Wait};
use crate::scope::Scope;
use crate::time::{self, Format};

/// Longest pause that a service can ask for.
pub const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// Shortest pause after a service said "too many".
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause that grows by itself.
const GROWN_MAX: Duration = Duration::from_secs(900);
/// From here on a moment is counted in milliseconds: as seconds it would be in the year 5138.
const EPOCH_MILLIS_FROM: f64 = 1e11;

/// What holds one account's calls back.
pub(crate) struct Throttle {
    budget: Option<Budget>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// No call before this, on the monotonic clock.
    not_before: Duration,
    /// Signals in a row that did not say how long to wait.
    strikes: u32,
    /// Requests used of the budget, which flows back with time.
    used: f64,
    flowed_at: Duration,
    /// Requests of gentle callers among them, which flow back at their own rate.
    gentle_used: f64,
    gentle_flowed_at: Duration,
}

/// The budget of gentle callers where the manifest names none: 5 requests a second.
const GENTLE_BUDGET: Budget = Budget {
    requests: 5,
    per: Duration::from_secs(1),
};
/// So much of the budget, in percent, is left to the others at any moment.
const LEFT_TO_OTHERS_PERCENT: f64 = 50.0;

/// How a caller uses the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// All of it.
    Full,
    /// At most so much of it, in percent, and only while the others leave enough of it.
    Gentle(u8),
}

/// How much patience an answer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// So long.
    For(Duration),
    /// The service does not say: so long, and twice as long each time that this was not enough.
    Growing(Duration),
}

impl Patience {
    /// How long, the first time.
    pub(crate) fn at_first(self) -> Duration {
        let (Patience::For(wait) | Patience::Growing(wait)) = self;
        wait.clamp(PAUSE_MIN, PAUSE_MAX)
    }
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

    /// As [`Self::enter`], for a caller that uses a part of the budget only, and none while the others need it.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn enter_at(&self, now: Duration, pace: Pace) -> Result<(), Duration> {
        let Pace::Gentle(percent) = pace else {
            return self.enter(now);
        };
        let part = f64::from(percent.clamp(1, 100)) / 100.0;
        let (budget, part) = match self.budget {
            Some(budget) => (budget, part),
            None => (GENTLE_BUDGET, 1.0),
        };
        let most = (f64::from(budget.requests) * part).max(1.0);
        let per_second = f64::from(budget.requests) * part / budget.per.as_secs_f64();
        {
            let mut state = self.state.lock().expect("no holder panics");
            let flowed = now.saturating_sub(state.gentle_flowed_at).as_secs_f64() * per_second;
            state.gentle_used = (state.gentle_used - flowed).max(0.0);
            state.gentle_flowed_at = now;
            let over = state.gentle_used + 1.0 - most;
            if over > 0.0 {
                return Err(Duration::from_secs_f64(over / per_second));
            }
            if let Some(wait) = self.left_to_others(&state, now) {
                return Err(wait);
            }
        }
        self.enter(now)?;
        self.state.lock().expect("no holder panics").gentle_used += 1.0;
        Ok(())
    }

    /// How long until the others have enough of the budget again.
    fn left_to_others(&self, state: &State, now: Duration) -> Option<Duration> {
        let budget = self.budget?;
        let per_second = f64::from(budget.requests) / budget.per.as_secs_f64();
        let flowed = now.saturating_sub(state.flowed_at).as_secs_f64() * per_second;
        let most = f64::from(budget.requests) * (1.0 - LEFT_TO_OTHERS_PERCENT / 100.0);
        let over = state.used - flowed + 1.0 - most.max(1.0);
        (over > 0.0).then(|| Duration::from_secs_f64(over / per_second))
    }

    /// The service said "too many": no call before the pause that this gives back. Signals of calls
    /// that were under way already do not make a growing pause grow.
    pub(crate) fn signal(&self, now: Duration, patience: Patience) -> Duration {
        let mut state = self.state.lock().expect("no holder panics");
        let wait = match patience {
            Patience::For(wait) => wait.clamp(PAUSE_MIN, PAUSE_MAX),
            Patience::Growing(first) => {
                if state.not_before <= now {
                    state.strikes += 1;
                }
                let doubled = 2u32.saturating_pow(state.strikes.saturating_sub(1).min(16));
                first.saturating_mul(doubled).clamp(PAUSE_MIN, GROWN_MAX)
            }
        };
        state.not_before = state.not_before.max(now + wait);
        state.not_before - now
    }

    /// The service took a call: the next pause that grows begins anew.
    pub(crate) fn relieve(&self, now: Duration) {
        let mut state = self.state.lock().expect("no holder panics");
        if state.not_before <= now {
            state.strikes = 0;
        }
    }
}

/// How long this answer asks to wait; none when it does not say "too many".
pub(crate) fn asked_for(
    rules: &[Throttled],
    answer: &Answer,
    scope: &Scope<'_>,
    now: DateTime<Utc>,
) -> Option<Patience> {
    let rule = rules.iter().find(|rule| rule.is_meant(answer, scope))?;
    let (name, epoch) = match &rule.wait {
        Wait::RetryAfter(name) => (name, false),
        Wait::EpochSeconds(name) => (name, true),
    };
    let text = answer
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok());
    let asked = text.and_then(|text| match epoch {
        true => until(epoch_moment(text)?, now),
        false => retry_after(text, now),
    });
    Some(match asked {
        Some(wait) => Patience::For(wait),
        None if rule.grows => Patience::Growing(rule.otherwise),
        None => Patience::For(rule.otherwise),
    })
}

impl Throttled {
    fn is_meant(&self, answer: &Answer, scope: &Scope<'_>) -> bool {
        if self.status != answer.status.as_u16() {
            return false;
        }
        let named = self.header.as_ref().is_none_or(|(name, start)| {
            let value = answer.headers.get(name);
            let value = value.and_then(|value| value.to_str().ok());
            value.is_some_and(|value| value.starts_with(start.as_str()))
        });
        let said = |when: &crate::condition::Condition| {
            json::value(&answer.body).is_ok_and(|body| when.holds(&scope.over(&body)))
        };
        named && self.when.as_ref().is_none_or(said)
    }
}

/// Seconds, whole or not, or an HTTP date.
pub(crate) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    until(time::parse(text, Format::Rfc2822)?, now)
}

/// A moment since 1970, in seconds or milliseconds.
fn epoch_moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) if number >= EPOCH_MILLIS_FROM => time::parse(text, Format::EpochMillis),
        _ => time::parse(text, Format::EpochSeconds),
    }
}

fn until(moment: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    Some((moment - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests;
