//! Dropbox for teams: a team log behind a cursor in the body, calls on behalf of a member or as an administrator, shared links that
//! belong to who made them, and errors under 409 with a tag.
//!
//! Ids are toy-cloud's with Dropbox's prefixes: `id:f_1` a file, `dbid:u_acme_alice` an account, `dbmid:u_acme_alice` a member, `ns:3`
//! what lies below the folder `f_3`. A member's namespace is his home folder. A team folder is a restricted one.

mod asking;
mod files;
mod hooks;
mod links;
mod log;
mod members;
mod oauth;
mod paths;
mod team;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::Dialect;
use super::console::Console;
use crate::service::Service;

pub(super) const DROPBOX: Dialect = Dialect {
    name: "dropbox",
    hosts: &[
        "www.dropbox.com",
        "api.dropboxapi.com",
        "content.dropboxapi.com",
    ],
    router,
};

pub(super) const CONSOLE: Console = Console {
    question: hooks::question,
    style: hooks::letter,
};

fn router(host: &'static str) -> Router<Arc<Service>> {
    match host {
        "www.dropbox.com" => Router::new().route("/oauth2/authorize", get(oauth::authorize)),
        "content.dropboxapi.com" => Router::new().route("/2/files/download", get(files::download)),
        _ => api(),
    }
}

fn api() -> Router<Arc<Service>> {
    Router::new()
        .route("/oauth2/token", post(oauth::token))
        .route("/2/team/get_info", post(team::info))
        .route("/2/team/features/get_values", post(team::features))
        .route(
            "/2/team/token/get_authenticated_admin",
            post(team::administrator),
        )
        .route("/2/team/members/list_v2", post(team::members))
        .route("/2/team/members/get_info_v2", post(team::member))
        .route("/2/team/team_folder/create", post(team::make_folder))
        .route("/2/team/team_folder/list", post(team::folders))
        .route("/2/team_log/get_events", post(log::begin))
        .route("/2/team_log/get_events/continue", post(log::go_on))
        .route("/2/users/get_current_account", post(team::account))
        .route("/2/files/get_metadata", post(files::metadata))
        .route("/2/files/list_folder", post(files::list))
        .route("/2/files/move_v2", post(files::relocate))
        .route("/2/files/delete_v2", post(files::delete))
        .route("/2/files/restore", post(files::restore))
        .route("/2/files/permanently_delete", post(files::purge))
        .route("/2/sharing/list_shared_links", post(links::list))
        .route("/2/sharing/revoke_shared_link", post(links::revoke))
        .route(
            "/2/sharing/create_shared_link_with_settings",
            post(links::create),
        )
        .route("/2/sharing/list_file_members", post(members::list))
        .route("/2/sharing/add_file_member", post(members::add))
        .route("/2/sharing/update_file_member", post(members::update))
        .route("/2/sharing/remove_file_member_2", post(members::remove))
}
