//! Consent, tokens and accounts.

use axum::Json;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{failure, ocs, refused};
use crate::dialects::granting::{self, Authorization};
use crate::http::Shared;
use crate::http::asked::{Caller, Params};
use crate::model::tenants::{User, UserRole};
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

/// Whatever is wrong with a code or a refresh token is `invalid_request`.
pub(super) async fn token(State(service): Shared, Form(asked): Form<TokenRequest>) -> Response {
    let pair = {
        let mut oauth = service.oauth();
        let known = oauth.check_client(&asked.client_id, &asked.client_secret);
        known.and_then(|()| match asked.grant_type.as_str() {
            "authorization_code" => {
                let TokenRequest {
                    client_id,
                    code,
                    redirect_uri,
                    code_verifier,
                    ..
                } = &asked;
                oauth.exchange(client_id, code, redirect_uri, code_verifier)
            }
            _ => oauth.refresh(&asked.client_id, &asked.refresh_token),
        })
    };
    let wrong =
        |word: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": word}))).into_response();
    match pair {
        Ok(pair) => {
            let user = service.oauth().bearer(&pair.access_token);
            let user_id = user.map_or_else(String::new, |bearer| bearer.user_id.to_string());
            Json(json!({
                "access_token": pair.access_token,
                "token_type": "Bearer",
                "expires_in": pair.expires_in,
                "refresh_token": pair.refresh_token,
                "user_id": user_id,
            }))
            .into_response()
        }
        Err(TokenRefusal::InvalidClient) => wrong("invalid_client"),
        Err(_) => wrong("invalid_request"),
    }
}

pub(super) async fn me(State(service): Shared, caller: Caller) -> Response {
    let by = caller.anyone();
    let model = service.model();
    model
        .user(by, &by.user_id)
        .map_or_else(refused, |user| ocs(account(user)))
}

pub(super) async fn list(State(service): Shared, caller: Caller) -> Response {
    let page = service.model().users(caller.anyone(), None, 100);
    page.map_or_else(refused, |page| {
        let ids: Vec<&str> = page.items.iter().map(|user| user.id.as_str()).collect();
        ocs(json!({"users": ids}))
    })
}

pub(super) async fn one(
    State(service): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Response {
    let model = service.model();
    match model.user(caller.anyone(), &id) {
        Ok(user) => ocs(account(user)),
        Err(_) => failure(StatusCode::NOT_FOUND, "User does not exist"),
    }
}

fn account(user: &User) -> Value {
    let groups: &[&str] = match user.role {
        UserRole::Administrator => &["admin"],
        UserRole::Member | UserRole::Guest => &[],
    };
    json!({
        "id": user.id,
        "displayname": user.name,
        "email": user.email,
        "groups": groups,
        "subadmin": [],
        "enabled": true,
    })
}
