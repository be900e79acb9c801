//! Channels: each is told of the activities of one application. What proves a message is the token that was given when the channel
//! was made; the first message says that it is there, and has no body.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{Answer, Asking, Refused};
use super::reports::{application_of, told};
use crate::http::Shared;
use crate::http::asked::Body;
use crate::webhooks::Order;
use crate::webhooks::style::{Letter, Parcel, Style};

/// A channel lasts at most six hours.
const LASTS_MS_MAX: u64 = 6 * 3_600_000;
const TOKEN: &str = "x-goog-channel-token";
const STATE: &str = "x-goog-resource-state";

/// What applications are told; of others nothing happens here.
const APPLICATIONS: [(&str, Style); 4] = [
    ("drive", |parcel| letter(parcel, "drive")),
    ("login", |parcel| letter(parcel, "login")),
    ("admin", |parcel| letter(parcel, "admin")),
    ("token", |parcel| letter(parcel, "token")),
];

#[derive(Debug, Deserialize)]
pub(super) struct NewChannel {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    address: String,
    #[serde(default)]
    token: String,
    /// Milliseconds since 1970, as a number or a text.
    expiration: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Channel {
    id: String,
    resource_id: String,
}

/// Google makes the channel whatever its first message is answered; here one that is not taken is refused.
pub(super) async fn watch(
    State(service): Shared,
    Asking(by): Asking,
    Path(application): Path<String>,
    Body(new): Body<NewChannel>,
) -> Answer {
    service.model().administrators_only(&by)?;
    let asked = new.expiration.as_str().and_then(|text| text.parse().ok());
    let asked = asked.or(new.expiration.as_i64()).ok_or_else(Refused::bad)?;
    let hello = [(TOKEN, new.token.as_str()), (STATE, "sync")];
    if new.kind != "web_hook" || !service.tells(&new.address, &hello).await {
        return Err(Refused::bad());
    }
    let style = APPLICATIONS.iter().find(|(name, _)| *name == application);
    let order = Order {
        url: format!("{}{}", new.address, ending(&new.id)),
        events: vec!["*".to_owned()],
        description: application,
        style: style.map_or(|_| None, |(_, style)| *style),
        key: Some(new.token.into_bytes()),
    };
    let (made, _) = service.register_webhook(&by, order)?;
    let last = service.ground.clock.now().plus_ms(LASTS_MS_MAX);
    let body = json!({
        "kind": "api#channel",
        "id": new.id,
        "resourceId": made.id,
        "expiration": asked.min(last.0).to_string(),
    });
    Ok(Json(body).into_response())
}

/// A channel is stopped by both of its ids.
pub(super) async fn stop(
    State(service): Shared,
    Asking(by): Asking,
    Body(channel): Body<Channel>,
) -> Answer {
    let mut model = service.model();
    let made = model.webhook(&by, &channel.resource_id)?;
    if !made.url.ends_with(&ending(&channel.id)) {
        return Err(Refused::not_found());
    }
    model.deregister_webhook(&by, &channel.resource_id)?;
    let stopped: Response = StatusCode::NO_CONTENT.into_response();
    Ok(stopped)
}

/// One address stands for all channels in the service; here each has its own.
fn ending(id: &str) -> String {
    format!("?channel={id}")
}

fn letter(parcel: &Parcel<'_>, application: &str) -> Option<Letter> {
    if application_of(parcel.activity.kind) != application {
        return None;
    }
    let activity = told(parcel.activity);
    let name = activity.pointer("/events/0/name")?.as_str()?.to_owned();
    let token = String::from_utf8_lossy(parcel.key).into_owned();
    Some(Letter {
        headers: vec![(TOKEN, token), (STATE, name)],
        body: serde_json::to_vec(&activity).ok()?,
    })
}
