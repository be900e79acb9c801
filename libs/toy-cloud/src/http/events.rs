use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::answers::{Answer, ApiError};
use super::asked::{Caller, Params};
use super::users::LIMIT_DEFAULT;
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
    log.settle(service.ground.clock.now());
    let oldest = cursor(&by.tenant_id, log.oldest());
    let expired = || {
        let message = "the cursor is unknown or no longer kept";
        ApiError::new(StatusCode::GONE, "cursor_expired", message).with("oldest", json!(oldest))
    };
    let position = match after.cursor.as_deref() {
        None => log.oldest(),
        Some("now") => {
            let next = cursor(&by.tenant_id, log.end());
            return Ok(Json(json!({"items": [], "next": next, "has_more": false})).into_response());
        }
        Some(text) => position(&by.tenant_id, text).ok_or_else(expired)?,
    };
    let limit = after.limit.unwrap_or(LIMIT_DEFAULT);
    let page = log
        .page(position, limit, &service.ground.faults)
        .map_err(|_| expired())?;
    drop(model);
    let next = cursor(&by.tenant_id, page.next);
    let body = json!({"items": page.items, "next": next, "has_more": page.has_more});
    Ok(Json(body).into_response())
}

fn cursor(tenant_id: &str, position: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{tenant_id}:{position}"))
}

fn position(tenant_id: &str, cursor: &str) -> Option<u64> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (tenant, position) = text.split_once(':')?;
    (tenant == tenant_id).then(|| position.parse().ok())?
}
