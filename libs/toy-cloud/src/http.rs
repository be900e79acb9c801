//! HTTP over the service: routes, one file per resource below. Handlers check the grant's scope, call one verb, and shape the answer.

pub(crate) mod answers;
pub(crate) mod asked;
mod attending;
mod content;
mod control;
mod events;
mod files;
mod labels;
pub(crate) mod oauth;
mod people;
pub(crate) mod session;
mod sharing;
mod users;
mod visits;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post, put};

pub use self::session::SESSION_TTL_S;
use crate::service::Service;

/// An uploaded file, and a body of `/control/act`, has at most this many bytes: 64 MiB.
pub const UPLOAD_BYTES_MAX: usize = 64 << 20;
/// Any other body has at most this many.
pub const JSON_BYTES_MAX: usize = 256 << 10;

pub(crate) type Shared = axum::extract::State<Arc<Service>>;

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .merge(api())
        .merge(oauth_server())
        .merge(control())
        .merge(people())
        .merge(crate::dialects::router())
        .route("/s/{token}", get(visits::visit))
        .route("/healthz", get(|| async { "ok" }))
        .fallback(answers::no_such_route)
        .method_not_allowed_fallback(answers::no_such_method)
        .layer(from_fn_with_state(Arc::clone(&service), attending::attend))
        .layer(DefaultBodyLimit::max(JSON_BYTES_MAX))
        .with_state(service)
}

fn api() -> Router<Arc<Service>> {
    let upload = DefaultBodyLimit::max(UPLOAD_BYTES_MAX);
    Router::new()
        .route("/api/v1/me", get(users::me))
        .route("/api/v1/tenant", get(users::tenant))
        .route("/api/v1/users", get(users::list))
        .route("/api/v1/users/{id}", get(users::one))
        .route("/api/v1/users/{id}/suspend", post(users::suspend))
        .route("/api/v1/users/{id}/unsuspend", post(users::unsuspend))
        .route("/api/v1/users/{id}/sessions", delete(users::end_sessions))
        .route(
            "/api/v1/files",
            get(files::list).merge(post(content::upload).layer(upload)),
        )
        .route("/api/v1/folders", post(files::make_folder))
        .route("/api/v1/files/{id}", get(files::one).delete(files::remove))
        .route(
            "/api/v1/files/{id}/content",
            get(content::download).merge(put(content::update).layer(upload)),
        )
        .route(
            "/api/v1/files/{id}/versions/{version}",
            delete(content::remove_version),
        )
        .route("/api/v1/files/{id}/move", post(files::relocate))
        .route("/api/v1/files/{id}/restore", post(files::restore))
        .route("/api/v1/files/{id}/owner", put(sharing::change_owner))
        .route(
            "/api/v1/files/{id}/labels",
            get(labels::list).put(labels::set),
        )
        .route(
            "/api/v1/files/{id}/permissions",
            get(sharing::permissions).post(sharing::add_permission),
        )
        .route(
            "/api/v1/files/{id}/permissions/{permission_id}",
            patch(sharing::change_permission).delete(sharing::remove_permission),
        )
        .route(
            "/api/v1/files/{id}/links",
            get(sharing::links).post(sharing::add_link),
        )
        .route(
            "/api/v1/files/{id}/links/{link_id}",
            patch(sharing::change_link).delete(sharing::remove_link),
        )
        .route(
            "/api/v1/files/{id}/links/{link_id}/restore",
            post(sharing::restore_link),
        )
        .route("/api/v1/shares", get(sharing::everything))
        .route("/api/v1/events", get(events::page))
        .route("/api/v1/labels/changes", get(events::page_of_labels))
        .route(
            "/api/v1/webhooks",
            get(webhooks::list).post(webhooks::register),
        )
        .route(
            "/api/v1/webhooks/{id}",
            get(webhooks::one).merge(delete(webhooks::deregister)),
        )
}

fn oauth_server() -> Router<Arc<Service>> {
    Router::new()
        .route("/oauth/authorize", get(oauth::authorize))
        .route("/oauth/consent", post(oauth::consent))
        .route("/oauth/token", post(oauth::token))
        .route("/oauth/revoke", post(oauth::revoke))
}

fn control() -> Router<Arc<Service>> {
    let upload = DefaultBodyLimit::max(UPLOAD_BYTES_MAX);
    Router::new()
        .route("/control/faults", put(control::set_faults))
        .route("/control/ledger", get(control::ledger))
        .route("/control/summary", get(control::summary))
        .route("/control/act", post(control::act).layer(upload))
        .route(
            "/control/load",
            get(control::load_progress).post(control::start_load),
        )
        .route("/control/tokens/expire", post(control::expire_tokens))
}

fn people() -> Router<Arc<Service>> {
    let upload = DefaultBodyLimit::max(UPLOAD_BYTES_MAX);
    Router::new()
        .route("/", get(people::page))
        .route("/style.css", get(people::style))
        .route("/session", post(people::sign_in))
        .route("/session/end", post(people::sign_out))
        .route("/upload", post(people::upload).layer(upload))
        .route("/act", post(people::act))
        .route("/files/{id}", get(people::view))
        .route("/files/{id}/download", get(people::download))
}
