//! How a connection's feed goes: its silence, both lags, the next reading, what is about to be forgotten,
//! and what was missed.

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{Connection, CoverageGap, FeedChoice, FeedCoverage, StreamCoverage};
use ports::ServiceDescription;

use super::wording::{self, When};

/// A feed without an activity for so many hours is called silent.
pub(super) const SILENT_HOURS: i64 = 24;
/// Gaps that the page names.
const GAPS_SHOWN: usize = 20;

pub(super) struct StreamView {
    pub(super) name: String,
    pub(super) read: Option<When>,
    pub(super) behind: String,
    pub(super) left: String,
    pub(super) late: bool,
}

pub(super) struct GapView {
    pub(super) stream: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) why: String,
    pub(super) noted: When,
}

/// A feed as the page shows it.
pub(super) struct FeedView {
    pub(super) choice: String,
    pub(super) last: Option<When>,
    pub(super) silent: Option<String>,
    pub(super) next: String,
    pub(super) theirs: String,
    pub(super) kept: String,
    pub(super) streams: Vec<StreamView>,
    pub(super) gaps: Vec<GapView>,
}

/// The feed of a connection.
pub(super) fn view(
    connection: &Connection,
    service: Option<&ServiceDescription>,
    coverage: &FeedCoverage,
    last: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> FeedView {
    let choice = connection.lifecycle.feed().map(|feed| feed.choice());
    let abilities = service.map(|service| &service.abilities);
    let theirs = abilities.and_then(|abilities| abilities.lag_s);
    let kept = abilities.and_then(|abilities| abilities.retention_s);
    FeedView {
        choice: match choice {
            Some(FeedChoice::Push) => "push, reconciled by reading".to_owned(),
            Some(choice) => choice.word().to_owned(),
            None => "nothing: it is not enabled".to_owned(),
        },
        last: last.map(|at| wording::when(at, now)),
        silent: silent_for(connection, last, now),
        next: next(connection, service, coverage, now),
        theirs: theirs.map_or("it does not say".to_owned(), |lag| {
            format!("up to {}", spoken(lag))
        }),
        kept: kept.map_or("it does not say".to_owned(), spoken),
        streams: coverage
            .streams
            .iter()
            .map(|stream| stream_view(stream, now))
            .collect(),
        gaps: coverage
            .gaps
            .iter()
            .take(GAPS_SHOWN)
            .map(|gap| gap_view(gap, now))
            .collect(),
    }
}

/// For how long an enabled feed has been silent, where that is long.
pub(super) fn silent_for(
    connection: &Connection,
    last: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<String> {
    let quiet = now - last.unwrap_or(connection.lifecycle.since());
    let is_silent = connection.lifecycle.is_enabled() && quiet > TimeDelta::hours(SILENT_HOURS);
    is_silent.then(|| wording::duration(quiet.num_milliseconds()))
}

/// When it is read next, as far as that is known here.
fn next(
    connection: &Connection,
    service: Option<&ServiceDescription>,
    coverage: &FeedCoverage,
    now: DateTime<Utc>,
) -> String {
    if let Some(until) = coverage.paused_until {
        let until = wording::ago(until, now);
        return format!("{until}: the service asked not to be called before");
    }
    let abilities = service.map(|service| &service.abilities);
    let every = match connection.lifecycle.feed().map(|feed| feed.choice()) {
        None => return "none: it is not enabled".to_owned(),
        Some(FeedChoice::Push) => abilities.and_then(|abilities| abilities.reconciled_every_s),
        Some(_) => abilities.and_then(|abilities| abilities.polled_every_s),
    };
    match every {
        Some(seconds) => format!("within {}", spoken(seconds)),
        None => "none: it is only pushed to".to_owned(),
    }
}

fn spoken(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn stream_view(stream: &StreamCoverage, now: DateTime<Utc>) -> StreamView {
    let left = stream.retention_s.zip(stream.behind_s);
    let left = left.map(|(kept, behind)| spoken(kept.saturating_sub(behind)));
    StreamView {
        name: stream.stream.clone(),
        read: stream.read_until.map(|at| wording::when(at, now)),
        behind: stream.behind_s.map_or("—".to_owned(), spoken),
        left: left.unwrap_or_else(|| "not known".to_owned()),
        late: stream.late,
    }
}

fn gap_view(gap: &CoverageGap, now: DateTime<Utc>) -> GapView {
    let said = |at: Option<DateTime<Utc>>| at.map_or("not known".to_owned(), wording::time);
    GapView {
        stream: gap.stream.clone(),
        from: said(gap.from),
        to: said(gap.to),
        why: gap.reason.word().replace('_', " "),
        noted: wording::when(gap.noted_at, now),
    }
}
