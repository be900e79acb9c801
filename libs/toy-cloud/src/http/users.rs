use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use super::answers::{Answer, listing};
use super::asked::{Caller, Params};
use crate::oauth::scopes::Scope;
use crate::service::Service;

pub(super) const LIMIT_DEFAULT: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    cursor: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn me(State(service): Shared, caller: Caller) -> Answer {
    let by = caller.anyone();
    let model = service.model();
    let user = model.user(by, &by.user_id)?;
    let (id, name, email, role) = (&user.id, &user.name, &user.email, user.role);
    let me =
        json!({"id": id, "name": name, "email": email, "role": role, "tenant_id": by.tenant_id});
    Ok(Json(me).into_response())
}

pub(super) async fn tenant(State(service): Shared, caller: Caller) -> Answer {
    let model = service.model();
    let tenant = model.tenant(&caller.anyone().tenant_id)?;
    let (id, name, domains) = (&tenant.id, &tenant.name, &tenant.domains);
    Ok(Json(json!({"id": id, "name": name, "domains": domains})).into_response())
}

pub(super) async fn list(
    State(service): Shared,
    caller: Caller,
    Params(paging): Params<Paging>,
) -> Answer {
    let by = caller.may(Scope::UsersRead)?;
    let limit = paging.limit.unwrap_or(LIMIT_DEFAULT);
    let page = service.model().users(by, paging.cursor.as_deref(), limit)?;
    Ok(listing(page))
}

/// Suspends or lets in again.
async fn set_suspended(
    service: Arc<Service>,
    caller: Caller,
    id: String,
    suspended: bool,
) -> Answer {
    let by = caller.may(Scope::UsersManage)?;
    let user = service.model().set_suspended(by, &id, suspended)?;
    Ok(Json(user).into_response())
}

pub(super) async fn suspend(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    set_suspended(service, caller, id, true).await
}

pub(super) async fn unsuspend(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    set_suspended(service, caller, id, false).await
}

pub(super) async fn end_sessions(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    let by = caller.may(Scope::UsersManage)?;
    service.model().end_sessions(by, &id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn one(State(service): Shared, caller: Caller, Path(id): Path<String>) -> Answer {
    let by = caller.may(Scope::UsersRead)?;
    let user = service.model().user(by, &id)?.clone();
    Ok(Json(user).into_response())
}
