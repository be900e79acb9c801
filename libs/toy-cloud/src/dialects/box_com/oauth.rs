//! Consent and tokens: a form with the client's credentials in it, no PKCE, refresh tokens that are taken once.

use axum::Json;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
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
    refresh_token: String,
    client_id: String,
    client_secret: String,
    /// Of a client's own grant: the enterprise.
    box_subject_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Revocation {
    token: String,
}

pub(super) async fn authorize(
    State(service): Shared,
    Params(asked): Params<Authorization>,
) -> Response {
    granting::consent(&service, &asked)
}

pub(super) async fn token(State(service): Shared, Form(request): Form<TokenRequest>) -> Response {
    match issue(&service, &request) {
        Ok(pair) => Json(json!({
            "access_token": pair.access_token,
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh_token,
            "restricted_to": [],
            "token_type": "bearer",
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

fn issue(service: &Service, request: &TokenRequest) -> Result<TokenPair, TokenRefusal> {
    let (client_id, secret) = (&request.client_id, &request.client_secret);
    if request.grant_type == "client_credentials" {
        return granting::of_client(service, client_id, secret, &request.box_subject_id);
    }
    let mut oauth = service.oauth();
    oauth.check_client(client_id, secret)?;
    match request.grant_type.as_str() {
        "refresh_token" => oauth.refresh(&request.client_id, &request.refresh_token),
        _ => oauth.exchange(&request.client_id, &request.code, &request.redirect_uri, ""),
    }
}

pub(super) async fn revoke(
    State(service): Shared,
    Form(revocation): Form<Revocation>,
) -> StatusCode {
    service.oauth().revoke(&revocation.token);
    StatusCode::OK
}
