//! The team: who it is, who its members are, and its folders.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused, text};
use super::paths::home_of;
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::listing::Wanted;
use crate::model::tenants::{User, UserRole};

/// So many members or folders are told at once.
const TOLD_MAX: usize = 1_000;

pub(super) async fn info(asking: Asking) -> Answer {
    let team = &asking.team.tenant_id;
    Ok(Json(json!({"name": team, "team_id": team})))
}

pub(super) async fn features(_: Asking) -> Answer {
    let feature = json!({".tag": "enabled", "enabled": true});
    let value = json!({".tag": "has_team_file_events", "has_team_file_events": feature});
    Ok(Json(json!({"values": [value]})))
}

pub(super) async fn administrator(State(service): Shared, asking: Asking) -> Answer {
    let model = service.model();
    let user = model.user(&asking.team, &asking.team.user_id)?;
    Ok(Json(json!({"admin_profile": profile(user)})))
}

pub(super) async fn members(State(service): Shared, asking: Asking) -> Answer {
    let page = service.model().users(&asking.team, None, TOLD_MAX)?;
    let members = page.items.iter().filter(|user| !user.external);
    let members: Vec<Value> = members
        .map(|user| json!({"profile": profile(user)}))
        .collect();
    Ok(Json(
        json!({"members": members, "cursor": "", "has_more": false}),
    ))
}

pub(super) async fn member(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let email = text(&body, "/members/0/email")?;
    let model = service.model();
    let user = model.tenant(&asking.team.tenant_id)?.find_user(email);
    let info = match user.filter(|user| !user.external) {
        Some(user) => {
            json!({".tag": "member_info", "profile": profile(user), "roles": roles(user)})
        }
        None => json!({".tag": "id_not_found", "id_not_found": email}),
    };
    Ok(Json(json!({"members_info": [info]})))
}

pub(super) async fn account(State(service): Shared, asking: Asking) -> Answer {
    let home = home_of(&service.model(), &asking.by)?;
    let namespace = home.trim_start_matches("f_");
    Ok(Json(json!({
        "account_id": format!("dbid:{}", asking.by.user_id),
        "root_info": {".tag": "user", "root_namespace_id": namespace, "home_namespace_id": namespace},
    })))
}

pub(super) async fn make_folder(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let name = text(&body, "/name")?;
    let made = service.model().make_folder(&asking.team, name, None, true);
    let made = made.map_err(|_| Refused::of(&["folder_name_already_used"]))?;
    Ok(Json(folder(&made.view.id, &made.view.name)))
}

pub(super) async fn folders(State(service): Shared, asking: Asking) -> Answer {
    let wanted = Wanted {
        parent_id: Some("root"),
        ..Wanted::default()
    };
    let page = service
        .model()
        .files(&asking.team, &wanted, None, TOLD_MAX)?;
    let folders = page.items.iter().filter(|view| view.restricted);
    let folders: Vec<Value> = folders.map(|view| folder(&view.id, &view.name)).collect();
    Ok(Json(
        json!({"team_folders": folders, "cursor": "", "has_more": false}),
    ))
}

fn folder(id: &str, name: &str) -> Value {
    json!({"team_folder_id": id.trim_start_matches("f_"), "name": name, "status": {".tag": "active"}})
}

fn profile(user: &User) -> Value {
    json!({
        "team_member_id": format!("dbmid:{}", user.id),
        "account_id": format!("dbid:{}", user.id),
        "email": user.email,
        "name": {"display_name": user.name},
        "status": {".tag": "active"},
    })
}

fn roles(user: &User) -> Value {
    match user.role {
        UserRole::Administrator => json!([{"role_id": "pid_dbtmr:1", "name": "Team"}]),
        _ => json!([]),
    }
}
