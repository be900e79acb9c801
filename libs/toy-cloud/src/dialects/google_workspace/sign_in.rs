//! Tokens for a service account: its statement must be signed with its key, be for this endpoint and in force, and name a user whose
//! domain delegated to it: the token is that user's. Source: RFC 7523.

use axum::Json;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::json;

use crate::http::Shared;
use crate::oauth::Consent;
use crate::oauth::scopes::Scopes;
use crate::service::Service;

const TOKEN: &str = "https://oauth2.googleapis.com/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The service account's public key.
const KEY: &str = include_str!("service-account.pem");

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::dialects) struct TokenRequest {
    grant_type: String,
    assertion: String,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    scope: String,
    exp: i64,
}

pub(super) async fn token(State(service): Shared, Form(request): Form<TokenRequest>) -> Response {
    let refused =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if request.grant_type != GRANT {
        return refused("unsupported_grant_type");
    }
    let claims = stated(&request.assertion);
    let now = service.ground.clock.now().unix_seconds();
    let Some(claims) = claims.filter(|claims| claims.aud == TOKEN && claims.exp > now) else {
        return refused("invalid_grant");
    };
    if claims.scope.is_empty() {
        return refused("invalid_scope");
    }
    match granted(&service, &claims) {
        Some(answer) => answer,
        None => refused("unauthorized_client"),
    }
}

fn granted(service: &Service, claims: &Claims) -> Option<Response> {
    let (_, domain) = claims.sub.split_once('@')?;
    let tenant_id = domain.strip_suffix(".example")?.to_owned();
    let user_id = {
        let model = service.model();
        let user = model.tenant(&tenant_id).ok()?.find_user(&claims.sub);
        user.filter(|user| !user.external)?.id.clone()
    };
    let mut oauth = service.oauth();
    let client_id = oauth.client(&claims.iss)?.id.clone();
    let consent = Consent {
        client_id,
        redirect_uri: String::new(),
        code_challenge: String::new(),
        tenant_id,
        user_id,
        scopes: Scopes::all(),
    };
    let pair = oauth.grant(&consent).ok()?;
    let body = json!({"access_token": pair.access_token, "expires_in": pair.expires_in, "token_type": "Bearer"});
    Some(Json(body).into_response())
}

/// What a statement says, if its signature is good.
fn stated(assertion: &str) -> Option<Claims> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (_, claims) = signed.split_once('.')?;
    let key: String = KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, STANDARD.decode(key).ok()?);
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    key.verify(signed.as_bytes(), &signature).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}
