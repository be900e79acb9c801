//! Signing in with the administrator token, and out. A login leads only to our own pages.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::{Frame, Page, render, see};
use crate::Shared;
use crate::auth::{self, ADMINISTRATOR, asked_by_another_site};
use crate::problem::{NOT_SIGNED_IN, Problem};

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    next: String,
    refused: bool,
}

/// The form; who is signed in already is sent on.
pub(super) async fn page(State(console): State<Shared>, headers: HeaderMap, uri: Uri) -> Response {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri);
    let pairs = pairs.map(|pairs| pairs.0).unwrap_or_default();
    let next = pairs.into_iter().find(|(name, _)| name == "next");
    let next = next.map(|(_, value)| value).unwrap_or_default();
    let now = console.ports.clock.monotonic();
    match console.gatekeeper.session(&headers, now) {
        Some(_) => see(inside(&next)),
        None => show(next, false),
    }
}

fn show(next: String, refused: bool) -> Response {
    render(&Login {
        frame: Frame::outside("Sign in", ""),
        next: inside(&next).to_owned(),
        refused,
    })
}

/// Takes the token for a session. The token itself is the proof that this form is meant.
pub(super) async fn enter(State(console): State<Shared>, request: Request) -> Page {
    let (parts, body) = request.into_parts();
    if asked_by_another_site(&parts.headers) {
        let detail = "sign in from Tidegate's own page";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail)
            .code(NOT_SIGNED_IN)
            .into());
    }
    let form = auth::pairs(body).await?;
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim()).unwrap_or_default()
    };
    if !console.gatekeeper.is_admin_token(field("token")) {
        tracing::warn!("someone tried to sign in with a wrong token");
        let again = show(field("next").to_owned(), true);
        return Ok((StatusCode::UNAUTHORIZED, again).into_response());
    }
    let detail = "signed in with the administrator token";
    console
        .record(&ADMINISTRATOR, "session.opened", "console", detail)
        .await?;
    let now = console.ports.clock.monotonic();
    let cookie = console.gatekeeper.open(&*console.ports.entropy, now);
    let headers = [(header::SET_COOKIE, cookie.expose().clone())];
    Ok((headers, see(inside(field("next")))).into_response())
}

pub(super) async fn leave(State(console): State<Shared>, headers: HeaderMap) -> Response {
    let cookie = console.gatekeeper.close(&headers);
    ([(header::SET_COOKIE, cookie)], see("/login")).into_response()
}

/// The path to go on to, if it is one of ours: a login must not lead anywhere else.
fn inside(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.chars().all(|c| c.is_ascii_graphic());
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn a_login_leads_only_to_our_own_pages() {
        for (next, path) in [
            ("/incidents/inc_1?x=1", "/incidents/inc_1?x=1"),
            ("", "/"),
            ("https://evil.example/", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example/", "/"),
            ("/\t/evil.example", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(inside(next), path);
        }
    }
}
