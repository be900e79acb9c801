//! Signing in and out. A login leads only to our own pages, and says the same of every failure.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use event_model::{Secret, SessionStage};

use super::links::link;
use super::{Frame, Page, render, see};
use crate::Shared;
use crate::acts::sign_in::{CameFurther, Given, ended};
use crate::auth::{self, Session, Visitor, asked_by_another_site};
use crate::problem::{NOT_SIGNED_IN, Problem};

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    next: String,
    name: String,
    /// Whether nobody has an account yet.
    first: bool,
    /// What the provider of identities is called, and where signing in there begins.
    provider: Option<(String, String)>,
    refused: Option<String>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct Code {
    frame: Frame,
    next: String,
    csrf: String,
    refused: Option<String>,
}

/// The form; who is signed in already is sent on.
pub(super) async fn page(State(console): State<Shared>, headers: HeaderMap, uri: Uri) -> Page {
    let next = next_of(&uri);
    match console.session(&headers).await? {
        Some(session) if session.is_full() => Ok(see(inside(&next))),
        _ => show(&console, next, String::new(), None).await,
    }
}

async fn show(console: &Shared, next: String, name: String, refused: Option<String>) -> Page {
    let sso = link("/login/sso", [("next", inside(&next))]);
    let provider = console.ports.sign_on.as_ref();
    Ok(render(&Login {
        provider: provider.map(|provider| (provider.name().to_owned(), sso)),
        frame: Frame::outside("Sign in", ""),
        next: inside(&next).to_owned(),
        name,
        first: !console.has_administrator_but(None).await?,
        refused,
    }))
}

/// Takes a password, or the administrator's token, for a session. The proof itself says that this form is
/// meant.
pub(super) async fn enter(State(console): State<Shared>, request: Request) -> Page {
    let (parts, body) = request.into_parts();
    let visitor = Visitor::of(&parts);
    if asked_by_another_site(&parts.headers) {
        let detail = "sign in from Tidegate's own page";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail)
            .code(NOT_SIGNED_IN)
            .into());
    }
    let form = auth::CheckedForm::unchecked(auth::pairs(body).await?);
    let next = form.text("next").to_owned();
    let name = form.text("name").trim();
    let came = match form.given("token") {
        Some(token) => {
            console
                .sign_in_with_token(&token, &parts.headers, &visitor)
                .await
        }
        None => {
            let password = Secret::new(form.text("password").to_owned());
            let given = Given { name, password };
            console.sign_in(given, &parts.headers, &visitor).await
        }
    };
    match came {
        Ok(came) => Ok(further(&came, &next)),
        Err(problem) if is_refusal(&problem) => {
            let again = show(&console, next, name.to_owned(), Some(said(&problem))).await?;
            Ok(refused(&problem, again))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Asks for the code.
pub(super) async fn code_page(State(console): State<Shared>, headers: HeaderMap, uri: Uri) -> Page {
    let next = next_of(&uri);
    match console.session(&headers).await? {
        Some(session) if session.record.stage == SessionStage::SecondFactor => {
            Ok(ask(&session, &next, None))
        }
        Some(session) if session.is_full() => Ok(see(inside(&next))),
        _ => Ok(see(link("/login", [("next", inside(&next))]))),
    }
}

fn ask(session: &Session, next: &str, refused: Option<String>) -> Response {
    render(&Code {
        frame: Frame::outside("Second factor", ""),
        next: inside(next).to_owned(),
        csrf: session.csrf().to_owned(),
        refused,
    })
}

/// Takes the code.
pub(super) async fn enter_code(State(console): State<Shared>, request: Request) -> Page {
    let (parts, body) = request.into_parts();
    let visitor = Visitor::of(&parts);
    let session = console.session(&parts.headers).await?;
    let on_the_way = |one: &Session| one.record.stage == SessionStage::SecondFactor;
    let session = session.filter(on_the_way).ok_or_else(ended)?;
    let form = auth::CheckedForm::unchecked(auth::pairs(body).await?);
    auth::refuse_forgery(&session, &parts.headers, form.text("csrf"))?;
    let (code, next) = (form.text("code"), form.text("next"));
    let came = console
        .sign_in_with_code(&session, code, &parts.headers, &visitor)
        .await;
    match came {
        Ok(came) => Ok(further(&came, next)),
        Err(problem) if is_refusal(&problem) => {
            let again = ask(&session, next, Some(said(&problem)));
            Ok(refused(&problem, again))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Goes on to where the stage leads.
pub(super) fn further(came: &CameFurther, next: &str) -> Response {
    let to = match came.stage {
        SessionStage::Full => inside(next).to_owned(),
        SessionStage::SecondFactor => link("/login/code", [("next", inside(next))]),
        SessionStage::Enrolling => "/account/second-factor".to_owned(),
    };
    let headers = [(header::SET_COOKIE, came.cookie.expose().clone())];
    (headers, see(to)).into_response()
}

pub(super) async fn leave(State(console): State<Shared>, headers: HeaderMap) -> Page {
    let cookie = console.close_session(&headers).await?;
    Ok(([(header::SET_COOKIE, cookie)], see("/login")).into_response())
}

/// Whether it is an answer to what was typed.
fn is_refusal(problem: &Problem) -> bool {
    matches!(
        problem.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    )
}

fn said(problem: &Problem) -> String {
    let mut letters = problem.detail.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn refused(problem: &Problem, page: Response) -> Response {
    let mut response = (problem.status(), page).into_response();
    if let Some(after) = problem.comes_back() {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, after.as_secs().max(1).into());
    }
    response
}

pub(super) fn next_of(uri: &Uri) -> String {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let pairs = pairs.map(|pairs| pairs.0).unwrap_or_default();
    let next = pairs.into_iter().find(|(name, _)| name == "next");
    next.map(|(_, value)| value).unwrap_or_default()
}

/// The path to go on to, if it is one of ours: a login must not lead anywhere else.
pub(super) fn inside(next: &str) -> &str {
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
