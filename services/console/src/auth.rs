//! Who may come in: a bearer token for programs, a session for browsers.
//!
//! Promises: tokens are compared in constant time or found by hash; a session is opaque chance, kept as a
//! hash; nothing that changes anything is taken from a browser without the session's CSRF token, whatever
//! the handler, nor when the browser says that another site asked; what they may is asked of
//! [`permissions`] before any handler runs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event_model::{Identity, SessionStage};
use ports::Entropy;
use ring::digest::{SHA256, digest};
use ring::hmac;

use crate::problem::{NOT_SIGNED_IN, Problem};
use crate::{ConsoleConfig, Shared, body, once, pages, permissions, scope};

mod attempts;
pub(crate) mod codes;
pub(crate) mod passwords;
mod sessions;
pub(crate) mod tokens;

pub(crate) use attempts::{Attempts, Tried};
use passwords::Passwords;
pub(crate) use sessions::{Session, Visitor, cookie_of};

/// Who acts.
#[derive(Clone)]
pub(crate) struct Actor(Arc<Identity>);

impl Actor {
    pub(crate) fn new(identity: Identity) -> Self {
        Actor(Arc::new(identity))
    }

    /// Who has the administrator's token.
    pub(crate) fn machine() -> Self {
        Actor::new(Identity::machine())
    }

    /// Their name, which is nobody else's: approvals are counted by it.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }
}

impl std::ops::Deref for Actor {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

/// A form of a browser, whose CSRF token has been checked.
#[derive(Clone, Default)]
pub(crate) struct CheckedForm(Vec<(String, String)>);

impl CheckedForm {
    /// What an address fills a form in with.
    pub(crate) fn typed(pairs: Vec<(String, String)>) -> Self {
        CheckedForm(pairs)
    }

    /// A form of a page that needs no session, or whose token is checked by who reads it.
    pub(crate) fn unchecked(pairs: Vec<(String, String)>) -> Self {
        CheckedForm(pairs)
    }

    /// The first value of that name; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        let mut pairs = self.0.iter();
        pairs
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// Every value of that name.
    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        let pairs = self.0.iter();
        pairs
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every name with its value, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The trimmed value of that name, unless it is empty.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        let value = self.text(name).trim();
        (!value.is_empty()).then(|| value.to_owned())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CheckedForm {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Only `browsers_only` puts it there; a form without a session has none.
        Ok(parts
            .extensions
            .get::<CheckedForm>()
            .cloned()
            .unwrap_or_default())
    }
}

/// Knows the administrator's token, and what holds guesses back.
pub(crate) struct Gatekeeper {
    key: hmac::Key,
    token_tag: hmac::Tag,
    pub(crate) passwords: Passwords,
    pub(crate) attempts: Attempts,
}

impl Gatekeeper {
    pub(crate) fn new(config: &ConsoleConfig, entropy: &dyn Entropy) -> Self {
        let mut seed = [0; 32];
        entropy.fill(&mut seed);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &seed);
        Gatekeeper {
            token_tag: hmac::sign(&key, config.admin_token.expose().as_bytes()),
            key,
            passwords: Passwords::new(config.password_cost, entropy),
            attempts: Attempts::default(),
        }
    }

    /// Whether it is the administrator's token, in constant time.
    pub(crate) fn is_admin_token(&self, token: &str) -> bool {
        hmac::verify(&self.key, token.as_bytes(), self.token_tag.as_ref()).is_ok()
    }
}

/// Guards the API: a bearer token, or a session whose changes carry `x-csrf-token`.
pub(crate) async fn programs_and_browsers(
    State(console): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let known = known(&console, &method, &headers).await;
    let admitted = known.and_then(|actor| {
        permissions::admit(&actor, &request)?;
        Ok(actor)
    });
    match admitted {
        Ok(actor) => {
            let scope = actor.scope.clone();
            request.extensions_mut().insert(actor.clone());
            once::answer(&console, &actor, scope, request, next).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn known(console: &Shared, method: &Method, headers: &HeaderMap) -> Result<Actor, Problem> {
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let token = given.to_str().ok().and_then(bearer).unwrap_or_default();
        if console.gatekeeper.is_admin_token(token) {
            return Ok(Actor::machine());
        }
        let known = console.bearer_of(token).await?;
        return known.ok_or_else(|| not_signed_in("the bearer token is not taken"));
    }
    let session = console.session(headers).await?;
    let session = session
        .filter(Session::is_full)
        .ok_or_else(|| not_signed_in("send `authorization: Bearer <token>`, or sign in"))?;
    if changes_something(method) {
        let given = headers
            .get("x-csrf-token")
            .and_then(|value| value.to_str().ok());
        refuse_forgery(&session, headers, given.unwrap_or_default())?;
    }
    Ok(session.actor)
}

/// Guards the pages: a session, and its CSRF token in every form.
pub(crate) async fn browsers_only(
    State(console): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers().clone();
    let session = match console.session(&headers).await {
        Ok(Some(session)) => session,
        Ok(None) => return send_to_login(&request),
        Err(problem) => return pages::failure(&problem, None),
    };
    if let Some(first) = first_to(&session, request.uri().path()) {
        return Redirect::to(first).into_response();
    }
    let mut request = match changes_something(request.method()) {
        false => request,
        true => match read_form(&session, request).await {
            Ok(request) => request,
            Err(problem) => return pages::failure(&problem, Some(&session)),
        },
    };
    if let Err(problem) = permissions::admit(&session.actor, &request) {
        return pages::failure(&problem, Some(&session));
    }
    request.extensions_mut().insert(session.actor.clone());
    let scope = session.actor.scope.clone();
    request.extensions_mut().insert(session);
    scope::answer(scope, request, next).await
}

/// Where a browser that is on the way must go first.
fn first_to(session: &Session, path: &str) -> Option<&'static str> {
    let first = match session.record.stage {
        SessionStage::Full => return None,
        SessionStage::SecondFactor => "/login/code",
        SessionStage::Enrolling => "/account/second-factor",
    };
    (path != first && path != "/logout").then_some(first)
}

/// Reads the form and checks its token, before any handler sees it.
async fn read_form(session: &Session, request: Request) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let form = CheckedForm(pairs(body).await?);
    refuse_forgery(session, &parts.headers, form.text("csrf"))?;
    parts.extensions.insert(form);
    Ok(Request::from_parts(parts, Body::empty()))
}

/// The names and values of a form, in order.
pub(crate) async fn pairs(form: Body) -> Result<Vec<(String, String)>, Problem> {
    let bytes = body::read(form).await?;
    let text = String::from_utf8_lossy(&bytes);
    // The form is decoded as a query is: both are `application/x-www-form-urlencoded`.
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Ok(pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect())
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .replace("\r\n", "\n")
}

/// Whether the browser says that another site asked. Old browsers say nothing: `SameSite=Strict` and
/// the token hold for them.
pub(crate) fn asked_by_another_site(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
}

/// Refuses what carries another token than the session's, or comes from another site.
pub(crate) fn refuse_forgery(
    session: &Session,
    headers: &HeaderMap,
    given: &str,
) -> Result<(), Problem> {
    if asked_by_another_site(headers) || !session.is_csrf(given) {
        let detail = "the form is not from this session: open the page again and repeat";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail).code(NOT_SIGNED_IN));
    }
    Ok(())
}

/// To the login page, and from there back. A browser that follows a link of another site does not
/// send the session, so it is first asked to come again from here: the login sends on who is signed in.
fn send_to_login(request: &Request) -> Response {
    let uri = request.uri();
    let here = uri.path_and_query().map_or("/", |path| path.as_str());
    let next = match *request.method() {
        Method::GET => here,
        _ => "/",
    };
    let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
    let login = format!("/login?next={next}");
    match asked_by_another_site(request.headers()) {
        true => pages::come_again(&login),
        false => Redirect::to(&login).into_response(),
    }
}

fn not_signed_in(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail).code(NOT_SIGNED_IN)
}

fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// 256 bits of chance as a text.
pub(crate) fn draw(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a text that proves something.
pub(crate) fn fingerprint(text: &str) -> [u8; 32] {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
