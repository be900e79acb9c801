//! What could not be inspected: by reason, connection and kind, with what to do about each reason, and the
//! objects behind the counts.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use chrono::{DateTime, TimeDelta, Utc};
use event_model::{Connection, EventType, PageRequest};
use ports::{ActivityFilter, BlindSpotAsk, BlindSpotCount, BlindSpots, StoredActivity};

use super::activity::{named, said};
use super::asked::{Asked, Chip, Choice, Tab, choices};
use super::event;
use super::wording::{self, When};
use super::{Frame, Page, render};
use crate::Shared;
use crate::auth::Session;
use crate::query::Query;

/// Objects that one page names.
const PAGE_ITEMS: u32 = 50;
/// Days that are looked at unless asked otherwise.
const DAYS: i64 = 7;
/// Rows that each table of counts names.
const ROWS_MAX: usize = 20;

const FILTERS: [&str; 4] = ["days", "reason", "connection", "kind"];

const TABS: [(&str, &str); 3] = [
    ("Since yesterday", "1"),
    ("Last 7 days", ""),
    ("Last 30 days", "30"),
];

struct Reason {
    word: String,
    means: &'static str,
    next: &'static str,
    count: String,
    share: u64,
    href: String,
}

struct Count {
    name: String,
    count: String,
    share: u64,
    href: String,
}

struct Row {
    object: String,
    path: String,
    sentence: String,
    href: String,
    spots: Vec<(String, String)>,
    connection: String,
    at: When,
}

#[derive(Template)]
#[template(path = "blind_spots.html")]
struct BlindSpotsPage {
    frame: Frame,
    tabs: Vec<Tab>,
    connections: Vec<Choice>,
    kept: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    counted: String,
    reasons: Vec<Reason>,
    of_connections: Vec<Count>,
    kinds: Vec<Count>,
    rows: Vec<Row>,
    next: Option<String>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let now = console.ports.clock.now();
    let mut query = Query::read(&uri, &[&FILTERS[..], &["cursor"]].concat());
    let filter = filter(&mut query, now);
    let asked = Asked::of("/blind-spots", &FILTERS, &query);
    let request = PageRequest {
        cursor: query.text("cursor"),
        limit: PAGE_ITEMS,
    };
    query.finish(())?;
    let listed = console.ports.activities.activity_page(&filter, &request);
    let listed = listed.await?;
    let ask = ask(&filter, now);
    let counts = console.ports.stats.blind_spot_counts(&ask).await?;
    let counts = Counts::of(counts, &filter);
    let connections = console.every_connection().await?;
    let all = connections.iter();
    let all = all.map(|one| (one.id.to_string(), one.name.clone()));
    let rows = listed.items.iter();
    Ok(render(&BlindSpotsPage {
        frame: Frame::new("Blind spots", "blind-spots", &session),
        tabs: asked.tabs("days", &TABS),
        connections: choices(all, asked.value("connection")),
        kept: asked.besides(&["connection"]),
        chips: chips(&asked, &connections),
        counted: wording::count(counts.all()),
        reasons: reasons(&counts, &asked),
        of_connections: by_connection(&counts, &asked, &connections),
        kinds: by_kind(&counts, &asked),
        rows: rows.map(|one| row(one, &connections, now)).collect(),
        next: listed.next.map(|cursor| asked.with("cursor", &cursor)),
    }))
}

fn filter(query: &mut Query, now: DateTime<Utc>) -> ActivityFilter {
    let days = match query.text("days").as_deref() {
        None => DAYS,
        Some("1") => 1,
        Some("30") => 30,
        Some(_) => {
            query.refuse("days", "is not 1 or 30");
            DAYS
        }
    };
    let mut filter = ActivityFilter {
        connection: query.parsed("connection"),
        event_type: query.word("kind", EventType::ALL, EventType::word),
        from: Some(first_day(now, days)),
        ..ActivityFilter::default()
    };
    filter.details.blind_spots = match query.text("reason") {
        Some(reason) => BlindSpots::Of(reason),
        None => BlindSpots::Some,
    };
    filter
}

fn chips(asked: &Asked, connections: &[Connection]) -> Vec<Chip> {
    let mut chips = asked.chips(|name, value| match name {
        "connection" => named(value, connections),
        _ => value.replace('_', " "),
    });
    // The days have tabs.
    chips.retain(|chip| chip.name != "days");
    chips
}

/// Whole days, in UTC: so are the counts.
fn first_day(now: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    let first = (now - TimeDelta::days(days)).date_naive();
    first.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn ask(filter: &ActivityFilter, now: DateTime<Utc>) -> BlindSpotAsk {
    BlindSpotAsk {
        since: filter.from.unwrap_or(now),
        connection: filter.connection,
        event_type: filter.event_type,
        ..BlindSpotAsk::default()
    }
}

/// Activities, by what could not be inspected of them.
struct Counts {
    /// With a blind spot of each reason.
    of_reasons: Vec<BlindSpotCount>,
    /// With the reason that was asked for, or with any.
    asked: Vec<BlindSpotCount>,
}

impl Counts {
    fn of(all: Vec<BlindSpotCount>, filter: &ActivityFilter) -> Self {
        let reason = match &filter.details.blind_spots {
            BlindSpots::Of(reason) => Some(reason.clone()),
            BlindSpots::Some | BlindSpots::Whatever => None,
        };
        let asked = all.iter().filter(|one| one.reason == reason);
        Counts {
            asked: asked.cloned().collect(),
            of_reasons: all
                .into_iter()
                .filter(|one| one.reason.is_some() && (reason.is_none() || one.reason == reason))
                .collect(),
        }
    }

    fn all(&self) -> u64 {
        self.asked.iter().map(|one| one.activities).sum()
    }
}

/// How many there are of each name, the most first, with its share of the most in hundredths.
fn ranked(names: impl Iterator<Item = (String, u64)>) -> Vec<(String, u64, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (name, count) in names {
        *counts.entry(name).or_default() += count;
    }
    let mut ranked: Vec<(String, u64)> = counts.into_iter().collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ranked.truncate(ROWS_MAX);
    let most = ranked.first().map_or(1, |(_, count)| *count).max(1);
    let ranked = ranked.into_iter();
    ranked
        .map(|(name, count)| (name, count, count * 100 / most))
        .collect()
}

fn reasons(counts: &Counts, asked: &Asked) -> Vec<Reason> {
    let each = counts.of_reasons.iter();
    let each = each.filter_map(|one| Some((one.reason.clone()?, one.activities)));
    let ranked = ranked(each).into_iter();
    ranked
        .map(|(word, count, share)| {
            let (means, next) = advice(&word);
            Reason {
                href: asked.with("reason", &word),
                word: word.replace('_', " "),
                means,
                next,
                count: wording::count(count),
                share,
            }
        })
        .collect()
}

fn by_connection(counts: &Counts, asked: &Asked, connections: &[Connection]) -> Vec<Count> {
    let each = counts.asked.iter();
    let ranked = ranked(each.map(|one| (one.connection_id.to_string(), one.activities)));
    let ranked = ranked.into_iter();
    ranked
        .map(|(id, count, share)| Count {
            name: named(&id, connections),
            href: asked.with("connection", &id),
            count: wording::count(count),
            share,
        })
        .collect()
}

fn by_kind(counts: &Counts, asked: &Asked) -> Vec<Count> {
    let each = counts.asked.iter();
    let ranked = ranked(each.map(|one| (one.event_type.word().to_owned(), one.activities)));
    let ranked = ranked.into_iter();
    ranked
        .map(|(word, count, share)| Count {
            name: word.replace('_', " "),
            href: asked.with("kind", &word),
            count: wording::count(count),
            share,
        })
        .collect()
}

fn row(stored: &StoredActivity, connections: &[Connection], now: DateTime<Utc>) -> Row {
    let activity = &stored.activity;
    let object = activity.object_name.clone().or(activity.object_id.clone());
    let spots = stored.blind_spots.iter();
    Row {
        object: object.unwrap_or_else(|| said(activity.event_type)),
        path: activity.object_path.clone().unwrap_or_default(),
        sentence: wording::sentence(activity),
        href: event::href(stored.connection_id, activity.event_id.as_str()),
        spots: spots
            .map(|spot| (spot.reason.replace('_', " "), spot.detail.clone()))
            .collect(),
        connection: named(&stored.connection_id.to_string(), connections),
        at: wording::when(stored.received_at, now),
    }
}

/// What a reason means, and what somebody can do about it.
fn advice(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "encrypted" => (
            "It needs a password or a key.",
            "Ask who shared it, or let a policy quarantine what cannot be read: `_content.coverage == 'none'`.",
        ),
        "unsupported" => (
            "Nothing here reads this kind of content, or part of it.",
            "Decide by name, path or label instead, and look at a few by hand.",
        ),
        "malformed" => (
            "It breaks the rules of its own format, or it ended the process that read it.",
            "Open one in the service: a broken upload, or somebody hides something.",
        ),
        "image_only" => (
            "It shows pictures, and what is written in them was not read, or nothing was seen in them.",
            "Install tesseract where content is inspected, or label scans at their source; `tidegate doctor` says who reads pictures.",
        ),
        "unsure" => (
            "Pictures were read, and who read them is not sure of what was seen.",
            "Look at a few by hand: scans that are faint, skewed or of another language read badly.",
        ),
        "limit" | "too_large" => (
            "A bound of size, number or time was reached.",
            "Decide by name and path; what was read up to the bound counts.",
        ),
        "unreachable" => (
            "The service did not give the content, whatever was tried.",
            "Check the connection's health, and whether the service throttles.",
        ),
        "forbidden" => (
            "The grant does not reach the content.",
            "Check the connection's health and renew its consent with all that is asked for.",
        ),
        "gone" => (
            "It was no longer there when it was fetched.",
            "Nothing can be done; a push feed is quicker than a pull feed.",
        ),
        "no_content" => (
            "The service gives no content of such an object.",
            "Decide by the activity's fields.",
        ),
        "outside_allow_list" => (
            "Its address is not of a host that the connector's manifest lists.",
            "If the address is right, the manifest must name its host.",
        ),
        "disabled" => (
            "The connection was not enabled when it was to be fetched.",
            "Enable the connection, then scan what was missed.",
        ),
        _ => advice_on_labels(reason),
    }
}

fn advice_on_labels(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "labels_stale" => (
            "Its label is of another content than it has now.",
            "Let the classifier run again; see the labels.",
        ),
        "labels_untrusted" => (
            "A label manifest has no signature that holds.",
            "See the labels: which keys are known, and whether unsigned manifests count.",
        ),
        "labels_malformed" => (
            "A label manifest cannot be read.",
            "The detail says line and column: mend what writes it.",
        ),
        "labels_unreachable" => (
            "The service did not give the label manifest.",
            "Check the connection's health.",
        ),
        _ => (
            "Something kept the content from being read.",
            "The detail of each says what.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_stand_first_and_shares_are_of_the_most() {
        let names = [("a", 1), ("b", 2), ("c", 2), ("b", 1)];
        let names = names.map(|(name, count)| (name.to_owned(), count));
        let ranked = ranked(names.into_iter());
        let expected = [("b", 3, 100), ("c", 2, 66), ("a", 1, 33)];
        let expected = expected.map(|(name, count, share)| (name.to_owned(), count, share));
        assert_eq!(ranked, expected);
    }
}
