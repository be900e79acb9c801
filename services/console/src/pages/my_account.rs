//! One's own account: password, second factor, sessions and tokens.

use std::collections::BTreeSet;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use event_model::{
    ApiToken, PAGE_ITEMS_MAX, PageRequest, Permission, Secret, Session as Record, SessionStage,
    TokenId,
};

use super::qr::qr;
use super::{Frame, Page, failure, render, see, wording};
use crate::acts::own::NewToken;
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session, Visitor};
use crate::problem::{Mistake, Problem};
use crate::{Console, Shared};

struct SessionRow {
    id: String,
    here: bool,
    agent: String,
    address: String,
    begun: String,
    seen: String,
}

/// A token in a list.
pub(super) struct TokenRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) permissions: String,
    pub(super) expires: String,
    pub(super) used: String,
    pub(super) state: &'static str,
    pub(super) class: &'static str,
    pub(super) valid: bool,
}

struct Tick {
    word: &'static str,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct MyAccount {
    frame: Frame,
    name: String,
    roles: String,
    groups: String,
    /// Whether it is an account, and not the administrator's token.
    has_account: bool,
    has_password: bool,
    second_factor: bool,
    recovery_left: usize,
    sessions: Vec<SessionRow>,
    tokens: Vec<TokenRow>,
    permissions: Vec<Tick>,
    typed: String,
    mistakes: Vec<Mistake>,
    said: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactorPage {
    frame: Frame,
    csrf: String,
    size: i32,
    path: String,
    typed: String,
    required: bool,
    mistakes: Vec<Mistake>,
}

#[derive(Template)]
#[template(path = "once.html")]
struct Once {
    frame: Frame,
    heading: &'static str,
    explained: &'static str,
    lines: Vec<String>,
}

/// What was refused of a form on the page, or done.
#[derive(Default)]
struct Told {
    typed: Option<CheckedForm>,
    mistakes: Vec<Mistake>,
    said: Option<&'static str>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    show(&console, &session, Told::default()).await
}

async fn show(console: &Console, session: &Session, told: Told) -> Page {
    let now = console.ports.clock.now();
    let actor = &session.actor;
    let owner = session.record.account;
    let sessions = console.ports.sessions.sessions_of(owner, now).await?;
    let (mut tokens, mut credentials) = (Vec::new(), ports::Credentials::default());
    if let Some(owner) = owner {
        let all = PageRequest::first(PAGE_ITEMS_MAX);
        tokens = console.token_page(Some(owner), &all).await?.items;
        credentials = console.ports.accounts.credentials(owner).await?.0;
    }
    let typed = told.typed.unwrap_or_default();
    let may = Permission::ALL.iter().filter(|one| actor.may(**one));
    let ticked: BTreeSet<&str> = typed.all("permission").collect();
    let roles: Vec<&str> = actor.roles.iter().map(|role| role.word()).collect();
    let groups: Vec<&str> = actor.groups.iter().map(String::as_str).collect();
    Ok(render(&MyAccount {
        frame: Frame::new("My account", "account", session),
        name: actor.name.clone(),
        roles: roles.join(", "),
        groups: groups.join(", "),
        has_account: owner.is_some(),
        has_password: credentials.password.is_some(),
        recovery_left: credentials
            .second_factor
            .as_ref()
            .map_or(0, |factor| factor.recovery.len()),
        second_factor: credentials.second_factor.is_some(),
        sessions: sessions
            .iter()
            .map(|one| session_row(one, session))
            .collect(),
        tokens: token_rows(&tokens, now),
        permissions: may
            .map(|one| Tick {
                word: one.word(),
                ticked: ticked.contains(one.word()),
            })
            .collect(),
        typed: typed.text("token_name").to_owned(),
        mistakes: told.mistakes,
        said: told.said,
    }))
}

/// The page again with what was refused; other problems as a page of their own.
async fn again(console: &Console, session: &Session, form: CheckedForm, problem: Problem) -> Page {
    if problem.errors.is_empty() || problem.status() != StatusCode::UNPROCESSABLE_ENTITY {
        return Ok(failure(&problem, Some(session)));
    }
    let told = Told {
        typed: Some(form),
        mistakes: problem.errors,
        said: None,
    };
    let page = show(console, session, told).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

pub(super) async fn change_password(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
    request: Request,
) -> Page {
    let visitor = Visitor::of(&request.into_parts().0);
    let secret = |name: &str| Secret::new(form.text(name).to_owned());
    let (old, new) = (secret("old"), secret("new"));
    let done = match form.text("new") == form.text("again") {
        true => {
            console
                .change_password(&session, &visitor, &old, &new)
                .await
        }
        false => Err(not_the_same()),
    };
    match done {
        Ok(()) => {
            let said = Some("The password is changed. Your other sessions have ended.");
            let told = Told {
                said,
                ..Told::default()
            };
            show(&console, &session, told).await
        }
        Err(problem) => again(&console, &session, CheckedForm::default(), problem).await,
    }
}

/// Two fields that must be the same are not.
pub(super) fn not_the_same() -> Problem {
    let message = "was typed differently the second time";
    crate::acts::accounts::invalid(vec![Mistake::new("password", message)])
}

pub(super) async fn second_factor(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    show_enrolment(&console, &session, Vec::new()).await
}

async fn show_enrolment(console: &Console, session: &Session, mistakes: Vec<Mistake>) -> Page {
    let enrolment = console.enrolment(session).await?;
    let drawn = qr(&enrolment.address);
    let required = session.record.stage == SessionStage::Enrolling;
    let frame = match required {
        true => Frame::outside("Second factor", "account"),
        false => Frame::new("Second factor", "account", session),
    };
    Ok(render(&SecondFactorPage {
        frame,
        csrf: session.csrf().to_owned(),
        size: drawn.as_ref().map_or(0, |qr| qr.size),
        path: drawn.map_or_else(String::new, |qr| qr.path),
        typed: enrolment.typed,
        required,
        mistakes,
    }))
}

pub(super) async fn enrol(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    form: CheckedForm,
    request: Request,
) -> Page {
    let visitor = Visitor::of(&request.into_parts().0);
    let recovery = match console.enrol(&session, &visitor, form.text("code")).await {
        Ok(recovery) => recovery,
        Err(problem) if !problem.errors.is_empty() => {
            let page = show_enrolment(&console, &session, problem.errors).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
        Err(problem) => return Ok(failure(&problem, Some(&session))),
    };
    let once = render(&Once {
        frame: Frame::outside("Codes to recover by", "account"),
        heading: "Codes to recover by",
        explained: "The second factor is used from now on. Who loses the device signs in with one of these \
                    codes instead; each is taken once. Keep them where the device is not.",
        lines: recovery.iter().map(|code| code.expose().clone()).collect(),
    });
    match (&session.account, session.is_full()) {
        // Whoever had to make one first is signed in by it, with a session of their own.
        (Some(account), false) => {
            let by = match account.subject {
                Some(_) => "single sign-on and a new second factor",
                None => "a password and a new second factor",
            };
            let came = console.came_in(account.clone(), by, &headers, &visitor);
            let cookie = came.await?.cookie.expose().clone();
            Ok(([(header::SET_COOKIE, cookie)], once).into_response())
        }
        _ => Ok(once),
    }
}

pub(super) async fn remove_second_factor(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
    request: Request,
) -> Page {
    let visitor = Visitor::of(&request.into_parts().0);
    let password = Secret::new(form.text("password").to_owned());
    let removed = console.remove_own_second_factor(&session, &visitor, &password);
    match removed.await {
        Ok(()) => Ok(see("/account")),
        Err(problem) => again(&console, &session, form, problem).await,
    }
}

pub(super) async fn end_session(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    console.end_own(&session, Some(id(&given)?)).await?;
    Ok(see("/account"))
}

pub(super) async fn end_sessions(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    console.end_own(&session, None).await?;
    Ok(see("/login"))
}

pub(super) async fn create_token(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let new = NewToken {
        name: form.text("token_name").to_owned(),
        permissions: form
            .all("permission")
            .filter_map(Permission::from_word)
            .collect(),
        connections: None,
        days: form.text("days").trim().parse().ok(),
    };
    match console.create_token(&by, new).await {
        Ok((_, text)) => Ok(render(&Once {
            frame: Frame::new("A new token", "account", &session),
            heading: "The token",
            explained: "It is shown this once. Whoever has it may do what it is for, in your name.",
            lines: vec![text.expose().clone()],
        })),
        Err(problem) => again(&console, &session, form, problem).await,
    }
}

pub(super) async fn revoke_token(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let token: TokenId = id(&given)?;
    let revoked = console.revoke_token(&by, token).await?;
    let own = session.record.account == Some(revoked.account);
    let back = match own {
        true => "/account".to_owned(),
        false => format!("/users/{}", revoked.account),
    };
    Ok(see(back) as Response)
}

fn session_row(one: &Record, session: &Session) -> SessionRow {
    SessionRow {
        id: one.id.to_string(),
        here: one.id == session.record.id,
        agent: one.agent.clone(),
        address: one.address.clone().unwrap_or_else(|| "unknown".to_owned()),
        begun: wording::time(one.created_at),
        seen: wording::time(one.seen_at),
    }
}

/// The tokens as a list shows them.
pub(super) fn token_rows(tokens: &[ApiToken], now: DateTime<Utc>) -> Vec<TokenRow> {
    let row = |token: &ApiToken| {
        let words: Vec<&str> = token.permissions.iter().map(|one| one.word()).collect();
        let (state, class) = match (token.revoked_at, token.is_valid(now)) {
            (Some(_), _) => ("revoked", "quiet"),
            (None, true) => ("valid", "good"),
            (None, false) => ("ended", "quiet"),
        };
        TokenRow {
            id: token.id.to_string(),
            name: token.name.clone(),
            permissions: words.join(", ").replace('_', " "),
            expires: wording::time(token.expires_at),
            used: token.used_at.map_or("never".to_owned(), wording::time),
            state,
            class,
            valid: token.is_valid(now),
        }
    };
    tokens.iter().map(row).collect()
}
