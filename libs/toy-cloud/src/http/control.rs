//! The endpoints for tests: nothing here is answered without the control token, and no fault strikes here.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::IntoResponse;
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::answers::{Answer, ApiError};
use super::asked::{Body, Params};
use crate::act::Act;
use crate::faults::Plan;
use crate::load::{self, LoadOrder, LoadRefusal};
use crate::secrets::same_secret;
use crate::service::Service;

const LEDGER_LIMIT_DEFAULT: usize = 1_000;

/// Shown by whoever carries the control token.
pub(super) struct Control;

impl FromRequestParts<Arc<Service>> for Control {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, ApiError> {
        let token = parts
            .headers
            .get("x-toy-control")
            .and_then(|token| token.to_str().ok());
        if token.is_some_and(|token| same_secret(token, &service.control_token)) {
            return Ok(Self);
        }
        let message = "x-toy-control is missing or wrong";
        Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "control_token_required",
            message,
        ))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Since {
    #[serde(default)]
    since: u64,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Whose {
    tenant: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    /// False leaves the ids out.
    ids: Option<bool>,
}

pub(super) async fn set_faults(
    _: Control,
    State(service): Shared,
    Body(plan): Body<Plan>,
) -> Answer {
    let replaced = service.ground.faults.replace(plan);
    replaced.map_err(|bad| ApiError::invalid(bad.to_string()))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn ledger(
    _: Control,
    State(service): Shared,
    Params(asked): Params<Since>,
) -> Answer {
    let limit = asked.limit.unwrap_or(LEDGER_LIMIT_DEFAULT);
    Ok(Json(service.ground.ledger.page(asked.since, limit)).into_response())
}

pub(super) async fn summary(_: Control, State(service): Shared) -> Answer {
    Ok(Json(service.summary()).into_response())
}

pub(super) async fn act(_: Control, State(service): Shared, Body(act): Body<Act>) -> Answer {
    let acted = service.model().act(&act)?;
    Ok(Json(acted).into_response())
}

pub(super) async fn start_load(
    _: Control,
    State(service): Shared,
    Body(order): Body<LoadOrder>,
) -> Answer {
    match load::begin(&service, order) {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(json!({"started": true}))).into_response()),
        Err(LoadRefusal::Refused(refusal)) => Err(refusal.into()),
        Err(refusal @ LoadRefusal::Invalid(_)) => Err(ApiError::invalid(refusal.to_string())),
        Err(refusal @ LoadRefusal::Running) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "conflict",
            refusal.to_string(),
        )),
    }
}

pub(super) async fn load_progress(
    _: Control,
    State(service): Shared,
    Params(shown): Params<Shown>,
) -> Answer {
    let progress = if shown.ids == Some(false) {
        service.load().without_ids()
    } else {
        service.load().clone()
    };
    Ok(Json(progress).into_response())
}

pub(super) async fn expire_tokens(
    _: Control,
    State(service): Shared,
    Body(whose): Body<Whose>,
) -> Answer {
    let grants = service.oauth().expire(whose.tenant.as_deref());
    Ok(Json(json!({"grants": grants})).into_response())
}
