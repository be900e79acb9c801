//! Tokens for an application's own credentials, and what a tenant's directory is called.

use axum::Json;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::dialects::granting;
use crate::http::Shared;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::dialects) struct TokenRequest {
    grant_type: String,
    client_id: String,
    client_secret: String,
    scope: String,
}

pub(super) async fn token(
    State(service): Shared,
    Path(directory): Path<String>,
    Form(request): Form<TokenRequest>,
) -> Response {
    let refused =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if request.grant_type != "client_credentials" {
        return refused("unsupported_grant_type");
    }
    // One resource a token, and all that was granted of it.
    if !request.scope.ends_with("/.default") || request.scope.contains(' ') {
        return refused("invalid_scope");
    }
    let Some(tenant) = tenant_of(&directory) else {
        return refused("invalid_request");
    };
    let (id, secret) = (&request.client_id, &request.client_secret);
    match granting::of_client(&service, id, secret, &tenant) {
        Ok(pair) => {
            let body = json!({"token_type": "Bearer", "expires_in": pair.expires_in, "ext_expires_in": pair.expires_in, "access_token": pair.access_token});
            Json(body).into_response()
        }
        Err(_) => (
            StatusCode::UNAUTHORIZED,
            Json(json!({"error": "invalid_client"})),
        )
            .into_response(),
    }
}

/// The directory id of a tenant: its name in hexadecimal, as a GUID.
pub(super) fn directory_of(tenant: &str) -> String {
    let digits = format!("{:0<32}", hex::encode(tenant));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|part| digits.get(part).unwrap_or_default());
    parts.join("-")
}

fn tenant_of(directory: &str) -> Option<String> {
    let bytes = hex::decode(directory.replace('-', "")).ok()?;
    let name = bytes.into_iter().take_while(|byte| *byte != 0).collect();
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_id_is_a_guid_that_names_its_tenant() {
        let id = directory_of("acme");
        assert_eq!(id, "61636d65-0000-0000-0000-000000000000");
        assert_eq!(tenant_of(&id).as_deref(), Some("acme"));
        assert_eq!(tenant_of("acme"), None);
    }
}
