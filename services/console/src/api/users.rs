//! Accounts over the API: listed, made, changed; who one is.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{Account, AccountId, CameBy, ConnectionScope, Page, Permission, Role};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{etag, id};
use crate::Shared;
use crate::acts::accounts::{AccountChange, NewAccount};
use crate::auth::Actor;
use crate::body::{Strict, if_match};
use crate::problem::Problem;
use crate::query::Query;

/// Who asks, and what they may.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Me {
    /// Their account; absent for the administrator's token.
    account: Option<AccountId>,
    /// Their name.
    name: String,
    /// What they are for.
    roles: BTreeSet<Role>,
    /// The groups that they are in.
    groups: BTreeSet<String>,
    /// Within which connections.
    scope: ConnectionScope,
    /// `session`, `token` or `machine_token`.
    came_by: &'static str,
    /// What they may, with this token or session.
    permissions: BTreeSet<Permission>,
}

/// An account, and the link by which its person sets a password: it is shown this once.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Invited {
    account: Account,
    /// To be handed to the person; whoever has it may set the password. Valid for 72 hours, once.
    link: String,
}

pub(crate) async fn me(Extension(by): Extension<Actor>) -> Json<Me> {
    let all = Permission::ALL.iter().copied();
    Json(Me {
        account: by.account,
        name: by.name.clone(),
        roles: by.roles.clone(),
        groups: by.groups.clone(),
        scope: by.scope.clone(),
        came_by: match by.came_by {
            CameBy::Session => "session",
            CameBy::Token { .. } => "token",
            CameBy::MachineToken => "machine_token",
        },
        permissions: all.filter(|permission| by.may(*permission)).collect(),
    })
}

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<Account>>, Problem> {
    let mut query = Query::read(&uri, &["limit", "cursor"]);
    let request = query.page();
    query.finish(())?;
    Ok(Json(console.ports.accounts.account_page(&request).await?))
}

pub(crate) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(new): Strict<NewAccount>,
) -> Result<Response, Problem> {
    let (account, link) = console.create_account(&by, new).await?;
    let place = [(header::LOCATION, format!("/api/v1/users/{}", account.id))];
    let link = link.expose().clone();
    Ok((StatusCode::CREATED, place, Json(Invited { account, link })).into_response())
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(console.account(id(&given)?).await?))
}

pub(crate) async fn change(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    headers: HeaderMap,
    Strict(change): Strict<AccountChange>,
) -> Result<Response, Problem> {
    let (id, seen) = (id(&given)?, if_match(&headers)?);
    Ok(shown(console.change_account(&by, id, seen, change).await?))
}

pub(crate) async fn reset(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Json<Invited>, Problem> {
    let (account, link) = console.reset_account(&by, id(&given)?).await?;
    let link = link.expose().clone();
    Ok(Json(Invited { account, link }))
}

pub(crate) async fn end_sessions(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Json<Value>, Problem> {
    let ended = console.end_sessions(&by, id(&given)?).await?;
    Ok(Json(json!({ "sessions": ended })))
}

pub(crate) async fn remove_second_factor(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(console.remove_second_factor(&by, id(&given)?).await?))
}

fn shown(account: Account) -> Response {
    (etag(account.revision), Json(account)).into_response()
}
