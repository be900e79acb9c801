//! The audit log: from a second on, oldest first, in pages whose next one is in `Link`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::LINK;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refused;
use super::repositories::role_name;
use crate::http::Shared;
use crate::http::asked::{Caller, Params};
use crate::model::activity::{Activity, Kind};
use crate::model::links::Visibility;
use crate::model::log::EVENTS_KEPT_MAX;

const PER_PAGE_DEFAULT: usize = 30;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// `created:>=2026-01-02T03:04:05Z`.
    #[serde(default)]
    phrase: String,
    per_page: Option<usize>,
    #[serde(default)]
    after: usize,
}

pub(super) async fn page(
    State(service): Shared,
    caller: Caller,
    Params(asked): Params<Asked>,
) -> Response {
    let by = caller.anyone();
    let mut model = service.model();
    if let Err(refusal) = model.administrators_only(by) {
        return refused(refusal);
    }
    let log = match model.tenant_mut(&by.tenant_id) {
        Ok(tenant) => &mut tenant.log,
        Err(refusal) => return refused(refusal),
    };
    log.settle(service.ground.clock.now());
    let since = asked.phrase.strip_prefix("created:>=").unwrap_or_default();
    let since = since.trim_end_matches('Z');
    let mut all = log.latest(EVENTS_KEPT_MAX);
    all.retain(|one| one.occurred_at.text().as_str() >= since);
    all.sort_by(|a, b| (a.occurred_at, &a.id).cmp(&(b.occurred_at, &b.id)));
    let per_page = asked.per_page.unwrap_or(PER_PAGE_DEFAULT).clamp(1, 100);
    let end = asked.after.saturating_add(per_page);
    let rows: Vec<Value> = all
        .iter()
        .take(end)
        .skip(asked.after)
        .filter_map(|one| row(one))
        .collect();
    let body = Json(rows);
    if end >= all.len() {
        return body.into_response();
    }
    let phrase = format!("created%3A%3E%3D{}Z", since.replace(':', "%3A"));
    let org = &by.tenant_id;
    let next = format!(
        "<https://api.github.com/orgs/{org}/audit-log?include=all&order=asc&per_page={per_page}&phrase={phrase}&after={end}>; rel=\"next\""
    );
    ([(LINK, next)], body).into_response()
}

/// The row for an activity; none for what the service would not know of.
fn row(activity: &Activity) -> Option<Value> {
    let share = activity.share.as_ref();
    let public = share
        .and_then(|share| share.link.as_ref())
        .is_some_and(|link| link.visibility == Visibility::Public);
    let (action, visibility) = match activity.kind {
        Kind::FileCreated => ("repo.create", Some("private")),
        Kind::FileUpdated => ("git.push", None),
        Kind::FileDownloaded => ("repo.download_zip", None),
        Kind::FileTrashed | Kind::FileDeleted => ("repo.destroy", None),
        Kind::LinkCreated | Kind::LinkRestored if public => ("repo.access", Some("public")),
        Kind::LinkRemoved if public => ("repo.access", Some("private")),
        Kind::FileShared => ("repo.add_member", None),
        Kind::ShareUpdated => ("repo.update_member", None),
        Kind::ShareRemoved => ("repo.remove_member", None),
        Kind::UserLogin => ("user.login", None),
        Kind::UserCreated => ("org.add_member", None),
        _ => return None,
    };
    let target = share.and_then(|share| share.target.as_ref());
    let object = activity
        .object
        .as_ref()
        .filter(|object| object.kind == "file");
    let at = activity.occurred_at.0;
    let all = json!({
        "@timestamp": at,
        "_document_id": activity.id,
        "action": action,
        "actor": activity.actor.id,
        "actor_id": activity.actor.id,
        "actor_ip": activity.actor.ip,
        "created_at": at,
        "org": activity.tenant_id,
        "org_id": activity.tenant_id,
        "repo": object.map(|object| format!("{}/{}", activity.tenant_id, object.id)),
        "repo_id": object.map(|object| &object.id),
        "visibility": visibility,
        "user": target.map(|target| &target.id),
        "user_id": target.map(|target| &target.id),
        "permission": target.and(share).map(|share| role_name(share.role)),
        "oauth_application_client_id": activity.client.app_id,
    });
    Some(without_nulls(all))
}

fn without_nulls(row: Value) -> Value {
    match row {
        Value::Object(fields) => {
            let there = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(there.collect())
        }
        other => other,
    }
}
