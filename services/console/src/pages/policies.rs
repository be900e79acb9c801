//! The policies, and the form in which one is written: mistakes stand where they were made.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::IntoResponse;
use chrono::{Days, NaiveDate, NaiveTime};
use event_model::{Job, JobKind, Page as Items, PageRequest, PolicyId, PolicyVersion};
use policy::{Template, catalogue, templates};
use ports::JobFilter;

use super::incident::unknown_act;
use super::links::link;
use super::policy_form::Draft;
use super::{Frame, Page, failure, render, see, wording};
use crate::acts::replays::ReplayBody;
use crate::api::id;
use crate::auth::{Actor, CheckedForm, Session};
use crate::problem::{Mistake, Problem};
use crate::query::Query;
use crate::{Console, Shared};

/// What a new policy begins as, unless another template is chosen.
const FIRST_TEMPLATE: &str = "any-public-link";
/// Policies of one page.
const PAGE_ITEMS: u32 = 100;
/// Days that the form offers to try a policy on.
const DAYS_TRIED: u64 = 30;
/// Last trials of a policy that its form leads to.
const TRIALS_SHOWN: u32 = 5;

struct Row {
    id: String,
    name: String,
    severity: &'static str,
    enabled: bool,
    permissive: bool,
    version: u32,
    actions: String,
    responses: String,
    /// Of a hundred incidents, how many people found right.
    precision: Option<u64>,
    at: String,
}

#[derive(askama::Template)]
#[template(path = "policies.html")]
struct Policies {
    frame: Frame,
    rows: Vec<Row>,
    next: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    frame: Frame,
    target: String,
    saved: Option<PolicyVersion>,
    draft: Draft,
    checked: bool,
    mistakes: Vec<Mistake>,
    templates: &'static [Template],
    /// Every name that a rule can use.
    words: Vec<String>,
    /// How the latest version differs from the one before: a sign and a line.
    changes: Vec<(&'static str, String)>,
    /// The days from and to which it is tried on the past.
    try_from: String,
    try_to: String,
    /// Where the last trials are, and when they were asked for.
    trials: Vec<(String, String)>,
}

impl PolicyPage {
    /// The mistakes of one part of the document.
    fn of<'p>(&'p self, field: &'p str) -> impl Iterator<Item = &'p Mistake> {
        let all = self.mistakes.iter();
        all.filter(move |mistake| mistake.field.starts_with(field))
    }
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
    let page: Items<PolicyVersion> = console.ports.policies.policy_page(&request).await?;
    let verdicts = console.ports.stats.policy_verdicts().await?;
    let precise = |id| verdicts.get(&id).and_then(|of| of.precision_percent());
    Ok(render(&Policies {
        frame: Frame::new("Policies", "policies", &session),
        rows: page
            .items
            .iter()
            .map(|version| row(version, precise(version.id)))
            .collect(),
        next: page
            .next
            .map(|cursor| link("/policies", [("cursor", cursor.as_str())])),
    }))
}

fn row(version: &PolicyVersion, precision: Option<u64>) -> Row {
    let document = &version.document;
    let actions = document.trigger.actions.iter().map(|action| action.word());
    let responses = document
        .responses
        .iter()
        .map(|response| response.kind.word());
    Row {
        id: version.id.to_string(),
        name: document.name.clone(),
        severity: document.severity.word(),
        enabled: version.enabled,
        permissive: document.mode == event_model::Mode::Permissive,
        version: version.version,
        actions: actions.collect::<Vec<_>>().join(", "),
        responses: responses.collect::<Vec<_>>().join(", ").replace('_', " "),
        precision,
        at: wording::time(version.saved_at),
    }
}

pub(super) async fn new(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    uri: Uri,
) -> Page {
    let query = Query::read(&uri, &["template"]);
    let chosen = query.text("template");
    query.finish(())?;
    let connections = console.every_connection().await?;
    let wanted = chosen.as_deref().unwrap_or(FIRST_TEMPLATE);
    let mut all = templates().iter();
    let template = all
        .find(|template| template.id == wanted)
        .ok_or_else(|| Problem::not_found("policy template", wanted))?;
    let draft = Draft::of(&template.policy, &connections);
    let page = with_trials(&console, form(None, draft, &session)).await?;
    Ok(render(&page))
}

pub(super) async fn edit(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
) -> Page {
    let saved = console.policy(id(&given)?).await?;
    let connections = console.every_connection().await?;
    let draft = Draft::of(&saved.document, &connections);
    let page = with_trials(&console, form(Some(saved), draft, &session)).await?;
    Ok(render(&page))
}

fn form(saved: Option<PolicyVersion>, draft: Draft, session: &Session) -> PolicyPage {
    let title = saved
        .as_ref()
        .map_or("New policy", |saved| saved.document.name.as_str());
    let target = saved.as_ref().map_or_else(
        || "/policies".to_owned(),
        |saved| format!("/policies/{}", saved.id),
    );
    PolicyPage {
        frame: Frame::new(title, "policies", session),
        target,
        saved,
        draft,
        checked: false,
        mistakes: Vec::new(),
        templates: templates(),
        words: words(),
        changes: Vec::new(),
        try_from: String::new(),
        try_to: String::new(),
        trials: Vec::new(),
    }
}

/// The form with the days to try the policy on, unless they are given, and its last trials.
async fn with_trials(console: &Console, mut page: PolicyPage) -> Result<PolicyPage, Problem> {
    let today = console.ports.clock.now().date_naive();
    if page.try_to.is_empty() {
        page.try_to = today.to_string();
    }
    if page.try_from.is_empty() {
        let begin = today.checked_sub_days(Days::new(DAYS_TRIED));
        page.try_from = begin.unwrap_or(today).to_string();
    }
    if let Some(saved) = &page.saved {
        page.changes = console.changes_of(saved).await?;
        let filter = JobFilter {
            kind: Some(JobKind::Replay),
            subject: Some(saved.id.to_string()),
        };
        let request = PageRequest::first(TRIALS_SHOWN);
        let trials = console.ports.jobs.job_page(&filter, &request).await?.items;
        let trial = |job: &Job| {
            (
                format!("/replays/{}", job.id),
                wording::time(job.created_at),
            )
        };
        page.trials = trials.iter().map(trial).collect();
    }
    Ok(page)
}

/// Every name that a rule can use, as it is written.
fn words() -> Vec<String> {
    let entries = catalogue().iter();
    entries
        .map(|entry| format!("{}.{}", entry.object, entry.name))
        .collect()
}

impl Console {
    /// How a version differs from the one before it, line by line of their documents.
    async fn changes_of(
        &self,
        version: &PolicyVersion,
    ) -> Result<Vec<(&'static str, String)>, Problem> {
        let Some(number) = version.version.checked_sub(1).filter(|number| *number > 0) else {
            return Ok(Vec::new());
        };
        let before = self
            .ports
            .policies
            .policy_version(version.id, number)
            .await?;
        Ok(before.map_or_else(Vec::new, |before| {
            changed(&lines(&before.document), &lines(&version.document))
        }))
    }
}

fn lines(document: &event_model::PolicyDocument) -> Vec<String> {
    let text = serde_json::to_string_pretty(document).expect("a policy has only string keys");
    text.lines().map(str::to_owned).collect()
}

/// What was taken out and what was put in; what stands in both, before and after it, is left out.
fn changed(before: &[String], after: &[String]) -> Vec<(&'static str, String)> {
    let alike = |(a, b): &(&String, &String)| a == b;
    let head = before.iter().zip(after).take_while(alike).count();
    let (old, new) = (&before[head..], &after[head..]);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(alike)
        .count();
    let out = old[..old.len() - tail]
        .iter()
        .map(|line| ("−", line.clone()));
    let put = new[..new.len() - tail]
        .iter()
        .map(|line| ("+", line.clone()));
    out.chain(put).collect()
}

pub(super) async fn create(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    form: CheckedForm,
) -> Page {
    taken(&console, &by, &session, None, form).await
}

pub(super) async fn save(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path(given): Path<String>,
    form: CheckedForm,
) -> Page {
    let saved = console.policy(id(&given)?).await?;
    taken(&console, &by, &session, Some(saved), form).await
}

/// Checks or saves what was written; with mistakes, shows it again as it was written.
async fn taken(
    console: &Console,
    by: &Actor,
    session: &Session,
    saved: Option<PolicyVersion>,
    given: CheckedForm,
) -> Page {
    let connections = console.every_connection().await?;
    let draft = Draft::read(&given, &connections);
    let document = draft.document();
    if given.text("act") == "check" {
        let mistakes = console.mistakes(&document).await?;
        let page = again(saved, draft, mistakes, &given, session);
        return Ok(render(&with_trials(console, page).await?));
    }
    if given.text("act") == "try" {
        return tried(console, by, session, saved, draft, &given).await;
    }
    let done = match &saved {
        None => console.create_policy(by, document, true).await,
        Some(saved) => {
            let seen = given.text("version").parse().ok();
            console
                .change_policy(by, saved.id, seen, document, None)
                .await
        }
    };
    match done {
        Ok(version) => Ok(see(format!("/policies/{}", version.id))),
        Err(problem) if !problem.errors.is_empty() => {
            let status = problem.status();
            let page = again(saved, draft, problem.errors, &given, session);
            Ok((status, render(&with_trials(console, page).await?)).into_response())
        }
        Err(problem) => Ok(failure(&problem, Some(session))),
    }
}

/// Asks for a trial of what was written; with mistakes, shows it again.
async fn tried(
    console: &Console,
    by: &Actor,
    session: &Session,
    saved: Option<PolicyVersion>,
    draft: Draft,
    given: &CheckedForm,
) -> Page {
    let begin = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let day = |name: &str| given.text(name).parse::<NaiveDate>().ok();
    let body = ReplayBody {
        document: Some(draft.document()),
        policy: saved.as_ref().map(|saved| saved.id),
        from: day("try_from").map(begin),
        to: day("try_to")
            .and_then(|day| day.checked_add_days(Days::new(1)))
            .map(begin),
        ..ReplayBody::default()
    };
    match console.start_replay(by, body).await {
        Ok(job) => Ok(see(format!("/replays/{}", job.id))),
        Err(problem) if !problem.errors.is_empty() => {
            let status = problem.status();
            let page = again(saved, draft, problem.errors, given, session);
            Ok((status, render(&with_trials(console, page).await?)).into_response())
        }
        Err(problem) => Ok(failure(&problem, Some(session))),
    }
}

fn again(
    saved: Option<PolicyVersion>,
    draft: Draft,
    mistakes: Vec<Mistake>,
    given: &CheckedForm,
    session: &Session,
) -> PolicyPage {
    PolicyPage {
        checked: true,
        mistakes,
        try_from: given.text("try_from").to_owned(),
        try_to: given.text("try_to").to_owned(),
        ..form(saved, draft, session)
    }
}

pub(super) async fn switch(
    State(console): State<Shared>,
    Extension(by): Extension<Actor>,
    Extension(session): Extension<Session>,
    Path((given, act)): Path<(String, String)>,
) -> Page {
    let policy: PolicyId = id(&given)?;
    let done: Result<PolicyVersion, Problem> = match act.as_str() {
        "enable" => console.switch_policy(&by, policy, true).await,
        "disable" => console.switch_policy(&by, policy, false).await,
        _ => Err(unknown_act(&act)),
    };
    match done {
        Ok(_) => Ok(see(format!("/policies/{policy}"))),
        Err(problem) => Ok(failure(&problem, Some(&session))),
    }
}
