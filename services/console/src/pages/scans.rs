//! Scans of what exists already: the form that starts one, how far each is, and what it found.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use event_model::{
    Connection, Job, JobKind, JobState, JobWork, PageRequest, Relabelled, Scan, ScanAsk, ScanKind,
    ScanMode, ScanReport,
};
use ports::JobFilter;

use super::incident::unknown_act;
use super::links::link;
use super::replay::state;
use super::{Frame, Page, failure, render, see, wording};
use crate::acts::scans::ScanAct;
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session};
use crate::query::Query;
use crate::{Console, Shared};

/// Scans of one page.
const PAGE_ITEMS: u32 = 30;
/// Every status: what was found leads to closed incidents, too.
const EVERY_STATUS: &str = "new,in_progress,reopened,resolved,false_positive,suppressed";

/// How far a scan is, as it is shown.
struct Progress {
    id: String,
    what: String,
    state: &'static str,
    class: &'static str,
    note: Option<String>,
    percent: Option<u8>,
    rate: Option<u64>,
    left: Option<String>,
    listed: u64,
    violating: u64,
    actions: u64,
    acts: bool,
    at: String,
    /// What a person can do: word and label.
    can: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "scans.html")]
struct Scans {
    frame: Frame,
    /// Id and name of the connections of which something can be scanned.
    connections: Vec<(String, String)>,
    /// Id, name and whether it is in use.
    policies: Vec<(String, String, bool)>,
    rows: Vec<Progress>,
    is_going_on: bool,
    next: Option<String>,
}

/// A counted name, and how many.
type Counted = Vec<(String, u64)>;

#[derive(Template)]
#[template(path = "scan.html")]
struct ScanPage {
    frame: Frame,
    progress: Progress,
    is_going_on: bool,
    report: ScanReport,
    users: Counted,
    paths: Counted,
    /// What it was of a policy: name, violations, actions.
    policies: Vec<(String, u64, u64)>,
    /// What, whose, with whom, of which policy, and where its incident is.
    examples: Vec<(String, String, String, String, Option<String>)>,
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let query = Query::read(&uri, &["cursor"]);
    let request = PageRequest {
        cursor: query.text("cursor"),
        limit: PAGE_ITEMS,
    };
    query.finish(())?;
    let filter = JobFilter {
        kind: Some(JobKind::Scan),
        subject: None,
    };
    let page = console.ports.jobs.job_page(&filter, &request).await?;
    let connections = console.every_connection().await?;
    let latest = PageRequest::first(event_model::PAGE_ITEMS_MAX);
    let policies = console.ports.policies.policy_page(&latest).await?.items;
    let rows = page.items.iter().filter_map(|job| match &job.work {
        JobWork::Scan(scan) => Some(progress(job, scan, &connections)),
        JobWork::Replay(_) => None,
    });
    Ok(render(&Scans {
        frame: Frame::new("Scans", "scans", &session),
        connections: scannable(&console, &connections),
        policies: policies
            .iter()
            .map(|one| (one.id.to_string(), one.document.name.clone(), one.enabled))
            .collect(),
        rows: rows.collect(),
        is_going_on: page.items.iter().any(|job| job.state == JobState::Running),
        next: page
            .next
            .map(|cursor| link("/scans", [("cursor", cursor.as_str())])),
    }))
}

/// The connections whose services say how something is listed.
fn scannable(console: &Console, connections: &[Connection]) -> Vec<(String, String)> {
    let services = console.ports.connections.services();
    let lists = |service: &str| {
        let found = services.iter().find(|one| one.id == service);
        found.is_some_and(|one| !one.scans.is_empty())
    };
    connections
        .iter()
        .filter(|connection| lists(&connection.service))
        .map(|connection| (connection.id.to_string(), connection.name.clone()))
        .collect()
}

pub(super) async fn one(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let (job, scan) = console.scan(id(&given)?).await?;
    let connections = console.every_connection().await?;
    let progress = progress(&job, &scan, &connections);
    let report = scan.report;
    let acts = scan.ask.mode == ScanMode::Act;
    Ok(render(&ScanPage {
        frame: Frame::new(progress.what.clone(), "scans", &session),
        is_going_on: job.state.is_open(),
        users: most(&report.users),
        paths: most(&report.paths),
        policies: report
            .policies
            .values()
            .map(|one| (one.name.clone(), one.violations, one.actions))
            .collect(),
        examples: report
            .examples
            .iter()
            .map(|one| {
                let of_event = [
                    ("event_id", one.event_id.as_str()),
                    ("status", EVERY_STATUS),
                ];
                (
                    one.object.clone().unwrap_or_default(),
                    one.user.clone().unwrap_or_default(),
                    one.shared_with.clone().unwrap_or_default(),
                    one.policy.clone(),
                    acts.then(|| link("/", of_event)),
                )
            })
            .collect(),
        progress,
        report,
    }))
}

/// The names with the most first.
fn most(counted: &std::collections::BTreeMap<String, u64>) -> Counted {
    let mut all: Counted = counted.iter().map(|(name, n)| (name.clone(), *n)).collect();
    all.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    all
}

fn progress(job: &Job, scan: &Scan, connections: &[Connection]) -> Progress {
    let id = scan.ask.connection;
    let named = connections.iter().find(|connection| connection.id == id);
    let name = named.map_or_else(|| id.to_string(), |connection| connection.name.clone());
    let acts = scan.ask.mode == ScanMode::Act;
    let what = match scan.ask.kind {
        ScanKind::Shares => "Shares",
        ScanKind::Content => "Files",
    };
    let doing = if acts { "acting" } else { "preview" };
    let left = scan.seconds_left().filter(|_| job.state.is_open());
    Progress {
        id: job.id.to_string(),
        what: match scan.relabelled() {
            None => format!("{what} of {name}, {doing}"),
            Some(Relabelled::Everything) => format!("{what} of {name}: labels changed"),
            Some(Relabelled::Folder(folder)) => {
                format!("{what} of {name}: labels changed in {folder}/")
            }
            Some(Relabelled::Objects(objects)) => match objects.len() {
                1 => format!("{what} of {name}: labels changed of 1 object"),
                many => format!("{what} of {name}: labels changed of {many} objects"),
            },
        },
        state: state(job.state),
        class: match job.state {
            JobState::Held | JobState::Paused => "warn",
            JobState::Failed => "bad",
            JobState::Done => "good",
            _ => "quiet",
        },
        note: job.note.clone(),
        percent: match job.state {
            JobState::Done => Some(100),
            _ => scan.percent(),
        },
        rate: scan.per_minute(),
        left: left.map(|seconds| wording::duration(seconds as i64 * 1_000)),
        listed: scan.report.listed,
        violating: scan.report.violating,
        actions: scan.report.actions,
        acts,
        at: wording::time(job.created_at),
        can: can(job, scan),
    }
}

fn can(job: &Job, scan: &Scan) -> Vec<(&'static str, String)> {
    let mut can = Vec::new();
    match job.state {
        JobState::Waiting | JobState::Running => can.push(("pause", "Pause".to_owned())),
        JobState::Paused => can.push(("resume", "Resume".to_owned())),
        JobState::Held => {
            let more = scan.ask.actions_max;
            can.push(("resume", format!("Continue with up to {more} more actions")));
        }
        _ => {}
    }
    if !job.state.is_over() {
        can.push(("cancel", "Cancel".to_owned()));
    }
    can
}

pub(super) async fn start(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    let ask = ScanAsk {
        connection: id(form.text("connection"))?,
        kind: ScanKind::from_word(form.text("kind")).unwrap_or(ScanKind::Shares),
        mode: ScanMode::from_word(form.text("mode")).unwrap_or(ScanMode::Preview),
        policies: form
            .all("policy")
            .filter_map(|policy| policy.parse().ok())
            .collect(),
        path: form.given("path"),
        user: form.given("user"),
        actions_max: form.text("actions_max").parse().unwrap_or_default(),
        budget_percent: form.text("budget_percent").parse().unwrap_or_default(),
        every_hours: form
            .given("every_hours")
            .map(|hours| hours.parse().unwrap_or_default()),
    };
    match console.start_scan(&by, ask).await {
        Ok(job) => Ok(see(format!("/scans/{}", job.id))),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}

pub(super) async fn act(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((given, act)): Path<(String, String)>,
) -> Page {
    let scan = id(&given)?;
    let done = match ScanAct::from_word(&act) {
        Some(act) => console.act_on_scan(&by, scan, act).await,
        None => Err(unknown_act(&act)),
    };
    match done {
        Ok(job) => Ok(see(format!("/scans/{}", job.id))),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}
