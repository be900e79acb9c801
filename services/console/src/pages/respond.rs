//! A response that a person asks for: first what it would do, then done.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use event_model::{Incident, RemedyKind, Response, ResponseKind};
use ports::Rehearsal;

use super::policy_form::take_particular;
use super::{Frame, Page, render, see, wording};
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::{Mistake, Problem};
use crate::{Console, Shared};

#[derive(Template)]
#[template(path = "respond.html")]
struct Preview {
    frame: Frame,
    id: String,
    number: String,
    what: &'static str,
    kind: &'static str,
    particular: String,
    rehearsal: Rehearsal,
    kept: Vec<String>,
}

impl Console {
    /// The responses that the incident's service can carry out: word, and how it reads.
    pub(super) async fn responses_to(
        &self,
        incident: &Incident,
    ) -> Result<Vec<(&'static str, &'static str)>, Problem> {
        let found = self
            .ports
            .connection_store
            .get(incident.connection_id)
            .await?;
        let services = self.ports.connections.services();
        let service = found.and_then(|connection| {
            let mut all = services.into_iter();
            all.find(|service| service.id == connection.service)
        });
        let actions = service.map(|service| service.actions).unwrap_or_default();
        let possible = ResponseKind::ALL.iter().filter_map(|kind| {
            let remedy = RemedyKind::of(*kind)?;
            let offered = actions.iter().any(|action| action == remedy.word());
            offered.then(|| (kind.word(), wording::remedy(remedy)))
        });
        Ok(possible.collect())
    }
}

pub(super) async fn respond(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
    form: CheckedForm,
) -> Page {
    let incident = console.incident_named(&given).await?;
    let kind = ResponseKind::from_word(form.text("kind"))
        .ok_or_else(|| Problem::bad_request(vec![Mistake::new("kind", "is no response")]))?;
    let mut response = Response::plain(kind);
    if let Some(word) = form.given("particular") {
        take_particular(&mut response, word);
    }
    if form.text("act") == "do" {
        console.ask_for(&by, incident.id, &response).await?;
        return Ok(see(format!("/incidents/{}", incident.id)));
    }
    let rehearsal = console.rehearse(incident.id, &response).await?;
    let kept = rehearsal
        .snapshot
        .iter()
        .flat_map(|snapshot| snapshot.values.keys());
    Ok(render(&Preview {
        frame: Frame::new("What it would do", "incidents", &session),
        id: incident.id.to_string(),
        number: incident.number,
        what: wording::remedy(rehearsal.kind),
        kind: kind.word(),
        particular: form.text("particular").to_owned(),
        kept: kept.cloned().collect(),
        rehearsal,
    }))
}
