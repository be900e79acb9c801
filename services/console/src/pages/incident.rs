//! One incident: what happened, why it matched, what was done, what can be done next.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use event_model::{
    BlindSpot, COMMENT_BYTES_MAX, Evidence, Incident, IncidentLink, IncidentStatus, Permission,
    Remedy, rfc3339,
};

use super::around::Around;
use super::links::encode;
use super::waterfall::{Stretch, waterfall};
use super::{Frame, Page, case_form, failure, fields, remedies, render, see, trace, wording};
use crate::Shared;
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::Problem;
use ports::BreakerRuling;

struct RemedyRow {
    id: String,
    what: &'static str,
    state: &'static str,
    class: &'static str,
    attempts: u32,
    error: Option<String>,
    restored: Vec<String>,
    not_restored: Vec<String>,
    at: String,
    /// Word of the act and its label.
    acts: Vec<(&'static str, &'static str)>,
}

struct TimelineRow {
    at: String,
    datetime: String,
    kind: &'static str,
    text: String,
}

/// What people made of it.
struct CaseView {
    owner: Option<String>,
    verdict: Option<&'static str>,
    reason: Option<String>,
    tags: Vec<(String, String)>,
    /// How often it came again, and where these are listed.
    repeats: Option<(u32, String)>,
    /// What it is to other incidents, and where these are.
    kin: Vec<(&'static str, String, String)>,
}

impl CaseView {
    fn of(incident: &Incident) -> Self {
        let case = &incident.case;
        let id = incident.id.to_string();
        let repeats = case.repeats.map(|repeats| {
            let list = super::links::link("/", [("repeat_of", id.as_str()), ("status", EVERY)]);
            (repeats.count, list)
        });
        let link = |said, other: &Option<IncidentLink>| {
            let other = other.as_ref()?;
            Some((
                said,
                other.number.clone(),
                format!("/incidents/{}", other.id),
            ))
        };
        let kin = [
            link("It repeats", &case.repeat_of),
            link("The same came before as", &case.follows),
        ];
        CaseView {
            owner: case.owner.clone(),
            verdict: case.verdict.map(wording::verdict),
            reason: case.reason.clone(),
            tags: case
                .tags
                .iter()
                .map(|tag| {
                    (
                        tag.clone(),
                        super::links::link("/", [("tag", tag.as_str())]),
                    )
                })
                .collect(),
            repeats,
            kin: kin.into_iter().flatten().collect(),
        }
    }
}

/// Every status, as lists take it.
const EVERY: &str = "new,in_progress,reopened,resolved,false_positive,suppressed";

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage {
    frame: Frame,
    after: u64,
    id: String,
    number: String,
    severity: &'static str,
    status: &'static str,
    policy: String,
    policy_href: String,
    policy_version: u32,
    permissive: bool,
    sentence: String,
    at: String,
    notification: Option<String>,
    connection: String,
    raw_href: String,
    event_href: String,
    similar: Vec<(&'static str, String)>,
    trace: Vec<trace::Part>,
    evidence: Vec<Evidence>,
    blind_spots: Vec<BlindSpot>,
    remedies: Vec<RemedyRow>,
    timeline: Vec<TimelineRow>,
    stretches: Vec<Stretch>,
    height: String,
    fields: Vec<fields::FieldRow>,
    statuses: Vec<(&'static str, &'static str)>,
    verdicts: Vec<(&'static str, &'static str)>,
    case: CaseView,
    may_see_raw: bool,
    around: Around,
    responses: Vec<(&'static str, &'static str)>,
    let_be: String,
    comment_max: usize,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let after = console.ports.incidents.last_incident_change().await?;
    let incident = console.incident_named(&given).await?;
    let around = console.around(&incident).await?;
    let responses = console.responses_to(&incident).await?;
    Ok(render(&show(incident, after, &session, around, responses)))
}

fn show(
    incident: Incident,
    after: u64,
    session: &Session,
    around: Around,
    responses: Vec<(&'static str, &'static str)>,
) -> IncidentPage {
    let title = format!("{} {}", incident.number, incident.policy.name);
    let (stretches, height) = waterfall(&incident.latency);
    IncidentPage {
        frame: Frame::new(title, "incidents", session),
        after,
        id: incident.id.to_string(),
        number: incident.number.clone(),
        severity: incident.severity.word(),
        status: wording::status(incident.status),
        policy: incident.policy.name.clone(),
        policy_href: format!("/policies/{}", incident.policy.id),
        policy_version: incident.policy.version,
        permissive: incident.mode == event_model::Mode::Permissive,
        sentence: wording::sentence(&incident.activity),
        at: wording::precise(incident.created_at),
        notification: incident.notification.clone(),
        connection: incident.connection_id.to_string(),
        raw_href: format!(
            "/api/v1/activities/{}/{}/raw",
            incident.connection_id,
            encode(incident.activity.event_id.as_str())
        ),
        event_href: super::event::href(incident.connection_id, incident.activity.event_id.as_str()),
        similar: similar(&incident),
        trace: trace::tree(&incident.trace),
        evidence: incident.evidence.clone(),
        blind_spots: incident.blind_spots.clone(),
        remedies: incident
            .remedies
            .iter()
            .map(|remedy| row(remedy, &incident, &session.actor))
            .collect(),
        timeline: timeline(&incident),
        stretches,
        height,
        fields: fields::rows(&incident.activity, &incident.provenance),
        statuses: next_statuses(incident.status),
        verdicts: wording::verdicts(),
        case: CaseView::of(&incident),
        may_see_raw: session.actor.may(Permission::ActivitiesRaw),
        around,
        responses,
        let_be: let_be(&incident),
        comment_max: COMMENT_BYTES_MAX,
    }
}

/// Where an exception like this incident is written.
fn let_be(incident: &Incident) -> String {
    let policy = incident.policy.id.to_string();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (object, actor) = (
        text(&incident.activity.object_id),
        text(&incident.activity.actor_email),
    );
    let asked = [
        ("policy", policy.as_str()),
        ("object_id", object.as_str()),
        ("actor_email", actor.as_str()),
    ];
    let short = asked.into_iter().filter(|(_, value)| value.len() <= 1024);
    super::links::link("/exceptions", short)
}

/// The same actor, object and policy: one click away.
fn similar(incident: &Incident) -> Vec<(&'static str, String)> {
    let mut links = Vec::new();
    let mut add = |label, name, value: &Option<String>| {
        if let Some(value) = value.as_deref().filter(|value| value.len() <= 1024) {
            links.push((
                label,
                super::links::link("/", [(name, value), ("status", EVERY)]),
            ));
        }
    };
    add(
        "by the same person",
        "actor_email",
        &incident.activity.actor_email,
    );
    add(
        "on the same object",
        "object_id",
        &incident.activity.object_id,
    );
    add(
        "of the same policy",
        "policy",
        &Some(incident.policy.id.to_string()),
    );
    links
}

fn row(remedy: &Remedy, incident: &Incident, actor: &Actor) -> RemedyRow {
    let acts = remedies::acts(remedy, is_undone(incident, remedy), actor);
    let restoration = remedy.restoration.clone().unwrap_or_default();
    RemedyRow {
        id: remedy.id.to_string(),
        what: wording::remedy(remedy.kind),
        state: wording::remedy_state(remedy.state),
        class: remedies::class(remedy.state),
        attempts: remedy.attempts,
        error: remedy.because.clone().or(remedy.last_error.clone()),
        restored: restoration.restored,
        not_restored: restoration.not_restored,
        at: wording::time(remedy.done_at.unwrap_or(remedy.updated_at)),
        acts,
    }
}

fn timeline(incident: &Incident) -> Vec<TimelineRow> {
    let entries = incident.timeline.iter();
    entries
        .map(|entry| TimelineRow {
            at: wording::precise(entry.at),
            datetime: rfc3339(entry.at),
            kind: entry.kind.word(),
            text: entry.text.clone(),
        })
        .collect()
}

/// The statuses that a person can set now.
fn next_statuses(now: IncidentStatus) -> Vec<(&'static str, &'static str)> {
    let all = IncidentStatus::ALL.iter().copied();
    all.filter(|to| *to != now && now.set(*to).is_ok())
        .map(|to| (to.word(), wording::status(to)))
        .collect()
}

pub(super) async fn rule(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Path(given): Path<String>,
    form: CheckedForm,
) -> Page {
    let incident = console.incident_named(&given).await?;
    let change = case_form::change(&form, &by)?;
    console.work(&by, &incident, None, &change).await?;
    Ok(see(format!("/incidents/{}", incident.id)))
}

/// Whether it was undone, or is being: by itself, or with a later quarantine of the same incident,
/// whose restore undoes what came before, and whose deletion leaves nothing to undo.
fn is_undone(incident: &Incident, remedy: &Remedy) -> bool {
    let undoes = |other: &Remedy| {
        let of = incident
            .remedies
            .iter()
            .find(|one| Some(one.id) == other.of);
        of.is_some_and(|of| {
            let came_after = of.kind.sets_aside() && of.ordinal > remedy.ordinal;
            of.id == remedy.id || came_after
        })
    };
    incident.remedies.iter().any(undoes)
}

/// Retries, approves or undoes a remedy, and shows its incident, or the list that it was asked from.
pub(super) async fn act(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((given, act)): Path<(String, String)>,
    form: CheckedForm,
) -> Page {
    let remedy = id(&given)?;
    let done = match act.as_str() {
        "retry" => console.retry(&by, remedy).await,
        "approve" => console.approve(&by, remedy).await,
        "cancel" => console.cancel(&by, remedy).await,
        "continue" => {
            console
                .rule_on_held(&by, remedy, BreakerRuling::Continue)
                .await
        }
        "drop" => {
            console
                .rule_on_held(&by, remedy, BreakerRuling::Cancel)
                .await
        }
        "undo" => console.undo(&by, remedy).await,
        _ => Err(unknown_act(&act)),
    };
    match done {
        Ok(remedy) => {
            let incident = format!("/incidents/{}", remedy.incident_id);
            Ok(see(remedies::back(&form, incident)))
        }
        Err(problem) => Ok(failure(&problem, Some(&session)) as Response),
    }
}

/// A form's target that does not exist.
pub(super) fn unknown_act(act: &str) -> Problem {
    let act: String = act.chars().take(64).collect();
    Problem::new(StatusCode::NOT_FOUND, format!("there is no act `{act}`"))
}
