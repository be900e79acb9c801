//! The fault plan: how the service is to behave badly. Every decision is a roll under the plan's seed ([`crate::chance`]), counted
//! per rule and per kind, so a plan repeats. A plan is checked whole before it replaces the one before it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use crate::chance::{Roll, Stream};

/// A plan has at most this many rules.
pub const RULES_MAX: usize = 64;
/// No planned delay, lag included, is longer than a minute.
pub const DELAY_MS_MAX: u64 = 60_000;
/// Reordering with a shorter lag than this counts as this lag: without any wait nothing can be overtaken.
pub const REORDER_LAG_MS_MIN: u64 = 20;
/// At most this many pages in a row are made empty, so that a reader gets on under any plan.
pub const EMPTY_PAGES_IN_A_ROW_MAX: u64 = 3;
const ACCESS_TOKEN_TTL_S_MAX: u64 = 86_400;

/// What is to go wrong. Everything that a plan leaves out does not go wrong.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Faults of requests; the first rule that matches and fires is the one.
    pub rules: Vec<Rule>,
    /// Faults of the events API.
    pub events: EventFaults,
    /// Faults of webhook deliveries.
    pub deliveries: DeliveryFaults,
    /// Life of access tokens issued from now on, in seconds; the configured one when absent.
    pub access_token_ttl_s: Option<u64>,
    /// The seed; the configured one when absent.
    pub seed: Option<u64>,
}

/// One rule over requests below `/api`, `/oauth` and `/s`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Which requests.
    #[serde(rename = "match")]
    pub matches: Matcher,
    /// What happens to them.
    pub what: Fault,
    /// How likely, 0 to 1; always when absent.
    pub probability: Option<f64>,
    /// How often at most; without a bound when absent.
    pub times: Option<u64>,
}

/// Which requests a rule is about; what is absent matches all.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Matcher {
    /// The method.
    pub method: Option<String>,
    /// How the path begins.
    pub path_prefix: Option<String>,
    /// How the path ends.
    pub path_suffix: Option<String>,
}

/// What happens to a request: at least one of a status, a delay, and a cut connection.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Answer with this, 400 to 599.
    pub status: Option<u16>,
    /// With this `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// Wait first, at most [`DELAY_MS_MAX`].
    pub delay_ms: Option<u64>,
    /// Cut the connection without an answer.
    pub close: bool,
    /// Do the work first, then fail.
    pub after: bool,
}

/// How the events API misbehaves. Probabilities are 0 to 1.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventFaults {
    /// Every activity appears this late.
    pub lag_ms: u64,
    /// That a page begins with some of what was before its cursor.
    pub repeat: f64,
    /// That an activity waits less than the lag, and so overtakes others.
    pub reorder: f64,
    /// That a page holds less than it could.
    pub short_page: f64,
    /// That a page holds nothing though there is more.
    pub empty_page: f64,
}

/// How webhook deliveries misbehave. Probabilities are 0 to 1.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryFaults {
    /// That a delivery is never attempted.
    pub drop: f64,
    /// That a delivery is made twice.
    pub duplicate: f64,
    /// How long the first attempt waits.
    pub delay_ms: u64,
}

/// Why a plan was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPlan(String);

impl Plan {
    fn check(&self) -> Result<(), BadPlan> {
        let wrong = |what: &str| Err(BadPlan(what.to_owned()));
        let Self {
            rules,
            events,
            deliveries,
            access_token_ttl_s,
            seed: _,
        } = self;
        if rules.len() > RULES_MAX {
            return wrong("a plan has at most 64 rules");
        }
        for rule in rules {
            rule.check()?;
        }
        let EventFaults {
            lag_ms,
            repeat,
            reorder,
            short_page,
            empty_page,
        } = events;
        let DeliveryFaults {
            drop,
            duplicate,
            delay_ms,
        } = deliveries;
        let chances = [repeat, reorder, short_page, empty_page, drop, duplicate];
        if chances
            .into_iter()
            .any(|chance| !(0.0..=1.0).contains(chance))
        {
            return wrong("a probability is between 0 and 1");
        }
        if *lag_ms > DELAY_MS_MAX || *delay_ms > DELAY_MS_MAX {
            return wrong("a delay is at most 60000 ms");
        }
        if access_token_ttl_s.is_some_and(|ttl| !(1..=ACCESS_TOKEN_TTL_S_MAX).contains(&ttl)) {
            return wrong("access_token_ttl_s is between 1 and 86400");
        }
        Ok(())
    }
}

impl Rule {
    fn check(&self) -> Result<(), BadPlan> {
        let Fault {
            status,
            retry_after_s,
            delay_ms,
            close,
            after: _,
        } = &self.what;
        let wrong = |what: &str| Err(BadPlan(what.to_owned()));
        if status.is_none() && delay_ms.is_none() && !close {
            return wrong("a rule needs a status, a delay_ms or close");
        }
        if status.is_some_and(|status| !(400..=599).contains(&status)) {
            return wrong("a status is between 400 and 599");
        }
        if status.is_some() && *close {
            return wrong("a rule has a status or close, not both");
        }
        if delay_ms.is_some_and(|ms| ms > DELAY_MS_MAX) {
            return wrong("a delay is at most 60000 ms");
        }
        if retry_after_s.is_some() && status.is_none() {
            return wrong("retry_after_s goes with a status");
        }
        if self
            .probability
            .is_some_and(|chance| !(0.0..=1.0).contains(&chance))
        {
            return wrong("a probability is between 0 and 1");
        }
        Ok(())
    }
}

#[derive(Debug)]
struct State {
    plan: Plan,
    rolled: Vec<u64>,
    fired: Vec<u64>,
    pages: u64,
    empty_pages_in_a_row: u64,
}

/// The plan in force.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    access_token_ttl_s: u64,
    state: Mutex<State>,
}

/// What befalls one activity on its way into the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logging {
    pub(crate) wait_ms: u64,
}

/// What befalls one page of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageFaults {
    pub(crate) limit: usize,
    pub(crate) repeated: usize,
}

/// What befalls one delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeliveryFate {
    pub(crate) copies: usize,
    pub(crate) delay_ms: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64, access_token_ttl_s: u64) -> Self {
        let access_token_ttl_s = access_token_ttl_s.clamp(1, ACCESS_TOKEN_TTL_S_MAX);
        Self {
            seed,
            access_token_ttl_s,
            state: Mutex::new(State::of(Plan::default())),
        }
    }

    pub(crate) fn replace(&self, plan: Plan) -> Result<(), BadPlan> {
        plan.check()?;
        *self.state() = State::of(plan);
        Ok(())
    }

    pub(crate) fn access_token_ttl_s(&self) -> u64 {
        self.state()
            .plan
            .access_token_ttl_s
            .unwrap_or(self.access_token_ttl_s)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.state().plan.seed.unwrap_or(self.seed)
    }

    /// The fault of this request, if the plan has one for it.
    pub(crate) fn of_request(&self, method: &str, path: &str) -> Option<Fault> {
        let mut state = self.state();
        let state = &mut *state;
        let seed = state.plan.seed.unwrap_or(self.seed);
        for (index, rule) in state.plan.rules.iter().enumerate() {
            if !rule.matches.covers(method, path)
                || rule.times.is_some_and(|times| state.fired[index] >= times)
            {
                continue;
            }
            state.rolled[index] += 1;
            let roll = Roll::new(seed, Stream::Rule(index), state.rolled[index]);
            if roll.happens(rule.probability.unwrap_or(1.0)) {
                state.fired[index] += 1;
                return Some(rule.what.clone());
            }
        }
        None
    }

    /// How long the activity with this number waits before it appears in the log.
    pub(crate) fn of_logging(&self, number: u64) -> Logging {
        let state = self.state();
        let EventFaults {
            lag_ms, reorder, ..
        } = state.plan.events;
        let roll = Roll::new(
            state.plan.seed.unwrap_or(self.seed),
            Stream::Reorder,
            number,
        );
        let lag_ms = if reorder > 0.0 {
            lag_ms.max(REORDER_LAG_MS_MIN)
        } else {
            lag_ms
        };
        let wait_ms = if roll.happens(reorder) {
            roll.again().up_to(lag_ms)
        } else {
            lag_ms
        };
        Logging { wait_ms }
    }

    /// How much of the page is given, and how much of what was before it is given again.
    pub(crate) fn of_page(&self, limit: usize, waiting: usize) -> PageFaults {
        let mut state = self.state();
        state.pages += 1;
        let seed = state.plan.seed.unwrap_or(self.seed);
        let roll = |stream| Roll::new(seed, stream, state.pages);
        let faults = &state.plan.events;
        let repeated = match roll(Stream::Repeat) {
            repeat if repeat.happens(faults.repeat) => 1 + repeat.again().up_to(9) as usize,
            _ => 0,
        };
        let empty = waiting > 0
            && state.empty_pages_in_a_row < EMPTY_PAGES_IN_A_ROW_MAX
            && roll(Stream::EmptyPage).happens(faults.empty_page);
        let short = roll(Stream::ShortPage);
        let repeated = if empty {
            0
        } else {
            repeated.min(limit.saturating_sub(1))
        };
        let room = limit - repeated;
        let limit = if empty {
            0
        } else if short.happens(faults.short_page) {
            1 + short.again().up_to(room.saturating_sub(1) as u64) as usize
        } else {
            room
        };
        state.empty_pages_in_a_row = if empty {
            state.empty_pages_in_a_row + 1
        } else {
            0
        };
        PageFaults { limit, repeated }
    }

    /// How often the delivery with this number is made, and when.
    pub(crate) fn of_delivery(&self, number: u64) -> DeliveryFate {
        let state = self.state();
        let DeliveryFaults {
            drop,
            duplicate,
            delay_ms,
        } = state.plan.deliveries;
        let seed = state.plan.seed.unwrap_or(self.seed);
        let dropped = Roll::new(seed, Stream::Drop, number).happens(drop);
        let doubled = Roll::new(seed, Stream::Duplicate, number).happens(duplicate);
        let copies = if dropped { 0 } else { 1 + usize::from(doubled) };
        DeliveryFate { copies, delay_ms }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(plan: Plan) -> Self {
        let counters = vec![0; plan.rules.len()];
        Self {
            plan,
            rolled: counters.clone(),
            fired: counters,
            pages: 0,
            empty_pages_in_a_row: 0,
        }
    }
}

impl Matcher {
    fn covers(&self, method: &str, path: &str) -> bool {
        let Self {
            method: wanted,
            path_prefix,
            path_suffix,
        } = self;
        wanted
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && path_prefix
                .as_deref()
                .is_none_or(|prefix| path.starts_with(prefix))
            && path_suffix
                .as_deref()
                .is_none_or(|suffix| path.ends_with(suffix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Plan, String> {
        let plan: Plan = serde_json::from_str(text).map_err(|error| error.to_string())?;
        plan.check().map_err(|error| error.to_string())?;
        Ok(plan)
    }

    #[test]
    fn a_plan_that_makes_no_sense_is_refused() {
        let table = [
            (r#"{"rules": [{"what": {}}]}"#, "needs a status"),
            (
                r#"{"rules": [{"what": {"status": 200}}]}"#,
                "between 400 and 599",
            ),
            (
                r#"{"rules": [{"what": {"status": 503, "close": true}}]}"#,
                "not both",
            ),
            (
                r#"{"rules": [{"what": {"delay_ms": 60001}}]}"#,
                "at most 60000",
            ),
            (
                r#"{"rules": [{"what": {"close": true, "retry_after_s": 1}}]}"#,
                "goes with a status",
            ),
            (
                r#"{"rules": [{"what": {"close": true}, "probability": 1.5}]}"#,
                "between 0 and 1",
            ),
            (r#"{"events": {"repeat": -0.1}}"#, "between 0 and 1"),
            (r#"{"events": {"lag_ms": 70000}}"#, "at most 60000"),
            (r#"{"access_token_ttl_s": 0}"#, "between 1 and 86400"),
            (r#"{"rulez": []}"#, "unknown field"),
        ];
        for (text, complaint) in table {
            let refused = plan(text).expect_err(text);
            assert!(refused.contains(complaint), "{text}: {refused}");
        }
    }

    #[test]
    fn the_same_plan_fires_at_the_same_requests_and_no_more_often_than_it_says() {
        let text = r#"{"rules": [
            {"match": {"method": "GET", "path_prefix": "/api/v1/files"}, "what": {"status": 503}, "probability": 0.3, "times": 5},
            {"match": {"path_suffix": "/move"}, "what": {"close": true}, "times": 1}], "seed": 7}"#;
        let run = || {
            let faults = Faults::new(1, 3600);
            faults.replace(plan(text).unwrap()).unwrap();
            (0..100)
                .filter(|_| faults.of_request("GET", "/api/v1/files/f_1").is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        assert_eq!(run().len(), 5);

        let faults = Faults::new(1, 3600);
        faults.replace(plan(text).unwrap()).unwrap();
        assert!(
            faults
                .of_request("PUT", "/api/v1/files/f_1/content")
                .is_none()
        );
        assert!(
            faults
                .of_request("POST", "/api/v1/files/f_1/move")
                .unwrap()
                .close
        );
        assert!(
            faults
                .of_request("POST", "/api/v1/files/f_1/move")
                .is_none()
        );
    }

    #[test]
    fn a_reader_gets_on_even_when_every_page_is_to_be_empty() {
        let faults = Faults::new(1, 3600);
        faults
            .replace(plan(r#"{"events": {"empty_page": 1.0}}"#).unwrap())
            .unwrap();
        let limits: Vec<usize> = (0..8).map(|_| faults.of_page(100, 10).limit).collect();
        assert_eq!(limits, [0, 0, 0, 100, 0, 0, 0, 100]);
    }
}
