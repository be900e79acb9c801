//! What is let be: listed with who answers for it and until when, added, and ended.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::IntoResponse;
use chrono::{Days, NaiveDate, NaiveTime};
use event_model::{Exception, ExceptionMatch, PAGE_ITEMS_MAX, PageRequest, PolicyVersion};
use ports::ExceptionFilter;

use super::links::link;
use super::{Frame, Page, render, see, wording};
use crate::acts::exceptions::ExceptionBody;
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::{Mistake, Problem};
use crate::query::Query;
use crate::{Console, Shared};

/// Exceptions of one page.
const PAGE_ITEMS: u32 = 100;
/// Days that the form offers.
const DAYS_OFFERED: u64 = 90;

struct Row {
    id: String,
    policy: String,
    policy_href: String,
    what: Vec<(&'static str, String)>,
    owner: String,
    reason: String,
    until: String,
    state: &'static str,
    in_use: bool,
}

#[derive(Template)]
#[template(path = "exceptions.html")]
struct Exceptions {
    frame: Frame,
    rows: Vec<Row>,
    next: Option<String>,
    /// Id, name, whether chosen.
    policies: Vec<(String, String, bool)>,
    typed: CheckedForm,
    expires: String,
    mistakes: Vec<Mistake>,
    open: bool,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let names = [
        "policy",
        "actor_email",
        "object_id",
        "path_like",
        "shared_with",
    ];
    let query = Query::read(&uri, &[&names[..], &["cursor"]].concat());
    let cursor = query.text("cursor");
    let typed = names.iter().filter_map(|name| {
        let name = *name;
        Some((name.to_owned(), query.text(name)?))
    });
    let typed = CheckedForm::typed(typed.collect());
    query.finish(())?;
    Ok(render(
        &console
            .exceptions_page(&session, cursor, typed, Vec::new())
            .await?,
    ))
}

impl Console {
    async fn exceptions_page(
        &self,
        session: &Session,
        cursor: Option<String>,
        typed: CheckedForm,
        mistakes: Vec<Mistake>,
    ) -> Result<Exceptions, Problem> {
        let all = PageRequest::first(PAGE_ITEMS_MAX);
        let policies = self.ports.policies.policy_page(&all).await?.items;
        let request = PageRequest {
            cursor,
            limit: PAGE_ITEMS,
        };
        let filter = ExceptionFilter::default();
        let page = self
            .ports
            .exceptions
            .exception_page(&filter, &request)
            .await?;
        let now = self.ports.clock.now();
        let offered = now.date_naive().checked_add_days(Days::new(DAYS_OFFERED));
        let expires = typed
            .given("expires")
            .or(offered.map(|day| day.to_string()));
        let chosen = typed.text("policy").to_owned();
        let choice = |policy: &PolicyVersion| {
            let id = policy.id.to_string();
            let is_chosen = id == chosen;
            (id, policy.document.name.clone(), is_chosen)
        };
        Ok(Exceptions {
            frame: Frame::new("Exceptions", "exceptions", session),
            rows: page
                .items
                .iter()
                .map(|one| row(one, &policies, now))
                .collect(),
            next: page
                .next
                .map(|cursor| link("/exceptions", [("cursor", cursor.as_str())])),
            open: !mistakes.is_empty() || !chosen.is_empty(),
            policies: policies.iter().map(choice).collect(),
            expires: expires.unwrap_or_default(),
            typed,
            mistakes,
        })
    }
}

fn row(one: &Exception, policies: &[PolicyVersion], now: chrono::DateTime<chrono::Utc>) -> Row {
    let id = one.policy_id.to_string();
    let policy = policies.iter().find(|policy| policy.id == one.policy_id);
    let ExceptionMatch {
        actor_email,
        object_id,
        path_like,
        shared_with,
        connection_id,
    } = &one.matches;
    let connection = connection_id.map(|id| id.to_string());
    let what = [
        ("by", actor_email),
        ("on the object", object_id),
        ("at", path_like),
        ("shared with", shared_with),
        ("in", &connection),
    ];
    let what = what
        .into_iter()
        .filter_map(|(said, value)| Some((said, value.clone()?)));
    let state = match (one.ended_at, one.is_in_use(now)) {
        (Some(_), _) => "ended",
        (None, true) => "in use",
        (None, false) => "expired",
    };
    Row {
        id: one.id.to_string(),
        policy: policy.map_or_else(|| id.clone(), |policy| policy.document.name.clone()),
        policy_href: format!("/policies/{id}"),
        what: what.collect(),
        owner: one.owner.clone(),
        reason: one.reason.clone(),
        until: wording::time(one.ended_at.unwrap_or(one.expires_at)),
        state,
        in_use: one.is_in_use(now),
    }
}

pub(super) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let body = match read(&form) {
        Ok(body) => body,
        Err(mistakes) => return refused(&console, &session, form, mistakes).await,
    };
    match console.add_exception(&by, body).await {
        Ok(_) => Ok(see("/exceptions")),
        Err(problem) if !problem.errors.is_empty() => {
            refused(&console, &session, form, problem.errors).await
        }
        Err(problem) => Err(problem.into()),
    }
}

async fn refused(
    console: &Console,
    session: &Session,
    form: CheckedForm,
    mistakes: Vec<Mistake>,
) -> Page {
    let page = console
        .exceptions_page(session, None, form, mistakes)
        .await?;
    Ok((axum::http::StatusCode::BAD_REQUEST, render(&page)).into_response())
}

fn read(form: &CheckedForm) -> Result<ExceptionBody, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let policy_id = form.text("policy").parse();
    if policy_id.is_err() {
        mistakes.push(Mistake::new("/policy_id", "choose the policy"));
    }
    let day = form.text("expires").parse::<NaiveDate>();
    if day.is_err() {
        mistakes.push(Mistake::new("/expires_at", "is no day"));
    }
    let (Ok(policy_id), Ok(day)) = (policy_id, day) else {
        return Err(mistakes);
    };
    Ok(ExceptionBody {
        policy_id,
        matches: ExceptionMatch {
            actor_email: form.given("actor_email"),
            object_id: form.given("object_id"),
            path_like: form.given("path_like"),
            shared_with: form.given("shared_with"),
            connection_id: None,
        },
        owner: form.given("owner"),
        reason: form.text("reason").to_owned(),
        expires_at: day.and_time(NaiveTime::MIN).and_utc(),
    })
}

pub(super) async fn end(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
) -> Page {
    console.end_exception(&by, id(&given)?).await?;
    Ok(see("/exceptions"))
}
