//! What a request brings: its grant, its query, its body, its conditions. Each is refused in the API's own shape of error.

use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Query, Request};
use bytes::BytesMut;
use futures::StreamExt;
use http::header::{AUTHORIZATION, IF_MATCH, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::UPLOAD_BYTES_MAX;
use super::answers::ApiError;
use crate::ledger::cut_short;
use crate::model::By;
use crate::model::large::{Large, LargeDraft};
use crate::model::objects::Content;
use crate::oauth::Bearer;
use crate::oauth::scopes::Scope;
use crate::server::Peer;
use crate::service::Service;

/// Who calls, by a good access token.
#[derive(Debug)]
pub(crate) struct Caller {
    by: By,
    bearer: Bearer,
}

/// The token's bearer, found once for all that ask.
#[derive(Debug, Clone)]
pub(crate) struct Presented(pub(crate) Option<Bearer>);

impl Caller {
    pub(crate) fn may(&self, scope: Scope) -> Result<&By, ApiError> {
        if self.bearer.scopes.has(scope) {
            return Ok(&self.by);
        }
        let message = "the grant does not cover this";
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            message,
        ))
    }

    pub(crate) fn anyone(&self) -> &By {
        &self.by
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let presented = parts.extensions.get::<Presented>();
        let bearer = presented
            .and_then(|presented| presented.0.clone())
            .ok_or_else(|| {
                let message = "the access token is missing, unknown, expired or revoked";
                ApiError::new(StatusCode::UNAUTHORIZED, "invalid_token", message)
            })?;
        let by = By {
            tenant_id: bearer.tenant_id.to_string(),
            user_id: bearer.user_id.to_string(),
            app_id: Some(bearer.client_id.to_string()),
            ip: peer_ip(parts),
            user_agent: user_agent(&parts.headers),
        };
        Ok(Self { by, bearer })
    }
}

pub(crate) fn peer_ip(parts: &Parts) -> String {
    let peer = parts.extensions.get::<ConnectInfo<Peer>>();
    peer.map_or_else(String::new, |ConnectInfo(peer)| peer.ip.to_string())
}

pub(crate) fn user_agent(headers: &HeaderMap) -> String {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    cut_short(agent.unwrap_or_default())
}

pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The query.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::invalid(rejection.body_text())),
        }
    }
}

/// A body of JSON, whatever its content type says.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = read(request, state).await?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(ApiError::invalid(format!(
                "the body is not as expected: {error}"
            ))),
        }
    }
}

/// A body of bytes, or a large one on disk; so many are read at once, others wait.
#[derive(Debug)]
pub(crate) enum Upload {
    Small(Bytes),
    Large(Arc<Large>),
}

impl Upload {
    pub(crate) fn content(self, mime_type: &str) -> Content {
        match self {
            Self::Small(bytes) => Content::new(bytes, mime_type),
            Self::Large(large) => Content::large(large, mime_type),
        }
    }
}

impl FromRequest<Arc<Service>> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<Service>) -> Result<Self, ApiError> {
        let _room = state.uploads.acquire().await;
        match &state.large_files {
            Some(folder) => spooled(request, folder).await,
            None => Ok(Self::Small(read(request, state).await?)),
        }
    }
}

/// Up to the bound in memory, and beyond it on disk.
async fn spooled(request: Request, folder: &Path) -> Result<Upload, ApiError> {
    let broken = |_| ApiError::invalid("the body could not be read");
    let full = |_| too_large();
    let mut pieces = request.into_body().into_data_stream();
    let mut held = BytesMut::new();
    let mut draft: Option<LargeDraft> = None;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(broken)?;
        match &mut draft {
            None if held.len() + piece.len() <= UPLOAD_BYTES_MAX => held.extend_from_slice(&piece),
            None => {
                let mut begun = LargeDraft::new(folder).map_err(full)?;
                begun.add(&held).map_err(full)?;
                begun.add(&piece).map_err(full)?;
                held = BytesMut::new();
                draft = Some(begun);
            }
            Some(draft) => {
                if !draft.add(&piece).map_err(full)? {
                    return Err(too_large());
                }
            }
        }
    }
    match draft {
        None => Ok(Upload::Small(held.freeze())),
        Some(draft) => Ok(Upload::Large(Arc::new(draft.finish().map_err(full)?))),
    }
}

fn too_large() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "the body is too large",
    )
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            _ => ApiError::invalid("the body could not be read"),
        })
}

/// The version that `If-Match` names; `*` is any.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    if text == "*" {
        return Ok(None);
    }
    let version = text
        .strip_prefix("\"v")
        .and_then(|rest| rest.strip_suffix('"'));
    match version.and_then(|version| version.parse().ok()) {
        Some(version) => Ok(Some(version)),
        None => Err(crate::model::Refusal::VersionMismatch.into()),
    }
}
