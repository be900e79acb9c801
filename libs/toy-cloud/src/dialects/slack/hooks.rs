//! The Events API: an event in an envelope, signed with the time of sending. What it has no event for is not told.

use http::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder};
use ring::hmac;
use serde_json::{Value, json};
use url::Url;

use crate::clock::Moment;
use crate::model::activity::{Activity, Kind};
use crate::webhooks::style::{Letter, Parcel};

/// The challenge stands in a signed body.
pub(super) fn question(
    http: &Client,
    url: &Url,
    secret: &str,
    challenge: &str,
    now: Moment,
) -> RequestBuilder {
    let body = json!({"token": "toy", "challenge": challenge, "type": "url_verification"});
    let body = body.to_string().into_bytes();
    let signed = signed(secret.as_bytes(), now, &body).into_iter();
    let request = http
        .post(url.clone())
        .header(CONTENT_TYPE, "application/json");
    signed
        .fold(request, |request, (name, value)| {
            request.header(name, value)
        })
        .body(body)
}

pub(super) fn letter(parcel: &Parcel<'_>) -> Option<Letter> {
    let activity = parcel.activity;
    let at = activity.occurred_at.unix_seconds();
    let body = json!({
        "token": "toy",
        "team_id": activity.tenant_id,
        "enterprise_id": activity.tenant_id,
        "api_app_id": "A0TIDE",
        "event": event(activity, at)?,
        "type": "event_callback",
        "event_id": activity.id,
        "event_time": at,
        "is_ext_shared_channel": false,
    });
    let body = serde_json::to_vec(&body).ok()?;
    Some(Letter {
        headers: signed(parcel.key, parcel.now, &body),
        body,
    })
}

fn signed(secret: &[u8], now: Moment, body: &[u8]) -> Vec<(&'static str, String)> {
    let sent = now.unix_seconds().to_string();
    let content = [b"v0:", sent.as_bytes(), b":", body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = format!("v0={}", hex::encode(hmac::sign(&key, &content)));
    vec![
        ("x-slack-request-timestamp", sent),
        ("x-slack-signature", signature),
    ]
}

fn event(activity: &Activity, at: i64) -> Option<Value> {
    let actor = &activity.actor;
    let object = activity.object.as_ref()?;
    let kind = name(activity.kind, object.kind)?;
    let sent = format!("{at}.000100");
    Some(match kind {
        "channel_created" => json!({
            "type": kind,
            "channel": {"id": object.id, "name": object.name, "created": at, "creator": actor.id},
            "event_ts": sent,
        }),
        // Who deleted it is not said.
        "file_deleted" => json!({"type": kind, "file_id": object.id, "event_ts": sent}),
        _ => json!({
            "type": kind,
            "file_id": object.id,
            "user_id": actor.id,
            "file": {"id": object.id},
            "event_ts": sent,
        }),
    })
}

fn name(kind: Kind, object: &str) -> Option<&'static str> {
    Some(match (kind, object) {
        (Kind::FolderCreated, _) => "channel_created",
        (Kind::FileCreated, "file") => "file_created",
        (Kind::FileUpdated | Kind::FileMoved | Kind::LinkUpdated | Kind::LinkRemoved, "file") => {
            "file_change"
        }
        (Kind::FileTrashed | Kind::FileDeleted, "file") => "file_deleted",
        (Kind::FileShared, "file") => "file_shared",
        (Kind::LinkCreated | Kind::LinkRestored, "file") => "file_public",
        _ => return None,
    })
}
