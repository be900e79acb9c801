use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use event_model::{ConnectionScope, Page, Remedy, RemedyKind, RemedyState};
use ports::RemedyFilter;

use super::id;
use crate::Shared;
use crate::auth::Actor;
use crate::problem::Problem;
use crate::query::Query;

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<Remedy>>, Problem> {
    let known = [
        "incident",
        "connection",
        "state",
        "kind",
        "object_id",
        "policy",
        "limit",
        "cursor",
    ];
    let mut query = Query::read(&uri, &known);
    let filter = RemedyFilter {
        incident: query.parsed("incident"),
        connection: query.parsed("connection"),
        within: ConnectionScope::Every,
        state: query.words("state", RemedyState::ALL, RemedyState::word),
        kind: query.word("kind", RemedyKind::ALL, RemedyKind::word),
        object: query.text("object_id"),
        policy: query.parsed("policy"),
    };
    let request = query.page();
    query.finish(())?;
    Ok(Json(
        console
            .ports
            .remedies
            .remedy_page(&filter, &request)
            .await?,
    ))
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Json<Remedy>, Problem> {
    Ok(Json(console.remedy(id(&given)?).await?))
}

pub(crate) async fn retry(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<(StatusCode, Json<Remedy>), Problem> {
    let remedy = console.retry(&by, id(&given)?).await?;
    Ok((StatusCode::ACCEPTED, Json(remedy)))
}

pub(crate) async fn approve(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<(StatusCode, Json<Remedy>), Problem> {
    let remedy = console.approve(&by, id(&given)?).await?;
    Ok((StatusCode::ACCEPTED, Json(remedy)))
}

pub(crate) async fn cancel(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Json<Remedy>, Problem> {
    Ok(Json(console.cancel(&by, id(&given)?).await?))
}

/// Plans the undoing and answers with the remedy that will do it.
pub(crate) async fn undo(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<(StatusCode, Json<Remedy>), Problem> {
    let remedy = console.undo(&by, id(&given)?).await?;
    Ok((StatusCode::ACCEPTED, Json(remedy)))
}
