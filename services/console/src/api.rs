//! The REST API under `/api/v1`: cursor paging, strict queries and bodies, ETags, problem JSON.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::Request;
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::problem::Problem;
use crate::query::{Query, nearest};
use crate::{Shared, auth, openapi, sse};

pub(crate) mod access;
pub(crate) mod activities;
pub(crate) mod audit;
mod blind_spots;
mod breakers;
pub(crate) mod connections;
pub(crate) mod decisions;
pub(crate) mod detectors;
mod exceptions;
mod export;
pub(crate) mod incidents;
pub(crate) mod policies;
mod quarantine;
mod remedies;
mod replays;
pub(crate) mod scans;
mod services;
mod sinks;
pub(crate) mod stats;
pub(crate) mod tokens;
pub(crate) mod users;

/// Every route of the API, guarded.
pub(crate) fn routes(console: &Shared) -> Router<Shared> {
    lists()
        .merge(ones().merge(looking()).route_layer(from_fn(refuse_query)))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(
            console.clone(),
            auth::programs_and_browsers,
        ))
}

/// Routes that read their query.
fn lists() -> Router<Shared> {
    Router::new()
        .route("/services", get(services::list))
        .route(
            "/connections",
            get(connections::list).post(connections::create),
        )
        .route("/activities", get(activities::list))
        .route("/activities/export", get(export::activities::export))
        .route("/policies", get(policies::list).post(policies::create))
        .route("/incidents", get(incidents::list))
        .route("/incidents/stream", get(sse::stream))
        .route("/incidents/export", get(export::incidents::export))
        .route("/incidents/{id}/remedies", post(incidents::ask_for))
        .route(
            "/exceptions",
            get(exceptions::list).post(exceptions::create),
        )
        .route("/remedies", get(remedies::list))
        .route("/quarantine", get(quarantine::list))
        .route("/quarantine/{id}/content", get(quarantine::content))
        .merge(access::lists())
        .route("/replays", get(replays::list))
        .route("/scans", get(scans::list).post(scans::start))
        .route("/detectors", get(detectors::list))
        .route("/blind-spots", get(blind_spots::list))
        .route("/audit", get(audit::list))
        .route("/audit/export", get(export::audit::export))
        .route("/stats", get(stats::overview))
        .route("/users", get(users::list).post(users::create))
        .route("/tokens", get(tokens::list).post(tokens::create))
        .route("/decisions", post(decisions::decide))
        .route("/decisions/batch", post(decisions::decide_all))
}

/// Routes of people's work, without a query.
fn cases() -> Router<Shared> {
    Router::new()
        .route("/exceptions/{id}", get(exceptions::one))
        .route("/exceptions/{id}/end", post(exceptions::end))
        .route("/views", get(exceptions::views).post(exceptions::keep_view))
        .route(
            "/views/{id}",
            axum::routing::delete(exceptions::remove_view),
        )
        .route("/incidents/work", post(incidents::work))
        .route("/policies/verdicts", get(stats::policy_verdicts))
}

/// Routes that take no query.
fn ones() -> Router<Shared> {
    cases()
        .merge(access::ones())
        .route("/connections/{id}", get(connections::one))
        .route("/connections/{id}/authorize", post(connections::authorize))
        .route("/connections/{id}/enable", post(connections::enable))
        .route("/connections/{id}/disable", post(connections::disable))
        .route(
            "/connections/{id}/webhook-secret",
            post(connections::put_webhook_secret),
        )
        .route(
            "/connections/{id}/health",
            get(connections::last_health).post(connections::check_health),
        )
        .route("/connections/{id}/coverage", get(connections::coverage))
        .route(
            "/activities/{connection_id}/{event_id}/raw",
            get(activities::raw),
        )
        .route("/policies/check", post(policies::check))
        .route("/policy-templates", get(policies::templates))
        .route("/policies/replay", post(replays::start))
        .route("/replays/{id}", get(replays::one))
        .route("/replays/{id}/cancel", post(replays::cancel))
        .route(
            "/policies/{id}",
            get(policies::one)
                .put(policies::change)
                .delete(policies::remove),
        )
        .route("/policies/{id}/enable", post(policies::enable))
        .route("/policies/{id}/disable", post(policies::disable))
        .route(
            "/incidents/{id}",
            get(incidents::one).patch(incidents::rule),
        )
        .route("/remedies/{id}", get(remedies::one))
        .route("/remedies/{id}/retry", post(remedies::retry))
        .route("/remedies/{id}/approve", post(remedies::approve))
        .route("/remedies/{id}/cancel", post(remedies::cancel))
        .route("/me", get(users::me))
        .route("/users/{id}", get(users::one).patch(users::change))
        .route("/users/{id}/reset", post(users::reset))
        .route("/users/{id}/end-sessions", post(users::end_sessions))
        .route(
            "/users/{id}/remove-second-factor",
            post(users::remove_second_factor),
        )
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .route("/sinks", get(sinks::list))
        .route("/sinks/{name}/test", post(sinks::try_out))
        .route("/breakers", get(breakers::list))
        .route(
            "/breakers/{policy_id}/{connection_id}/continue",
            post(breakers::go_on),
        )
        .route(
            "/breakers/{policy_id}/{connection_id}/cancel",
            post(breakers::cancel),
        )
        .route("/remedies/{id}/undo", post(remedies::undo))
        .route("/quarantine/{id}", get(quarantine::one))
        .route("/quarantine/{id}/restore", post(quarantine::restore))
        .route("/quarantine/{id}/delete", post(quarantine::delete))
        .route("/openapi.json", get(|| async { Json(openapi()) }))
}

/// What content is looked through with, and what exists is looked through: routes that take no query.
fn looking() -> Router<Shared> {
    Router::new()
        .route("/detectors/try", post(detectors::attempt))
        .route(
            "/detectors/{name}",
            get(detectors::one)
                .put(detectors::put)
                .delete(detectors::remove),
        )
        .route("/scans/{id}", get(scans::one))
        .route("/scans/{id}/pause", post(scans::pause))
        .route("/scans/{id}/resume", post(scans::resume))
        .route("/scans/{id}/cancel", post(scans::cancel))
}

/// The routes of OPA's data API, guarded in the same way.
pub(crate) fn data_routes(console: &Shared) -> Router<Shared> {
    Router::new()
        .route("/v1/data/tidegate/{document}", post(decisions::data))
        .layer(from_fn_with_state(
            console.clone(),
            auth::programs_and_browsers,
        ))
}

async fn refuse_query(request: Request, next: Next) -> Response {
    match Query::read(request.uri(), &[]).finish(()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Paths under `/api` that are of no version.
pub(crate) async fn no_such_version() -> Problem {
    let detail = "the API is under `/api/v1`, described by `/api/v1/openapi.json`";
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn no_such_path(uri: Uri) -> Problem {
    let known = openapi::resources();
    let first = uri.path().trim_start_matches('/').split('/').next();
    let near = first.and_then(|first| nearest(first, &known));
    let hint = near.map_or(String::new(), |near| {
        format!(", did you mean `/api/v1/{near}`?")
    });
    let path: String = uri.path().chars().take(200).collect();
    let detail = format!("the API has no path `/api/v1{path}`{hint}");
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn no_such_method(method: axum::http::Method) -> Problem {
    let detail = format!("this path does not take {method}, see the `allow` header");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// An id from a path; one that is none, or of another kind, is nowhere to be found.
pub(crate) fn id<T: FromStr<Err: Display>>(text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: T::Err| Problem::new(StatusCode::NOT_FOUND, error.to_string()))
}

/// The header that lets a client change what it has seen.
fn etag(revision: impl Display) -> [(HeaderName, String); 1] {
    [(header::ETAG, format!("\"{revision}\""))]
}
