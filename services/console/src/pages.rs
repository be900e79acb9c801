//! The server-rendered console: pages that work without JavaScript and become live with it.
//!
//! Promises: what a cloud service sent is text, escaped by the template engine, never script, never an
//! unescaped attribute, never a link to another scheme; every page but the login needs a session; every
//! form carries the session's CSRF token, checked before its handler runs.

use askama::Template;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use ports::StoreError;

use crate::auth::{self, Session};
use crate::problem::Problem;
use crate::{Shared, body};
use navigation::Way;
use ports::AdminError;

mod access;
mod activity;
mod around;
mod asked;
mod assets;
mod audit;
mod blind_spots;
mod callback;
mod capabilities;
mod case_form;
mod chart;
mod connection;
mod connections;
mod detectors;
mod event;
mod exceptions;
mod feed;
mod fields;
mod incident;
mod incidents;
mod labels;
mod links;
mod login;
mod my_account;
mod navigation;
mod overview;
mod policies;
mod policy_form;
mod qr;
mod quarantine;
mod remedies;
mod replay;
mod respond;
mod scans;
mod settings;
mod sinks;
mod sso;
mod trace;
mod users;
mod views;
mod waterfall;
mod welcome;
mod wording;
mod work;

/// Every page, form and asset.
pub(crate) fn routes(console: &Shared) -> Router<Shared> {
    let guarded = Router::new()
        .route("/", get(incidents::page))
        .route("/overview", get(overview::page))
        .route(
            "/exceptions",
            get(exceptions::page).post(exceptions::create),
        )
        .route("/exceptions/{id}/end", post(exceptions::end))
        .route("/views", post(views::keep))
        .route("/views/{id}/remove", post(views::remove))
        .route("/incidents/{id}/respond", post(respond::respond))
        .route("/incidents/work", post(work::work))
        .route("/incidents/{id}", get(incident::page))
        .route("/incidents/{id}/status", post(incident::rule))
        .route("/remedies", get(remedies::page))
        .route("/remedies/{id}/{act}", post(incident::act))
        .route(
            "/breakers/{policy_id}/{connection_id}/{act}",
            post(remedies::rule),
        )
        .route(
            "/connections",
            get(connections::page).post(connections::create),
        )
        .route("/connections/{id}", get(connection::page))
        .route("/connections/{id}/{act}", post(connection::act))
        .route("/activity", get(activity::page))
        .route("/activity/{connection_id}/{event_id}", get(event::page))
        .route("/blind-spots", get(blind_spots::page))
        .route("/labels", get(labels::page))
        .route("/policies", get(policies::page).post(policies::create))
        .route("/policies/new", get(policies::new))
        .route("/policies/{id}", get(policies::edit).post(policies::save))
        .route("/policies/{id}/{act}", post(policies::switch))
        .route("/replays/{id}", get(replay::page))
        .route("/replays/{id}/cancel", post(replay::cancel))
        .route("/detectors", get(detectors::page).post(detectors::save))
        .route("/detectors/{name}/{act}", post(detectors::act))
        .route("/scans", get(scans::page).post(scans::start))
        .route("/scans/{id}", get(scans::one))
        .route("/scans/{id}/{act}", post(scans::act))
        .route("/quarantine", get(quarantine::page))
        .route("/quarantine/{id}/{act}", post(quarantine::act))
        .merge(people())
        .merge(installation())
        .merge(access::routes())
        .route("/logout", post(login::leave))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(from_fn_with_state(console.clone(), auth::browsers_only));
    Router::new()
        .route("/login", get(login::page).post(login::enter))
        .route("/login/sso", get(sso::begin))
        .route("/login/sso/callback", get(sso::callback))
        .route("/login/code", get(login::code_page).post(login::enter_code))
        .route("/welcome/{link}", get(welcome::page).post(welcome::enter))
        .route("/oauth/callback", get(callback::page))
        .route("/assets/{hash}/{file}", get(assets::serve))
        .layer(middleware::from_fn(bounded))
        .merge(guarded)
}

/// The pages of accounts.
fn people() -> Router<Shared> {
    Router::new()
        .route("/users", get(users::page).post(users::create))
        .route("/users/{id}", get(users::one))
        .route("/users/{id}/{act}", post(users::act))
        .route("/tokens/{id}/revoke", post(my_account::revoke_token))
        .route("/account", get(my_account::page))
        .route("/account/password", post(my_account::change_password))
        .route(
            "/account/second-factor",
            get(my_account::second_factor).post(my_account::enrol),
        )
        .route(
            "/account/second-factor/remove",
            post(my_account::remove_second_factor),
        )
        .route("/account/sessions/end", post(my_account::end_sessions))
        .route("/account/sessions/{id}/end", post(my_account::end_session))
        .route("/account/tokens", post(my_account::create_token))
}

/// The pages of the installation itself.
fn installation() -> Router<Shared> {
    Router::new()
        .route("/audit", get(audit::page))
        .route("/audit/verify", post(audit::verify))
        .route("/audit/{sequence}", get(audit::entry))
        .route("/settings", get(settings::page))
        .route("/sinks", get(sinks::page))
        .route("/sinks/{name}/test", post(sinks::try_out))
}

/// What every page shows around its own content.
pub(crate) struct Frame {
    title: String,
    here: &'static str,
    csrf: String,
    /// Who is signed in.
    who: String,
    /// The groups of pages.
    groups: Vec<Way>,
    /// The pages of the group that is open.
    beside: Vec<Way>,
    css: String,
    js: String,
}

impl Frame {
    fn new(title: impl Into<String>, here: &'static str, session: &Session) -> Self {
        let (groups, beside) = navigation::ways(here, session);
        Frame {
            csrf: session.csrf().to_owned(),
            who: session.actor.name.clone(),
            groups,
            beside,
            ..Frame::outside(title, here)
        }
    }

    /// For who is not signed in.
    fn outside(title: impl Into<String>, here: &'static str) -> Self {
        Frame {
            title: title.into(),
            here,
            csrf: String::new(),
            who: String::new(),
            groups: Vec::new(),
            beside: Vec::new(),
            css: assets::path("console.css"),
            js: assets::path("console.js"),
        }
    }
}

/// A page, or why there is none.
type Page = Result<Response, Failed>;

/// A problem, to be shown as a page.
struct Failed(Problem);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        failure(&self.0, None)
    }
}

impl<E: Into<Problem>> From<E> for Failed
where
    E: Refusal,
{
    fn from(error: E) -> Self {
        Failed(error.into())
    }
}

/// What may go wrong while a page is made.
trait Refusal {}
impl Refusal for Problem {}
impl Refusal for StoreError {}
impl Refusal for AdminError {}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'m> {
    frame: Frame,
    heading: &'m str,
    problem: &'m Problem,
}

/// A problem as a page, in plain words.
pub(crate) fn failure(problem: &Problem, session: Option<&Session>) -> Response {
    let heading = match problem.status() {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "That cannot be read",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "Not as it was",
        _ => "That did not work",
    };
    let frame = match session {
        Some(session) => Frame::new(heading, "", session),
        None => Frame::outside(heading, ""),
    };
    let page = Message {
        frame,
        heading,
        problem,
    };
    (problem.status(), render(&page)).into_response()
}

#[derive(Template)]
#[template(path = "again.html")]
struct Again<'a> {
    frame: Frame,
    path: &'a str,
}

/// Asks the browser to come again from our own page: then it sends its session.
pub(crate) fn come_again(path: &str) -> Response {
    let frame = Frame::outside("One moment", "");
    render(&Again { frame, path })
}

fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn see(path: impl AsRef<str>) -> Response {
    Redirect::to(path.as_ref()).into_response()
}

async fn nowhere(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(200).collect();
    let problem = Problem::not_found("page", path);
    failure(&problem, request.extensions().get::<Session>())
}

/// Bodies of pages without a session are small.
async fn bounded(request: Request, next: middleware::Next) -> Response {
    let (parts, body) = request.into_parts();
    match body::read(body).await {
        Ok(bytes) => next.run(Request::from_parts(parts, bytes.into())).await,
        Err(problem) => failure(&problem, None),
    }
}
