//! Consent and tokens: PKCE, the client's credentials in a header, and the team's id beside the token.

use axum::Json;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::dialects::granting::{self, Authorization};
use crate::http::Shared;
use crate::http::asked::Params;
use crate::oauth::{TokenPair, TokenRefusal};
use crate::service::Service;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
    refresh_token: String,
}

pub(super) async fn authorize(
    State(service): Shared,
    Params(asked): Params<Authorization>,
) -> Response {
    granting::consent(&service, &asked)
}

pub(super) async fn token(
    State(service): Shared,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Response {
    match issue(&service, &headers, &request) {
        Ok(pair) => Json(json!({
            "access_token": pair.access_token,
            "token_type": "bearer",
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh_token,
            "scope": "events.read files.content.read",
            "uid": "",
            "team_id": pair.tenant_id,
        }))
        .into_response(),
        Err(refusal) => {
            let error = match refusal {
                TokenRefusal::InvalidClient => "invalid_client",
                TokenRefusal::InvalidGrant(_) => "invalid_grant",
            };
            let body = json!({"error": error, "error_description": refusal.to_string()});
            (StatusCode::BAD_REQUEST, Json(body)).into_response()
        }
    }
}

fn issue(
    service: &Service,
    headers: &HeaderMap,
    request: &TokenRequest,
) -> Result<TokenPair, TokenRefusal> {
    let (id, secret) = client(headers).ok_or(TokenRefusal::InvalidClient)?;
    let mut oauth = service.oauth();
    oauth.check_client(&id, &secret)?;
    match request.grant_type.as_str() {
        "refresh_token" => oauth.refresh(&id, &request.refresh_token),
        _ => oauth.exchange(
            &id,
            &request.code,
            &request.redirect_uri,
            &request.code_verifier,
        ),
    }
}

fn client(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
