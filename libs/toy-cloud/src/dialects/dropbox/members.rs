//! Who a file is shared with, and as what.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused, text};
use super::paths::find;
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::Model;
use crate::model::permissions::Role;
use crate::model::views::PermissionView;

pub(super) async fn list(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let model = service.model();
    let view = find(&model, &asking, text(&body, "/file")?)?;
    let permissions = model.permissions(&asking.by, &view.id)?;
    let users: Vec<Value> = permissions.iter().map(told).collect();
    Ok(Json(json!({"users": users, "groups": [], "invitees": []})))
}

pub(super) async fn add(State(service): Shared, asking: Asking, Body(body): Body<Value>) -> Answer {
    let mut model = service.model();
    let view = find(&model, &asking, text(&body, "/file")?)?;
    let email = text(&body, "/members/0/email")?;
    model.share(&asking.by, &view.id, email, role(&body)?)?;
    Ok(Json(json!([{"result": {".tag": "success"}}])))
}

pub(super) async fn update(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let mut model = service.model();
    let (file, permission) = member(&model, &asking, &body)?;
    model.change_permission(&asking.by, &file, &permission, role(&body)?)?;
    Ok(Json(json!({})))
}

pub(super) async fn remove(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let mut model = service.model();
    let (file, permission) = member(&model, &asking, &body)?;
    model.unshare(&asking.by, &file, &permission)?;
    Ok(Json(json!({".tag": "success"})))
}

/// The file and the permission of the member that a body names.
fn member(model: &Model, asking: &Asking, body: &Value) -> Result<(String, String), Refused> {
    let view = find(model, asking, text(body, "/file")?)?;
    let email = text(body, "/member/email")?;
    let permissions = model.permissions(&asking.by, &view.id)?;
    let mut fitting = permissions
        .into_iter()
        .filter(|one| one.user.email == email);
    let found = fitting.next();
    let permission = found.ok_or_else(|| Refused::of(&["no_explicit_access"]))?;
    Ok((view.id, permission.id))
}

fn role(body: &Value) -> Result<Role, Refused> {
    Ok(match text(body, "/access_level/.tag")? {
        "owner" => Role::Owner,
        "editor" => Role::Editor,
        _ => Role::Viewer,
    })
}

fn told(view: &PermissionView) -> Value {
    json!({
        "access_type": {".tag": view.role.name()},
        "user": {
            "account_id": format!("dbid:{}", view.user.id),
            "email": view.user.email,
            "display_name": view.user.name,
            "same_team": !view.user.external,
        },
        "is_inherited": false,
    })
}
