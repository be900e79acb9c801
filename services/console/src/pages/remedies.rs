//! What is to be done in the cloud services, and was: what waits for people first.

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use chrono::{DateTime, Utc};
use event_model::{
    Connection, ConnectionScope, Incident, IncidentId, PAGE_ITEMS_MAX, PageRequest, Permission,
    PolicyId, PolicyVersion, Remedy, RemedyKind, RemedyState,
};
use ports::{Breaker, BreakerRuling, RemedyFilter};

use super::asked::{Asked, Chip, Choice, Tab, choices};
use super::incident::unknown_act;
use super::links::link;
use super::wording::{self, When};
use super::{Frame, Page, failure, render, see};
use crate::acts::remedies::may_be_undone;
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::Problem;
use crate::query::Query;
use crate::{Console, Shared};

/// Remedies of one page.
const PAGE_ITEMS: u32 = 50;

/// What narrows the list.
const FILTERS: [&str; 6] = [
    "state",
    "kind",
    "connection",
    "policy",
    "object_id",
    "incident",
];

/// The states in which a person is waited for: what is shown unless asked otherwise.
const WAITING: [RemedyState; 3] = [
    RemedyState::NeedsApproval,
    RemedyState::Held,
    RemedyState::GivenUp,
];

/// Every state, as the address has it.
const EVERY: &str = "planned,needs_approval,snapshot_taken,executing,done,failed,given_up,held,superseded,cancelled";

const TABS: [(&str, &str); 7] = [
    ("Wait for people", ""),
    ("To approve", "needs_approval"),
    ("Standing still", "held"),
    ("Given up", "given_up"),
    ("Under way", "planned,snapshot_taken,executing,failed"),
    ("Done", "done"),
    ("All", EVERY),
];

struct BreakerRow {
    policy: String,
    connection: String,
    admitted: u64,
    held: u64,
    since: When,
    action: String,
    href: String,
}

struct Row {
    id: String,
    what: &'static str,
    told: String,
    connection: String,
    state: &'static str,
    class: &'static str,
    attempts: u32,
    why: Option<String>,
    next: Option<String>,
    incident: String,
    number: Option<String>,
    sentence: String,
    policy: String,
    asked_by: String,
    approvals: Option<String>,
    at: When,
    acts: Vec<(&'static str, &'static str)>,
    note: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "remedies.html")]
struct Remedies {
    frame: Frame,
    after: u64,
    tabs: Vec<Tab>,
    kinds: Vec<Choice>,
    connections: Vec<Choice>,
    policies: Vec<Choice>,
    kept: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    breakers: Vec<BreakerRow>,
    may_approve: bool,
    rows: Vec<Row>,
    empty: &'static str,
    every: &'static str,
    next: Option<String>,
    back: String,
}

/// The names that rows are told with.
struct Names {
    connections: Vec<Connection>,
    policies: Vec<PolicyVersion>,
    incidents: BTreeMap<IncidentId, Incident>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let mut query = Query::read(&uri, &[&FILTERS[..], &["cursor"]].concat());
    let filter = filter(&mut query);
    let asked = Asked::of("/remedies", &FILTERS, &query);
    let request = PageRequest {
        cursor: query.text("cursor"),
        limit: PAGE_ITEMS,
    };
    query.finish(())?;
    let after = console.ports.incidents.last_incident_change().await?;
    let remedies = &console.ports.remedies;
    let page = remedies.remedy_page(&filter, &request).await?;
    let names = console.names_of(&page.items).await?;
    let breakers = match filter.state.contains(&RemedyState::Held) {
        true => console.breakers().await?,
        false => Vec::new(),
    };
    let now = console.ports.clock.now();
    let rows = page.items.iter();
    Ok(render(&Remedies {
        frame: Frame::new("Remedies", "remedies", &session),
        after,
        tabs: asked.tabs("state", &TABS),
        kinds: kinds(asked.value("kind")),
        connections: names.connection_choices(asked.value("connection")),
        policies: names.policy_choices(asked.value("policy")),
        kept: asked.besides(&["kind", "connection", "policy"]),
        chips: chips(&asked, &names),
        breakers: breakers
            .iter()
            .map(|one| breaker_row(one, &names, now))
            .collect(),
        may_approve: session.actor.may(Permission::RemediesApprove),
        rows: rows
            .map(|one| row(one, &names, &session.actor, now))
            .collect(),
        empty: match asked.is_empty() {
            true => {
                "Nothing waits for people: nothing is to approve, stands still or was given up."
            }
            false => "No remedy matches these filters.",
        },
        every: EVERY,
        next: page.next.map(|cursor| asked.with("cursor", &cursor)),
        back: asked.query(),
    }))
}

fn filter(query: &mut Query) -> RemedyFilter {
    let mut state = query.words("state", RemedyState::ALL, RemedyState::word);
    if state.is_empty() {
        state = WAITING.to_vec();
    }
    RemedyFilter {
        incident: query.parsed("incident"),
        connection: query.parsed("connection"),
        within: ConnectionScope::Every,
        state,
        kind: query.word("kind", RemedyKind::ALL, RemedyKind::word),
        object: query.text("object_id"),
        policy: query.parsed("policy"),
    }
}

fn kinds(chosen: &str) -> Vec<Choice> {
    let all = RemedyKind::ALL.iter();
    let all = all.map(|kind| (kind.word().to_owned(), wording::remedy(*kind).to_owned()));
    choices(all, chosen)
}

fn chips(asked: &Asked, names: &Names) -> Vec<Chip> {
    let mut chips = asked.chips(|name, value| match name {
        "connection" => names.connection(value),
        "policy" => names.policy(value),
        _ => value.replace('_', " "),
    });
    // The states have tabs.
    chips.retain(|chip| chip.name != "state");
    chips
}

impl Console {
    /// What the rows of these remedies are told with.
    async fn names_of(&self, remedies: &[Remedy]) -> Result<Names, Problem> {
        let latest = PageRequest::first(PAGE_ITEMS_MAX);
        let mut incidents = BTreeMap::new();
        for remedy in remedies {
            let id = remedy.incident_id;
            if let std::collections::btree_map::Entry::Vacant(place) = incidents.entry(id)
                && let Some(incident) = self.ports.incidents.incident(id).await?
            {
                place.insert(incident);
            }
        }
        Ok(Names {
            connections: self.every_connection().await?,
            policies: self.ports.policies.policy_page(&latest).await?.items,
            incidents,
        })
    }
}

impl Names {
    fn connection(&self, id: &str) -> String {
        let mut all = self.connections.iter();
        let found = all.find(|one| one.id.to_string() == id);
        found.map_or_else(|| id.to_owned(), |one| one.name.clone())
    }

    fn policy(&self, id: &str) -> String {
        let mut all = self.policies.iter();
        let found = all.find(|one| one.id.to_string() == id);
        found.map_or_else(|| id.to_owned(), |one| one.document.name.clone())
    }

    fn connection_choices(&self, chosen: &str) -> Vec<Choice> {
        let all = self.connections.iter();
        choices(
            all.map(|one| (one.id.to_string(), one.name.clone())),
            chosen,
        )
    }

    fn policy_choices(&self, chosen: &str) -> Vec<Choice> {
        let all = self.policies.iter();
        choices(
            all.map(|one| (one.id.to_string(), one.document.name.clone())),
            chosen,
        )
    }
}

fn breaker_row(breaker: &Breaker, names: &Names, now: DateTime<Utc>) -> BreakerRow {
    let policy = breaker.policy_id.to_string();
    let connection = breaker.connection_id.to_string();
    let these = [
        ("state", "held"),
        ("policy", policy.as_str()),
        ("connection", connection.as_str()),
    ];
    BreakerRow {
        policy: names.policy(&policy),
        connection: names.connection(&connection),
        admitted: breaker.admitted,
        held: breaker.held,
        since: wording::when(breaker.since, now),
        action: format!("/breakers/{policy}/{connection}"),
        href: link("/remedies", these),
    }
}

fn row(remedy: &Remedy, names: &Names, actor: &Actor, now: DateTime<Utc>) -> Row {
    let incident = names.incidents.get(&remedy.incident_id);
    let open = !remedy.state.is_final();
    let waits = open && remedy.next_attempt_at > now;
    let error = match remedy.state {
        RemedyState::Done => None,
        _ => remedy.because.clone().or(remedy.last_error.clone()),
    };
    Row {
        id: remedy.id.to_string(),
        what: wording::remedy(remedy.kind),
        told: told(remedy),
        connection: names.connection(&remedy.connection_id.to_string()),
        state: wording::remedy_state(remedy.state),
        class: class(remedy.state),
        attempts: remedy.attempts,
        why: error,
        next: waits.then(|| wording::ago(remedy.next_attempt_at, now)),
        incident: remedy.incident_id.to_string(),
        number: incident.map(|incident| incident.number.clone()),
        sentence: incident
            .map(|incident| wording::sentence(&incident.activity))
            .unwrap_or_default(),
        policy: incident
            .map(|incident| incident.policy.name.clone())
            .unwrap_or_default(),
        asked_by: match &remedy.requested_by {
            Some(person) => person.clone(),
            None => "its policy".to_owned(),
        },
        approvals: approvals(remedy),
        at: wording::when(remedy.done_at.unwrap_or(remedy.updated_at), now),
        // The breaker above rules on all that stands still; an undo is asked for at the incident.
        acts: acts(remedy, true, actor)
            .into_iter()
            .filter(|(act, _)| !matches!(*act, "continue" | "drop"))
            .collect(),
        note: note(remedy, actor),
    }
}

/// What the remedy was told besides its kind, in words.
fn told(remedy: &Remedy) -> String {
    let particulars = serde_json::to_value(&remedy.particulars).unwrap_or_default();
    let pairs = particulars.as_object().into_iter().flatten();
    let mut all: Vec<String> = pairs
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            format!("{}: {value}", name.replace('_', " "))
        })
        .collect();
    if !remedy.to.is_empty() {
        all.push(format!("to {}", remedy.to.join(", ")));
    }
    all.join("; ")
}

fn approvals(remedy: &Remedy) -> Option<String> {
    let given: Vec<&str> = remedy.approvals.iter().map(|one| one.by.as_str()).collect();
    match (given.is_empty(), remedy.approvals_needed) {
        (true, 0) => None,
        (true, needed) => Some(format!("needs {needed} to approve")),
        (false, needed) => Some(format!(
            "approved by {} ({} of {needed})",
            given.join(", "),
            given.len()
        )),
    }
}

/// The colour of a state.
pub(super) fn class(state: RemedyState) -> &'static str {
    match state {
        RemedyState::Done => "good",
        RemedyState::Failed | RemedyState::GivenUp => "bad",
        RemedyState::Superseded | RemedyState::Cancelled => "quiet",
        _ => "warn",
    }
}

/// What somebody may do to a remedy as it stands: word of the act, and its label.
pub(super) fn acts(
    remedy: &Remedy,
    undone: bool,
    actor: &Actor,
) -> Vec<(&'static str, &'static str)> {
    use Permission::{RemediesApprove, RemediesAsk, RemediesCancel};
    use RemedyState::{Done, Failed, GivenUp, Held, NeedsApproval, Planned};
    let retry = ("retry", "Try again", RemediesAsk);
    let cancel = ("cancel", "Cancel", RemediesCancel);
    let all: &[(&str, &str, Permission)] = match remedy.state {
        Failed | GivenUp => &[retry],
        NeedsApproval if may_count(remedy, actor) => {
            &[("approve", "Approve", RemediesApprove), cancel]
        }
        NeedsApproval | Planned => &[cancel],
        Held => &[
            (
                "continue",
                "Continue all that stands still",
                RemediesApprove,
            ),
            ("drop", "Cancel all that stands still", RemediesApprove),
            ("cancel", "Cancel this one", RemediesCancel),
        ],
        Done if !undone && may_be_undone(remedy).is_ok() => &[("undo", "Undo", RemediesAsk)],
        _ => &[],
    };
    let allowed = all.iter().filter(|(.., needed)| actor.may(*needed));
    allowed.map(|(act, label, _)| (*act, *label)).collect()
}

/// Whether somebody's approval would count.
fn may_count(remedy: &Remedy, actor: &Actor) -> bool {
    let asked = remedy.requested_by.as_deref() == Some(actor.name());
    !asked && !remedy.approvals.iter().any(|one| one.by == actor.name())
}

/// Why somebody who may approve is not offered to.
fn note(remedy: &Remedy, actor: &Actor) -> Option<&'static str> {
    let waits = remedy.state == RemedyState::NeedsApproval;
    let asked = remedy.requested_by.as_deref() == Some(actor.name());
    match () {
        () if !waits || may_count(remedy, actor) => None,
        () if asked => Some("You asked for it: somebody else approves."),
        () => Some("You approved: it needs somebody else, too."),
    }
}

/// Where to go after an act: to the list that the form came from, or to where it leads else.
pub(super) fn back(form: &CheckedForm, otherwise: String) -> String {
    let Some(asked) = form.given("back") else {
        let listed = form.fields().any(|(name, _)| name == "back");
        return if listed {
            "/remedies".to_owned()
        } else {
            otherwise
        };
    };
    let Ok(uri) = format!("/remedies?{asked}").parse::<Uri>() else {
        return otherwise;
    };
    let query = Query::read(&uri, &FILTERS);
    Asked::of("/remedies", &FILTERS, &query).with("cursor", "")
}

/// Does, or drops, what stands still.
pub(super) async fn rule(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((policy, connection, act)): Path<(String, String, String)>,
    form: CheckedForm,
) -> Page {
    let ruling = match act.as_str() {
        "continue" => Ok(BreakerRuling::Continue),
        "cancel" => Ok(BreakerRuling::Cancel),
        _ => Err(unknown_act(&act)),
    };
    let (policy, connection): (PolicyId, _) = (id(&policy)?, id(&connection)?);
    let ruled = match ruling {
        Ok(ruling) => {
            console
                .rule_on_breaker(&by, policy, connection, ruling)
                .await
        }
        Err(problem) => Err(problem),
    };
    match ruled {
        Ok(_) => Ok(see(back(&form, "/remedies".to_owned()))),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}
