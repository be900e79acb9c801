//! Subscriptions to the five kinds of content, and the webhook that each may have: told where new content is, never what is in it.
//! What proves a notification is the secret that was given with the address; starting again without an address takes it away.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::activity::entry;
use super::asking::{Answer, Asking, Refused};
use super::records::content_type;
use super::sign_in::directory_of;
use crate::http::Shared;
use crate::http::asked::Params;
use crate::model::By;
use crate::service::Service;
use crate::webhooks::Order;
use crate::webhooks::style::{Letter, Parcel, Style};

const AUTH_ID: &str = "webhook-authid";
const VALIDATION: &str = "webhook-validationcode";

/// The kinds of content, and how new content of each is told.
const TYPES: [(&str, Style); 5] = [
    ("Audit.AzureActiveDirectory", |parcel| {
        letter(parcel, "Audit.AzureActiveDirectory")
    }),
    ("Audit.Exchange", |parcel| letter(parcel, "Audit.Exchange")),
    ("Audit.SharePoint", |parcel| {
        letter(parcel, "Audit.SharePoint")
    }),
    ("Audit.General", |parcel| letter(parcel, "Audit.General")),
    ("DLP.All", |parcel| letter(parcel, "DLP.All")),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Which {
    content_type: String,
}

#[derive(Debug, Default, Deserialize)]
struct Start {
    webhook: Option<Webhook>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    address: String,
    #[serde(default)]
    auth_id: String,
}

pub(super) async fn start(
    State(service): Shared,
    Asking(by): Asking,
    Params(which): Params<Which>,
    body: Bytes,
) -> Answer {
    let style = TYPES.iter().find(|(name, _)| *name == which.content_type);
    let (name, style) = *style.ok_or_else(|| Refused::bad("AF20020"))?;
    let asked: Start = match body.is_empty() {
        true => Start::default(),
        false => serde_json::from_slice(&body).map_err(|_| Refused::bad("AF50000"))?,
    };
    let Some(webhook) = asked.webhook else {
        take_away(&service, &by, name)?;
        return Ok(Json(subscription(name, &Value::Null)).into_response());
    };
    let hello = [(AUTH_ID, webhook.auth_id.as_str()), (VALIDATION, name)];
    if !service.tells(&webhook.address, &hello).await {
        return Err(Refused::bad("AF20023"));
    }
    let shown = json!({"status": "enabled", "address": webhook.address, "authId": webhook.auth_id, "expiration": null});
    let order = Order {
        url: format!("{}{}", webhook.address, ending(name)),
        events: vec!["*".to_owned()],
        description: name.to_owned(),
        style,
        key: Some(webhook.auth_id.into_bytes()),
    };
    service.register_webhook(&by, order)?;
    Ok(Json(subscription(name, &shown)).into_response())
}

pub(super) async fn subscriptions(_: Asking) -> Answer {
    let all = TYPES.map(|(name, _)| subscription(name, &Value::Null));
    Ok(Json(json!(all)).into_response())
}

fn subscription(content_type: &str, webhook: &Value) -> Value {
    json!({"contentType": content_type, "status": "enabled", "webhook": webhook})
}

fn take_away(service: &Service, by: &By, content_type: &str) -> Result<(), Refused> {
    let mut model = service.model();
    let made = model.webhooks(by)?;
    let of_type = made
        .iter()
        .filter(|one| one.url.ends_with(&ending(content_type)));
    for one in of_type {
        model.deregister_webhook(by, &one.id)?;
    }
    Ok(())
}

/// One address stands for all kinds in the service; here each has its own.
fn ending(content_type: &str) -> String {
    format!("?contentType={content_type}")
}

fn letter(parcel: &Parcel<'_>, told: &str) -> Option<Letter> {
    let activity = parcel.activity;
    if content_type(activity.kind) != told {
        return None;
    }
    let mut entry = entry(activity, told);
    entry["tenantId"] = directory_of(&activity.tenant_id).into();
    entry["clientId"] = activity.client.app_id.clone().into();
    Some(Letter {
        headers: vec![(AUTH_ID, String::from_utf8_lossy(parcel.key).into_owned())],
        body: serde_json::to_vec(&[entry]).ok()?,
    })
}
