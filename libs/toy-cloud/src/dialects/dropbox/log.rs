//! The team's log: begun at a moment, gone on with by a cursor, in pages that may be empty with more behind them. An event has no id.

use axum::Json;
use axum::extract::State;
use chrono::DateTime;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused, text};
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::activity::{Activity, Actor, Kind};
use crate::model::links::Visibility;
use crate::service::Service;

const LIMIT_DEFAULT: usize = 1_000;

pub(super) async fn begin(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let since = body.pointer("/time/start_time").and_then(Value::as_str);
    let since = since.map(DateTime::parse_from_rfc3339).transpose();
    let since = since.map_err(|_| Refused::of(&["invalid_time_range"]))?;
    let since_s = since.map_or(i64::MIN, |since| since.timestamp());
    page(&service, &asking, None, since_s, &body)
}

pub(super) async fn go_on(
    State(service): Shared,
    asking: Asking,
    Body(body): Body<Value>,
) -> Answer {
    let bad = || Refused::of(&["bad_cursor"]);
    let (position, since) = text(&body, "/cursor")?.split_once(':').ok_or_else(bad)?;
    let position = position.parse().map_err(|_| bad())?;
    let since_s = since.parse().map_err(|_| bad())?;
    page(&service, &asking, Some(position), since_s, &body)
}

fn page(
    service: &Service,
    asking: &Asking,
    position: Option<u64>,
    since_s: i64,
    body: &Value,
) -> Answer {
    let mut model = service.model();
    model.administrators_only(&asking.team)?;
    let log = &mut model.tenant_mut(&asking.team.tenant_id)?.log;
    log.settle(service.ground.clock.now());
    let limit = body.get("limit").and_then(Value::as_u64);
    let limit = limit.map_or(LIMIT_DEFAULT, |limit| {
        usize::try_from(limit).unwrap_or(LIMIT_DEFAULT)
    });
    let position = position.unwrap_or(log.oldest());
    let page = log.page(position, limit, &service.ground.faults);
    let page = page.map_err(|_| Refused::of(&["bad_cursor"]))?;
    let new = page
        .items
        .iter()
        .filter(|activity| activity.occurred_at.unix_seconds() >= since_s);
    let events: Vec<Value> = new.map(|activity| told(activity)).collect();
    let cursor = format!("{}:{since_s}", page.next);
    Ok(Json(
        json!({"events": events, "cursor": cursor, "has_more": page.has_more}),
    ))
}

fn told(activity: &Activity) -> Value {
    let actor = &activity.actor;
    let (category, tag) = name(activity.kind);
    let person = member(&actor.id, &actor.name, &actor.email, actor.external);
    let mut details = json!({".tag": format!("{tag}_details")});
    let mut event = json!({
        // Whole milliseconds: what happens to one object in one second stays two events.
        "timestamp": activity.occurred_at,
        "event_category": {".tag": category},
        "event_type": {".tag": tag, "description": activity.kind.name()},
        "actor": shown(actor, activity, &person),
        "origin": {"geo_location": {"ip_address": actor.ip}, "access_method": {".tag": "end_user"}},
        "involve_non_team_member": actor.external,
        "context": person,
    });
    if let Some(object) = &activity.object {
        let file_id = format!("id:{}", object.id);
        match object.kind {
            "file" | "folder" => {
                let path = json!({"contextual": object.path});
                event["assets"] = json!([{".tag": object.kind, "file_id": file_id, "display_name": object.name, "path": path}]);
            }
            _ => {
                event["participants"] = json!([{".tag": "user", "user": {"account_id": object.id, "display_name": object.name}}])
            }
        }
    }
    if let Some(share) = &activity.share {
        details["shared_content_access_level"] = json!({".tag": share.role.name()});
        if let Some(target) = &share.target {
            let user = member(&target.id, "", &target.email, target.external);
            event["participants"] = json!([{".tag": "user", "user": user}]);
        }
        if let Some(link) = &share.link {
            let audience = match link.visibility {
                Visibility::Public => "public",
                Visibility::Organization => "team",
                Visibility::Restricted => "members",
            };
            details["shared_content_link"] = json!(link.url);
            details["new_value"] = json!({".tag": audience});
        }
    }
    event["details"] = details;
    event
}

/// What the application does is the application's.
fn shown(actor: &Actor, activity: &Activity, person: &Value) -> Value {
    if activity.client.app_id.is_some() {
        let app = json!({".tag": "team_linked_app", "app_id": "dbaid:tidegate", "display_name": "Tidegate"});
        return json!({".tag": "app", "app": app});
    }
    let tag = if actor.role == "administrator" {
        "admin"
    } else {
        "user"
    };
    json!({".tag": tag, tag: person})
}

fn member(id: &str, name: &str, email: &str, external: bool) -> Value {
    let tag = if external {
        "non_team_member"
    } else {
        "team_member"
    };
    json!({".tag": tag, "account_id": format!("dbid:{id}"), "display_name": name, "email": email})
}

fn name(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::FileCreated => ("file_operations", "file_add"),
        Kind::FolderCreated => ("file_operations", "create_folder"),
        Kind::FileUpdated => ("file_operations", "file_edit"),
        Kind::FileMoved => ("file_operations", "file_move"),
        Kind::FileRestored => ("file_operations", "file_restore"),
        Kind::FileDownloaded => ("file_operations", "file_download"),
        Kind::FileViewed => ("file_operations", "file_preview"),
        Kind::FileTrashed => ("file_operations", "file_delete"),
        Kind::FileDeleted => ("file_operations", "file_permanently_delete"),
        Kind::FileShared => ("sharing", "shared_content_add_member"),
        Kind::ShareUpdated => ("sharing", "shared_content_change_member_role"),
        Kind::ShareRemoved => ("sharing", "shared_content_remove_member"),
        Kind::LinkCreated | Kind::LinkRestored | Kind::LinkUpdated => {
            ("sharing", "shared_link_settings_change_audience")
        }
        Kind::LinkRemoved => ("sharing", "shared_link_disable"),
        Kind::OwnerChanged => ("sharing", "shared_content_change_member_role"),
        Kind::UserSuspended | Kind::UserUnsuspended => ("members", "member_change_status"),
        Kind::UserSignedOut => ("devices", "device_unlink"),
        Kind::UserLogin => ("logins", "login_success"),
        Kind::UserLoginFailed => ("logins", "login_fail"),
        Kind::UserCreated => ("members", "member_change_status"),
        Kind::UserRoleChanged => ("members", "member_change_admin_role"),
        Kind::AppAuthorized => ("apps", "app_link_team"),
        Kind::WebhookRegistered | Kind::WebhookDeregistered => ("apps", "integration_connected"),
    }
}
