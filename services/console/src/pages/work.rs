//! The same work on many incidents: those that were ticked, or all that match.
//!
//! Promises: what acts in a cloud service is asked about once more, with how many it is about; what was
//! not changed is named with why; more than one request may change is gone on with by a button.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use event_model::{Permission, Response, ResponseKind};

use super::{Frame, Page, case_form, render, see};
use crate::acts::incidents::{Deed, Refused, Worked};
use crate::api::incidents::matching_filter;
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::{Mistake, NOT_ALLOWED, Problem};
use crate::{Console, Shared};

/// Incidents that are counted before they are acted upon.
const COUNTED_MAX: u64 = 10_000;
/// Refusals that one page names.
const REFUSED_SHOWN: usize = 100;

/// The responses that need to be told nothing but their kind.
pub(super) const RESPONSES: [ResponseKind; 6] = [
    ResponseKind::RemoveLink,
    ResponseKind::RemoveCollaborator,
    ResponseKind::RemoveExternalCollaborators,
    ResponseKind::MakePrivate,
    ResponseKind::Quarantine,
    ResponseKind::Delete,
];

#[derive(Template)]
#[template(path = "worked.html")]
struct WorkedPage {
    frame: Frame,
    changed: usize,
    refused: Vec<Refused>,
    refused_more: usize,
    /// What the form to go on carries.
    again: Vec<(String, String)>,
    next: Option<String>,
    back: String,
}

#[derive(Template)]
#[template(path = "sure.html")]
struct Sure {
    frame: Frame,
    what: String,
    count: u64,
    or_more: bool,
    again: Vec<(String, String)>,
    back: String,
}

/// Which incidents a form is about.
enum Scope {
    These(Vec<String>),
    Matching(String),
}

pub(super) async fn work(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let scope = scope(&form)?;
    let back = format!("/?{}", form.text("back").trim_start_matches('?'));
    let deed = match response(&form)? {
        Some(response) if form.text("sure") != "yes" => {
            let page = sure(&console, &session, &form, &scope, &response, back).await?;
            return Ok(render(&page));
        }
        Some(response) if by.may(Permission::RemediesAsk) => Deed::Respond(response),
        Some(_) => {
            let detail = "you may work on incidents, but not ask for remedies";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail)
                .code(NOT_ALLOWED)
                .into());
        }
        None => Deed::Change(case_form::change(&form, &by)?),
    };
    let worked = match &scope {
        Scope::These(some) => console.work_on_some(&by, some, &deed).await?,
        Scope::Matching(query) => {
            let filter = matching_filter(query)?;
            let cursor = form.given("cursor");
            console
                .work_on_matching(&by, &filter, cursor, &deed)
                .await?
        }
    };
    if worked.refused.is_empty() && worked.next.is_none() {
        return Ok(see(back));
    }
    Ok(render(&shown(worked, &session, &form, back)))
}

fn scope(form: &CheckedForm) -> Result<Scope, Problem> {
    if form.text("scope") == "matching" {
        return Ok(Scope::Matching(form.text("matching").to_owned()));
    }
    let name = match form.text("scope") {
        "page" => "on_page",
        _ => "incident",
    };
    let these: Vec<String> = form.all(name).map(str::to_owned).collect();
    match these.is_empty() {
        true => {
            let message = "tick the incidents that it is about, or choose all that match";
            Err(Problem::bad_request(vec![Mistake::new("", message)]))
        }
        false => Ok(Scope::These(these)),
    }
}

fn response(form: &CheckedForm) -> Result<Option<Response>, Problem> {
    let Some(word) = form.given("respond") else {
        return Ok(None);
    };
    let mut known = RESPONSES.into_iter();
    let kind = known.find(|kind| kind.word() == word).ok_or_else(|| {
        Problem::bad_request(vec![Mistake::new("respond", "is none of the choices")])
    })?;
    Ok(Some(Response::plain(kind)))
}

async fn sure(
    console: &Console,
    session: &Session,
    form: &CheckedForm,
    scope: &Scope,
    response: &Response,
    back: String,
) -> Result<Sure, Problem> {
    let count = match scope {
        Scope::These(some) => some.len() as u64,
        Scope::Matching(query) => {
            let filter = matching_filter(query)?;
            let incidents = &console.ports.incidents;
            incidents.incident_count(&filter, COUNTED_MAX).await?
        }
    };
    Ok(Sure {
        frame: Frame::new("Are you sure?", "incidents", session),
        what: response.kind.word().replace('_', " "),
        count,
        or_more: count == COUNTED_MAX,
        again: carried(form),
        back,
    })
}

/// The fields of a form, to be sent again.
fn carried(form: &CheckedForm) -> Vec<(String, String)> {
    let fields = form.fields();
    let kept = |name: &str| !matches!(name, "csrf" | "cursor" | "sure");
    let kept = fields.filter(|(name, _)| kept(name));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn shown(worked: Worked, session: &Session, form: &CheckedForm, back: String) -> WorkedPage {
    let mut refused = worked.refused;
    let refused_more = refused.len().saturating_sub(REFUSED_SHOWN);
    refused.truncate(REFUSED_SHOWN);
    WorkedPage {
        frame: Frame::new("Done", "incidents", session),
        changed: worked.changed,
        refused,
        refused_more,
        again: carried(form),
        next: worked.next,
        back,
    }
}
