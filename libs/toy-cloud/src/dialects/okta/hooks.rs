//! Event hooks: made, verified by a question to their address, and only then told of events. A header that was given proves them.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Administrator, HOST, failure, log, refused};
use crate::http::Shared;
use crate::http::asked::Body;
use crate::webhooks::Order;
use crate::webhooks::style::{Letter, Parcel};

const KINDS: [&str; 8] = [
    "user.login",
    "user.login_failed",
    "user.created",
    "user.role_changed",
    "file.shared",
    "share.removed",
    "file.created",
    "folder.created",
];

pub(super) async fn list(State(service): Shared, Administrator(by): Administrator) -> Response {
    let hooks = service.model().webhooks(&by);
    hooks.map_or_else(refused, |hooks| {
        let all = hooks.into_iter().map(|hook| json!({"id": hook.id}));
        Json(all.collect::<Vec<Value>>()).into_response()
    })
}

pub(super) async fn make(
    State(service): Shared,
    Administrator(by): Administrator,
    Body(new): Body<Value>,
) -> Response {
    let text = |path: &str| {
        new.pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let order = Order {
        url: text("/channel/config/uri").to_owned(),
        events: KINDS.map(str::to_owned).to_vec(),
        description: text("/name").to_owned(),
        style: letter,
        key: Some(text("/channel/config/authScheme/value").into()),
    };
    let made = service.register_webhook(&by, order);
    made.map_or_else(refused, |(hook, _)| {
        let body = json!({"id": hook.id, "status": "ACTIVE", "verificationStatus": "UNVERIFIED"});
        Json(body).into_response()
    })
}

pub(super) async fn one(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Response {
    let hook = service.model().webhook(&by, &id);
    hook.map_or_else(refused, |hook| {
        Json(json!({"id": hook.id, "status": "ACTIVE"})).into_response()
    })
}

/// The address must give back what it is asked.
pub(super) async fn verify(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Response {
    let hook = service.model().webhook(&by, &id);
    let hook = match hook {
        Ok(hook) => hook,
        Err(refusal) => return refused(refusal),
    };
    let question = format!("verify-{id}");
    let answered = service.asks(&hook.url, "x-okta-verification-challenge", &question);
    match answered.await {
        Some(answer) if answer["verification"] == question.as_str() => {
            Json(json!({"id": id, "status": "ACTIVE", "verificationStatus": "VERIFIED"}))
                .into_response()
        }
        _ => failure(
            StatusCode::BAD_REQUEST,
            "E0000001",
            "the event hook could not be verified",
        ),
    }
}

pub(super) async fn deactivate(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Response {
    let hook = service.model().webhook(&by, &id);
    hook.map_or_else(refused, |_| {
        Json(json!({"id": id, "status": "INACTIVE"})).into_response()
    })
}

pub(super) async fn remove(
    State(service): Shared,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Response {
    let removed = service.model().deregister_webhook(&by, &id);
    removed.map_or_else(refused, |()| StatusCode::NO_CONTENT.into_response())
}

fn letter(parcel: &Parcel<'_>) -> Option<Letter> {
    let event = log::event(parcel.activity)?;
    let body = json!({
        "eventType": "com.okta.event_hook",
        "eventTypeVersion": "1.0",
        "cloudEventsVersion": "0.1",
        "source": format!("https://{HOST}/api/v1/eventHooks"),
        "eventId": parcel.delivery_id,
        "data": {"events": [event]},
        "eventTime": parcel.now.text(),
        "contentType": "application/json",
    });
    let headers = vec![(
        "authorization",
        String::from_utf8_lossy(parcel.key).into_owned(),
    )];
    Some(Letter {
        headers,
        body: serde_json::to_vec(&body).ok()?,
    })
}
