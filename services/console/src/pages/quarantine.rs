//! What is held aside, to be restored or deleted.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use chrono::{DateTime, Utc};
use event_model::{PageRequest, Permission, QuarantineItem, QuarantineState};
use ports::QuarantineFilter;

use super::incident::unknown_act;
use super::links::link;
use super::wording::{self, When};
use super::{Frame, Page, failure, render, see};
use crate::Shared;
use crate::api::id;
use crate::auth::{Actor, Session};
use crate::query::Query;

/// Items of one page.
const PAGE_ITEMS: u32 = 50;

struct Row {
    id: String,
    name: String,
    path: String,
    incident_href: String,
    state: &'static str,
    class: &'static str,
    held: bool,
    /// Whether its content is in the vault, and may be asked for.
    readable: bool,
    at: When,
    not_restored: Vec<String>,
}

#[derive(Template)]
#[template(path = "quarantine.html")]
struct Quarantine {
    frame: Frame,
    after: u64,
    rows: Vec<Row>,
    next: Option<String>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let query = Query::read(&uri, &["cursor"]);
    let request = PageRequest {
        cursor: query.text("cursor"),
        limit: PAGE_ITEMS,
    };
    query.finish(())?;
    let after = console.ports.incidents.last_incident_change().await?;
    let now = console.ports.clock.now();
    let filter = QuarantineFilter::default();
    let page = console
        .ports
        .quarantine
        .quarantine_page(&filter, &request)
        .await?;
    Ok(render(&Quarantine {
        frame: Frame::new("Quarantine", "quarantine", &session),
        after,
        rows: page
            .items
            .iter()
            .map(|item| row(item, now, session.actor.may(Permission::QuarantineContent)))
            .collect(),
        next: page
            .next
            .map(|cursor| link("/quarantine", [("cursor", cursor.as_str())])),
    }))
}

fn row(item: &QuarantineItem, now: DateTime<Utc>, reads: bool) -> Row {
    let restoration = item.restoration.clone().unwrap_or_default();
    Row {
        id: item.id.to_string(),
        name: item
            .object_name
            .clone()
            .unwrap_or_else(|| item.object_id.clone()),
        path: item.object_path.clone().unwrap_or_default(),
        incident_href: format!("/incidents/{}", item.incident_id),
        state: wording::quarantine_state(item.state),
        class: match item.state {
            QuarantineState::Held => "warn",
            QuarantineState::Restored => "good",
            _ => "quiet",
        },
        held: item.state == QuarantineState::Held,
        readable: reads && item.state == QuarantineState::Held && !item.vault_items.is_empty(),
        at: wording::when(item.held_at, now),
        not_restored: restoration.not_restored,
    }
}

pub(super) async fn act(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((given, act)): Path<(String, String)>,
) -> Page {
    let item = id(&given)?;
    let done = match act.as_str() {
        "restore" => console.restore(&by, item).await,
        "delete" => console.purge(&by, item).await,
        _ => Err(unknown_act(&act)),
    };
    match done {
        Ok(_) => Ok(see("/quarantine")),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}
