//! Permissions and links: read under `content:read`, changed under `content:write`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Deserializer};

use super::Shared;
use super::answers::{Answer, ApiError, items, listing};
use super::asked::{Body, Caller, Params};
use super::users::LIMIT_DEFAULT;
use crate::clock::Moment;
use crate::model::links::{LinkChange, Visibility};
use crate::model::permissions::Role;
use crate::oauth::scopes::Scope;

#[derive(Debug, Deserialize)]
pub(super) struct NewPermission {
    user_id: Option<String>,
    email: Option<String>,
    role: Role,
}

#[derive(Debug, Deserialize)]
pub(super) struct PermissionChange {
    role: Role,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewLink {
    visibility: Visibility,
    #[serde(default = "viewer")]
    role: Role,
}

#[derive(Debug, Deserialize)]
pub(super) struct LinkWish {
    visibility: Option<Visibility>,
    role: Option<Role>,
    /// Absent: it stays; null: the link no longer ends.
    #[serde(default, deserialize_with = "given")]
    expires_at: Option<Option<Moment>>,
}

/// Null is a value of its own.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Moment>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Debug, Deserialize)]
pub(super) struct NewOwner {
    user_id: Option<String>,
    email: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct After {
    cursor: Option<String>,
    limit: Option<usize>,
}

fn viewer() -> Role {
    Role::Viewer
}

pub(super) async fn everything(
    State(service): Shared,
    caller: Caller,
    Params(after): Params<After>,
) -> Answer {
    let by = caller.may(Scope::ContentRead)?;
    let limit = after.limit.unwrap_or(LIMIT_DEFAULT);
    let page = service.model().shared(by, after.cursor.as_deref(), limit)?;
    Ok(listing(page))
}

pub(super) async fn permissions(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    let permissions = service
        .model()
        .permissions(caller.may(Scope::ContentRead)?, &id)?;
    Ok(items(permissions))
}

pub(super) async fn add_permission(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
    Body(new): Body<NewPermission>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let who = new.user_id.or(new.email);
    let who = who.ok_or_else(|| ApiError::invalid("user_id or email is missing"))?;
    let (shared, fresh) = service.model().share(by, &id, &who, new.role)?;
    let status = if fresh {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(shared.view)).into_response())
}

pub(super) async fn change_permission(
    State(service): Shared,
    caller: Caller,
    Path((id, permission_id)): Path<(String, String)>,
    Body(change): Body<PermissionChange>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let changed = service
        .model()
        .change_permission(by, &id, &permission_id, change.role)?;
    Ok(Json(changed.view).into_response())
}

pub(super) async fn remove_permission(
    State(service): Shared,
    caller: Caller,
    Path((id, permission_id)): Path<(String, String)>,
) -> Answer {
    service
        .model()
        .unshare(caller.may(Scope::ContentWrite)?, &id, &permission_id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn links(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    let links = service
        .model()
        .links(caller.may(Scope::ContentRead)?, &id)?;
    Ok(items(links))
}

pub(super) async fn add_link(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
    Body(new): Body<NewLink>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let made = service
        .model()
        .create_link(by, &id, new.visibility, new.role)?;
    Ok((StatusCode::CREATED, Json(made.view)).into_response())
}

pub(super) async fn change_link(
    State(service): Shared,
    caller: Caller,
    Path((id, link_id)): Path<(String, String)>,
    Body(wish): Body<LinkWish>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let change = LinkChange {
        visibility: wish.visibility,
        role: wish.role,
        expires_at: wish.expires_at,
    };
    let changed = service.model().change_link(by, &id, &link_id, change)?;
    Ok(Json(changed.view).into_response())
}

pub(super) async fn remove_link(
    State(service): Shared,
    caller: Caller,
    Path((id, link_id)): Path<(String, String)>,
) -> Answer {
    service
        .model()
        .remove_link(caller.may(Scope::ContentWrite)?, &id, &link_id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn restore_link(
    State(service): Shared,
    caller: Caller,
    Path((id, link_id)): Path<(String, String)>,
) -> Answer {
    let restored = service
        .model()
        .restore_link(caller.may(Scope::ContentWrite)?, &id, &link_id)?;
    Ok(Json(restored.view).into_response())
}

pub(super) async fn change_owner(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
    Body(new): Body<NewOwner>,
) -> Answer {
    let by = caller.may(Scope::ContentWrite)?;
    let who = new.user_id.or(new.email);
    let who = who.ok_or_else(|| ApiError::invalid("user_id or email is missing"))?;
    let changed = service.model().change_owner(by, &id, &who)?;
    Ok(Json(changed.view).into_response())
}
