//! Groups and their members.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Administrator, refused};
use crate::dialects::listing::every_file;
use crate::http::Shared;
use crate::model::permissions::Role;
use crate::model::views::FileView;
use crate::model::{By, Model, Refusal};

fn group(file: &FileView) -> Value {
    json!({"id": file.id, "type": "OKTA_GROUP", "profile": {"name": file.name}})
}

pub(super) async fn one(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Response {
    let found = service.model().file(&by, &id);
    found.map_or_else(refused, |file| Json(group(&file)).into_response())
}

pub(super) async fn of_user(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(user_id): Path<String>,
) -> Response {
    let found = groups_of(&service.model(), &by, &user_id);
    found.map_or_else(refused, |groups| Json(groups).into_response())
}

fn groups_of(model: &Model, by: &By, user_id: &str) -> Result<Vec<Value>, Refusal> {
    model.user(by, user_id)?;
    let mut groups = Vec::new();
    for file in every_file(model, by, false)? {
        let members = model.permissions(by, &file.id)?;
        if members.iter().any(|member| member.user.id == user_id) {
            groups.push(group(&file));
        }
    }
    Ok(groups)
}

/// Whoever is a member stays one.
pub(super) async fn add(
    State(service): Shared,
    Administrator(by): Administrator,
    Path((id, user_id)): Path<(String, String)>,
) -> Response {
    let added = service.model().share(&by, &id, &user_id, Role::Viewer);
    added.map_or_else(refused, |_| StatusCode::NO_CONTENT.into_response())
}

/// Whoever is none stays none.
pub(super) async fn remove(
    State(service): Shared,
    Administrator(by): Administrator,
    Path((id, user_id)): Path<(String, String)>,
) -> Response {
    let mut model = service.model();
    let members = match model.permissions(&by, &id) {
        Ok(members) => members,
        Err(refusal) => return refused(refusal),
    };
    let member = members.iter().find(|member| member.user.id == user_id);
    let removed = member.map_or(Ok(()), |member| {
        model.unshare(&by, &id, &member.id).map(|_| ())
    });
    removed.map_or_else(refused, |()| StatusCode::NO_CONTENT.into_response())
}
