//! Access policies and their groups over the API: made, read, changed, removed, linked, explained.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use event_model::{AccessGroupRecord, AccessPolicyRecord, Page, PageRequest};
use serde::Serialize;

use super::{etag, id};
use crate::Shared;
use crate::acts::access::explained::{AccessAnswer, AccessQuestion};
use crate::acts::access::groups::ranked;
use crate::acts::access::{AccessGroupBody, AccessPolicyBody, RankedPolicy};
use crate::auth::Actor;
use crate::body::{Strict, if_match};
use crate::problem::{Mistake, Problem};
use crate::query::Query;

/// Routes that read their query.
pub(super) fn lists() -> Router<Shared> {
    Router::new()
        .route("/access-policies", get(policies).post(create_policy))
        .route("/access-policy-groups", get(groups).post(create_group))
}

/// Routes that take no query.
pub(super) fn ones() -> Router<Shared> {
    Router::new()
        .route(
            "/access-policies/{id}",
            get(policy).put(replace_policy).delete(remove_policy),
        )
        .route(
            "/access-policy-groups/{id}",
            get(group).put(replace_group).delete(remove_group),
        )
        .route("/access-policy-groups/{id}/policies", get(of_group))
        .route(
            "/access-policy-groups/{id}/policies/{policy_id}",
            put(link).delete(unlink),
        )
        .route("/access-policy-groups/{id}/explain", post(explain))
}

async fn policies(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let request = request(&uri)?;
    let records = console.ports.access.access_records().await?;
    let page = page(records.policies, &request, |one| one.id.to_string())?;
    Ok(Json(page).into_response())
}

async fn groups(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let request = request(&uri)?;
    let records = console.ports.access.access_records().await?;
    let page = page(records.groups, &request, |one| one.id.to_string())?;
    Ok(Json(page).into_response())
}

fn request(uri: &Uri) -> Result<PageRequest, Problem> {
    let mut query = Query::read(uri, &["limit", "cursor"]);
    let request = query.page();
    query.finish(())?;
    Ok(request)
}

/// A page of what is ordered by its id: the cursor is the last id of the page before.
fn page<T>(
    items: Vec<T>,
    request: &PageRequest,
    id_of: impl Fn(&T) -> String,
) -> Result<Page<T>, Problem> {
    let limit = request.limit.clamp(1, event_model::PAGE_ITEMS_MAX) as usize;
    let after = request.cursor.as_deref().unwrap_or_default();
    if !after.is_empty() && !after.starts_with("ac") {
        let message = format!("`{after}` is not a cursor of this list");
        return Err(Problem::bad_request(vec![Mistake::new("cursor", message)]));
    }
    let mut rest = items.into_iter().filter(|one| *id_of(one) > *after);
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let next = rest.next().and_then(|_| items.last().map(&id_of));
    Ok(Page { items, next })
}

async fn policy(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(policy_shown(console.access_policy(id(&given)?).await?))
}

async fn create_policy(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(body): Strict<AccessPolicyBody>,
) -> Result<Response, Problem> {
    let made = console.create_access_policy(&by, body).await?;
    let place = format!("/api/v1/access-policies/{}", made.id);
    let place = [(header::LOCATION, place)];
    Ok((StatusCode::CREATED, place, policy_shown(made)).into_response())
}

async fn replace_policy(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
    Strict(body): Strict<AccessPolicyBody>,
) -> Result<Response, Problem> {
    let (id, seen) = (id(&given)?, if_match(&headers)?);
    let after = console.replace_access_policy(&by, id, seen, body).await?;
    Ok(policy_shown(after))
}

async fn remove_policy(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (id, seen) = (id(&given)?, if_match(&headers)?);
    console.remove_access_policy(&by, id, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn group(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(group_shown(console.access_group(id(&given)?).await?))
}

async fn create_group(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(body): Strict<AccessGroupBody>,
) -> Result<Response, Problem> {
    let made = console.create_access_group(&by, body).await?;
    let place = format!("/api/v1/access-policy-groups/{}", made.id);
    let place = [(header::LOCATION, place)];
    Ok((StatusCode::CREATED, place, group_shown(made)).into_response())
}

async fn replace_group(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
    Strict(body): Strict<AccessGroupBody>,
) -> Result<Response, Problem> {
    let (id, seen) = (id(&given)?, if_match(&headers)?);
    let after = console.replace_access_group(&by, id, seen, body).await?;
    Ok(group_shown(after))
}

async fn remove_group(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (id, seen) = (id(&given)?, if_match(&headers)?);
    console.remove_access_group(&by, id, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// In the order in which they are looked at: it is at most as long as a group may be.
async fn of_group(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Json<Page<RankedPolicy>>, Problem> {
    let id = id(&given)?;
    console.access_group(id).await?;
    let (records, catalogue) = console.access().await?;
    let items = ranked(&records, &catalogue, id);
    Ok(Json(Page { items, next: None }))
}

async fn link(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path((group, policy)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (group, policy) = (id(&group)?, id(&policy)?);
    let after = console.link_access_policy(&by, group, policy).await?;
    Ok(group_shown(after))
}

async fn unlink(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path((group, policy)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (group, policy) = (id(&group)?, id(&policy)?);
    let after = console.unlink_access_policy(&by, group, policy).await?;
    Ok(group_shown(after))
}

async fn explain(
    State(console): State<Shared>,
    Path(given): Path<String>,
    Strict(question): Strict<AccessQuestion>,
) -> Result<Json<AccessAnswer>, Problem> {
    let answer = console.explain_access(id(&given)?, &question).await?;
    Ok(Json(answer))
}

fn policy_shown(record: AccessPolicyRecord) -> Response {
    shown(record.version, record)
}

fn group_shown(record: AccessGroupRecord) -> Response {
    shown(record.version, record)
}

fn shown(version: u64, record: impl Serialize) -> Response {
    (etag(version), Json(record)).into_response()
}
