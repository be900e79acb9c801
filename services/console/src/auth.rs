//! Who may come in: a bearer token for programs, a session for browsers.
//!
//! Promises: the token is compared in constant time; a session is opaque chance, kept in memory as a
//! hash, bounded in number and time; nothing that changes anything is taken from a browser without the
//! session's CSRF token, whatever the handler, nor when the browser says that another site asked.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use event_model::Secret;
use ports::Entropy;
use ring::hmac;

use crate::problem::{NOT_SIGNED_IN, Problem};
use crate::{ConsoleConfig, Shared, body, pages};

mod sessions;
pub(crate) use sessions::Session;
use sessions::Sessions;

/// The cookie that carries a session.
const COOKIE: &str = "tidegate_session";

/// Who acts: today there is one administrator.
#[derive(Clone)]
pub(crate) struct Actor(pub(crate) &'static str);

/// Who has the token.
pub(crate) const ADMINISTRATOR: Actor = Actor("administrator");

/// A form of a browser, whose CSRF token has been checked.
#[derive(Clone, Default)]
pub(crate) struct CheckedForm(Vec<(String, String)>);

impl CheckedForm {
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

/// Knows the token and the sessions.
pub(crate) struct Gatekeeper {
    key: hmac::Key,
    token_tag: hmac::Tag,
    sessions: Sessions,
    secure: bool,
}

impl Gatekeeper {
    pub(crate) fn new(config: &ConsoleConfig, entropy: &dyn Entropy) -> Self {
        let mut seed = [0; 32];
        entropy.fill(&mut seed);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &seed);
        Gatekeeper {
            token_tag: hmac::sign(&key, config.admin_token.expose().as_bytes()),
            key,
            sessions: Sessions::lasting(config.session_ttl),
            secure: config.secure_cookies,
        }
    }

    /// Whether it is the administrator's token, in constant time.
    pub(crate) fn is_admin_token(&self, token: &str) -> bool {
        hmac::verify(&self.key, token.as_bytes(), self.token_tag.as_ref()).is_ok()
    }

    /// Opens a session and gives the `Set-Cookie` value that carries it.
    pub(crate) fn open(&self, entropy: &dyn Entropy, now: Duration) -> Secret<String> {
        let opaque = self.sessions.open(entropy, now);
        let age = self.sessions.ttl().as_secs();
        Secret::new(self.cookie(opaque.expose(), age))
    }

    /// Ends the session and gives the `Set-Cookie` value that forgets it.
    pub(crate) fn close(&self, headers: &HeaderMap) -> String {
        if let Some(opaque) = cookie_of(headers) {
            self.sessions.close(opaque);
        }
        self.cookie("", 0)
    }

    fn cookie(&self, value: &str, age_s: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}")
    }

    /// The session that the cookie carries, if it is open.
    pub(crate) fn session(&self, headers: &HeaderMap, now: Duration) -> Option<Session> {
        self.sessions.find(cookie_of(headers)?, now)
    }
}

/// Guards the API: a bearer token, or a session whose changes carry `x-csrf-token`.
pub(crate) async fn programs_and_browsers(
    State(console): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&console, &request) {
        Ok(()) => {
            request.extensions_mut().insert(ADMINISTRATOR);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn admit(console: &Shared, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let keeper = &console.gatekeeper;
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let token = given.to_str().ok().and_then(bearer);
        let known = token.is_some_and(|token| keeper.is_admin_token(token));
        return known
            .then_some(())
            .ok_or_else(|| not_signed_in("the bearer token is not the administrator's"));
    }
    let session = keeper.session(headers, console.ports.clock.monotonic());
    let session = session.ok_or_else(|| {
        not_signed_in("send `authorization: Bearer <administrator token>`, or sign in")
    })?;
    if changes_something(request.method()) {
        let given = headers
            .get("x-csrf-token")
            .and_then(|value| value.to_str().ok());
        refuse_forgery(&session, headers, given.unwrap_or_default())?;
    }
    Ok(())
}

/// Guards the pages: a session, and its CSRF token in every form.
pub(crate) async fn browsers_only(
    State(console): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let now = console.ports.clock.monotonic();
    let Some(session) = console.gatekeeper.session(request.headers(), now) else {
        return send_to_login(&request);
    };
    request.extensions_mut().insert(ADMINISTRATOR);
    request.extensions_mut().insert(session.clone());
    if !changes_something(request.method()) {
        return next.run(request).await;
    }
    match read_form(&session, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => pages::failure(&problem, Some(&session)),
    }
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

fn refuse_forgery(session: &Session, headers: &HeaderMap, given: &str) -> Result<(), Problem> {
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

fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}
