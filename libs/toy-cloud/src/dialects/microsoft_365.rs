//! Microsoft 365: the sign-in's token endpoint, the Management Activity API with its windows and blobs, and so much of Graph as
//! content, permissions and remedies need.
//!
//! A tenant's directory id is made of its name. Files lie in one drive, under `https://{tenant}.sharepoint.com/sites/all`; the drive
//! `quarantine` is a restricted folder. What Graph copies in the background is copied before the answer.

mod activity;
mod asking;
mod graph;
mod notices;
mod permissions;
mod records;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};

use super::Dialect;
use crate::service::Service;

pub(super) const MICROSOFT_365: Dialect = Dialect {
    name: "microsoft-365",
    hosts: &[
        "manage.office.com",
        "graph.microsoft.com",
        "login.microsoftonline.com",
    ],
    router,
};

fn router(host: &'static str) -> Router<Arc<Service>> {
    match host {
        "manage.office.com" => activity_api(),
        "graph.microsoft.com" => graph_api(),
        _ => Router::new().route("/{directory}/oauth2/v2.0/token", post(sign_in::token)),
    }
}

fn activity_api() -> Router<Arc<Service>> {
    let feed = |path: &str| format!("/api/v1.0/{{directory}}/activity/feed/{path}");
    Router::new()
        .route(&feed("subscriptions/start"), post(notices::start))
        .route(&feed("subscriptions/list"), get(notices::subscriptions))
        .route(&feed("subscriptions/content"), get(activity::content))
        .route(&feed("audit/{id}"), get(activity::blob))
}

fn graph_api() -> Router<Arc<Service>> {
    Router::new()
        .route("/v1.0/organization", get(graph::organization))
        .route("/v1.0/users", get(graph::users))
        .route("/v1.0/users/{id}", get(graph::user))
        .route("/v1.0/users/{id}/drive/root", get(graph::drive_root))
        .route("/v1.0/shares/{share}/driveItem", get(graph::shared))
        .route(
            "/v1.0/shares/{share}/driveItem/content",
            get(graph::shared_content),
        )
        .route(
            "/v1.0/shares/{share}/driveItem/permissions",
            get(permissions::of_shared),
        )
        .route(
            "/v1.0/drives/{drive}/items/{item}",
            get(graph::item).delete(graph::delete),
        )
        .route("/v1.0/drives/{drive}/root:/{*place}", get(graph::at))
        .route("/v1.0/drives/{drive}/items/{item}/copy", post(graph::copy))
        .route(
            "/v1.0/drives/{drive}/items/{item}/permanentDelete",
            post(graph::purge),
        )
        .route(
            "/v1.0/drives/{drive}/items/{item}/invite",
            post(permissions::invite),
        )
        .route(
            "/v1.0/drives/{drive}/items/{item}/createLink",
            post(permissions::create_link),
        )
        .route(
            "/v1.0/drives/{drive}/items/{item}/permissions",
            get(permissions::of_item),
        )
        .route(
            "/v1.0/drives/{drive}/items/{item}/permissions/{id}",
            delete(permissions::remove).patch(permissions::change),
        )
}
