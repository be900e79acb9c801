//! The OAuth endpoints. A client or redirect URI that is not known gets a page and no redirect; anything else that is wrong with a
//! request is told to the redirect URI.

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CACHE_CONTROL, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use url::{Host, Url};

use super::Shared;
use super::answers::{Answer, ApiError};
use super::asked::{Params, peer_ip, user_agent};
use super::attending::AskedBy;
use crate::model::By;
use crate::oauth::scopes::Scopes;
use crate::oauth::{Consent, TokenPair, TokenRefusal, redirects};
use crate::pages::consent::ConsentPage;
use crate::pages::{FormTarget, RefusedPage, respond};
use crate::service::Service;

const STATE_LENGTH_MAX: usize = 2_048;
/// A SHA-256 digest in base64url without padding.
const CHALLENGE_LENGTH: usize = 43;

/// What an authorization request says, as a query and again as the consent form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
    tenant: String,
    user: String,
    password: String,
    decision: String,
}

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

#[derive(Debug, Deserialize)]
pub(super) struct Revocation {
    token: String,
}

/// Why the user is not asked.
enum Stop {
    /// There is no address that may be told.
    DeadEnd(&'static str),
    /// The redirect URI is told, by this address.
    Told(String),
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        match self {
            Self::DeadEnd(message) => dead_end(message),
            Self::Told(to) => see_other(&to),
        }
    }
}

/// An authorization request whose answer has an address to go to.
struct Checked {
    redirect: Url,
    scopes: Scopes,
}

pub(super) async fn authorize(State(service): Shared, Params(asked): Params<Asked>) -> Response {
    match check(&service, &asked) {
        Ok(checked) => consent_page(&service, &asked, &checked, false),
        Err(stop) => stop.into_response(),
    }
}

pub(super) async fn consent(
    State(service): Shared,
    parts: Parts,
    form: Result<Form<Asked>, FormRejection>,
) -> Response {
    let Ok(Form(asked)) = form else {
        return dead_end("The form could not be read.");
    };
    let checked = match check(&service, &asked) {
        Ok(checked) => checked,
        Err(stop) => return stop.into_response(),
    };
    if asked.decision != "allow" {
        let told = [("error", "access_denied"), ("state", &asked.state)];
        return see_other(&redirects::with(&checked.redirect, &told));
    }
    let Some(by) = sign_in(&service, &parts, &asked) else {
        return consent_page(&service, &asked, &checked, true);
    };
    let consent = Consent {
        client_id: asked.client_id,
        redirect_uri: asked.redirect_uri,
        code_challenge: asked.code_challenge,
        tenant_id: by.tenant_id,
        user_id: by.user_id,
        scopes: checked.scopes,
    };
    let code = service.oauth().issue_code(consent);
    let issuer = &service.ground.base_url;
    let told = [
        ("code", code.as_str()),
        ("state", &asked.state),
        ("iss", issuer),
    ];
    see_other(&redirects::with(&checked.redirect, &told))
}

/// Signs the user in and tells of the authorization; none when there is no such user or the password is wrong.
fn sign_in(service: &Service, parts: &Parts, asked: &Asked) -> Option<By> {
    let mut model = service.model();
    let tenant = model.tenant(&asked.tenant).ok()?;
    let mut by = By {
        tenant_id: tenant.id.clone(),
        user_id: tenant.find_user(&asked.user)?.id.clone(),
        app_id: None,
        ip: peer_ip(parts),
        user_agent: user_agent(&parts.headers),
    };
    model.log_in(&by, &asked.password).ok()?;
    by.app_id = Some(asked.client_id.clone());
    model.authorize_app(&by, &asked.client_id).ok()?;
    Some(by)
}

/// Whether the request can be put before the user.
fn check(service: &Service, asked: &Asked) -> Result<Checked, Stop> {
    let oauth = service.oauth();
    let client = oauth.client(&asked.client_id);
    let client = client.ok_or(Stop::DeadEnd("The client is not known here."))?;
    let redirect = redirects::allowed(client, &asked.redirect_uri).ok_or(Stop::DeadEnd(
        "The redirect URI is not one of this client's.",
    ))?;
    if asked.state.len() > STATE_LENGTH_MAX {
        return Err(Stop::DeadEnd("The state is too long."));
    }
    let tell = |error| {
        let told = [("error", error), ("state", asked.state.as_str())];
        Err(Stop::Told(redirects::with(&redirect, &told)))
    };
    if asked.response_type != "code" {
        return tell("unsupported_response_type");
    }
    let Some(scopes) = Scopes::parse(&asked.scope) else {
        return tell("invalid_scope");
    };
    if asked.code_challenge_method != "S256" || !is_challenge(&asked.code_challenge) {
        return tell("invalid_request");
    }
    Ok(Checked { redirect, scopes })
}

fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_LENGTH
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn consent_page(service: &Service, asked: &Asked, checked: &Checked, again: bool) -> Response {
    let tenants: Vec<(String, String)> = service
        .model()
        .tenants()
        .map(|tenant| (tenant.id.clone(), tenant.name.clone()))
        .collect();
    let origin = checked.redirect.origin().ascii_serialization();
    let page = ConsentPage {
        client_id: &asked.client_id,
        redirect_uri: &asked.redirect_uri,
        redirect_origin: &origin,
        scope: &checked.scopes.to_string(),
        scopes: &checked.scopes.explained(),
        state: &asked.state,
        code_challenge: &asked.code_challenge,
        tenants: &tenants,
        tenant: &asked.tenant,
        user: &asked.user,
        wrong_password: again,
    };
    let target = match checked.redirect.host() {
        Some(Host::Ipv6(_)) | None => FormTarget::Unnamed,
        Some(_) => FormTarget::Origin(&origin),
    };
    let status = if again {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::OK
    };
    respond(status, &page, target)
}

fn dead_end(message: &str) -> Response {
    respond(
        StatusCode::BAD_REQUEST,
        &RefusedPage {
            message,
            back: false,
        },
        FormTarget::Own,
    )
}

pub(crate) fn see_other(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

pub(super) async fn token(
    State(service): Shared,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Answer {
    let Ok(Form(request)) = form else {
        return Err(ApiError::invalid("the body is not a form"));
    };
    let (client_id, secret) = credentials(&headers, &request);
    let issued = issue(&service, &request, &client_id, &secret);
    let mut response = match issued {
        Ok(pair) => Json(pair).into_response(),
        Err(error) => error.into_response(),
    };
    if service.oauth().client(&client_id).is_some() {
        response
            .extensions_mut()
            .insert(AskedBy(client_id.as_str().into()));
    }
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn issue(
    service: &Service,
    request: &TokenRequest,
    client_id: &str,
    secret: &str,
) -> Result<TokenPair, ApiError> {
    let mut oauth = service.oauth();
    oauth.check_client(client_id, secret).map_err(refusal)?;
    let pair = match request.grant_type.as_str() {
        "authorization_code" => oauth.exchange(
            client_id,
            &request.code,
            &request.redirect_uri,
            &request.code_verifier,
        ),
        "refresh_token" => oauth.refresh(client_id, &request.refresh_token),
        _ => {
            let message = "grant_type is authorization_code or refresh_token";
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                message,
            ));
        }
    };
    pair.map_err(refusal)
}

fn refusal(refusal: TokenRefusal) -> ApiError {
    let message = refusal.to_string();
    match refusal {
        TokenRefusal::InvalidClient => {
            ApiError::new(StatusCode::UNAUTHORIZED, "invalid_client", message)
        }
        TokenRefusal::InvalidGrant(_) => {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_grant", message)
        }
    }
}

/// The client by Basic, and without that from the body.
fn credentials(headers: &HeaderMap, request: &TokenRequest) -> (String, String) {
    basic(headers).unwrap_or_else(|| (request.client_id.clone(), request.client_secret.clone()))
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    Some((plain(id), plain(secret)))
}

pub(super) async fn revoke(
    State(service): Shared,
    form: Result<Form<Revocation>, FormRejection>,
) -> Answer {
    let Ok(Form(revocation)) = form else {
        return Err(ApiError::invalid("the form has a token"));
    };
    service.oauth().revoke(&revocation.token);
    Ok(StatusCode::OK.into_response())
}
