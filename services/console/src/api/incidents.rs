//! Incidents over the API: listed, shown, ruled on, and responded to; a dry run changes nothing.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{ConnectionScope, Incident, IncidentStatus, Severity};
use ports::IncidentFilter;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{etag, id};
use crate::Shared;
use crate::acts::incidents::Ruling;
use crate::auth::Actor;
use crate::body::{Strict, if_match};
use crate::problem::{Mistake, Problem};
use crate::query::Query;

/// What narrows a list of incidents.
pub(crate) const FILTERS: [&str; 10] = [
    "status",
    "severity",
    "connection",
    "policy",
    "actor_email",
    "object_id",
    "event_id",
    "q",
    "from",
    "to",
];

/// A person's word on an incident.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulingBody {
    /// The status to set.
    status: IncidentStatus,
    /// Why, in the person's words.
    #[serde(default)]
    comment: Option<String>,
}

/// Reads the filter that [`FILTERS`] names.
pub(crate) fn filter(query: &mut Query) -> IncidentFilter {
    IncidentFilter {
        status: query.words("status", IncidentStatus::ALL, IncidentStatus::word),
        severity: query.words("severity", Severity::ALL, Severity::word),
        connection: query.parsed("connection"),
        within: ConnectionScope::Every,
        policy: query.parsed("policy"),
        actor_email: query.text("actor_email"),
        object_id: query.text("object_id"),
        event_id: query.text("event_id"),
        text: query.text("q"),
        from: query.instant("from"),
        to: query.instant("to"),
    }
}

pub(crate) async fn list(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let known = [&FILTERS[..], &["limit", "cursor"]].concat();
    let mut query = Query::read(&uri, &known);
    let filter = filter(&mut query);
    let request = query.page();
    query.finish(())?;
    let page = console
        .ports
        .incidents
        .incident_page(&filter, &request)
        .await?;
    Ok(Json(page).into_response())
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(console.incident(id(&given)?).await?))
}

pub(crate) async fn rule(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
    Strict(body): Strict<RulingBody>,
) -> Result<Response, Problem> {
    let ruling = Ruling {
        status: body.status,
        comment: body.comment,
        revision: if_match(&headers)?,
    };
    Ok(shown(console.rule(&by, id(&given)?, ruling).await?))
}

/// Plans a response that a person asks for; with `dry_run=true` only says what it would do.
pub(crate) async fn ask_for(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    uri: Uri,
    Strict(response): Strict<event_model::Response>,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, &["dry_run"]);
    let dry_run = query.text("dry_run");
    query.finish(())?;
    let incident = id(&given)?;
    match dry_run.as_deref() {
        Some("true") => {
            let rehearsal = console.rehearse(incident, &response).await?;
            Ok(Json(rehearsal).into_response())
        }
        None | Some("false") => {
            let remedy = console.ask_for(&by, incident, &response).await?;
            Ok((StatusCode::ACCEPTED, Json(remedy)).into_response())
        }
        Some(_) => Err(Problem::bad_request(vec![Mistake::new(
            "dry_run",
            "must be `true` or `false`",
        )])),
    }
}

fn shown(incident: Incident) -> Response {
    (etag(incident.revision), Json(incident)).into_response()
}
