//! OCS shares: permissions are shares with users, links are links. Those that are not for everyone have a password.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{failure, file_id, ocs, refused};
use crate::dialects::listing::every_file;
use crate::http::Shared;
use crate::http::asked::{Body, Caller, Params};
use crate::model::links::Visibility;
use crate::model::listing::Wanted;
use crate::model::permissions::Role;
use crate::model::views::{FileView, LinkView, PermissionView};
use crate::model::{By, Model, Refusal};

const USER: u64 = 0;
const LINK: u64 = 3;
const NOT_FOUND: &str = "Wrong share ID, share does not exist";

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewShare {
    path: String,
    share_type: Value,
    #[serde(default)]
    share_with: String,
    permissions: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    permissions: Value,
}

/// A share, and where it is.
struct Found {
    object_id: String,
    id: String,
    is_link: bool,
    shown: Value,
}

pub(super) async fn list(
    State(service): Shared,
    caller: Caller,
    Params(asked): Params<Asked>,
) -> Response {
    let all = all(&service.model(), caller.anyone());
    all.map_or_else(refused, |all| {
        let of_path = |share: &Found| {
            asked
                .path
                .as_deref()
                .is_none_or(|path| share.shown["path"] == path)
        };
        ocs(all
            .into_iter()
            .filter(of_path)
            .map(|share| share.shown)
            .collect())
    })
}

pub(super) async fn one(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Response {
    match find(&service.model(), caller.anyone(), &id) {
        Some(share) => ocs(json!([share.shown])),
        None => failure(StatusCode::NOT_FOUND, NOT_FOUND),
    }
}

pub(super) async fn add(
    State(service): Shared,
    caller: Caller,
    Body(new): Body<NewShare>,
) -> Response {
    let by = caller.anyone();
    let mut model = service.model();
    let Some(file) = at_path(&model, by, &new.path) else {
        return failure(
            StatusCode::NOT_FOUND,
            "Wrong path, file/folder does not exist",
        );
    };
    let role = role_of(&new.permissions);
    let made = match number(&new.share_type) {
        Some(LINK) => {
            let made = model.create_link(by, &file.id, Visibility::Public, Role::Viewer);
            made.map(|made| link(&file, &made.view))
        }
        Some(USER) => {
            let made = model.share(by, &file.id, &new.share_with, role);
            made.map(|(made, _)| permission(&file, &made.view))
        }
        _ => return failure(StatusCode::BAD_REQUEST, "Unknown share type"),
    };
    made.map_or_else(refused, ocs)
}

pub(super) async fn change(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
    Body(change): Body<Change>,
) -> Response {
    let by = caller.anyone();
    let mut model = service.model();
    let Some(share) = find(&model, by, &id).filter(|share| !share.is_link) else {
        return failure(StatusCode::NOT_FOUND, NOT_FOUND);
    };
    let role = role_of(&change.permissions);
    let changed = model.change_permission(by, &share.object_id, &share.id, role);
    changed.map_or_else(refused, |_| ocs(json!([])))
}

pub(super) async fn remove(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Response {
    let by = caller.anyone();
    let mut model = service.model();
    let Some(share) = find(&model, by, &id) else {
        return failure(StatusCode::NOT_FOUND, NOT_FOUND);
    };
    let removed = match share.is_link {
        true => model
            .remove_link(by, &share.object_id, &share.id)
            .map(|_| ()),
        false => model.unshare(by, &share.object_id, &share.id).map(|_| ()),
    };
    removed.map_or_else(refused, |()| ocs(json!([])))
}

fn find(model: &Model, by: &By, id: &str) -> Option<Found> {
    let all = all(model, by).ok()?;
    all.into_iter().find(|share| share.id == id)
}

/// Every share of every object, re-shares included.
fn all(model: &Model, by: &By) -> Result<Vec<Found>, Refusal> {
    let mut shares = Vec::new();
    for file in every_file(model, by, false)? {
        let found = |id: &str, is_link, shown| Found {
            object_id: file.id.clone(),
            id: id.to_owned(),
            is_link,
            shown,
        };
        for one in model.permissions(by, &file.id)? {
            shares.push(found(&one.id, false, permission(&file, &one)));
        }
        for one in model.links(by, &file.id)? {
            shares.push(found(&one.id, true, link(&file, &one)));
        }
    }
    Ok(shares)
}

/// What is at a path, outside of the trash.
pub(super) fn at_path(model: &Model, by: &By, path: &str) -> Option<FileView> {
    let path = format!("/{}", path.trim_matches('/'));
    let wanted = Wanted {
        owner: None,
        parent_id: None,
        path: Some(&path),
        trashed: false,
    };
    let page = model.files(by, &wanted, None, 1).ok()?;
    page.items.into_iter().next()
}

fn permission(file: &FileView, one: &PermissionView) -> Value {
    json!({
        "id": one.id,
        "share_type": USER,
        "uid_owner": file.owner.id,
        "uid_file_owner": file.owner.id,
        "file_source": file_id(&file.id),
        "item_type": file.kind,
        "path": file.path,
        "permissions": bits(one.role),
        "stime": 0,
        "share_with": one.user.id,
        "share_with_displayname": one.user.name,
        "expiration": null,
        "label": "",
    })
}

fn link(file: &FileView, one: &LinkView) -> Value {
    let password = (one.visibility != Visibility::Public).then_some("$argon2id$v=19$hash");
    json!({
        "id": one.id,
        "share_type": LINK,
        "uid_owner": one.created_by,
        "uid_file_owner": file.owner.id,
        "file_source": file_id(&file.id),
        "item_type": file.kind,
        "path": file.path,
        "permissions": bits(one.role),
        "stime": one.created_at.unix_seconds(),
        "share_with": password,
        "password": password,
        "url": one.url,
        "expiration": null,
        "label": "",
    })
}

/// With the bit for sharing on, which the service adds itself.
fn bits(role: Role) -> u64 {
    match role {
        Role::Viewer => 17,
        Role::Editor => 19,
        Role::Owner => 31,
    }
}

fn role_of(permissions: &Value) -> Role {
    match number(permissions).unwrap_or(1) {
        bits if bits & 2 != 0 => Role::Editor,
        _ => Role::Viewer,
    }
}

fn number(value: &Value) -> Option<u64> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    value.as_u64().or(text)
}
