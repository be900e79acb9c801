//! Who may do what: one row for every method and path of the API and the pages, and what it needs.
//!
//! Promises: the table decides before any handler runs; a path that has no row is an administrator's
//! only, so that what somebody forgot to name is closed, and a test finds it. What decides is the path
//! as it was sent: a segment that is written in another way has no row either.

use std::sync::LazyLock;

use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::http::{Method, StatusCode};
use event_model::{Permission, Role};

use crate::auth::Actor;
use crate::openapi;
use crate::problem::{NOT_ALLOWED, Problem};

mod golden;
mod pages;

pub use golden::authorisation;

/// What somebody must be, or may do, to get an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nobody is asked who they are.
    Nothing,
    /// Anybody who is known.
    Known,
    /// This permission.
    May(Permission),
}

impl Needs {
    /// Whether somebody has it.
    fn met_by(self, actor: &Actor) -> bool {
        match self {
            Needs::Nothing | Needs::Known => true,
            Needs::May(permission) => actor.may(permission),
        }
    }

    /// Whether a role has it, without a token's or a scope's bounds.
    fn met_by_role(self, role: Role) -> bool {
        match self {
            Needs::Nothing | Needs::Known => true,
            Needs::May(permission) => role.has(permission),
        }
    }
}

/// A method and a path, and what it needs.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    method: Method,
    path: String,
    needs: Needs,
}

/// Every row: the API's from its table of operations, then the pages'.
static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let api =
        openapi::needs().map(|(method, path, needs)| (method, format!("/api/v1{path}"), needs));
    let others = pages::ROWS
        .iter()
        .map(|(method, path, needs)| (*method, (*path).to_owned(), *needs));
    let row = |(method, path, needs): (&str, String, Needs)| Row {
        method: Method::from_bytes(method.to_uppercase().as_bytes())
            .expect("the tables name methods"),
        path,
        needs,
    };
    api.chain(others).map(row).collect()
});

/// What the row of that method and path needs; absent when there is none.
fn needed(method: &Method, path: &str) -> Option<Needs> {
    let method = match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    };
    let rows = ROWS.iter().filter(|row| row.method == *method);
    let literals = rows.filter_map(|row| Some((literals(&row.path, path)?, row.needs)));
    literals
        .max_by_key(|(literals, _)| *literals)
        .map(|(_, needs)| needs)
}

/// How many segments are the same by the letter, when the path is of that form.
fn literals(form: &str, path: &str) -> Option<usize> {
    let (mut given, mut same) = (path.split('/'), 0);
    for wanted in form.split('/') {
        let segment = given.next()?;
        match wanted.starts_with('{') {
            true if segment.is_empty() => return None,
            true => {}
            false if segment != wanted => return None,
            false => same += 1,
        }
    }
    given.next().is_none().then_some(same)
}

/// Lets a request go on, if who sends it may. Where there is nothing, everybody may be told so.
pub(crate) fn admit(actor: &Actor, request: &Request) -> Result<(), Problem> {
    let extensions = request.extensions();
    let routed = extensions.get::<MatchedPath>().is_some();
    let whole = extensions.get::<OriginalUri>();
    let uri = whole.map_or(request.uri(), |whole| &whole.0);
    match needed(request.method(), uri.path()) {
        Some(needs) if needs.met_by(actor) => Ok(()),
        Some(Needs::May(permission)) => Err(refused(&format!("it needs `{permission}`"))),
        None if !routed || actor.may(Permission::SettingsManage) => Ok(()),
        Some(_) | None => Err(refused("it is the administrators'")),
    }
}

fn refused(why: &str) -> Problem {
    let detail = format!("you may not do this: {why}");
    Problem::new(StatusCode::FORBIDDEN, detail).code(NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_the_form_that_has_most_of_its_letters() {
        for (method, path, expected) in [
            (
                Method::GET,
                "/api/v1/incidents/inc_1",
                Some(Needs::May(Permission::IncidentsRead)),
            ),
            (
                Method::HEAD,
                "/api/v1/incidents/inc_1",
                Some(Needs::May(Permission::IncidentsRead)),
            ),
            (
                Method::GET,
                "/api/v1/incidents/export",
                Some(Needs::May(Permission::IncidentsExport)),
            ),
            (
                Method::POST,
                "/remedies/rem_1/approve",
                Some(Needs::May(Permission::RemediesApprove)),
            ),
            (Method::POST, "/remedies/rem_1/%61pprove", None),
            (Method::POST, "/remedies//approve", None),
            (Method::POST, "/remedies/rem_1/approve/", None),
            (Method::POST, "/remedies/rem_1/unheard-of", None),
            (Method::GET, "/login", Some(Needs::Nothing)),
            (Method::DELETE, "/login", None),
        ] {
            assert_eq!(needed(&method, path), expected, "{method} {path}");
        }
    }
}
