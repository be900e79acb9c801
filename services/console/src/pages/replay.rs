//! A policy tried on the past: how far the trial is, and what would have been different.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use event_model::{
    Baseline, IncidentDelta, Job, JobState, PolicyDocument, Replay, ReplayExample, ReplayReport,
};

use super::chart::{Chart, chart};
use super::links::link;
use super::{Frame, Page, failure, render, see, wording};
use crate::Shared;
use crate::api::id;
use crate::auth::{Actor, Session};

/// Users of the table: those with the most differences.
const USERS_SHOWN_MAX: usize = 50;
/// Every status: what leads to incidents leads to closed ones, too.
const EVERY_STATUS: &str = "new,in_progress,reopened,resolved,false_positive,suppressed";

struct User {
    name: String,
    href: Option<String>,
    delta: IncidentDelta,
}

struct Example {
    sentence: String,
    at: String,
    why: String,
    activity_href: String,
    incident_href: Option<String>,
}

struct Examples {
    title: &'static str,
    rows: Vec<Example>,
}

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayPage {
    frame: Frame,
    id: String,
    document: PolicyDocument,
    back: String,
    compared: String,
    from: String,
    to: String,
    state: &'static str,
    note: Option<String>,
    is_going_on: bool,
    percent: u8,
    report: ReplayReport,
    actions: Vec<(String, u64, u64)>,
    chart: Chart,
    users: Vec<User>,
    users_left_out: usize,
    examples: Vec<Examples>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let (job, replay) = console.replay(id(&given)?).await?;
    Ok(render(&shown(&job, replay, &session)))
}

pub(super) async fn cancel(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    match console.cancel_replay(&by, id(&given)?).await {
        Ok(job) => Ok(see(format!("/replays/{}", job.id))),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

fn shown(job: &Job, replay: Replay, session: &Session) -> ReplayPage {
    let Replay {
        ask,
        percent,
        report,
        ..
    } = replay;
    let title = format!("“{}” on the past", ask.document.name);
    let compared = match &ask.baseline {
        Baseline::Nothing => "with nothing: the policy is new".to_owned(),
        Baseline::Recorded { .. } => "with the incidents that were recorded of it".to_owned(),
        Baseline::Version { policy, .. } => format!("with its version {}", policy.version),
    };
    ReplayPage {
        frame: Frame::new(title, "policies", session),
        id: job.id.to_string(),
        back: ask.policy.as_ref().map_or_else(
            || "/policies".to_owned(),
            |policy| format!("/policies/{}", policy.id),
        ),
        document: ask.document,
        compared,
        from: wording::time(ask.from),
        to: wording::time(ask.to),
        state: state(job.state),
        note: job.note.clone(),
        is_going_on: job.state.is_open(),
        percent,
        actions: report
            .actions
            .iter()
            .filter(|(_, delta)| delta.added + delta.gone > 0)
            .map(|(kind, delta)| (kind.replace('_', " "), delta.added, delta.gone))
            .collect(),
        chart: chart(&report.days, ask.from.date_naive(), ask.to.date_naive()),
        users_left_out: report.users.len().saturating_sub(USERS_SHOWN_MAX),
        users: users(&report),
        examples: vec![
            examples("Would be added", &report.added),
            examples("Would be gone", &report.gone),
            examples("Cannot be told", &report.untold),
        ],
        report,
    }
}

fn users(report: &ReplayReport) -> Vec<User> {
    let mut users: Vec<(&String, &IncidentDelta)> = report.users.iter().collect();
    let weight =
        |delta: &IncidentDelta| std::cmp::Reverse((delta.added + delta.gone, delta.undecided));
    users.sort_by_key(|(_, delta)| weight(delta));
    users
        .into_iter()
        .take(USERS_SHOWN_MAX)
        .map(|(name, delta)| User {
            href: name
                .contains('@')
                .then(|| link("/activity", [("actor_email", name.as_str())])),
            name: name.clone(),
            delta: *delta,
        })
        .collect()
}

fn examples(title: &'static str, examples: &[ReplayExample]) -> Examples {
    Examples {
        title,
        rows: examples.iter().map(example).collect(),
    }
}

fn example(example: &ReplayExample) -> Example {
    let (actor, what) = (example.actor.as_deref(), example.event_name.as_deref());
    let on = example.object.as_deref();
    let connection = example.connection_id.to_string();
    let event = example.event_id.as_str();
    let query = [("connection", connection.as_str()), ("event_id", event)];
    Example {
        sentence: format!(
            "{}: {}{}",
            actor.unwrap_or("someone"),
            what.unwrap_or("an activity"),
            on.map(|on| format!(" on “{on}”")).unwrap_or_default()
        ),
        at: wording::time(example.received_at),
        why: example.why.clone(),
        activity_href: link("/activity", query),
        incident_href: example
            .incident
            .map(|_| link("/", [("event_id", event), ("status", EVERY_STATUS)])),
    }
}

/// How a job's state is said.
pub(super) fn state(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "waits for its turn",
        JobState::Running => "goes on",
        JobState::Paused => "paused",
        JobState::Held => "stands still",
        JobState::Done => "done",
        JobState::Canceled => "canceled",
        JobState::Failed => "failed",
    }
}
