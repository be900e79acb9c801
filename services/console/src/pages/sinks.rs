//! Where incidents are handed on to: how far each sink has come, and whether its receiver takes a test message.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use event_model::{SinkItem, SinkStanding, SinkState, SinkTrial};

use super::links::encode;
use super::wording::{self, When};
use super::{Frame, Page, render};
use crate::auth::{Actor, Session};
use crate::{Console, Shared};

/// How far one stream has come.
struct StreamRow {
    name: String,
    state: &'static str,
    class: &'static str,
    lag: String,
    place: String,
    delivered: Option<When>,
    delivered_id: Option<String>,
    error: Option<(String, Option<When>)>,
    retry: Option<String>,
    noted: When,
}

struct SinkRow {
    name: String,
    try_action: String,
    kind: String,
    takes: String,
    streams: Vec<StreamRow>,
    /// Streams that have not begun.
    silent: String,
}

#[derive(Template)]
#[template(path = "sinks.html")]
struct SinksPage {
    frame: Frame,
    sinks: Vec<SinkRow>,
    trial: Option<SinkTrial>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    show(&console, &session, None).await
}

/// Sends a test message for real, and shows what came of it.
pub(super) async fn try_out(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path(name): Path<String>,
) -> Page {
    let trial = console.try_sink(&by, &name).await?;
    show(&console, &session, Some(trial)).await
}

async fn show(console: &Console, session: &Session, trial: Option<SinkTrial>) -> Page {
    let now = console.ports.clock.now();
    let sinks = console.sinks().await?;
    let status = match &trial {
        Some(trial) if !trial.taken => StatusCode::BAD_GATEWAY,
        _ => StatusCode::OK,
    };
    let page = render(&SinksPage {
        frame: Frame::new("Sinks", "sinks", session),
        sinks: sinks.iter().map(|sink| row(sink, now)).collect(),
        trial,
    });
    Ok((status, page).into_response() as Response)
}

fn row(sink: &SinkItem, now: DateTime<Utc>) -> SinkRow {
    let begun = |stream| sink.standings.iter().any(|one| one.stream == stream);
    let silent = sink.streams.iter().filter(|stream| !begun(**stream));
    let silent: Vec<&str> = silent.map(|stream| stream.word()).collect();
    let only_new = if sink.only_new {
        ", first versions only"
    } else {
        ""
    };
    SinkRow {
        name: sink.name.clone(),
        try_action: format!("/sinks/{}/test", encode(&sink.name)),
        kind: sink.kind.clone(),
        takes: format!("{} and worse{only_new}", sink.least_severity),
        streams: sink
            .standings
            .iter()
            .map(|standing| stream(standing, now))
            .collect(),
        silent: silent.join(", "),
    }
}

fn stream(standing: &SinkStanding, now: DateTime<Utc>) -> StreamRow {
    let (state, class) = match standing.state {
        SinkState::Idle => ("everything was taken", "good"),
        SinkState::Delivering => ("delivering", "good"),
        SinkState::Gathering => ("gathering for the next digest", "good"),
        SinkState::PutOff => ("put off: the receiver could not be had", "bad"),
        SinkState::Unreadable => ("what is to be handed on cannot be read", "bad"),
    };
    let when = |at: Option<DateTime<Utc>>| at.map(|at| wording::when(at, now));
    let cursor = standing.cursor.iter();
    let place: Vec<String> = cursor
        .map(|(partition, offset)| format!("{partition}:{offset}"))
        .collect();
    let error = standing.last_error.clone();
    StreamRow {
        name: standing.stream.word().to_owned(),
        state,
        class,
        lag: wording::count(standing.lag),
        place: place.join(" "),
        delivered: when(standing.last_delivery_at),
        delivered_id: standing.last_delivered.clone(),
        error: error.map(|error| (error, when(standing.last_error_at))),
        retry: standing.retry_at.map(|at| wording::ago(at, now)),
        noted: wording::when(standing.noted_at, now),
    }
}
