//! Webhooks of the organisation, signed over their body with the secret that was given.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use ring::hmac;
use serde_json::{Value, json};

use super::refused;
use super::repositories::role_name;
use crate::http::Shared;
use crate::http::asked::{Body, Caller};
use crate::model::activity::Kind;
use crate::model::links::Visibility;
use crate::webhooks::Order;
use crate::webhooks::style::{Letter, Parcel};

pub(super) async fn list(State(service): Shared, caller: Caller) -> Response {
    let hooks = service.model().webhooks(caller.anyone());
    hooks.map_or_else(refused, |hooks| {
        let all = hooks.into_iter().map(|hook| json!({"id": hook.id}));
        Json(all.collect::<Vec<Value>>()).into_response()
    })
}

pub(super) async fn make(
    State(service): Shared,
    caller: Caller,
    Body(new): Body<Value>,
) -> Response {
    let text = |path: &str| {
        new.pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let order = Order {
        url: text("/config/url").to_owned(),
        events: vec!["*".to_owned()],
        description: String::new(),
        style: letter,
        key: Some(text("/config/secret").into()),
    };
    let made = service.register_webhook(caller.anyone(), order);
    made.map_or_else(refused, |(hook, _)| {
        (
            StatusCode::CREATED,
            Json(json!({"id": hook.id, "active": true})),
        )
            .into_response()
    })
}

pub(super) async fn one(
    State(service): Shared,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let hook = service.model().webhook(caller.anyone(), &id);
    hook.map_or_else(refused, |hook| {
        Json(json!({"id": hook.id, "active": true})).into_response()
    })
}

pub(super) async fn remove(
    State(service): Shared,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let removed = service.model().deregister_webhook(caller.anyone(), &id);
    removed.map_or_else(refused, |()| StatusCode::NO_CONTENT.into_response())
}

fn letter(parcel: &Parcel<'_>) -> Option<Letter> {
    let activity = parcel.activity;
    let share = activity.share.as_ref();
    let public = share
        .and_then(|share| share.link.as_ref())
        .is_some_and(|link| link.visibility == Visibility::Public);
    let (event, action) = match activity.kind {
        Kind::FileCreated => ("repository", "created"),
        Kind::FileTrashed | Kind::FileDeleted => ("repository", "deleted"),
        Kind::LinkCreated | Kind::LinkRestored if public => ("repository", "publicized"),
        Kind::LinkRemoved if public => ("repository", "privatized"),
        Kind::FileShared => ("member", "added"),
        Kind::ShareUpdated => ("member", "edited"),
        Kind::ShareRemoved => ("member", "removed"),
        _ => return None,
    };
    let object = activity
        .object
        .as_ref()
        .filter(|object| object.kind == "file")?;
    let (org, repo) = (&activity.tenant_id, &object.id);
    let visibility = match action {
        "publicized" => "public",
        _ => "private",
    };
    let mut body = json!({
        "action": action,
        "repository": {
            "id": repo,
            "name": repo,
            "full_name": format!("{org}/{repo}"),
            "private": visibility == "private",
            "visibility": visibility,
            "html_url": format!("https://github.com/{org}/{repo}"),
        },
        "organization": {"id": org, "login": org},
        "sender": {"id": activity.actor.id, "login": activity.actor.id, "type": "User"},
    });
    if let Some((share, target)) = share.and_then(|share| Some((share, share.target.as_ref()?))) {
        body["member"] = json!({"id": target.id, "login": target.id});
        body["changes"] = json!({"permission": {"to": role_name(share.role)}});
    }
    let body = serde_json::to_vec(&body).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, parcel.key);
    let signature = hex::encode(hmac::sign(&key, &body));
    let headers = vec![
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", parcel.delivery_id.to_owned()),
        ("x-hub-signature-256", format!("sha256={signature}")),
    ];
    Some(Letter { headers, body })
}
