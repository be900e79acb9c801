//! The recorded activity, searched by who, from where, what, when and where; every search is an address.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use chrono::{DateTime, TimeDelta, Utc};
use event_model::{Connection, EventType, PageRequest, rfc3339};
use ports::StoredActivity;

use super::asked::{Asked, Chip, Choice, Tab, choices};
use super::event;
use super::links::link;
use super::wording::{self, When};
use super::{Frame, Page, render};
use crate::Shared;
use crate::api::activities::{FILTERS, filter};
use crate::auth::Session;
use crate::query::Query;

/// Activities of one page.
const PAGE_ITEMS: u32 = 100;
/// What the form has a field for.
const FIELDS: [&str; 8] = [
    "q",
    "actor",
    "address",
    "object",
    "event_type",
    "connection",
    "from",
    "to",
];

struct Row {
    sentence: String,
    href: String,
    event_type: String,
    event_name: Option<String>,
    connection: String,
    address: Option<String>,
    at: When,
    arrival: &'static str,
    own: bool,
    blind: Vec<String>,
    actor_href: Option<String>,
    object_href: Option<String>,
    incidents_href: String,
}

#[derive(Template)]
#[template(path = "activity.html")]
struct Activities {
    frame: Frame,
    typed: [(&'static str, String); 6],
    kinds: Vec<Choice>,
    connections: Vec<Choice>,
    times: Vec<Tab>,
    kept: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    any: bool,
    rows: Vec<Row>,
    next: Option<String>,
    export: [(&'static str, String); 2],
}

impl Activities {
    fn typed(&self, name: &str) -> &str {
        let mut all = self.typed.iter();
        all.find(|(field, _)| *field == name)
            .map_or("", |(_, value)| value)
    }
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let mut query = Query::read(&uri, &FILTERS);
    let filter = filter(&mut query);
    let request = PageRequest {
        cursor: query.text("cursor"),
        limit: PAGE_ITEMS,
    };
    let names = FILTERS.into_iter();
    let narrowing: Vec<&str> = names
        .filter(|name| !matches!(*name, "cursor" | "limit"))
        .collect();
    let asked = Asked::of("/activity", &narrowing, &query);
    query.finish(())?;
    let activities = &console.ports.activities;
    let page = activities.activity_page(&filter, &request).await?;
    let connections = console.every_connection().await?;
    let now = console.ports.clock.now();
    let of = |name| (name, asked.value(name).to_owned());
    let kinds = EventType::ALL.iter();
    let kinds = kinds.map(|kind| (kind.word().to_owned(), said(*kind)));
    let named = connections.iter();
    let named = named.map(|one| (one.id.to_string(), one.name.clone()));
    let rows = page.items.iter();
    Ok(render(&Activities {
        frame: Frame::new("Activity", "activity", &session),
        typed: ["q", "actor", "address", "object", "from", "to"].map(of),
        kinds: choices(kinds, asked.value("event_type")),
        connections: choices(named, asked.value("connection")),
        times: times(&asked, now),
        kept: asked.besides(&FIELDS),
        chips: asked.chips(|name, value| shown(name, value, &connections)),
        any: !asked.is_empty(),
        rows: rows.map(|one| row(one, &connections, now)).collect(),
        next: page.next.map(|cursor| asked.with("cursor", &cursor)),
        export: ["csv", "json"].map(|format| {
            let whole = asked.at("/api/v1/activities/export", &[("format", format)]);
            (format, whole)
        }),
    }))
}

/// Stretches of time up to now.
fn times(asked: &Asked, now: DateTime<Utc>) -> Vec<Tab> {
    let minute = rfc3339(now).split_at(16).0.to_owned() + ":00Z";
    let now = minute.parse().unwrap_or(now);
    let since = |label, ago: TimeDelta| {
        let from = rfc3339(now - ago);
        Tab {
            label,
            chosen: asked.value("from") == from && asked.value("to").is_empty(),
            href: asked.with("from", &from),
        }
    };
    let any = Tab {
        label: "Any time",
        chosen: asked.value("from").is_empty() && asked.value("to").is_empty(),
        href: asked.with("from", ""),
    };
    vec![
        since("Last hour", TimeDelta::hours(1)),
        since("Last day", TimeDelta::days(1)),
        since("Last week", TimeDelta::weeks(1)),
        any,
    ]
}

fn shown(name: &str, value: &str, connections: &[Connection]) -> String {
    match name {
        "connection" => named(value, connections),
        "event_type" | "blind_spot" => value.replace('_', " "),
        _ => value.to_owned(),
    }
}

/// The connection's name; its id where it is not known.
pub(super) fn named(id: &str, connections: &[Connection]) -> String {
    let mut all = connections.iter();
    let found = all.find(|one| one.id.to_string() == id);
    found.map_or_else(|| id.to_owned(), |one| one.name.clone())
}

fn row(stored: &StoredActivity, connections: &[Connection], now: DateTime<Utc>) -> Row {
    let activity = &stored.activity;
    let event_id = activity.event_id.as_str();
    let narrow = |name: &str, value: &Option<String>| {
        value
            .as_deref()
            .map(|value| link("/activity", [(name, value)]))
    };
    let spots = stored.blind_spots.iter();
    Row {
        sentence: wording::sentence(activity),
        href: event::href(stored.connection_id, event_id),
        event_type: said(activity.event_type),
        event_name: activity.event_name.clone(),
        connection: named(&stored.connection_id.to_string(), connections),
        address: activity.actor_ip_address.clone(),
        at: wording::when(stored.received_at, now),
        arrival: stored.arrival.word(),
        own: stored.own,
        blind: spots.map(|spot| spot.reason.clone()).collect(),
        actor_href: narrow("actor_email", &activity.actor_email),
        object_href: narrow("object_id", &activity.object_id),
        incidents_href: event::incidents_href(event_id),
    }
}

/// A kind of activity, to read.
pub(super) fn said(kind: EventType) -> String {
    kind.word().replace('_', " ")
}
