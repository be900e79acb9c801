//! Okta as its connector meets it: the System Log with an address of the next page in every answer, event hooks that are verified
//! before they deliver, and users. Objects are groups here, and who may read one is its member.

mod hooks;
mod log;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::{Value, json};

use super::{Dialect, granting};
use crate::http::Shared;
use crate::http::answers::ApiError;
use crate::model::tenants::{User, UserRole};
use crate::model::{By, Refusal};
use crate::service::Service;

/// The organisation.
const TENANT: &str = "acme";
const HOST: &str = "acme.okta.com";

pub(super) const DIALECT: Dialect = Dialect {
    name: "okta",
    hosts: &[HOST],
    router,
};

fn router(_host: &'static str) -> Router<Arc<Service>> {
    Router::new()
        .route("/.well-known/okta-organization", get(organization))
        .route("/api/v1/logs", get(log::page))
        .route("/api/v1/users/{id}", get(user))
        .route("/api/v1/users/{id}/roles", get(roles))
        .route("/api/v1/users/{id}/lifecycle/suspend", post(suspend))
        .route("/api/v1/users/{id}/lifecycle/unsuspend", post(unsuspend))
        .route("/api/v1/users/{id}/sessions", delete(end_sessions))
        .route("/api/v1/eventHooks", get(hooks::list).post(hooks::make))
        .route(
            "/api/v1/eventHooks/{id}",
            get(hooks::one).delete(hooks::remove),
        )
        .route(
            "/api/v1/eventHooks/{id}/lifecycle/verify",
            post(hooks::verify),
        )
        .route(
            "/api/v1/eventHooks/{id}/lifecycle/deactivate",
            post(hooks::deactivate),
        )
}

/// Who calls, by a token of the service (`SSWS`).
struct Administrator(By);

impl FromRequestParts<Arc<Service>> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Response> {
        let given = parts.headers.get(AUTHORIZATION);
        let key = given
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.strip_prefix("SSWS "));
        let by = key.and_then(|key| granting::by_key(service, key, TENANT));
        by.map(Self).ok_or_else(|| {
            failure(
                StatusCode::UNAUTHORIZED,
                "E0000011",
                "Invalid token provided",
            )
        })
    }
}

fn failure(status: StatusCode, code: &str, summary: &str) -> Response {
    let body = json!({"errorCode": code, "errorSummary": summary, "errorCauses": []});
    (status, Json(body)).into_response()
}

fn refused(refusal: Refusal) -> Response {
    let error = ApiError::from(refusal);
    let code = match error.status() {
        StatusCode::NOT_FOUND => "E0000007",
        _ => "E0000001",
    };
    failure(error.status(), code, error.message())
}

async fn organization() -> Json<Value> {
    Json(json!({"id": "00oAcmeOrganisation", "_links": {}}))
}

async fn user(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Response {
    let id = if id == "me" { by.user_id.clone() } else { id };
    let model = service.model();
    model
        .user(&by, &id)
        .map_or_else(refused, |user| Json(profile(user)).into_response())
}

fn profile(user: &User) -> Value {
    let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
    let profile =
        json!({"firstName": first, "lastName": last, "email": user.email, "login": user.email});
    let status = match user.suspended {
        true => "SUSPENDED",
        false => "ACTIVE",
    };
    json!({"id": user.id, "status": status, "profile": profile})
}

async fn suspend(state: Shared, administrator: Administrator, Path(id): Path<String>) -> Response {
    set_suspended(state, administrator, &id, true)
}

async fn unsuspend(
    state: Shared,
    administrator: Administrator,
    Path(id): Path<String>,
) -> Response {
    set_suspended(state, administrator, &id, false)
}

/// Who is so already is refused, as Okta does.
fn set_suspended(
    State(service): Shared,
    Administrator(by): Administrator,
    id: &str,
    suspended: bool,
) -> Response {
    let mut model = service.model();
    match model.user(&by, id).map(|user| user.suspended == suspended) {
        Ok(true) => failure(
            StatusCode::BAD_REQUEST,
            "E0000001",
            "Api validation failed: the user has another status",
        ),
        Ok(false) => {
            let done = model.set_suspended(&by, id, suspended);
            done.map_or_else(refused, |_| Json(json!({})).into_response())
        }
        Err(refusal) => refused(refusal),
    }
}

async fn end_sessions(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Response {
    let ended = service.model().end_sessions(&by, &id);
    ended.map_or_else(refused, |_| StatusCode::NO_CONTENT.into_response())
}

async fn roles(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Response {
    let model = service.model();
    model.user(&by, &id).map_or_else(refused, |user| {
        let roles = match user.role {
            UserRole::Administrator => {
                json!([{"type": "SUPER_ADMIN", "label": "Super Administrator"}])
            }
            UserRole::Member | UserRole::Guest => json!([]),
        };
        Json(roles).into_response()
    })
}
