//! Consent and tokens: the user's token stands inside the answer, and what is wrong does under 200.

use axum::Json;
use axum::extract::{Form, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::json;

use super::web::{Answer, Refused};
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
    refresh_token: String,
}

impl From<TokenRefusal> for Refused {
    fn from(refusal: TokenRefusal) -> Self {
        Self(match refusal {
            TokenRefusal::InvalidClient => "bad_client_secret",
            TokenRefusal::InvalidGrant(_) => "invalid_refresh_token",
        })
    }
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
) -> Answer {
    let (id, secret) = client(&headers).ok_or(Refused("bad_client_secret"))?;
    let mut oauth = service.oauth();
    oauth.check_client(&id, &secret)?;
    if request.grant_type == "refresh_token" {
        let pair = oauth.refresh(&id, &request.refresh_token)?;
        return Ok(Json(json!({
            "ok": true,
            "access_token": pair.access_token,
            "token_type": "user",
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh_token,
            "team": null,
            "enterprise": {"id": pair.tenant_id},
        })));
    }
    let pair = oauth
        .exchange(&id, &request.code, &request.redirect_uri, "")
        .map_err(|_| Refused("invalid_code"))?;
    Ok(Json(json!({
        "ok": true,
        "app_id": "A0TIDE",
        "authed_user": {
            "id": "admin",
            "scope": "auditlogs:read,files:read,files:write,users:read",
            "access_token": pair.access_token,
            "token_type": "user",
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh_token,
        },
        "team": null,
        "enterprise": {"id": pair.tenant_id, "name": pair.tenant_id},
        "is_enterprise_install": true,
    })))
}

fn client(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
