//! The enterprise's events: from a stream position on, in no order that is promised, again when the fault plan wants it.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use crate::http::Shared;
use crate::http::asked::Params;
use crate::model::activity::{ActedOn, Activity, Kind};
use crate::model::permissions::Role;

/// Entries of a page when the request does not say.
const LIMIT_DEFAULT: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    stream_type: String,
    stream_position: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn page(
    State(service): Shared,
    asking: Asking,
    Params(asked): Params<Asked>,
) -> Answer {
    let bad = || Refused::new(StatusCode::BAD_REQUEST, "bad_request");
    if asked.stream_type != "admin_logs_streaming" {
        return Err(bad());
    }
    let mut model = service.model();
    model.administrators_only(&asking.by)?;
    let log = &mut model.tenant_mut(&asking.by.tenant_id)?.log;
    log.settle(service.ground.clock.now());
    let position = match asked.stream_position.as_deref() {
        Some("now") => {
            let body = json!({"chunk_size": 0, "next_stream_position": log.end().to_string(), "entries": []});
            return Ok(Json(body).into_response());
        }
        None | Some("0") => log.oldest(),
        Some(text) => text.parse().map_err(|_| bad())?,
    };
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    let page = log.page(position, limit, &service.ground.faults);
    let page = page.map_err(|_| bad())?;
    let entries: Vec<Value> = page.items.iter().map(|activity| told(activity)).collect();
    let next = page.next.to_string();
    let body =
        json!({"chunk_size": entries.len(), "next_stream_position": next, "entries": entries});
    Ok(Json(body).into_response())
}

fn told(activity: &Activity) -> Value {
    let actor = &activity.actor;
    let service = activity.client.app_id.as_ref();
    let mut details =
        json!({"service_name": service.map_or("Box Web Application", |_| "Tidegate")});
    let mut event = json!({
        "type": "event",
        "event_id": activity.id,
        "event_type": name(activity.kind),
        "created_at": activity.occurred_at,
        "created_by": {"type": "user", "id": actor.id, "name": actor.name, "login": actor.email},
        "action_by": null,
        "ip_address": actor.ip,
        "session_id": null,
    });
    let target = activity.share.as_ref().and_then(|share| {
        details["role"] = json!(role(share.role));
        share.target.as_ref()
    });
    if let Some(target) = target {
        event["accessible_by"] = json!({"type": "user", "id": target.id, "login": target.email});
    }
    event["source"] = match (&activity.object, target) {
        (None, _) => {
            json!({"type": "user", "id": actor.id, "name": actor.name, "login": actor.email})
        }
        (Some(object), Some(target)) => json!({
            format!("{}_id", object.kind): object.id,
            format!("{}_name", object.kind): object.name,
            "user_id": target.id,
        }),
        (Some(object), None) => source(object),
    };
    event["additional_details"] = details;
    event
}

fn source(object: &ActedOn) -> Value {
    match object.kind {
        "file" | "folder" => {
            json!({"item_type": object.kind, "item_id": object.id, "item_name": object.name})
        }
        kind => json!({"type": kind, "id": object.id, "name": object.name}),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Editor => "Editor",
        Role::Owner => "Co-owner",
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::FileCreated => "UPLOAD",
        Kind::FolderCreated => "ITEM_CREATE",
        Kind::FileUpdated => "EDIT",
        Kind::FileMoved => "MOVE",
        Kind::FileRestored => "UNDELETE",
        Kind::FileDownloaded => "DOWNLOAD",
        Kind::FileViewed => "PREVIEW",
        Kind::FileTrashed | Kind::FileDeleted => "DELETE",
        Kind::FileShared => "COLLABORATION_INVITE",
        Kind::ShareUpdated => "COLLABORATION_ROLE_CHANGE",
        Kind::ShareRemoved => "COLLABORATION_REMOVE",
        Kind::LinkCreated | Kind::LinkRestored => "SHARE",
        Kind::LinkUpdated => "ITEM_SHARED_UPDATE",
        Kind::LinkRemoved => "UNSHARE",
        Kind::OwnerChanged => "COLLABORATION_ROLE_CHANGE",
        Kind::UserSuspended | Kind::UserUnsuspended => "EDIT_USER",
        Kind::UserSignedOut => "USER_AUTHENTICATE_OAUTH2_TOKEN_REFRESH",
        Kind::UserLogin => "LOGIN",
        Kind::UserLoginFailed => "FAILED_LOGIN",
        Kind::UserCreated => "NEW_USER",
        Kind::UserRoleChanged => "CHANGE_ADMIN_ROLE",
        Kind::AppAuthorized | Kind::WebhookRegistered | Kind::WebhookDeregistered => {
            "ENTERPRISE_APP_AUTHORIZATION_UPDATE"
        }
    }
}
