//! Connections: created, authorised by the service's administrator, enabled, disabled.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{
    Connection, ConnectionHealth, ConnectionId, ConnectionScope, FeedChoice, FeedCoverage,
};
use ports::ConnectionFilter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{etag, id};
use crate::auth::Actor;
use crate::body::Strict;
use crate::problem::Problem;
use crate::query::Query;
use crate::{Console, Shared};
use ports::{AdminError, NewConnection, NewWebhookSecret};

/// The states of [`event_model::Lifecycle::word`].
pub(crate) const STATES: [&str; 6] = [
    "awaiting_consent",
    "authorized",
    "enabling",
    "enabled",
    "needs_consent",
    "disabled",
];

/// A connection on the wire: with its state's word at top level.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConnectionItem {
    #[serde(flatten)]
    connection: Connection,
    /// The lifecycle's word.
    state: &'static str,
    /// `push` or `pull`, when enabled.
    feed: Option<&'static str>,
}

impl From<Connection> for ConnectionItem {
    fn from(connection: Connection) -> Self {
        let feed = connection.lifecycle.feed();
        ConnectionItem {
            state: connection.lifecycle.word(),
            feed: feed.map(|feed| feed.choice().word()),
            connection,
        }
    }
}

/// Where the service's administrator gives consent.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AuthorizeAnswer {
    authorize_url: String,
}

/// Which feed to enable.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnableBody {
    feed: FeedChoice,
}

impl Console {
    /// The connection.
    pub(crate) async fn connection(&self, id: ConnectionId) -> Result<Connection, Problem> {
        let found = self.ports.connection_store.get(id).await?;
        found.ok_or_else(|| Problem::not_found("connection", id))
    }
}

pub(crate) async fn list(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["service", "state", "limit", "cursor"]);
    let filter = ConnectionFilter {
        service: query.text("service"),
        state: query
            .word("state", &STATES, |state| state)
            .map(str::to_owned),
        within: ConnectionScope::Every,
    };
    let request = query.page();
    query.finish(())?;
    let page = console
        .ports
        .connection_store
        .page(&filter, &request)
        .await?;
    Ok(Json(page.map(ConnectionItem::from)).into_response())
}

pub(crate) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Strict(new): Strict<NewConnection>,
) -> Result<Response, Problem> {
    let made = console.ports.connections.create(new, by.name()).await?;
    let place = [(header::LOCATION, format!("/api/v1/connections/{}", made.id))];
    Ok((StatusCode::CREATED, place, shown(made)).into_response())
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(console.connection(id(&given)?).await?))
}

pub(crate) async fn authorize(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Json<AuthorizeAnswer>, Problem> {
    let authorize_url = console
        .ports
        .connections
        .authorize(id(&given)?, by.name())
        .await?;
    Ok(Json(AuthorizeAnswer { authorize_url }))
}

pub(crate) async fn enable(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    Strict(body): Strict<EnableBody>,
) -> Result<Response, Problem> {
    let administration = &console.ports.connections;
    Ok(shown(
        administration
            .enable(id(&given)?, body.feed, by.name())
            .await?,
    ))
}

pub(crate) async fn disable(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<Response, Problem> {
    Ok(shown(
        console
            .ports
            .connections
            .disable(id(&given)?, by.name())
            .await?,
    ))
}

pub(crate) async fn put_webhook_secret(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    Strict(new): Strict<NewWebhookSecret>,
) -> Result<Response, Problem> {
    let administration = &console.ports.connections;
    Ok(shown(
        administration
            .put_webhook_secret(id(&given)?, new, by.name())
            .await?,
    ))
}

/// What the last check saw.
pub(crate) async fn last_health(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Json<ConnectionHealth>, Problem> {
    let connection = console.connection(id(&given)?).await?;
    let health = connection.health;
    health.map(Json).ok_or_else(|| {
        let detail = "the connection was never checked: POST here to check it now";
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}

/// Checks now. A check that fails is an answer, not an error.
pub(crate) async fn check_health(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Json<ConnectionHealth>, Problem> {
    match console.ports.connections.health(id(&given)?).await {
        Ok(health) | Err(AdminError::Unhealthy(health)) => Ok(Json(health)),
        Err(error) => Err(error.into()),
    }
}

/// How completely the feed is read.
pub(crate) async fn coverage(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Json<FeedCoverage>, Problem> {
    Ok(Json(console.ports.connections.coverage(id(&given)?).await?))
}

fn shown(connection: Connection) -> Response {
    let tag = etag(connection.revision);
    (tag, Json(ConnectionItem::from(connection))).into_response()
}
