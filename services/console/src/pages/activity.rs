//! The recorded activity, searched by what its links and its form narrow.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use event_model::{EventType, PageRequest, rfc3339};
use ports::StoredActivity;

use super::links::{encode, link};
use super::{Frame, Page, render, wording};
use crate::Shared;
use crate::api::activities::{FILTERS, filter};
use crate::auth::Session;
use crate::query::Query;

/// Activities of one page.
const PAGE_ITEMS: u32 = 100;

struct Row {
    sentence: String,
    event_type: String,
    event_name: Option<String>,
    at: String,
    datetime: String,
    arrival: &'static str,
    own: bool,
    blind: Vec<String>,
    actor_href: Option<String>,
    object_href: Option<String>,
    incidents_href: String,
    raw_href: String,
}

#[derive(Template)]
#[template(path = "activity.html")]
struct Activities {
    frame: Frame,
    q: String,
    /// Word, how it reads, whether chosen.
    kinds: Vec<(&'static str, String, bool)>,
    kept: Vec<(&'static str, String)>,
    narrowed: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    next: Option<String>,
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
    let asked: Vec<(&'static str, String)> = FILTERS
        .into_iter()
        .filter(|name| !matches!(*name, "cursor" | "limit"))
        .filter_map(|name| Some((name, query.text(name)?)))
        .collect();
    query.finish(())?;
    let page = console
        .ports
        .activities
        .activity_page(&filter, &request)
        .await?;
    let with = |name: &str, value: &str| {
        let others = asked.iter().filter(|(key, _)| *key != name);
        let others = others.map(|(key, value)| (*key, value.as_str()));
        link("/activity", others.chain([(name, value)]))
    };
    let plain = |name: &str| !matches!(name, "q" | "event_type");
    let kinds = EventType::ALL.iter();
    Ok(render(&Activities {
        frame: Frame::new("Activity", "activity", &session),
        q: filter.text.clone().unwrap_or_default(),
        kinds: kinds
            .map(|kind| (kind.word(), said(*kind), filter.event_type == Some(*kind)))
            .collect(),
        kept: asked
            .iter()
            .filter(|(name, _)| plain(name))
            .cloned()
            .collect(),
        narrowed: asked
            .iter()
            .filter(|(name, _)| plain(name))
            .map(|(name, _)| (*name, with(name, "")))
            .collect(),
        rows: page.items.iter().map(row).collect(),
        next: page.next.map(|cursor| with("cursor", &cursor)),
    }))
}

fn row(stored: &StoredActivity) -> Row {
    let activity = &stored.activity;
    let event_id = activity.event_id.as_str();
    let narrow = |name: &str, value: &Option<String>| {
        value
            .as_deref()
            .map(|value| link("/activity", [(name, value)]))
    };
    let every = "new,in_progress,reopened,resolved,false_positive,suppressed";
    Row {
        sentence: wording::sentence(activity),
        event_type: said(activity.event_type),
        event_name: activity.event_name.clone(),
        at: wording::time(stored.received_at),
        datetime: rfc3339(stored.received_at),
        arrival: stored.arrival.word(),
        own: stored.own,
        blind: stored
            .blind_spots
            .iter()
            .map(|spot| spot.reason.clone())
            .collect(),
        actor_href: narrow("actor_email", &activity.actor_email),
        object_href: narrow("object_id", &activity.object_id),
        incidents_href: link("/", [("event_id", event_id), ("status", every)]),
        raw_href: format!(
            "/api/v1/activities/{}/{}/raw",
            stored.connection_id,
            encode(event_id)
        ),
    }
}

fn said(kind: EventType) -> String {
    kind.word().replace('_', " ")
}
