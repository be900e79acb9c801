use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Shared;
use super::answers::{Answer, ApiError};
use super::asked::{Caller, Params};
use super::users::LIMIT_DEFAULT;
use crate::model::Ground;
use crate::model::log::{EventLog, Logged};
use crate::oauth::scopes::Scope;

#[derive(Debug, Deserialize)]
pub(super) struct After {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A page of the activity log, from the cursor on.
pub(super) async fn page(
    State(service): Shared,
    caller: Caller,
    Params(after): Params<After>,
) -> Answer {
    let by = caller.may(Scope::ActivityRead)?;
    let mut model = service.model();
    model.administrators_only(by)?;
    let log = &mut model.tenant_mut(&by.tenant_id)?.log;
    page_of(log, &by.tenant_id, &after, &service.ground)
}

/// A page of the log of changed labels, from the cursor on.
pub(super) async fn page_of_labels(
    State(service): Shared,
    caller: Caller,
    Params(after): Params<After>,
) -> Answer {
    let by = caller.may(Scope::ActivityRead)?;
    let mut model = service.model();
    model.administrators_only(by)?;
    let log = &mut model.tenant_mut(&by.tenant_id)?.label_log;
    // A cursor of the other log is none of this one.
    let name = format!("labels/{}", by.tenant_id);
    page_of(log, &name, &after, &service.ground)
}

fn page_of<T: Logged + Serialize>(
    log: &mut EventLog<T>,
    name: &str,
    after: &After,
    ground: &Ground,
) -> Answer {
    log.settle(ground.clock.now());
    let oldest = cursor(name, log.oldest());
    let expired = || {
        let message = "the cursor is unknown or no longer kept";
        ApiError::new(StatusCode::GONE, "cursor_expired", message).with("oldest", json!(oldest))
    };
    let position = match after.cursor.as_deref() {
        None => log.oldest(),
        Some("now") => {
            let next = cursor(name, log.end());
            return Ok(Json(json!({"items": [], "next": next, "has_more": false})).into_response());
        }
        Some(text) => position(name, text).ok_or_else(expired)?,
    };
    let limit = after.limit.unwrap_or(LIMIT_DEFAULT);
    let page = log
        .page(position, limit, &ground.faults)
        .map_err(|_| expired())?;
    let next = cursor(name, page.next);
    let body = json!({"items": page.items, "next": next, "has_more": page.has_more});
    Ok(Json(body).into_response())
}

fn cursor(log: &str, position: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{log}:{position}"))
}

fn position(log: &str, cursor: &str) -> Option<u64> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (of, position) = text.split_once(':')?;
    (of == log).then(|| position.parse().ok())?
}
