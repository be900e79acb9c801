//! The System Log: in the order in which events appeared, with the address of the next page in every answer.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::LINK;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Administrator, HOST, refused};
use crate::http::Shared;
use crate::http::asked::Params;
use crate::model::activity::{Activity, Kind};

const LIMIT_DEFAULT: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// RFC 3339.
    since: Option<String>,
    /// The place, of a next page's address.
    after: Option<u64>,
    limit: Option<usize>,
}

pub(super) async fn page(
    State(service): Shared,
    Administrator(by): Administrator,
    Params(asked): Params<Asked>,
) -> Response {
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    let mut model = service.model();
    let log = match model.tenant_mut(&by.tenant_id) {
        Ok(tenant) => &mut tenant.log,
        Err(refusal) => return refused(refusal),
    };
    log.settle(service.ground.clock.now());
    let place = asked.after.unwrap_or_else(|| log.oldest());
    let place = place.clamp(log.oldest(), log.end());
    let Ok(page) = log.page(place, limit, &service.ground.faults) else {
        return Json(json!([])).into_response();
    };
    // Texts of one form and one zone stand in the order of their times.
    let since = asked.since.unwrap_or_default();
    let events: Vec<Value> = page
        .items
        .iter()
        .filter(|one| one.occurred_at.text() >= since)
        .filter_map(|one| event(one))
        .collect();
    let next = format!(
        "<https://{HOST}/api/v1/logs?limit={limit}&sortOrder=ASCENDING&after={}>; rel=\"next\"",
        page.next
    );
    ([(LINK, next)], Json(events)).into_response()
}

/// The event for an activity; none for what the service would not know of.
pub(super) fn event(activity: &Activity) -> Option<Value> {
    let (kind, result) = match activity.kind {
        Kind::UserLogin => ("user.session.start", "SUCCESS"),
        Kind::UserLoginFailed => ("user.session.start", "FAILURE"),
        Kind::UserCreated => ("user.lifecycle.create", "SUCCESS"),
        Kind::UserRoleChanged => ("user.account.privilege.grant", "SUCCESS"),
        Kind::UserSuspended => ("user.lifecycle.suspend", "SUCCESS"),
        Kind::UserUnsuspended => ("user.lifecycle.unsuspend", "SUCCESS"),
        Kind::UserSignedOut => ("user.session.clear", "SUCCESS"),
        Kind::FileShared => ("group.user_membership.add", "SUCCESS"),
        Kind::ShareRemoved => ("group.user_membership.remove", "SUCCESS"),
        Kind::FileCreated | Kind::FolderCreated => ("group.lifecycle.create", "SUCCESS"),
        _ => return None,
    };
    let actor = &activity.actor;
    Some(json!({
        "uuid": activity.id,
        "published": activity.occurred_at.text(),
        "eventType": kind,
        "version": "0",
        "severity": "INFO",
        "displayMessage": kind,
        "actor": {"id": actor.id, "type": "User", "alternateId": actor.email, "displayName": actor.name, "detailEntry": null},
        "client": {"id": activity.client.app_id, "ipAddress": actor.ip, "userAgent": {"rawUserAgent": activity.client.user_agent}},
        "outcome": {"result": result, "reason": null},
        "target": targets(activity),
        "debugContext": {"debugData": {}},
    }))
}

fn targets(activity: &Activity) -> Vec<Value> {
    let share = activity.share.as_ref();
    let user = share.and_then(|share| share.target.as_ref()).map(|target| {
        json!({"id": target.id, "type": "User", "alternateId": target.email, "displayName": target.email})
    });
    let object = activity.object.as_ref().map(|object| {
        let kind = match object.kind {
            "user" => "User",
            _ => "UserGroup",
        };
        json!({"id": object.id, "type": kind, "alternateId": "unknown", "displayName": object.name})
    });
    user.into_iter().chain(object).collect()
}
