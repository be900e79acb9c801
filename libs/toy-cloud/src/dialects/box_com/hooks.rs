//! Webhooks of one folder each, signed over body and time with both keys of the application.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use ring::hmac;
use serde_json::{Value, json};
use url::Url;

use super::asking::{Answer, Asking, Refused};
use crate::http::Shared;
use crate::http::asked::Body;
use crate::model::activity::Kind;
use crate::webhooks::Order;
use crate::webhooks::style::{Letter, Parcel};

/// The application's keys, as its page in the developer console would show them.
const PRIMARY_KEY: &str = "toy-primary-key";
const SECONDARY_KEY: &str = "toy-secondary-key";

/// What is put to the address: all folders' webhooks go to one, and are told apart by the path that they are of.
const BELOW: &str = "below";

/// What can be told, and by which word.
const TRIGGERS: [(Kind, &str); 15] = [
    (Kind::FileCreated, "FILE.UPLOADED"),
    (Kind::FileUpdated, "FILE.UPLOADED"),
    (Kind::FileMoved, "FILE.MOVED"),
    (Kind::FileRestored, "FILE.RESTORED"),
    (Kind::FileDownloaded, "FILE.DOWNLOADED"),
    (Kind::FileViewed, "FILE.PREVIEWED"),
    (Kind::FileTrashed, "FILE.TRASHED"),
    (Kind::FileDeleted, "FILE.DELETED"),
    (Kind::FolderCreated, "FOLDER.CREATED"),
    (Kind::FileShared, "COLLABORATION.CREATED"),
    (Kind::ShareUpdated, "COLLABORATION.UPDATED"),
    (Kind::ShareRemoved, "COLLABORATION.REMOVED"),
    (Kind::LinkCreated, "SHARED_LINK.CREATED"),
    (Kind::LinkUpdated, "SHARED_LINK.UPDATED"),
    (Kind::LinkRemoved, "SHARED_LINK.DELETED"),
];

pub(super) async fn make(State(service): Shared, asking: Asking, Body(new): Body<Value>) -> Answer {
    let text = |path: &str| {
        new.pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let folder = service.model().file(&asking.by, text("/target/id"))?.path;
    let bad = |_| Refused::new(StatusCode::BAD_REQUEST, "bad_request");
    let mut url = Url::parse(text("/address")).map_err(bad)?;
    url.query_pairs_mut().append_pair(BELOW, &folder);
    let wanted = |trigger: &str| {
        let mut wanted = new["triggers"].as_array().into_iter().flatten();
        wanted.any(|one| one == trigger)
    };
    let events = TRIGGERS.iter().filter(|(_, trigger)| wanted(trigger));
    let order = Order {
        url: url.into(),
        events: events.map(|(kind, _)| kind.name().to_owned()).collect(),
        description: String::new(),
        style: letter,
        key: None,
    };
    let (hook, _) = service.register_webhook(&asking.by, order)?;
    let body = json!({"id": hook.id, "type": "webhook", "target": new["target"]});
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub(super) async fn one(State(service): Shared, asking: Asking, Path(id): Path<String>) -> Answer {
    let hook = service.model().webhook(&asking.by, &id)?;
    Ok(Json(json!({"id": hook.id, "type": "webhook"})).into_response())
}

pub(super) async fn remove(
    State(service): Shared,
    asking: Asking,
    Path(id): Path<String>,
) -> Answer {
    service.model().deregister_webhook(&asking.by, &id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn letter(parcel: &Parcel<'_>) -> Option<Letter> {
    let activity = parcel.activity;
    let object = activity.object.as_ref()?;
    let (_, folder) = parcel.url.query_pairs().find(|(name, _)| name == BELOW)?;
    let below = object.path.as_deref()?.strip_prefix(folder.as_ref())?;
    if !below.starts_with('/') {
        return None;
    }
    let mut triggers = TRIGGERS.iter();
    let (_, trigger) = triggers.find(|(kind, _)| *kind == activity.kind)?;
    let actor = &activity.actor;
    let body = json!({
        "type": "webhook_event",
        "id": parcel.delivery_id,
        "created_at": activity.occurred_at,
        "trigger": trigger,
        "webhook": {"id": parcel.webhook_id, "type": "webhook"},
        "created_by": {"type": "user", "id": actor.id, "name": actor.name, "login": actor.email},
        "source": {"type": object.kind, "id": object.id, "name": object.name},
        "additional_info": [],
    });
    let body = serde_json::to_vec(&body).ok()?;
    let sent = parcel.now.text();
    let headers = vec![
        ("box-delivery-id", parcel.delivery_id.to_owned()),
        ("box-signature-version", "1".to_owned()),
        ("box-signature-algorithm", "HmacSHA256".to_owned()),
        (
            "box-signature-primary",
            signature(PRIMARY_KEY, &body, &sent),
        ),
        (
            "box-signature-secondary",
            signature(SECONDARY_KEY, &body, &sent),
        ),
        ("box-delivery-timestamp", sent),
    ];
    Some(Letter { headers, body })
}

fn signature(key: &str, body: &[u8], sent: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, &[body, sent.as_bytes()].concat()))
}
