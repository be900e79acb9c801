//! Google Workspace: tokens for a service account that acts for an administrator or another user, the Reports API with its pages
//! newest first and its channels, and so much of Drive and the Directory as content, permissions and remedies need.
//!
//! Ids of files are toy-cloud's. The folder `quarantine` is a restricted one. A file has at most one link of each kind, whose address
//! is the file's own.

mod asking;
mod channels;
mod directory;
mod drive;
mod permissions;
mod reports;
mod revisions;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::Dialect;
use crate::http::UPLOAD_BYTES_MAX;
use crate::service::Service;

pub(super) const GOOGLE_WORKSPACE: Dialect = Dialect {
    name: "google-workspace",
    hosts: &[
        "www.googleapis.com",
        "admin.googleapis.com",
        "oauth2.googleapis.com",
    ],
    router,
};

fn router(host: &'static str) -> Router<Arc<Service>> {
    match host {
        "www.googleapis.com" => drive_api(),
        "admin.googleapis.com" => Router::new()
            .route(
                "/admin/reports/v1/activity/users/all/applications/{application}",
                get(reports::page),
            )
            .route(
                "/admin/reports/v1/activity/users/all/applications/{application}/watch",
                post(channels::watch),
            )
            .route("/admin/reports_v1/channels/stop", post(channels::stop))
            .route("/admin/directory/v1/users/{email}", get(directory::user)),
        _ => Router::new().route("/token", post(sign_in::token)),
    }
}

fn drive_api() -> Router<Arc<Service>> {
    let file = get(drive::one).patch(drive::change).delete(drive::delete);
    let permission = axum::routing::delete(permissions::remove).patch(permissions::change);
    Router::new()
        .route("/drive/v3/files", get(drive::list))
        .route("/drive/v3/files/{id}", file)
        .route(
            "/drive/v3/files/{id}/permissions",
            get(permissions::list).post(permissions::add),
        )
        .route("/drive/v3/files/{id}/permissions/{permission}", permission)
        .route("/drive/v3/files/{id}/revisions", get(revisions::list))
        .route(
            "/drive/v3/files/{id}/revisions/{revision}",
            axum::routing::delete(revisions::remove),
        )
        .route(
            "/upload/drive/v3/files/{id}",
            axum::routing::patch(revisions::begin).put(revisions::finish),
        )
        .layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX))
}
