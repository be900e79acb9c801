//! What is connected, and the catalogue of what can be.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use event_model::Permission;

use super::{Frame, Page, render, see, wording};
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::{Mistake, Problem};
use crate::query::Query;
use crate::{Console, Shared};
use ports::{NewClient, NewConnection, ServiceDescription};

struct Row {
    id: String,
    name: String,
    service: String,
    state: &'static str,
    class: &'static str,
    feed: &'static str,
    health: Option<bool>,
    since: String,
}

struct Entry {
    service: ServiceDescription,
    feeds: String,
    actions: String,
    docs: Option<String>,
    form: Option<CheckedForm>,
    mistakes: Vec<Mistake>,
}

impl Entry {
    /// What was typed into a field before it was refused, or its default.
    fn typed<'e>(&'e self, name: &'e str, default: &'e Option<String>) -> &'e str {
        match &self.form {
            Some(form) => form.text(name),
            None => default.as_deref().unwrap_or_default(),
        }
    }

    fn plain<'e>(&'e self, name: &'e str) -> &'e str {
        self.form.as_ref().map_or("", |form| form.text(name))
    }
}

#[derive(Template)]
#[template(path = "connections.html")]
struct Connections {
    frame: Frame,
    rows: Vec<Row>,
    catalogue: Vec<Entry>,
    /// What the catalogue is searched for.
    q: String,
    may_manage: bool,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let query = Query::read(&uri, &["q"]);
    let q = query.text("q").unwrap_or_default();
    query.finish(())?;
    show(&console, &session, q, None).await
}

/// A form that was refused, and why.
type Refused = (String, CheckedForm, Vec<Mistake>);

async fn show(console: &Console, session: &Session, q: String, refused: Option<Refused>) -> Page {
    let services = console.ports.connections.services();
    let name_of = |id: &str| {
        let service = services.iter().find(|service| service.id == id);
        service.map_or_else(|| id.to_owned(), |service| service.name.clone())
    };
    let connections = console.every_connection().await?;
    let rows = connections
        .iter()
        .map(|connection| Row {
            id: connection.id.to_string(),
            name: connection.name.clone(),
            service: name_of(&connection.service),
            state: wording::state(&connection.lifecycle),
            class: class(connection.lifecycle.word()),
            feed: connection
                .lifecycle
                .feed()
                .map_or("", |feed| feed.choice().word()),
            health: connection.health.as_ref().map(|health| health.ok),
            since: wording::time(connection.lifecycle.since()),
        })
        .collect();
    let catalogue = services
        .iter()
        .filter(|service| matches(service, &q))
        .map(|service| entry(service, &refused))
        .collect();
    Ok(render(&Connections {
        frame: Frame::new("Connections", "connections", session),
        rows,
        catalogue,
        q,
        may_manage: session.actor.may(Permission::ConnectionsManage),
    }))
}

/// Whether every word of the search stands in what is said of the service, in any case.
fn matches(service: &ServiceDescription, q: &str) -> bool {
    let said = format!("{} {} {}", service.id, service.name, service.description).to_lowercase();
    q.to_lowercase()
        .split_whitespace()
        .all(|word| said.contains(word))
}

fn entry(service: &ServiceDescription, refused: &Option<Refused>) -> Entry {
    let refused = refused.as_ref().filter(|(id, ..)| *id == service.id);
    let docs = service.docs_url.clone();
    Entry {
        feeds: service.feeds.join(" and "),
        actions: service.actions.join(", ").replace('_', " "),
        docs: docs.filter(|url| url.starts_with("https://")),
        form: refused.map(|(_, form, _)| form.clone()),
        mistakes: refused
            .map(|(.., mistakes)| mistakes.clone())
            .unwrap_or_default(),
        service: service.clone(),
    }
}

/// The colour of a lifecycle's word.
pub(super) fn class(word: &str) -> &'static str {
    match word {
        "enabled" => "good",
        "needs_consent" => "bad",
        "disabled" => "quiet",
        _ => "warn",
    }
}

pub(super) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let new = read(&console, &form);
    let service = new.service.clone();
    match console.ports.connections.create(new, by.name()).await {
        Ok(connection) => Ok(see(format!("/connections/{}", connection.id))),
        Err(error) => {
            let problem = Problem::from(error);
            let mistakes = match problem.errors.is_empty() {
                true => vec![Mistake::new("", problem.detail)],
                false => problem.errors,
            };
            let page = show(
                &console,
                &session,
                String::new(),
                Some((service, form, mistakes)),
            )
            .await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response() as Response)
        }
    }
}

fn read(console: &Console, form: &CheckedForm) -> NewConnection {
    let service = form.text("service").to_owned();
    let services = console.ports.connections.services();
    let known = services.into_iter().find(|known| known.id == service);
    let params: BTreeMap<String, String> = known
        .into_iter()
        .flat_map(|known| known.params)
        .filter_map(|param| {
            let value = form.given(&format!("param_{}", param.name))?;
            Some((param.name, value))
        })
        .collect();
    let client = form.given("client_id").map(|id| NewClient {
        id,
        secret: form.given("client_secret"),
    });
    NewConnection {
        service,
        name: form.text("name").trim().to_owned(),
        params,
        client,
        base_url: form.given("base_url"),
    }
}
