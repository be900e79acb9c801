//! Box: enterprise events behind a stream position, items with one shared link each, versions of their content, collaborations, the
//! trash, and calls on behalf of another user.
//!
//! Ids are toy-cloud's. A folder that an administrator makes in the root is a restricted one: nobody else reads what lies there, and
//! so the administrator moves things in and out of it, also when the call is made on behalf of the owner who was let in for that.

mod asking;
mod collaborations;
mod events;
mod hooks;
mod items;
mod oauth;
mod users;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};

use super::Dialect;
use crate::http::UPLOAD_BYTES_MAX;
use crate::service::Service;

pub(super) const BOX: Dialect = Dialect {
    name: "box",
    hosts: &[
        "api.box.com",
        "account.box.com",
        "dl.boxcloud.com",
        "upload.box.com",
    ],
    router,
};

fn router(host: &'static str) -> Router<Arc<Service>> {
    match host {
        "account.box.com" => Router::new().route("/api/oauth2/authorize", get(oauth::authorize)),
        "upload.box.com" => Router::new()
            .route("/api/2.0/files/{id}/content", post(versions::upload))
            .layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX)),
        "dl.boxcloud.com" => Router::new().route("/d/{token}/{id}", get(items::bytes)),
        _ => api(),
    }
}

fn api() -> Router<Arc<Service>> {
    let mut api = Router::new()
        .route("/oauth2/token", post(oauth::token))
        .route("/oauth2/revoke", post(oauth::revoke))
        .route("/2.0/events", get(events::page))
        .route("/2.0/users", get(users::list))
        .route("/2.0/users/me", get(users::me))
        .route("/2.0/users/{id}", get(users::one))
        .route("/2.0/folders", post(items::make_folder))
        .route("/2.0/webhooks", post(hooks::make))
        .route("/2.0/webhooks/{id}", get(hooks::one).delete(hooks::remove))
        .route("/2.0/files/{id}/content", get(items::content))
        .route(
            "/2.0/files/{id}/versions/{version}",
            delete(versions::remove),
        )
        .route("/2.0/collaborations", post(collaborations::add))
        .route(
            "/2.0/collaborations/{id}",
            delete(collaborations::remove).put(collaborations::change),
        );
    for kind in ["files", "folders"] {
        let item = get(items::one)
            .put(items::change)
            .post(items::restore)
            .delete(items::trash);
        api = api
            .route(&format!("/2.0/{kind}/{{id}}"), item)
            .route(
                &format!("/2.0/{kind}/{{id}}/trash"),
                get(items::trashed).delete(items::purge),
            )
            .route(
                &format!("/2.0/{kind}/{{id}}/collaborations"),
                get(collaborations::list),
            );
    }
    api
}
