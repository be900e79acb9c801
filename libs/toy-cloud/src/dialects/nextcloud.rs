//! Nextcloud as its connector meets it: OAuth2 of its own kind, the activity API of one account, OCS shares, WebDAV with its trash,
//! and webhook_listeners. Its quirks are kept: 304 without a cursor, a place that is not known any more begins anew with a header,
//! the owner is told the folder of a re-share and not the object, one webhook for each class of event, and no event's id.

mod activity;
mod dav;
mod hooks;
mod people;
mod shares;

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use super::Dialect;
use crate::http::answers::ApiError;
use crate::model::Refusal;
use crate::service::Service;

pub(super) const DIALECT: Dialect = Dialect {
    name: "nextcloud",
    hosts: &["cloud.nextcloud.example"],
    router,
};

fn router(_host: &'static str) -> Router<Arc<Service>> {
    let ocs = "/ocs/v2.php";
    let shares = format!("{ocs}/apps/files_sharing/api/v1/shares");
    let hooks = format!("{ocs}/apps/webhook_listeners/api/v1/webhooks");
    Router::new()
        .route("/index.php/apps/oauth2/authorize", get(people::authorize))
        .route("/index.php/apps/oauth2/api/v1/token", post(people::token))
        .route(&format!("{ocs}/cloud/user"), get(people::me))
        .route(&format!("{ocs}/cloud/users"), get(people::list))
        .route(&format!("{ocs}/cloud/users/{{id}}"), get(people::one))
        .route(
            &format!("{ocs}/apps/activity/api/v2/activity"),
            get(activity::page),
        )
        .route(&shares, get(shares::list).post(shares::add))
        .route(
            &format!("{shares}/{{id}}"),
            get(shares::one).put(shares::change).delete(shares::remove),
        )
        .route(&hooks, get(hooks::list).post(hooks::register))
        .route(
            &format!("{hooks}/{{id}}"),
            get(hooks::one).delete(hooks::remove),
        )
        .route("/remote.php/dav/", any(dav::search))
        .route("/remote.php/dav/files/{uid}/{*path}", any(dav::file))
        .route("/remote.php/dav/trashbin/{uid}/trash", any(dav::trash))
        .route(
            "/remote.php/dav/trashbin/{uid}/trash/{*name}",
            any(dav::trashed),
        )
}

/// An answer in OCS's envelope.
fn ocs(data: Value) -> Response {
    let meta = json!({"status": "ok", "statuscode": 200, "message": "OK"});
    Json(json!({"ocs": {"meta": meta, "data": data}})).into_response()
}

fn failure(status: StatusCode, message: &str) -> Response {
    let meta = json!({"status": "failure", "statuscode": status.as_u16(), "message": message});
    (status, Json(json!({"ocs": {"meta": meta, "data": []}}))).into_response()
}

fn refused(refusal: Refusal) -> Response {
    let error = ApiError::from(refusal);
    failure(error.status(), error.message())
}

/// The number of an object, which is what the service calls a file's id.
fn file_id(object_id: &str) -> Option<u64> {
    object_id.strip_prefix("f_")?.parse().ok()
}
