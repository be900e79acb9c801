//! Drive's permissions: the owner, people, and the file's links for anyone or for the domain.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::links::Visibility;
use crate::model::permissions::Role;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct New {
    #[serde(rename = "type")]
    kind: String,
    role: String,
    email_address: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    role: String,
}

/// The type of a link's permission.
pub(super) fn kind(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "anyone",
        Visibility::Organization => "domain",
        Visibility::Restricted => "user",
    }
}

pub(super) async fn list(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
) -> Answer {
    let model = service.model();
    let owner = model.file(&by, &id)?.owner;
    let owner =
        json!({"id": owner.id, "type": "user", "role": "owner", "emailAddress": owner.email});
    let people = model.permissions(&by, &id)?.into_iter().map(|one| {
        json!({"id": one.id, "type": "user", "role": word(one.role), "emailAddress": one.user.email})
    });
    let domain = format!("{}.example", by.tenant_id);
    let links = model.links(&by, &id)?.into_iter();
    let links = links.filter(|one| one.visibility != Visibility::Restricted);
    let links = links.map(|one| {
        let mut shown = json!({"id": one.id, "type": kind(one.visibility), "role": word(one.role), "allowFileDiscovery": false});
        if one.visibility == Visibility::Organization {
            shown["domain"] = json!(domain);
        }
        shown
    });
    let all: Vec<Value> = [owner].into_iter().chain(people).chain(links).collect();
    Ok(Json(json!({"kind": "drive#permissionList", "permissions": all})).into_response())
}

pub(super) async fn add(
    State(service): Shared,
    Asking(by): Asking,
    Path(id): Path<String>,
    Body(new): Body<New>,
) -> Answer {
    let role = role(&new.role)?;
    let mut model = service.model();
    let id = match (new.kind.as_str(), new.email_address) {
        ("user" | "group", Some(email)) => model.share(&by, &id, &email, role)?.0.view.id,
        ("anyone", None) => {
            model
                .create_link(&by, &id, Visibility::Public, role)?
                .view
                .id
        }
        ("domain", None) => {
            let made = model.create_link(&by, &id, Visibility::Organization, role)?;
            made.view.id
        }
        _ => return Err(Refused::bad()),
    };
    let body = json!({"kind": "drive#permission", "id": id, "type": new.kind, "role": new.role});
    Ok(Json(body).into_response())
}

pub(super) async fn change(
    State(service): Shared,
    Asking(by): Asking,
    Path((id, permission)): Path<(String, String)>,
    Body(change): Body<Change>,
) -> Answer {
    let role = role(&change.role)?;
    let mut model = service.model();
    model.change_permission(&by, &id, &permission, role)?;
    Ok(
        Json(json!({"kind": "drive#permission", "id": permission, "role": change.role}))
            .into_response(),
    )
}

pub(super) async fn remove(
    State(service): Shared,
    Asking(by): Asking,
    Path((id, permission)): Path<(String, String)>,
) -> Answer {
    let mut model = service.model();
    match permission.starts_with("p_") {
        true => drop(model.unshare(&by, &id, &permission)?),
        false => drop(model.remove_link(&by, &id, &permission)?),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "reader",
        Role::Editor => "writer",
        Role::Owner => "owner",
    }
}

fn role(word: &str) -> Result<Role, Refused> {
    match word {
        "reader" | "commenter" => Ok(Role::Viewer),
        "writer" => Ok(Role::Editor),
        _ => Err(Refused::bad()),
    }
}
