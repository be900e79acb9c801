use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::Page;
use ports::ExceptionFilter;

use super::id;
use crate::Shared;
use crate::acts::exceptions::{ExceptionBody, ViewBody};
use crate::auth::Actor;
use crate::body::Strict;
use crate::problem::Problem;
use crate::query::Query;

/// What narrows a list of exceptions.
pub(crate) const FILTERS: [&str; 4] = ["policy", "in_use", "limit", "cursor"];

pub(crate) async fn list(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &FILTERS);
    let in_use = query.word("in_use", &[true], |_| "true");
    let filter = ExceptionFilter {
        policy: query.parsed("policy"),
        in_use_at: in_use.map(|_| console.ports.clock.now()),
    };
    let request = query.page();
    query.finish(())?;
    let page = console.ports.exceptions.exception_page(&filter, &request);
    Ok(Json(page.await?).into_response())
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(Json(console.exception(id(&given)?).await?).into_response())
}

pub(crate) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(body): Strict<ExceptionBody>,
) -> Result<Response, Problem> {
    let made = console.add_exception(&by, body).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

pub(crate) async fn end(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(Json(console.end_exception(&by, id(&given)?).await?).into_response())
}

pub(crate) async fn views(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
) -> Result<Response, Problem> {
    let items = console.ports.views.views(by.name()).await?;
    Ok(Json(Page { items, next: None }).into_response())
}

pub(crate) async fn keep_view(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(body): Strict<ViewBody>,
) -> Result<Response, Problem> {
    let kept = console.add_view(&by, body).await?;
    Ok((StatusCode::CREATED, Json(kept)).into_response())
}

pub(crate) async fn remove_view(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<StatusCode, Problem> {
    console.remove_view(&by, id(&given)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
