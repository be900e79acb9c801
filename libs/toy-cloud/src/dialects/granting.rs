//! Grants in the ways of other services: consent without a page, by someone who is signed in and said yes before; tokens for a
//! client's own credentials; and a client's secret as a key that is sent with every call.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::http::oauth::see_other;
use crate::model::By;
use crate::oauth::redirects;
use crate::oauth::scopes::Scopes;
use crate::oauth::{Consent, TokenPair, TokenRefusal};
use crate::secrets::same_secret;
use crate::service::Service;

/// Whose tenant it is when the authorization request does not say.
const DEFAULT_TENANT: &str = "acme";

/// What is read of an authorization request; the rest is the dialect's own.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Authorization {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) code_challenge: String,
    /// Not the real service's: a browser would know by its session who is signed in.
    pub(crate) tenant: String,
}

/// Sends the browser straight back with a code: the tenant's administrator is signed in and has consented.
pub(crate) fn consent(service: &Service, asked: &Authorization) -> Response {
    let refused = |why: &'static str| (StatusCode::BAD_REQUEST, why).into_response();
    let tenant = match asked.tenant.as_str() {
        "" => DEFAULT_TENANT,
        tenant => tenant,
    };
    let Ok(by) = administrator(service, tenant, &asked.client_id) else {
        return refused("there is no such tenant");
    };
    let mut oauth = service.oauth();
    let redirect = oauth
        .client(&asked.client_id)
        .and_then(|client| redirects::allowed(client, &asked.redirect_uri));
    let Some(redirect) = redirect else {
        return refused("the client or its redirect URI is not known here");
    };
    let code = oauth.issue_code(Consent {
        client_id: asked.client_id.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        code_challenge: asked.code_challenge.clone(),
        tenant_id: by.tenant_id,
        user_id: by.user_id,
        scopes: Scopes::all(),
    });
    let told = [("code", code.as_str()), ("state", asked.state.as_str())];
    see_other(&redirects::with(&redirect, &told))
}

/// Tokens of the tenant's administrator for a client that shows its secret.
pub(crate) fn of_client(
    service: &Service,
    client_id: &str,
    secret: &str,
    tenant: &str,
) -> Result<TokenPair, TokenRefusal> {
    let by = administrator(service, tenant, client_id)?;
    let mut oauth = service.oauth();
    oauth.check_client(client_id, secret)?;
    oauth.grant(&Consent {
        client_id: client_id.to_owned(),
        redirect_uri: String::new(),
        code_challenge: String::new(),
        tenant_id: by.tenant_id,
        user_id: by.user_id,
        scopes: Scopes::all(),
    })
}

/// Who calls with a client's secret as a key: the tenant's administrator.
pub(crate) fn by_key(service: &Service, key: &str, tenant: &str) -> Option<By> {
    let client_id = service
        .oauth()
        .clients()
        .find(|client| same_secret(&client.secret, key))
        .map(|client| client.id.clone())?;
    administrator(service, tenant, &client_id).ok()
}

fn administrator(service: &Service, tenant: &str, client_id: &str) -> Result<By, TokenRefusal> {
    let unknown = TokenRefusal::InvalidGrant("there is no such tenant");
    let model = service.model();
    let tenant = model.tenant(tenant).map_err(|_| unknown)?;
    let user = tenant.find_user("admin").ok_or(unknown)?;
    Ok(By {
        tenant_id: tenant.id.clone(),
        user_id: user.id.clone(),
        app_id: Some(client_id.to_owned()),
        ip: "127.0.0.1".to_owned(),
        user_agent: "dialect".to_owned(),
    })
}
