//! The Reports API: what users did in one application, newest first, page by page. An empty page has no list.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use crate::clock::Moment;
use crate::http::Shared;
use crate::http::asked::Params;
use crate::model::activity::{ActedOn, Activity, Kind, Share};
use crate::model::links::Visibility;
use crate::model::permissions::Role;

/// A page has at most this many activities: few, so that there are pages.
const PAGE_ITEMS: usize = 3;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    start_time: Option<String>,
    page_token: Option<String>,
}

pub(super) async fn page(
    State(service): Shared,
    Asking(by): Asking,
    Path(application): Path<String>,
    Params(asked): Params<Asked>,
) -> Answer {
    let since = match asked.start_time.as_deref() {
        Some(text) => moment(text).ok_or_else(Refused::bad)?,
        None => Moment::default(),
    };
    // A token names the last activity that was given: what happens meanwhile does not move the pages.
    let before = asked.page_token.as_deref().map(|text| text.split_once('|'));
    let now = service.ground.clock.now();
    let mut seen: Vec<Arc<Activity>> = {
        let model = service.model();
        model.administrators_only(&by)?;
        model.tenant(&by.tenant_id)?.log.everything()
    };
    seen.retain(|one| {
        one.logged_at <= now && one.occurred_at >= since && application_of(one.kind) == application
    });
    seen.sort_by_key(|one| std::cmp::Reverse(place(one)));
    if let Some(last) = before {
        let (time, id) = last.ok_or_else(Refused::bad)?;
        seen.retain(|one| place(one) < (time.to_owned(), id.to_owned()));
    }
    let mut body = json!({"kind": "admin#reports#activities", "etag": "\"toy\""});
    if !seen.is_empty() {
        let items: Vec<Value> = seen.iter().take(PAGE_ITEMS).map(|one| told(one)).collect();
        body["items"] = json!(items);
    }
    if let Some(last) = seen.get(PAGE_ITEMS - 1).filter(|_| seen.len() > PAGE_ITEMS) {
        let (time, id) = place(last);
        body["nextPageToken"] = json!(format!("{time}|{id}"));
    }
    Ok(Json(body).into_response())
}

fn place(activity: &Activity) -> (String, String) {
    (activity.occurred_at.text(), activity.id.clone())
}

fn moment(text: &str) -> Option<Moment> {
    let read = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Moment(read.timestamp_millis()))
}

pub(super) fn application_of(kind: Kind) -> &'static str {
    match kind {
        Kind::UserLogin | Kind::UserLoginFailed => "login",
        Kind::UserCreated
        | Kind::UserRoleChanged
        | Kind::UserSuspended
        | Kind::UserUnsuspended
        | Kind::UserSignedOut => "admin",
        Kind::AppAuthorized | Kind::WebhookRegistered | Kind::WebhookDeregistered => "token",
        _ => "drive",
    }
}

pub(super) fn told(activity: &Activity) -> Value {
    let mut actor = json!({"callerType": "USER", "email": activity.actor.email, "profileId": activity.actor.id});
    if let Some(app) = &activity.client.app_id {
        actor["applicationInfo"] = json!({"oauthClientId": app, "impersonation": true});
    }
    let (kind, name) = named(activity);
    let parameters = parameters(activity);
    json!({
        "kind": "admin#reports#activity",
        "id": {
            "time": activity.occurred_at,
            "uniqueQualifier": activity.id,
            "applicationName": application_of(activity.kind),
            "customerId": activity.tenant_id,
        },
        "etag": "\"toy\"",
        "actor": actor,
        "ipAddress": activity.actor.ip,
        "events": [{"type": kind, "name": name, "parameters": parameters}],
    })
}

fn parameters(activity: &Activity) -> Vec<Value> {
    let mut all = Vec::new();
    let mut put = |name: &str, value: &str| all.push(json!({"name": name, "value": value}));
    match &activity.object {
        Some(object) if application_of(activity.kind) == "drive" => {
            put("doc_id", &object.id);
            put("doc_title", &object.name);
            put("doc_type", doc_type(object));
        }
        Some(object) if application_of(activity.kind) == "admin" => put("USER_EMAIL", &object.name),
        Some(object) => {
            put("client_id", &object.id);
            put("app_name", &object.name);
        }
        None => {}
    }
    if let Some(share) = &activity.share {
        all.extend(of_share(activity.kind, share));
    }
    all
}

fn doc_type(object: &ActedOn) -> &'static str {
    match object.kind {
        "folder" => "folder",
        _ if object.name.ends_with(".docx") => "msword",
        _ => "txt",
    }
}

fn of_share(kind: Kind, share: &Share) -> Vec<Value> {
    let many = |name: &str, value: &str| json!({"name": name, "multiValue": [value]});
    let one = |name: &str, value: &str| json!({"name": name, "value": value});
    let can = match share.role {
        Role::Viewer => "can_view",
        Role::Editor => "can_edit",
        Role::Owner => "owner",
    };
    let gone = matches!(kind, Kind::ShareRemoved | Kind::LinkRemoved);
    if let Some(target) = &share.target {
        let visibility = if target.external {
            "shared_externally"
        } else {
            "shared_internally"
        };
        return vec![
            one("target_user", &target.email),
            many("new_value", if gone { "none" } else { can }),
            one("visibility", visibility),
        ];
    }
    let visibility = match share.link.as_ref().map(|link| link.visibility) {
        _ if gone => "private",
        Some(Visibility::Public) => "people_with_link",
        Some(Visibility::Organization) => "people_within_domain_with_link",
        Some(Visibility::Restricted) | None => "private",
    };
    vec![many("new_value", visibility), one("visibility", visibility)]
}

fn named(activity: &Activity) -> (&'static str, &'static str) {
    match activity.kind {
        Kind::FileCreated => ("access", "upload"),
        Kind::FolderCreated => ("access", "create"),
        Kind::FileUpdated => ("access", "edit"),
        Kind::FileMoved => ("access", "move"),
        Kind::FileRestored => ("access", "untrash"),
        Kind::FileDownloaded => ("access", "download"),
        Kind::FileViewed => ("access", "view"),
        Kind::FileTrashed => ("access", "trash"),
        Kind::FileDeleted => ("access", "delete"),
        Kind::FileShared | Kind::ShareUpdated | Kind::ShareRemoved => {
            ("acl_change", "change_user_access")
        }
        Kind::LinkCreated | Kind::LinkUpdated | Kind::LinkRemoved | Kind::LinkRestored => {
            ("acl_change", "change_document_visibility")
        }
        Kind::OwnerChanged => ("acl_change", "change_owner"),
        Kind::UserSuspended => ("USER_SETTINGS", "SUSPEND_USER"),
        Kind::UserUnsuspended => ("USER_SETTINGS", "UNSUSPEND_USER"),
        Kind::UserSignedOut => ("USER_SETTINGS", "RESET_SIGNIN_COOKIES"),
        Kind::UserLogin => ("login", "login_success"),
        Kind::UserLoginFailed => ("login", "login_failure"),
        Kind::UserCreated => ("USER_SETTINGS", "CREATE_USER"),
        Kind::UserRoleChanged => ("DELEGATED_ADMIN_SETTINGS", "ASSIGN_ROLE"),
        Kind::AppAuthorized | Kind::WebhookRegistered | Kind::WebhookDeregistered => {
            ("auth", "authorize")
        }
    }
}
