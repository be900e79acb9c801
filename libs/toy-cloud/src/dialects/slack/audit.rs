//! The audit log: whole seconds, newest first, both ends included, in pages behind a cursor that stays good while new entries come.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::web::Asking;
use crate::http::Shared;
use crate::http::asked::Params;
use crate::model::activity::{ActedOn, Activity, Kind};

/// Entries of a page when the request does not say, and at most.
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 9_999;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    oldest: Option<i64>,
    latest: Option<i64>,
    limit: Option<usize>,
    cursor: Option<String>,
}

pub(super) async fn page(
    State(service): Shared,
    Asking(by): Asking,
    Params(asked): Params<Asked>,
) -> Response {
    let refused =
        |status, error| (status, Json(json!({"ok": false, "error": error}))).into_response();
    let mut model = service.model();
    if model.administrators_only(&by).is_err() {
        return refused(StatusCode::FORBIDDEN, "user_not_authorized");
    }
    let Ok(tenant) = model.tenant_mut(&by.tenant_id) else {
        return refused(StatusCode::FORBIDDEN, "team_not_authorized");
    };
    tenant.log.settle(service.ground.clock.now());
    let Some((before, from)) = place(asked.cursor.as_deref(), tenant.log.end()) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_cursor");
    };
    let newer = usize::try_from(tenant.log.end() - before).unwrap_or(usize::MAX);
    let within = |activity: &&std::sync::Arc<Activity>| {
        let at = activity.occurred_at.unix_seconds();
        asked.oldest.is_none_or(|oldest| at >= oldest)
            && asked.latest.is_none_or(|latest| at <= latest)
    };
    let all = tenant.log.latest(usize::MAX);
    let fitting: Vec<_> = all.iter().skip(newer).filter(within).collect();
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let entries = fitting.iter().skip(from).take(limit);
    let entries: Vec<Value> = entries.map(|activity| told(activity)).collect();
    let read = from + entries.len();
    let next = match read < fitting.len() {
        true => format!("{before}:{read}"),
        false => String::new(),
    };
    Json(json!({"entries": entries, "response_metadata": {"next_cursor": next}})).into_response()
}

/// Where the log ended when the first page was asked for, and how many entries were read since.
fn place(cursor: Option<&str>, end: u64) -> Option<(u64, usize)> {
    let Some(cursor) = cursor else {
        return Some((end, 0));
    };
    let (before, from) = cursor.split_once(':')?;
    let before: u64 = before.parse().ok()?;
    (before <= end).then_some((before, from.parse().ok()?))
}

fn told(activity: &Activity) -> Value {
    let actor = &activity.actor;
    let location = json!({"type": "enterprise", "id": activity.tenant_id, "name": activity.tenant_id, "domain": activity.tenant_id});
    let mut entry = json!({
        "id": activity.id,
        "date_create": activity.occurred_at.unix_seconds(),
        "action": action(activity.kind),
        "actor": {"type": "user", "user": {"id": actor.id, "name": actor.name, "email": actor.email, "team": activity.tenant_id}},
        "context": {"location": location, "ua": activity.client.user_agent, "ip_address": actor.ip},
    });
    if activity.client.app_id.is_some() {
        entry["context"]["app"] = json!({"id": "A0TIDE", "name": "Tidegate"});
    }
    entry["entity"] = match &activity.object {
        Some(object) => entity(object),
        None => {
            json!({"type": "user", "user": {"id": actor.id, "name": actor.name, "email": actor.email}})
        }
    };
    let file = activity
        .object
        .as_ref()
        .filter(|object| object.kind == "file");
    if let Some(file) = file {
        let address = format!(
            "https://files.slack.com/files-pri/{}/{}",
            file.id, file.name
        );
        entry["details"] = json!({"url_private": address});
    }
    entry
}

fn entity(object: &ActedOn) -> Value {
    let kind = match object.kind {
        "folder" => "channel",
        kind => kind,
    };
    json!({"type": kind, kind: {"id": object.id, "name": object.name}})
}

fn action(kind: Kind) -> &'static str {
    match kind {
        Kind::FileCreated => "file_uploaded",
        Kind::FileDownloaded | Kind::FileViewed => "file_downloaded",
        Kind::FileTrashed | Kind::FileDeleted => "file_deleted",
        Kind::FolderCreated => "private_channel_created",
        Kind::FileShared => "file_shared",
        Kind::LinkCreated | Kind::LinkRestored => "file_public_link_created",
        Kind::LinkRemoved => "file_public_link_revoked",
        Kind::UserLogin => "user_login",
        Kind::UserLoginFailed => "user_login_failed",
        Kind::UserCreated => "user_created",
        Kind::UserRoleChanged => "role_change_to_admin",
        Kind::AppAuthorized => "app_installed",
        Kind::UserSuspended => "user_deactivated",
        Kind::UserUnsuspended => "user_reactivated",
        Kind::UserSignedOut => "user_session_invalidated",
        Kind::OwnerChanged
        | Kind::FileUpdated
        | Kind::FileMoved
        | Kind::FileRestored
        | Kind::ShareUpdated
        | Kind::ShareRemoved
        | Kind::LinkUpdated
        | Kind::WebhookRegistered
        | Kind::WebhookDeregistered => kind.name(),
    }
}
