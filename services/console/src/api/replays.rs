//! Trials of policies on recorded activity, as jobs.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{Job, JobKind, Page, PolicyId};
use ports::JobFilter;

use super::{etag, id};
use crate::Shared;
use crate::acts::replays::ReplayBody;
use crate::auth::Actor;
use crate::body::Strict;
use crate::problem::Problem;
use crate::query::Query;

pub(crate) async fn start(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(body): Strict<ReplayBody>,
) -> Result<Response, Problem> {
    let job = console.start_replay(&by, body).await?;
    let place = [(header::LOCATION, format!("/api/v1/replays/{}", job.id))];
    Ok((StatusCode::ACCEPTED, place, Json(job)).into_response())
}

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<Job>>, Problem> {
    let mut query = Query::read(&uri, &["policy", "limit", "cursor"]);
    let filter = JobFilter {
        kind: Some(JobKind::Replay),
        subject: query
            .parsed::<PolicyId>("policy")
            .map(|policy| policy.to_string()),
    };
    let request = query.page();
    query.finish(())?;
    Ok(Json(console.ports.jobs.job_page(&filter, &request).await?))
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    let (job, _) = console.replay(id(&given)?).await?;
    Ok((etag(job.revision), Json(job)).into_response())
}

pub(crate) async fn cancel(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Json<Job>, Problem> {
    Ok(Json(console.cancel_replay(&by, id(&given)?).await?))
}
