//! What is held aside: listed, put back, deleted, and read as far as access policies go.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use event_model::{ConnectionScope, Page, QuarantineItem, QuarantineState, Remedy};
use futures::{TryStreamExt, stream};
use ports::QuarantineFilter;
use vault::VaultError;

use super::id;
use crate::Shared;
use crate::acts::vaulted::Seen;
use crate::auth::Actor;
use crate::problem::Problem;
use crate::query::Query;

/// Bytes of content that are made ready at a time.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<QuarantineItem>>, Problem> {
    let known = ["connection", "incident", "state", "limit", "cursor"];
    let mut query = Query::read(&uri, &known);
    let filter = QuarantineFilter {
        connection: query.parsed("connection"),
        within: ConnectionScope::Every,
        incident: query.parsed("incident"),
        state: query.words("state", QuarantineState::ALL, QuarantineState::word),
    };
    let request = query.page();
    query.finish(())?;
    let page = console
        .ports
        .quarantine
        .quarantine_page(&filter, &request)
        .await?;
    Ok(Json(page))
}

pub(crate) async fn one(
    State(console): State<Shared>,
    Path(given): Path<String>,
) -> Result<Json<QuarantineItem>, Problem> {
    Ok(Json(console.held(id(&given)?).await?))
}

pub(crate) async fn restore(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<(StatusCode, Json<Remedy>), Problem> {
    let remedy = console.restore(&by, id(&given)?).await?;
    Ok((StatusCode::ACCEPTED, Json(remedy)))
}

pub(crate) async fn delete(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Result<(StatusCode, Json<Remedy>), Problem> {
    let remedy = console.purge(&by, id(&given)?).await?;
    Ok((StatusCode::ACCEPTED, Json(remedy)))
}

/// The content, as who asks may see it: `x-tidegate-view` says as what.
pub(crate) async fn content(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &["version"]);
    let version = query.parsed("version");
    query.finish(())?;
    let seen = console.open_held(&by, id(&given)?, version).await?;
    let (bytes, name, view) = match &seen {
        Seen::Plaintext(content) => (content.bytes(), &content.item().name, "plaintext"),
        Seen::Ciphertext(content) => (content.bytes(), &content.item().name, "ciphertext"),
    };
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename*=UTF-8''{name}"),
        ),
        (HeaderName::from_static("x-tidegate-view"), view.to_owned()),
    ];
    let pieces = stream::try_unfold((seen, 0), |(seen, from)| async move {
        let piece = piece(&seen, from).await?;
        let to = from + piece.len() as u64;
        Ok::<_, VaultError>((!piece.is_empty()).then_some((piece, (seen, to))))
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// What follows, at most [`PIECE_BYTES`]; nothing at the end.
async fn piece(seen: &Seen, from: u64) -> Result<bytes::Bytes, VaultError> {
    match seen {
        Seen::Plaintext(content) => {
            let to = (from + PIECE_BYTES).min(content.bytes());
            let mut pieces = Box::pin(content.read(from..to)?);
            Ok(pieces.try_next().await?.unwrap_or_default())
        }
        Seen::Ciphertext(content) => {
            let to = (from + PIECE_BYTES).min(content.bytes());
            content.read(from..to).await
        }
    }
}
