//! How incidents go out by e-mail: to whom, which at once, and when the others.

use chrono::{NaiveTime, TimeDelta};
use serde::Deserialize;
use url::Url;

use super::maybe_address;
use crate::Severity;
use crate::gather::Rhythm;

/// Most receivers of a sink.
const RECEIVERS_MAX: usize = 50;
/// Longest address, in bytes. Source: RFC 5321, 4.5.3.1.3.
const ADDRESS_BYTES_MAX: usize = 254;
/// Digests are no further apart than a day, in minutes.
const EVERY_MINUTES_MAX: u16 = 1_440;

/// E-mail by the mail server of the installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mail {
    /// Addresses.
    pub(crate) to: Vec<String>,
    /// What is at least as grave goes out at once; the rest in digests.
    #[serde(default = "high")]
    pub(crate) at_once: Severity,
    /// A digest goes out so many minutes after the first incident that it holds.
    every_minutes: Option<u16>,
    /// Or every day at that time, UTC: `07:30`.
    daily_at: Option<String>,
    /// Most messages an hour; what is beyond waits and comes together.
    #[serde(default = "thirty")]
    pub(crate) at_most: u16,
    /// Where the console is, for links.
    #[serde(default, deserialize_with = "maybe_address")]
    pub(crate) console: Option<Url>,
}

fn high() -> Severity {
    Severity::High
}

fn thirty() -> u16 {
    30
}

impl Mail {
    /// Whether anything can be left for a digest.
    pub(super) fn has_digest(&self) -> bool {
        self.at_once > Severity::Informational
    }

    /// When digests go out: every hour, unless it is said.
    pub(super) fn rhythm(&self) -> Rhythm {
        match self.daily_at.as_deref().and_then(time_of) {
            Some(time) => Rhythm::At(time),
            None => Rhythm::After(TimeDelta::minutes(self.every_minutes.unwrap_or(60).into())),
        }
    }

    pub(super) fn mistake(&self) -> Option<String> {
        if self.to.is_empty() || self.to.len() > RECEIVERS_MAX {
            return Some(format!("`to` names 1 to {RECEIVERS_MAX} addresses"));
        }
        if let Some(wrong) = self.to.iter().find(|to| !is_address(to)) {
            return Some(format!("`{wrong}` is no address"));
        }
        if self.every_minutes.is_some() && self.daily_at.is_some() {
            return Some("say `every_minutes` or `daily_at`, one of them".into());
        }
        if self.at_most == 0 {
            return Some("`at_most` is 1 at the least".into());
        }
        match (&self.every_minutes, &self.daily_at) {
            (Some(0 | 1_441..), _) => Some(format!("`every_minutes` is 1 to {EVERY_MINUTES_MAX}")),
            (_, Some(at)) if time_of(at).is_none() => {
                Some(format!("`{at}` is no time of the day, as `07:30` is"))
            }
            _ => None,
        }
    }
}

fn time_of(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok()
}

/// One address and nothing else: neither a name beside it nor a second one.
fn is_address(text: &str) -> bool {
    let allowed = |c: char| !c.is_control() && !c.is_whitespace() && !"<>,;:\"()[]\\".contains(c);
    let parts = text.split_once('@');
    let whole = parts
        .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    whole && text.len() <= ADDRESS_BYTES_MAX && text.chars().all(allowed)
}
