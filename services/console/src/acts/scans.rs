//! Scans of what exists already: asked for here, worked at by the evaluator.

use axum::http::StatusCode;
use event_model::{
    Connection, Job, JobId, JobKind, JobState, JobWork, PageRequest, Scan, ScanAsk, ScanMode,
};
use ports::{JobFilter, StoreError};

use crate::Console;
use crate::auth::Actor;
use crate::body::wrong_shape;
use crate::problem::{Mistake, Problem};

/// Most scans that wait or run at a time.
const OPEN_MAX: u32 = 50;
/// Scans of a connection among which the last one of the same kind is looked for.
const LOOKED_BACK: u32 = 50;
/// How often a step is tried again while who works at the scan saves it.
const TRIES_MAX: u32 = 20;
/// Longest path or address that narrows a scan, in bytes.
const FILTER_BYTES_MAX: usize = 1024;

/// What a person can do to a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanAct {
    Pause,
    Resume,
    Cancel,
}

impl ScanAct {
    /// Each with its word.
    pub(crate) const WORDS: [(&'static str, ScanAct); 3] = [
        ("pause", ScanAct::Pause),
        ("resume", ScanAct::Resume),
        ("cancel", ScanAct::Cancel),
    ];

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, act)| *act)
    }

    /// What the audit trail says.
    fn done(self) -> &'static str {
        match self {
            ScanAct::Pause => "scan.paused",
            ScanAct::Resume => "scan.resumed",
            ScanAct::Cancel => "scan.canceled",
        }
    }

    fn state(self) -> JobState {
        match self {
            ScanAct::Pause => JobState::Paused,
            ScanAct::Resume => JobState::Waiting,
            ScanAct::Cancel => JobState::Canceled,
        }
    }
}

impl Console {
    /// Asks for a scan.
    pub(crate) async fn start_scan(&self, by: &Actor, ask: ScanAsk) -> Result<Job, Problem> {
        let mistakes = self.mistakes_of(&ask).await?;
        if !mistakes.is_empty() {
            let mut problem = wrong_shape(mistakes[0].clone());
            problem.errors = mistakes;
            return Err(problem);
        }
        let now = self.ports.clock.now();
        let kind = JobKind::Scan;
        let open = self.ports.jobs.open_jobs(kind, now, OPEN_MAX).await?;
        if open.len() >= OPEN_MAX as usize {
            let detail = format!("{OPEN_MAX} scans wait or run already: wait, or cancel some");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        let detail = format!("{} of {}, {}", ask.kind, ask.connection, ask.mode);
        let expected = self.listed_before(&ask).await?;
        let id = JobId::new(now, self.ports.entropy.draw());
        let work = JobWork::Scan(Box::new(Scan::of(ask, expected)));
        let job = Job::new(id, by.name(), work, now);
        self.ports.jobs.add_job(&job).await?;
        self.record(by, "scan.started", id, detail).await?;
        Ok(job)
    }

    /// The scan of that id.
    pub(crate) async fn scan(&self, id: JobId) -> Result<(Job, Scan), Problem> {
        let job = self.ports.jobs.job(id).await?;
        match job.as_ref().map(|job| &job.work) {
            Some(JobWork::Scan(scan)) => {
                let scan = Scan::clone(scan);
                Ok((job.ok_or_else(|| Problem::not_found("scan", id))?, scan))
            }
            _ => Err(Problem::not_found("scan", id)),
        }
    }

    /// Pauses, resumes or cancels a scan. Resuming one that stands still lets it plan as many actions again.
    pub(crate) async fn act_on_scan(
        &self,
        by: &Actor,
        id: JobId,
        act: ScanAct,
    ) -> Result<Job, Problem> {
        for _ in 0..TRIES_MAX {
            let (mut job, _) = self.scan(id).await?;
            let now = self.ports.clock.now();
            if let (ScanAct::Resume, JobWork::Scan(scan)) = (act, &mut job.work) {
                if job.state == JobState::Held {
                    scan.allowed = scan.report.actions + u64::from(scan.ask.actions_max);
                }
                job.due_at = now;
                job.note = None;
            }
            job.step(act.state(), now)?;
            match self.ports.jobs.save_job(&job).await {
                // Who works at it has saved it meanwhile.
                Err(StoreError::Conflict { .. }) => {}
                saved => {
                    let saved = saved?;
                    self.record(by, act.done(), id, "").await?;
                    return Ok(saved);
                }
            }
        }
        Err(Problem::precondition("scan"))
    }

    /// Every mistake of what is asked.
    async fn mistakes_of(&self, ask: &ScanAsk) -> Result<Vec<Mistake>, Problem> {
        let mut mistakes = out_of_bounds(ask);
        let mut wrong = |field: &str, message: String| mistakes.push(Mistake::new(field, message));
        match self.ports.connection_store.get(ask.connection).await? {
            None => wrong(
                "/connection",
                format!("there is no connection `{}`", ask.connection),
            ),
            Some(connection) if !self.can_scan(&connection, ask) => wrong(
                "/kind",
                format!(
                    "the manifest of `{}` does not say how {} are listed",
                    connection.service, ask.kind
                ),
            ),
            Some(_) => {}
        }
        let named = ask.policies.iter().take(ScanAsk::POLICIES_MAX);
        for (index, id) in named.enumerate() {
            let field = format!("/policies/{index}");
            match self.ports.policies.latest_policy(*id).await? {
                None => wrong(&field, format!("there is no policy `{id}`")),
                Some(policy) if ask.mode == ScanMode::Act && !policy.enabled => {
                    let name = &policy.document.name;
                    let message = format!("`{name}` is not in use: only a preview takes it");
                    wrong(&field, message);
                }
                Some(_) => {}
            }
        }
        Ok(mistakes)
    }

    fn can_scan(&self, connection: &Connection, ask: &ScanAsk) -> bool {
        let services = self.ports.connections.services();
        let service = services.iter().find(|one| one.id == connection.service);
        service.is_some_and(|one| one.scans.iter().any(|kind| kind == ask.kind.word()))
    }

    /// How many the last scan of that kind listed, over the whole connection.
    async fn listed_before(&self, ask: &ScanAsk) -> Result<Option<u64>, Problem> {
        let filter = JobFilter {
            kind: Some(JobKind::Scan),
            subject: Some(ask.connection.to_string()),
        };
        let request = PageRequest::first(LOOKED_BACK);
        let jobs = self.ports.jobs.job_page(&filter, &request).await?;
        let listed = jobs.items.iter().find_map(|job| match &job.work {
            JobWork::Scan(scan) if job.state == JobState::Done && scan.ask.kind == ask.kind => {
                Some(scan.report.listed)
            }
            _ => None,
        });
        Ok(listed)
    }
}

/// Numbers, texts and lists that are beyond their bounds.
fn out_of_bounds(ask: &ScanAsk) -> Vec<Mistake> {
    let (actions, budget) = (u64::from(ask.actions_max), u64::from(ask.budget_percent));
    let hours = u64::from(ask.every_hours.unwrap_or(1));
    let numbers = [
        ("/actions_max", actions, u64::from(ScanAsk::ACTIONS_MAX)),
        (
            "/budget_percent",
            budget,
            u64::from(ScanAsk::BUDGET_PERCENT_MAX),
        ),
        ("/every_hours", hours, u64::from(ScanAsk::HOURS_MAX)),
    ];
    let numbers = numbers
        .into_iter()
        .filter(|(_, given, most)| !(1..=*most).contains(given))
        .map(|(field, _, most)| Mistake::new(field, format!("is not a number from 1 to {most}")));
    let texts = [("/path", &ask.path), ("/user", &ask.user)];
    let too_long = |text: &Option<String>| {
        let text = text.as_ref();
        text.is_some_and(|text| text.len() > FILTER_BYTES_MAX)
    };
    let texts = texts
        .into_iter()
        .filter(|(_, text)| too_long(text))
        .map(|(field, _)| Mistake::new(field, format!("is longer than {FILTER_BYTES_MAX} bytes")));
    let mut mistakes: Vec<Mistake> = numbers.chain(texts).collect();
    if ask.policies.len() > ScanAsk::POLICIES_MAX {
        let message = format!("are more than {}", ScanAsk::POLICIES_MAX);
        mistakes.push(Mistake::new("/policies", message));
    }
    mistakes
}
