//! Slack: the organisation's audit log newest first, files with one public link each, and a Web API that says 200 to everything
//! and in the body whether it is well.
//!
//! Ids are toy-cloud's; a folder is a channel. What Slack has no word for is told under toy-cloud's own.

mod audit;
mod files;
mod hooks;
mod oauth;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::Dialect;
use super::console::Console;
use crate::service::Service;

pub(super) const SLACK: Dialect = Dialect {
    name: "slack",
    hosts: &["slack.com", "api.slack.com", "files.slack.com"],
    router,
};

pub(super) const CONSOLE: Console = Console {
    question: hooks::question,
    style: hooks::letter,
};

fn router(host: &'static str) -> Router<Arc<Service>> {
    match host {
        "api.slack.com" => Router::new().route("/audit/v1/logs", get(audit::page)),
        "files.slack.com" => Router::new().route("/files-pri/{id}/{name}", get(files::bytes)),
        _ => Router::new()
            .route("/oauth/v2/authorize", get(oauth::authorize))
            .route("/api/oauth.v2.access", post(oauth::token))
            .route("/api/auth.test", post(web::who_am_i))
            .route("/api/users.info", get(web::user))
            .route("/api/files.list", get(files::list))
            .route("/api/files.info", get(files::info))
            .route("/api/files.delete", post(files::delete))
            .route("/api/files.revokePublicURL", post(files::revoke_public_url))
            .route("/api/files.sharedPublicURL", post(files::share_public_url)),
    }
}
