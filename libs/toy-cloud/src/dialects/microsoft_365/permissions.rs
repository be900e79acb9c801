//! Graph's permissions: people and links in one list.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use super::graph::{live, of_share};
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::links::Visibility;
use crate::model::permissions::Role;
use crate::model::views::{FileView, LinkView};
use crate::model::{By, Model};

#[derive(Debug, Deserialize)]
pub(super) struct Invitation {
    recipients: Vec<Recipient>,
    roles: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Recipient {
    email: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    roles: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewLink {
    #[serde(rename = "type")]
    kind: String,
    scope: String,
}

pub(super) async fn of_shared(
    State(service): Shared,
    Asking(by): Asking,
    Path(share): Path<String>,
) -> Answer {
    let model = service.model();
    let view = of_share(&model, &by, &share)?;
    list(&model, &by, &view)
}

pub(super) async fn of_item(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let model = service.model();
    let view = live(&model, &by, &id)?;
    list(&model, &by, &view)
}

fn list(model: &Model, by: &By, view: &FileView) -> Answer {
    let owner = json!({
        "id": "owner", "roles": ["owner"],
        "grantedToV2": {"user": {"id": view.owner.id, "email": view.owner.email, "displayName": view.owner.name}},
    });
    let people = model.permissions(by, &view.id)?.into_iter().map(|one| {
        let user =
            json!({"id": one.user.id, "email": one.user.email, "displayName": one.user.name});
        json!({"id": one.id, "roles": [word(one.role)], "grantedToV2": {"user": user}})
    });
    let links = model.links(by, &view.id)?;
    let links = links.iter().map(link);
    let all: Vec<Value> = [owner].into_iter().chain(people).chain(links).collect();
    Ok(Json(json!({ "value": all })).into_response())
}

pub(super) async fn invite(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id)): Path<(String, String)>,
    Body(invitation): Body<Invitation>,
) -> Answer {
    let role = role(&invitation.roles)?;
    for recipient in &invitation.recipients {
        service.model().share(&by, &id, &recipient.email, role)?;
    }
    Ok(Json(json!({"value": []})).into_response())
}

pub(super) async fn change(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id, permission)): Path<(String, String, String)>,
    Body(change): Body<Change>,
) -> Answer {
    let role = role(&change.roles)?;
    let mut model = service.model();
    model.change_permission(&by, &id, &permission, role)?;
    Ok(Json(json!({"id": permission, "roles": change.roles})).into_response())
}

pub(super) async fn remove(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id, permission)): Path<(String, String, String)>,
) -> Answer {
    let mut model = service.model();
    match permission.starts_with("p_") {
        true => drop(model.unshare(&by, &id, &permission)?),
        false => drop(model.remove_link(&by, &id, &permission)?),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn create_link(
    State(service): Shared,
    Asking(by): Asking,
    Path((_, id)): Path<(String, String)>,
    Body(new): Body<NewLink>,
) -> Answer {
    let visibility = match new.scope.as_str() {
        "anonymous" => Visibility::Public,
        "organization" => Visibility::Organization,
        _ => Visibility::Restricted,
    };
    let role = match new.kind.as_str() {
        "edit" => Role::Editor,
        _ => Role::Viewer,
    };
    let made = service.model().create_link(&by, &id, visibility, role)?;
    Ok((StatusCode::CREATED, Json(link(&made.view))).into_response())
}

fn link(view: &LinkView) -> Value {
    let scope = match view.visibility {
        Visibility::Public => "anonymous",
        Visibility::Organization => "organization",
        Visibility::Restricted => "users",
    };
    let kind = if view.role == Role::Viewer {
        "view"
    } else {
        "edit"
    };
    json!({"id": view.id, "roles": [word(view.role)], "link": {"scope": scope, "type": kind, "webUrl": view.url}})
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "read",
        Role::Editor => "write",
        Role::Owner => "owner",
    }
}

fn role(words: &[String]) -> Result<Role, Refused> {
    match words.first().map(String::as_str) {
        Some("read") => Ok(Role::Viewer),
        Some("write") => Ok(Role::Editor),
        _ => Err(Refused::bad("invalidRequest")),
    }
}
