//! The Management Activity API: content is listed by the moment when it became available, in windows of at most a day, and fetched
//! blob by blob. A blob repeats the record before its own: Microsoft's do, and whoever reads them must know.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use chrono::NaiveDateTime;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use super::records;
use super::sign_in::directory_of;
use crate::clock::Moment;
use crate::http::Shared;
use crate::http::asked::Params;
use crate::model::activity::Activity;
use crate::service::Service;

/// A page of a listing has at most this many blobs.
const PAGE_BLOBS: usize = 3;
const DAY_MS: i64 = 86_400_000;
const NEXT_PAGE: HeaderName = HeaderName::from_static("nextpageuri");

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Window {
    content_type: String,
    start_time: String,
    end_time: String,
    next_page: Option<usize>,
}

pub(super) async fn content(
    State(service): Shared,
    Asking(by): Asking,
    Params(window): Params<Window>,
) -> Answer {
    let from = moment(&window.start_time)?;
    let until = moment(&window.end_time)?;
    if until.0 - from.0 > DAY_MS || until < from {
        return Err(Refused::bad("AF20055"));
    }
    let seen = available(&service, &by.tenant_id, &window.content_type)?;
    let inside = |one: &&Arc<Activity>| one.logged_at >= from && one.logged_at < until;
    let blobs: Vec<&Arc<Activity>> = seen.iter().filter(inside).collect();
    let begin = window.next_page.unwrap_or(0);
    let page = blobs.iter().skip(begin).take(PAGE_BLOBS);
    let root = root_of(&by.tenant_id);
    let listed: Vec<Value> = page.map(|one| entry(one, &window.content_type)).collect();
    let mut answer = Json(listed).into_response();
    let end = begin + PAGE_BLOBS;
    if end < blobs.len() {
        let next = format!(
            "{root}/subscriptions/content?contentType={}&startTime={}&endTime={}&nextPage={end}",
            window.content_type, window.start_time, window.end_time
        );
        let next = HeaderValue::try_from(next).map_err(|_| Refused::bad("AF20030"))?;
        answer.headers_mut().insert(NEXT_PAGE, next);
    }
    Ok(answer)
}

/// Where an activity's blob is, as listings and notifications have it.
pub(super) fn entry(one: &Activity, content_type: &str) -> Value {
    let id = format!("{content_type}${}", one.id);
    json!({
        "contentType": content_type,
        "contentId": id,
        "contentUri": format!("{}/audit/{id}", root_of(&one.tenant_id)),
        "contentCreated": one.logged_at,
        "contentExpiration": one.logged_at.plus_ms(7 * DAY_MS as u64),
    })
}

fn root_of(tenant: &str) -> String {
    let directory = directory_of(tenant);
    format!("https://manage.office.com/api/v1.0/{directory}/activity/feed")
}

pub(super) async fn blob(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let (content_type, event) = id.split_once('$').ok_or_else(Refused::not_found)?;
    let seen = available(&service, &by.tenant_id, content_type)?;
    let at = seen.iter().position(|one| one.id == event);
    let at = at.ok_or_else(Refused::not_found)?;
    let records = seen[at.saturating_sub(1)..=at].iter();
    let records: Vec<Value> = records.map(|one| records::record(one)).collect();
    Ok(Json(records).into_response())
}

/// What is there by now of that type, in the order in which it became available.
fn available(
    service: &Service,
    tenant: &str,
    content_type: &str,
) -> Result<Vec<Arc<Activity>>, Refused> {
    let now = service.ground.clock.now();
    let mut seen = service.model().tenant(tenant)?.log.everything();
    seen.retain(|one| one.logged_at <= now && records::content_type(one.kind) == content_type);
    seen.sort_by(|a, b| (a.logged_at, &a.id).cmp(&(b.logged_at, &b.id)));
    Ok(seen)
}

/// Without a zone, which is UTC.
fn moment(text: &str) -> Result<Moment, Refused> {
    let read = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S");
    let read = read.map_err(|_| Refused::bad("AF20030"))?;
    Ok(Moment(read.and_utc().timestamp_millis()))
}
