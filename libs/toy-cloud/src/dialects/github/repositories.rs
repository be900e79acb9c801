//! Repositories, their visibility and who may use them.

use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::ETAG;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{not_found, refused};
use crate::dialects::listing::every_file;
use crate::http::Shared;
use crate::http::answers::etag;
use crate::http::asked::{Body, Caller};
use crate::model::activity::Kind;
use crate::model::links::Visibility;
use crate::model::permissions::Role;
use crate::model::views::{FileView, PermissionView};
use crate::model::{By, Model, Refusal};

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    visibility: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewCollaborator {
    permission: String,
}

/// A repository's organisation and name, which is the object's id.
type Place = Path<(String, String)>;
type Person = Path<(String, String, String)>;

fn shown(model: &Model, by: &By, file: &FileView) -> Result<Value, Refusal> {
    let visibility = visibility(model, by, &file.id)?;
    let (org, name) = (&by.tenant_id, &file.id);
    Ok(json!({
        "id": file.id,
        "name": name,
        "full_name": format!("{org}/{name}"),
        "private": visibility != "public",
        "visibility": visibility,
        "html_url": format!("https://github.com/{org}/{name}"),
        "permissions": {"admin": true, "push": true, "pull": true},
    }))
}

fn visibility(model: &Model, by: &By, id: &str) -> Result<&'static str, Refusal> {
    let links = model.links(by, id)?;
    let public = links
        .iter()
        .any(|link| link.visibility == Visibility::Public);
    Ok(if public { "public" } else { "private" })
}

pub(super) async fn list(State(service): Shared, caller: Caller) -> Response {
    let (model, by) = (service.model(), caller.anyone());
    let all = every_file(&model, by, false).and_then(|all| {
        let files = all.iter().filter(|file| file.kind == "file");
        files
            .map(|file| shown(&model, by, file))
            .collect::<Result<Vec<_>, _>>()
    });
    all.map_or_else(refused, |all| Json(all).into_response())
}

pub(super) async fn one(
    State(service): Shared,
    caller: Caller,
    Path((_, repo)): Place,
) -> Response {
    let (model, by) = (service.model(), caller.anyone());
    let found = model
        .file(by, &repo)
        .and_then(|file| shown(&model, by, &file));
    found.map_or_else(refused, |repo| Json(repo).into_response())
}

/// Public is to have a public link, private to have none.
pub(super) async fn change(
    State(service): Shared,
    caller: Caller,
    Path((_, repo)): Place,
    Body(change): Body<Change>,
) -> Response {
    let by = caller.anyone();
    let mut model = service.model();
    let changed = change_visibility(&mut model, by, &repo, &change.visibility);
    let shown = changed
        .and_then(|()| model.file(by, &repo))
        .and_then(|file| shown(&model, by, &file));
    shown.map_or_else(refused, |repo| Json(repo).into_response())
}

fn change_visibility(model: &mut Model, by: &By, repo: &str, to: &str) -> Result<(), Refusal> {
    let links = model.links(by, repo)?;
    let public = links
        .iter()
        .filter(|link| link.visibility == Visibility::Public);
    if to == "public" {
        if public.count() == 0 {
            model.create_link(by, repo, Visibility::Public, Role::Viewer)?;
        }
        return Ok(());
    }
    for link in public {
        model.remove_link(by, repo, &link.id)?;
    }
    Ok(())
}

/// What a repository holds: the service redirects to its archive, here it is at once.
pub(super) async fn archive(
    State(service): Shared,
    caller: Caller,
    Path((_, repo)): Place,
) -> Response {
    let read = service
        .model()
        .read(caller.anyone(), &repo, None, Some(Kind::FileDownloaded));
    read.map_or_else(refused, |(_, version)| {
        let tag = [(ETAG, etag(version.number))];
        (tag, Bytes::from(version.bytes)).into_response()
    })
}

/// Here nobody needs to accept.
pub(super) async fn invitations(
    State(service): Shared,
    caller: Caller,
    Path((_, repo)): Place,
) -> Response {
    let found = service.model().file(caller.anyone(), &repo);
    found.map_or_else(refused, |_| Json(json!([])).into_response())
}

pub(super) async fn collaborators(
    State(service): Shared,
    caller: Caller,
    Path((_, repo)): Place,
) -> Response {
    let all = service.model().permissions(caller.anyone(), &repo);
    all.map_or_else(refused, |all| {
        let shown = all.iter().map(|one| {
            json!({"id": one.user.id, "login": one.user.id, "role_name": role_name(one.role)})
        });
        Json(shown.collect::<Vec<Value>>()).into_response()
    })
}

fn of_user(model: &Model, by: &By, repo: &str, login: &str) -> Option<PermissionView> {
    let all = model.permissions(by, repo).ok()?;
    all.into_iter().find(|one| one.user.id == login)
}

pub(super) async fn is_collaborator(
    State(service): Shared,
    caller: Caller,
    Path((_, repo, login)): Person,
) -> Response {
    match of_user(&service.model(), caller.anyone(), &repo, &login) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => not_found(),
    }
}

pub(super) async fn permission(
    State(service): Shared,
    caller: Caller,
    Path((_, repo, login)): Person,
) -> Response {
    let found = of_user(&service.model(), caller.anyone(), &repo, &login);
    let role = found.map_or("none", |one| role_name(one.role));
    Json(json!({"permission": role, "role_name": role})).into_response()
}

pub(super) async fn add(
    State(service): Shared,
    caller: Caller,
    Path((_, repo, login)): Person,
    Body(new): Body<NewCollaborator>,
) -> Response {
    let role = match new.permission.as_str() {
        "pull" | "triage" => Role::Viewer,
        "admin" => Role::Owner,
        _ => Role::Editor,
    };
    let added = service.model().share(caller.anyone(), &repo, &login, role);
    added.map_or_else(refused, |_| StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn remove(
    State(service): Shared,
    caller: Caller,
    Path((_, repo, login)): Person,
) -> Response {
    let by = caller.anyone();
    let mut model = service.model();
    let Some(found) = of_user(&model, by, &repo, &login) else {
        return not_found();
    };
    let removed = model.unshare(by, &repo, &found.id);
    removed.map_or_else(refused, |_| StatusCode::NO_CONTENT.into_response())
}

/// A role as it is read.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "read",
        Role::Editor => "write",
        Role::Owner => "admin",
    }
}
