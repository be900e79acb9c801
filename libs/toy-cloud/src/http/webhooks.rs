use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;

use super::Shared;
use super::answers::{Answer, items};
use super::asked::{Body, Caller};
use crate::oauth::scopes::Scope;
use crate::webhooks::Order;
use crate::webhooks::style::standard;

#[derive(Debug, Deserialize)]
pub(super) struct NewWebhook {
    url: String,
    #[serde(default = "everything")]
    events: Vec<String>,
    #[serde(default)]
    description: String,
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

pub(super) async fn register(
    State(service): Shared,
    caller: Caller,
    Body(new): Body<NewWebhook>,
) -> Answer {
    let by = caller.may(Scope::WebhooksManage)?;
    let NewWebhook {
        url,
        events,
        description,
    } = new;
    let (view, fresh) = service.register_webhook(
        by,
        Order {
            url,
            events,
            description,
            style: standard,
            key: None,
        },
    )?;
    let status = if fresh {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(view)).into_response())
}

pub(super) async fn list(State(service): Shared, caller: Caller) -> Answer {
    let webhooks = service
        .model()
        .webhooks(caller.may(Scope::WebhooksManage)?)?;
    Ok(items(webhooks))
}

pub(super) async fn one(State(service): Shared, caller: Caller, Path(id): Path<String>) -> Answer {
    let webhook = service
        .model()
        .webhook(caller.may(Scope::WebhooksManage)?, &id)?;
    Ok(Json(webhook).into_response())
}

pub(super) async fn deregister(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    service
        .model()
        .deregister_webhook(caller.may(Scope::WebhooksManage)?, &id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
