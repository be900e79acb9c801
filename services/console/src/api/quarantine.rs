use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use event_model::{ConnectionScope, Page, QuarantineItem, QuarantineState, Remedy};
use ports::QuarantineFilter;

use super::id;
use crate::Shared;
use crate::auth::Actor;
use crate::problem::Problem;
use crate::query::Query;

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<QuarantineItem>>, Problem> {
    let known = ["connection", "incident", "state", "limit", "cursor"];
    let mut query = Query::read(&uri, &known);
    let filter = QuarantineFilter {
        connection: query.parsed("connection"),
        within: ConnectionScope::Every,
        incident: query.parsed("incident"),
        state: query.words("state", QuarantineState::ALL, QuarantineState::word),
    };
    let request = query.page();
    query.finish(())?;
    let page = console
        .ports
        .quarantine
        .quarantine_page(&filter, &request)
        .await?;
    Ok(Json(page))
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Json<QuarantineItem>, Problem> {
    Ok(Json(console.held(id(&given)?).await?))
}

pub(crate) async fn restore(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<(StatusCode, Json<Remedy>), Problem> {
    let remedy = console.restore(&by, id(&given)?).await?;
    Ok((StatusCode::ACCEPTED, Json(remedy)))
}

pub(crate) async fn delete(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<(StatusCode, Json<Remedy>), Problem> {
    let remedy = console.purge(&by, id(&given)?).await?;
    Ok((StatusCode::ACCEPTED, Json(remedy)))
}
