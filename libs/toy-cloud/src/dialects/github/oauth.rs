//! Consent and tokens. A mistake is answered under 200.

use axum::Json;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::dialects::granting::{self, Authorization};
use crate::http::Shared;
use crate::http::asked::Params;
use crate::oauth::TokenRefusal;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    code_verifier: String,
    refresh_token: String,
    client_id: String,
    client_secret: String,
}

pub(super) async fn authorize(
    State(service): Shared,
    Params(asked): Params<Authorization>,
) -> Response {
    granting::consent(&service, &asked)
}

pub(super) async fn token(State(service): Shared, Form(asked): Form<TokenRequest>) -> Response {
    let mut oauth = service.oauth();
    let known = oauth.check_client(&asked.client_id, &asked.client_secret);
    let pair = known.and_then(|()| match asked.grant_type.as_str() {
        "refresh_token" => oauth.refresh(&asked.client_id, &asked.refresh_token),
        _ => {
            let TokenRequest {
                client_id,
                code,
                redirect_uri,
                code_verifier,
                ..
            } = &asked;
            oauth.exchange(client_id, code, redirect_uri, code_verifier)
        }
    });
    let said = match pair {
        Ok(pair) => json!({
            "access_token": pair.access_token,
            "token_type": "bearer",
            "scope": "repo,admin:org",
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh_token,
        }),
        Err(TokenRefusal::InvalidClient) => json!({"error": "incorrect_client_credentials"}),
        Err(_) if asked.grant_type == "refresh_token" => json!({"error": "bad_refresh_token"}),
        Err(_) => json!({"error": "bad_verification_code"}),
    };
    Json(said).into_response()
}
