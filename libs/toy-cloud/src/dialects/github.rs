//! GitHub as its connector meets it: OAuth, the audit log in pages by `Link`, signed webhooks of the organisation, and repositories.
//! Files are repositories here; one that has a public link is public, and who may read one is its collaborator.

mod audit;
mod hooks;
mod oauth;
mod people;
mod repositories;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use super::Dialect;
use crate::http::answers::ApiError;
use crate::model::Refusal;
use crate::service::Service;

pub(super) const DIALECT: Dialect = Dialect {
    name: "github",
    hosts: &["api.github.com", "github.com"],
    router,
};

fn router(host: &'static str) -> Router<Arc<Service>> {
    if host == "github.com" {
        return Router::new()
            .route("/login/oauth/authorize", get(oauth::authorize))
            .route("/login/oauth/access_token", post(oauth::token));
    }
    let repo = "/repos/{org}/{repo}";
    let collaborator = format!("{repo}/collaborators/{{login}}");
    Router::new()
        .route("/user", get(people::me))
        .route("/user/{id}", get(people::one))
        .route("/users/{id}", get(people::one))
        .route("/orgs/{org}", get(people::organisation))
        .route("/orgs/{org}/memberships/{login}", get(people::membership))
        .route("/orgs/{org}/repos", get(repositories::list))
        .route("/orgs/{org}/audit-log", get(audit::page))
        .route("/orgs/{org}/hooks", get(hooks::list).post(hooks::make))
        .route(
            "/orgs/{org}/hooks/{id}",
            get(hooks::one).delete(hooks::remove),
        )
        .route(repo, get(repositories::one).patch(repositories::change))
        .route(&format!("{repo}/zipball"), get(repositories::archive))
        .route(
            &format!("{repo}/invitations"),
            get(repositories::invitations),
        )
        .route(
            &format!("{repo}/collaborators"),
            get(repositories::collaborators),
        )
        .route(
            &collaborator,
            get(repositories::is_collaborator)
                .put(repositories::add)
                .delete(repositories::remove),
        )
        .route(
            &format!("{collaborator}/permission"),
            get(repositories::permission),
        )
}

fn refused(refusal: Refusal) -> Response {
    let error = ApiError::from(refusal);
    let body =
        json!({"message": error.message(), "documentation_url": "https://docs.github.com/rest"});
    (error.status(), Json(body)).into_response()
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"message": "Not Found"}))).into_response()
}
