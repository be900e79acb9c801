//! The same simulated feed in more shapes: a cursor in a body, counted pages, files.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::feed::{Feed, PAGE, Params};
use crate::world::now;

/// Events of one file are those of so many seconds.
const FILE_SECONDS: i64 = 20;

pub(super) fn routes() -> Router<Arc<Feed>> {
    Router::new()
        .route("/log", post(log))
        .route("/log/continue", post(log_continued))
        .route("/counted", get(counted))
        .route("/by-offset", post(by_offset))
        .route("/by-page", get(by_page))
        .route("/files", get(files))
        .route("/file", get(file))
}

/// In the order in which it was shown, from a moment on. The cursor names the moment and the place.
async fn log(State(feed): State<Arc<Feed>>, Json(body): Json<Value>) -> Response {
    assert_eq!(body["limit"], 3, "the request's own body stays");
    assert_eq!(body["time"]["zone"], "utc");
    let since = body["time"]["start"].as_i64();
    let since = since.map_or(i64::MIN, |since| since - now().timestamp());
    log_page(&feed, since, 0)
}

async fn log_continued(State(feed): State<Arc<Feed>>, Json(body): Json<Value>) -> Response {
    assert_eq!(body.as_object().unwrap().len(), 1, "only the cursor");
    let cursor = body["cursor"].as_str().unwrap();
    let (since, token) = cursor.split_once('/').unwrap();
    let since: i64 = since.parse().unwrap();
    match feed.offset(Some(&token.to_owned())) {
        Some(offset) => log_page(&feed, since, offset),
        None => {
            let offset: usize = token.split_once('-').unwrap().1.parse().unwrap();
            let unread = log_ids(&feed, since).into_iter().skip(offset);
            let oldest = unread.map(|id| feed.events[id].at).min();
            let oldest = now() + chrono::TimeDelta::seconds(oldest.unwrap_or(feed.seconds()));
            let reset = json!({"error": {".tag": "reset", "reset": event_model::rfc3339(oldest)}});
            (StatusCode::CONFLICT, Json(reset)).into_response()
        }
    }
}

fn log_ids(feed: &Feed, since: i64) -> Vec<usize> {
    let mut ids = feed.shown();
    ids.retain(|id| feed.events[*id].at >= since);
    ids
}

fn log_page(feed: &Feed, since: i64, offset: usize) -> Response {
    let ids = log_ids(feed, since);
    let end = ids.len().min(offset + PAGE);
    let items = feed.items(&ids[offset.min(end)..end]);
    let cursor = format!("{since}/{}", feed.token(end));
    let more = end < ids.len();
    Json(json!({"events": items, "cursor": cursor, "has_more": more})).into_response()
}

/// In the order in which it was shown, from a number on.
async fn counted(State(feed): State<Arc<Feed>>, Query(query): Params) -> Json<Value> {
    let ids = feed.shown();
    let from: usize = query["from"].parse().unwrap();
    let end = ids.len().min(from + PAGE);
    if from >= end {
        return Json(json!({"kind": "events"}));
    }
    Json(json!({"kind": "events", "items": feed.items(&ids[from..end])}))
}

/// Of a span, oldest first, from a number on. What shows up late pushes what follows it.
async fn by_offset(State(feed): State<Arc<Feed>>, Json(body): Json<Value>) -> Json<Value> {
    let bound = |name: &str| body["range"][name].as_i64().unwrap().to_string();
    let query = ["since", "until"].map(|name| (name.to_owned(), bound(name)));
    let ids = feed.span(&BTreeMap::from(query));
    let from = usize::try_from(body["offset"].as_u64().unwrap()).unwrap();
    let end = ids.len().min(from + PAGE);
    Json(json!({"items": feed.items(&ids[from.min(end)..end])}))
}

/// Everything, newest first, by the page's number.
async fn by_page(State(feed): State<Arc<Feed>>, Query(query): Params) -> Json<Value> {
    let mut ids = feed.shown();
    ids.sort_by_key(|id| std::cmp::Reverse((feed.events[*id].at, *id)));
    let page: usize = query["page"].parse().unwrap();
    let from = (page - 1) * PAGE;
    let end = ids.len().min(from + PAGE);
    Json(json!(feed.items(&ids[from.min(end)..end])))
}

/// Files by when they were written last; one that gets a late event is issued again.
async fn files(State(feed): State<Arc<Feed>>, Query(query): Params) -> Response {
    let since = query["q"].trim_start_matches("created >= ");
    let since: i64 = since.trim_end_matches(" order").parse().unwrap();
    let mut written: BTreeMap<i64, (i64, usize)> = BTreeMap::new();
    for id in feed.shown() {
        let event = &feed.events[id];
        let file = written
            .entry(event.at.div_euclid(FILE_SECONDS))
            .or_default();
        *file = (file.0.max(event.shown), file.1 + 1);
    }
    let listed = written
        .into_iter()
        .filter(|(_, (at, _))| now().timestamp() + at >= since);
    let listed: Vec<Value> = listed
        .map(|(file, (_, version))| json!({"file": format!("/file?of={file}"), "version": version}))
        .collect();
    let Some(offset) = feed.offset(query.get("token")) else {
        return StatusCode::GONE.into_response();
    };
    let end = listed.len().min(offset + 2);
    let next = (end < listed.len()).then(|| feed.token(end));
    Json(json!({"files": &listed[offset.min(end)..end], "next": next})).into_response()
}

async fn file(State(feed): State<Arc<Feed>>, Query(query): Params) -> String {
    let of: i64 = query["of"].parse().unwrap();
    let mut ids = feed.shown();
    ids.retain(|id| feed.events[*id].at.div_euclid(FILE_SECONDS) == of);
    let rows = ids
        .iter()
        .map(|id| format!("{},{id}\n", feed.events[*id].at));
    format!("AT,id\n{}", rows.collect::<String>())
}
