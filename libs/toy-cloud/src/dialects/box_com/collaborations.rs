//! Collaborations: who else may see an item, and as what.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::By;
use crate::model::permissions::Role;
use crate::model::views::PermissionView;
use crate::service::Service;

#[derive(Debug, Deserialize)]
pub(super) struct New {
    item: Named,
    accessible_by: Named,
    role: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    id: Option<String>,
    login: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    role: String,
}

pub(super) async fn list(State(service): Shared, asking: Asking, Path(id): Path<String>) -> Answer {
    let permissions = service.model().permissions(&asking.by, &id)?;
    let entries: Vec<Value> = permissions.iter().map(shown).collect();
    Ok(Json(json!({"entries": entries, "next_marker": null})).into_response())
}

pub(super) async fn add(State(service): Shared, asking: Asking, Body(new): Body<New>) -> Answer {
    let already = || Refused::new(StatusCode::BAD_REQUEST, "user_already_collaborator");
    let who = new.accessible_by.id.or(new.accessible_by.login);
    let (Some(id), Some(who)) = (new.item.id, who) else {
        return Err(Refused::new(StatusCode::BAD_REQUEST, "bad_request"));
    };
    let mut model = service.model();
    let permissions = model.permissions(&asking.by, &id)?;
    let known = |view: &PermissionView| view.user.id == who || view.user.email == who;
    if permissions.iter().any(known) || model.file(&asking.by, &id)?.owner.id == who {
        return Err(already());
    }
    let (shared, _) = model.share(&asking.by, &id, &who, role(&new.role))?;
    Ok((StatusCode::CREATED, Json(shown(&shared.view))).into_response())
}

pub(super) async fn change(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
    Body(change): Body<Change>,
) -> Answer {
    let item = item_of(&id).ok_or_else(Refused::not_found)?;
    if change.role == "owner" {
        return give_to(&service, &asking, &item, &id);
    }
    let role = role(&change.role);
    let changed = service
        .model()
        .change_permission(&asking.by, &item, &id, role)?;
    Ok(Json(shown(&changed.view)).into_response())
}

/// The collaborator becomes the owner; who owned it until then becomes its co-owner.
fn give_to(service: &Service, asking: &Asking, item: &str, id: &str) -> Answer {
    let mut model = service.model();
    let permissions = model.permissions(&asking.by, item)?;
    let heir = permissions.into_iter().find(|view| view.id == id);
    let heir = heir.ok_or_else(Refused::not_found)?.user.id;
    let owner = model.file(&asking.by, item)?.owner.id;
    model.change_owner(&asking.by, item, &heir)?;
    // What follows from it is the service's own doing.
    let by = By {
        user_id: heir,
        app_id: None,
        ..asking.by.clone()
    };
    model.unshare(&by, item, id)?;
    model.share(&by, item, &owner, Role::Owner)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn remove(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
) -> Answer {
    let item = item_of(&id).ok_or_else(Refused::not_found)?;
    service.model().unshare(&asking.by, &item, &id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The item of `p_{number}_{user}`.
fn item_of(id: &str) -> Option<String> {
    let (number, _) = id.strip_prefix("p_")?.split_once('_')?;
    Some(format!("f_{number}"))
}

fn role(word: &str) -> Role {
    match word {
        "editor" => Role::Editor,
        "co-owner" | "owner" => Role::Owner,
        _ => Role::Viewer,
    }
}

fn shown(view: &PermissionView) -> Value {
    let role = match view.role {
        Role::Owner => "co-owner",
        role => role.name(),
    };
    json!({
        "type": "collaboration",
        "id": view.id,
        "role": role,
        "status": "accepted",
        "accessible_by": {"type": "user", "id": view.user.id, "name": view.user.name, "login": view.user.email},
        "item": {"id": view.file_id},
    })
}
