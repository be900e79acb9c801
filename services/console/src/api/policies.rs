//! Policies: checked whole, saved version by version, switched on and off.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{PolicyDocument, PolicyId, PolicyVersion};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{etag, id};
use crate::Shared;
use crate::auth::Actor;
use crate::body::{self, Strict, if_match};
use crate::problem::{Mistake, Problem};
use crate::query::Query;

/// What is wrong with a document: nothing when the list is empty.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CheckAnswer {
    mistakes: Vec<Mistake>,
}

pub(crate) async fn list(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["limit", "cursor"]);
    let request = query.page();
    query.finish(())?;
    Ok(Json(console.ports.policies.policy_page(&request).await?).into_response())
}

pub(crate) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(body): Strict<Map<String, Value>>,
) -> Result<Response, Problem> {
    let (document, enabled) = document(body, &[])?;
    let saved = console
        .create_policy(&by, document, enabled.unwrap_or(true))
        .await?;
    let place = [(header::LOCATION, format!("/api/v1/policies/{}", saved.id))];
    Ok((StatusCode::CREATED, place, shown(saved)).into_response())
}

/// Every template, in the form of a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TemplateList {
    items: &'static [policy::Template],
    next: Option<String>,
}

pub(crate) async fn templates(uri: Uri) -> Result<Json<TemplateList>, Problem> {
    Query::read(&uri, &[]).finish(())?;
    Ok(Json(TemplateList {
        items: policy::templates(),
        next: None,
    }))
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(console.policy(id(&given)?).await?))
}

pub(crate) async fn change(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
    Strict(body): Strict<Map<String, Value>>,
) -> Result<Response, Problem> {
    let seen = if_match(&headers)?;
    // What GET gave may be sent back changed: these three are ours and are passed over.
    let (document, enabled) = document(body, &["id", "version", "saved_at"])?;
    let policy: PolicyId = id(&given)?;
    let saved = console
        .change_policy(&by, policy, seen, document, enabled)
        .await?;
    Ok(shown(saved))
}

pub(crate) async fn check(
    State(console): State<Shared>,
    Strict(body): Strict<Map<String, Value>>,
) -> Result<Json<CheckAnswer>, Problem> {
    let mistakes = match document(body, &[]) {
        Ok((document, _)) => console.mistakes(&document).await?,
        Err(problem) => problem.errors,
    };
    Ok(Json(CheckAnswer { mistakes }))
}

/// Deleting a policy takes it out of use; its versions stay, because incidents name them.
pub(crate) async fn remove(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (id, seen) = (id(&given)?, if_match(&headers)?);
    console.remove_policy(&by, id, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn enable(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(console.switch_policy(&by, id(&given)?, true).await?))
}

pub(crate) async fn disable(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(console.switch_policy(&by, id(&given)?, false).await?))
}

/// The document, and whether it is to be in use when the body says so.
fn document(
    mut body: Map<String, Value>,
    passed_over: &[&str],
) -> Result<(PolicyDocument, Option<bool>), Problem> {
    let enabled = match body.remove("enabled") {
        None => None,
        Some(Value::Bool(enabled)) => Some(enabled),
        Some(_) => {
            let mistake = Mistake::new("/enabled", "is not true or false");
            return Err(body::wrong_shape(mistake));
        }
    };
    for name in passed_over {
        body.remove(*name);
    }
    Ok((body::shape(Value::Object(body))?, enabled))
}

fn shown(version: PolicyVersion) -> Response {
    (etag(version.version), Json(version)).into_response()
}
