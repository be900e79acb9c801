use axum::extract::{Path, State};
use axum::{Extension, Json};
use event_model::Page;
use ports::{Breaker, BreakerRuling};
use serde_json::{Value, json};

use super::id;
use crate::Shared;
use crate::auth::Actor;
use crate::problem::Problem;

pub(crate) async fn list(State(console): State<Shared>) -> Result<Json<Page<Breaker>>, Problem> {
    let items = console.breakers().await?;
    Ok(Json(Page { items, next: None }))
}

pub(crate) async fn go_on(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(place): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    rule(&console, &by, &place, BreakerRuling::Continue).await
}

pub(crate) async fn cancel(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(place): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    rule(&console, &by, &place, BreakerRuling::Cancel).await
}

async fn rule(
    console: &Shared,
    by: &Actor,
    (policy, connection): &(String, String),
    ruling: BreakerRuling,
) -> Result<Json<Value>, Problem> {
    let remedies = console
        .rule_on_breaker(by, id(policy)?, id(connection)?, ruling)
        .await?;
    Ok(Json(json!({ "remedies": remedies })))
}
