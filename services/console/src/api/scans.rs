//! Scans of what exists already, as jobs with their rate and how long they still take.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{ConnectionId, Job, JobKind, JobState, JobWork, Page, ScanAsk};
use ports::JobFilter;
use schemars::JsonSchema;
use serde::Serialize;

use super::{etag, id};
use crate::Shared;
use crate::acts::scans::ScanAct;
use crate::auth::Actor;
use crate::body::Strict;
use crate::problem::Problem;
use crate::query::Query;

/// A scan on the wire.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ScanItem {
    #[serde(flatten)]
    job: Job,
    /// How many it lists a minute; absent before it listed anything.
    per_minute: Option<u64>,
    /// How much is done, of what the last scan of the same kind listed; absent without one.
    percent: Option<u8>,
    /// How long it will still take at its rate; absent while that cannot be told.
    seconds_left: Option<u64>,
}

impl From<Job> for ScanItem {
    fn from(job: Job) -> Self {
        let (per_minute, percent, seconds_left) = match &job.work {
            JobWork::Scan(scan) if job.state == JobState::Done => {
                (scan.per_minute(), Some(100), None)
            }
            JobWork::Scan(scan) if job.state.is_over() => (scan.per_minute(), scan.percent(), None),
            JobWork::Scan(scan) => (scan.per_minute(), scan.percent(), scan.seconds_left()),
            JobWork::Replay(_) => (None, None, None),
        };
        ScanItem {
            job,
            per_minute,
            percent,
            seconds_left,
        }
    }
}

pub(crate) async fn start(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(ask): Strict<ScanAsk>,
) -> Result<Response, Problem> {
    let job = console.start_scan(&by, ask).await?;
    let place = [(header::LOCATION, format!("/api/v1/scans/{}", job.id))];
    Ok((StatusCode::ACCEPTED, place, Json(ScanItem::from(job))).into_response())
}

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<ScanItem>>, Problem> {
    let mut query = Query::read(&uri, &["connection", "limit", "cursor"]);
    let filter = JobFilter {
        kind: Some(JobKind::Scan),
        subject: query
            .parsed::<ConnectionId>("connection")
            .map(|connection| connection.to_string()),
    };
    let request = query.page();
    query.finish(())?;
    let page = console.ports.jobs.job_page(&filter, &request).await?;
    Ok(Json(page.map(ScanItem::from)))
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    let (job, _) = console.scan(id(&given)?).await?;
    Ok((etag(job.revision), Json(ScanItem::from(job))).into_response())
}

pub(crate) async fn pause(
    state: State<Shared>,
    by: Extension<Actor>,
    path: Path<String>,
) -> Result<Json<ScanItem>, Problem> {
    act(state, by, path, ScanAct::Pause).await
}

pub(crate) async fn resume(
    state: State<Shared>,
    by: Extension<Actor>,
    path: Path<String>,
) -> Result<Json<ScanItem>, Problem> {
    act(state, by, path, ScanAct::Resume).await
}

pub(crate) async fn cancel(
    state: State<Shared>,
    by: Extension<Actor>,
    path: Path<String>,
) -> Result<Json<ScanItem>, Problem> {
    act(state, by, path, ScanAct::Cancel).await
}

async fn act(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    act: ScanAct,
) -> Result<Json<ScanItem>, Problem> {
    let job = console.act_on_scan(&by, id(&given)?, act).await?;
    Ok(Json(ScanItem::from(job)))
}
