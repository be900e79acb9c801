//! Users and the organisation. A user's id is also the login.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{not_found, refused};
use crate::http::Shared;
use crate::http::asked::Caller;
use crate::model::tenants::{User, UserRole};

/// A user as the service shows it.
pub(super) fn shown(user: &User) -> Value {
    json!({"id": user.id, "login": user.id, "name": user.name, "email": user.email, "type": "User"})
}

pub(super) async fn me(State(service): Shared, caller: Caller) -> Response {
    let by = caller.anyone();
    let model = service.model();
    let user = model.user(by, &by.user_id);
    user.map_or_else(refused, |user| Json(shown(user)).into_response())
}

pub(super) async fn one(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Response {
    let model = service.model();
    let user = model.user(caller.anyone(), &id);
    user.map_or_else(refused, |user| Json(shown(user)).into_response())
}

pub(super) async fn organisation(caller: Caller, Path(org): Path<String>) -> Response {
    match caller.anyone().tenant_id == org {
        true => Json(json!({"id": org, "login": org})).into_response(),
        false => not_found(),
    }
}

pub(super) async fn membership(
    State(service): Shared,
    caller: Caller,
    Path((_, login)): Path<(String, String)>,
) -> Response {
    let model = service.model();
    match model.user(caller.anyone(), &login) {
        Ok(user) if !user.external => {
            let role = match user.role {
                UserRole::Administrator => "admin",
                UserRole::Member | UserRole::Guest => "member",
            };
            Json(json!({"state": "active", "role": role, "user": shown(user)})).into_response()
        }
        _ => not_found(),
    }
}
