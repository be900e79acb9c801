//! webhook_listeners: one registration for each class of event, proved by a header that was given at registration, and nothing else.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{failure, file_id, ocs, refused};
use crate::http::Shared;
use crate::http::asked::{Body, Caller};
use crate::model::activity::Kind;
use crate::webhooks::Order;
use crate::webhooks::style::{Letter, Parcel, Style};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewHook {
    uri: String,
    event: String,
    #[serde(default)]
    auth_data: Value,
}

const PREFIX: &str = "OCP\\Files\\Events\\Node\\";

/// Classes, what they are told for, and how.
const CLASSES: [(&str, &[Kind], Style); 6] = [
    // Nothing is copied here: it can be asked for, and is never told.
    ("NodeCopiedEvent", &[Kind::FileRestored], |_| None),
    (
        "NodeCreatedEvent",
        &[Kind::FileCreated, Kind::FolderCreated],
        |parcel| letter(parcel, "NodeCreatedEvent"),
    ),
    ("NodeWrittenEvent", &[Kind::FileUpdated], |parcel| {
        letter(parcel, "NodeWrittenEvent")
    }),
    ("NodeRenamedEvent", &[Kind::FileMoved], |parcel| {
        letter(parcel, "NodeRenamedEvent")
    }),
    (
        "BeforeNodeDeletedEvent",
        &[Kind::FileTrashed, Kind::FileDeleted],
        |parcel| letter(parcel, "BeforeNodeDeletedEvent"),
    ),
    (
        "BeforeNodeReadEvent",
        &[Kind::FileDownloaded, Kind::FileViewed],
        |parcel| letter(parcel, "BeforeNodeReadEvent"),
    ),
];

pub(super) async fn list(State(service): Shared, caller: Caller) -> Response {
    let hooks = service.model().webhooks(caller.anyone());
    hooks.map_or_else(refused, |hooks| {
        ocs(hooks
            .into_iter()
            .map(|hook| json!({"id": hook.id}))
            .collect())
    })
}

/// One address stands for all classes in the service; here each class has its own, told apart by a parameter.
pub(super) async fn register(
    State(service): Shared,
    caller: Caller,
    Body(new): Body<NewHook>,
) -> Response {
    let class = new.event.strip_prefix(PREFIX).unwrap_or_default();
    let known = CLASSES.iter().find(|(name, ..)| *name == class);
    let Some((_, kinds, style)) = known else {
        let message = "The event is not an event class compatible with webhooks";
        return failure(StatusCode::BAD_REQUEST, message);
    };
    let key = new.auth_data["Authorization"].as_str().unwrap_or_default();
    let order = Order {
        url: format!("{}?event={class}", new.uri),
        events: kinds.iter().map(|kind| kind.name().to_owned()).collect(),
        description: String::new(),
        style: *style,
        key: Some(key.as_bytes().to_vec()),
    };
    let registered = service.register_webhook(caller.anyone(), order);
    registered.map_or_else(refused, |(view, _)| ocs(json!({"id": view.id})))
}

pub(super) async fn one(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Response {
    let hook = service.model().webhook(caller.anyone(), &id);
    hook.map_or_else(refused, |hook| ocs(json!({"id": hook.id})))
}

/// Taking away what is not there answers false.
pub(super) async fn remove(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Response {
    let removed = service.model().deregister_webhook(caller.anyone(), &id);
    ocs(json!(removed.is_ok()))
}

fn letter(parcel: &Parcel<'_>, class: &str) -> Option<Letter> {
    let activity = parcel.activity;
    let object = activity.object.as_ref()?;
    let uid = &activity.actor.id;
    let node = json!({"id": file_id(&object.id)?, "path": format!("/{uid}/files{}", object.path.as_ref()?)});
    let class_name = format!("{PREFIX}{class}");
    let event = match class {
        "NodeRenamedEvent" => {
            json!({"source": {"path": node["path"]}, "target": node, "class": class_name})
        }
        _ => json!({"node": node, "class": class_name}),
    };
    let body = json!({
        "event": event,
        "user": {"uid": uid, "displayName": activity.actor.name},
        "time": activity.occurred_at.unix_seconds(),
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
