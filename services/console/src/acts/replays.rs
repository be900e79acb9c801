//! Trials of policies on recorded activity: asked for here, worked at by the evaluator.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use event_model::{
    Baseline, ConnectionId, Job, JobId, JobKind, JobState, JobWork, PolicyDocument, PolicyId,
    PolicyVersion, Replay, ReplayAsk,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Console;
use crate::acts::policies::invalid;
use crate::auth::Actor;
use crate::body::wrong_shape;
use crate::problem::{Mistake, Problem};

/// Most trials that wait or run at a time.
const OPEN_MAX: u32 = 20;
/// Days looked back unless asked otherwise.
const DAYS_DEFAULT: i64 = 30;

/// A trial that is asked for: a draft, or a saved version.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    /// A draft to try. Absent: the saved version of `policy`.
    #[serde(default)]
    pub(crate) document: Option<PolicyDocument>,
    /// Which policy is tried, or of which one `document` is a draft.
    #[serde(default)]
    pub(crate) policy: Option<PolicyId>,
    /// Which of its versions is tried; the latest when absent.
    #[serde(default)]
    pub(crate) version: Option<u32>,
    /// Compare with that version. Absent: with the incidents recorded of `policy`; without one, with nothing.
    #[serde(default)]
    pub(crate) compare_version: Option<u32>,
    /// Activity received at or after; 30 days before `to` when absent.
    #[serde(default)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Activity received before; now when absent.
    #[serde(default)]
    pub(crate) to: Option<DateTime<Utc>>,
    /// Only of this connection.
    #[serde(default)]
    pub(crate) connection: Option<ConnectionId>,
}

impl Console {
    /// Asks for a trial.
    pub(crate) async fn start_replay(&self, by: &Actor, body: ReplayBody) -> Result<Job, Problem> {
        let ask = self.asked(body).await?;
        let within = ask.connection.is_some_and(|one| by.scope.has(one));
        if !by.scope.is_every() && !within {
            let message = "must be one of your connections";
            return Err(wrong_shape(Mistake::new("/connection", message)));
        }
        let mistakes = self.mistakes(&ask.document).await?;
        if !mistakes.is_empty() {
            return Err(invalid(mistakes));
        }
        let now = self.ports.clock.now();
        let kind = JobKind::Replay;
        let open = self.ports.jobs.open_jobs(kind, now, OPEN_MAX).await?;
        if open.len() >= OPEN_MAX as usize {
            let detail = format!("{OPEN_MAX} trials wait or run already: wait, or cancel some");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail));
        }
        let id = JobId::new(now, self.ports.entropy.draw());
        let work = JobWork::Replay(Box::new(Replay::of(ask)));
        let job = Job::new(id, by.name(), work, now);
        self.ports.jobs.add_job(&job).await?;
        self.record(by, "policy.replay_started", id, "").await?;
        Ok(job)
    }

    /// The trial of that id.
    pub(crate) async fn replay(&self, id: JobId) -> Result<(Job, Replay), Problem> {
        let job = self.ports.jobs.job(id).await?;
        match job.as_ref().map(|job| &job.work) {
            Some(JobWork::Replay(replay)) => {
                let replay = Replay::clone(replay);
                Ok((job.ok_or_else(|| Problem::not_found("trial", id))?, replay))
            }
            _ => Err(Problem::not_found("trial", id)),
        }
    }

    /// Ends a trial before its time. What was found so far is kept.
    pub(crate) async fn cancel_replay(&self, by: &Actor, id: JobId) -> Result<Job, Problem> {
        self.replay(id).await?;
        let canceled = self.step_job(id, JobState::Canceled).await?;
        self.record(by, "policy.replay_canceled", id, "").await?;
        Ok(canceled)
    }

    /// Moves a job on. Who works at it saves it again and again: so often this is tried again.
    pub(crate) async fn step_job(&self, id: JobId, to: JobState) -> Result<Job, Problem> {
        const TRIES_MAX: u32 = 20;
        for _ in 0..TRIES_MAX {
            let job = self.ports.jobs.job(id).await?;
            let mut job = job.ok_or_else(|| Problem::not_found("job", id))?;
            job.step(to, self.ports.clock.now())?;
            match self.ports.jobs.save_job(&job).await {
                Err(ports::StoreError::Conflict { .. }) => {}
                saved => return Ok(saved?),
            }
        }
        Err(Problem::precondition("job"))
    }

    async fn asked(&self, body: ReplayBody) -> Result<ReplayAsk, Problem> {
        let (from, to) = self.range(&body)?;
        let of = match body.policy {
            Some(id) => Some(self.version_of(id, body.version).await?),
            None => None,
        };
        let policy = of.as_ref().map(PolicyVersion::reference);
        let baseline = match (body.policy, body.compare_version) {
            (Some(id), Some(version)) => {
                let other = self.version_of(id, Some(version)).await?;
                Baseline::Version {
                    policy: other.reference(),
                    document: Box::new(other.document),
                }
            }
            (Some(policy), None) => Baseline::Recorded { policy },
            (None, None) => Baseline::Nothing,
            (None, Some(_)) => return Err(without_policy("/compare_version")),
        };
        let document = match (body.document, of) {
            (Some(document), _) => document,
            (None, Some(of)) => of.document,
            (None, None) => return Err(without_policy("/document")),
        };
        Ok(ReplayAsk {
            document,
            policy,
            baseline,
            from,
            to,
            connection: body.connection,
        })
    }

    fn range(&self, body: &ReplayBody) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
        let to = body.to.unwrap_or_else(|| self.ports.clock.now());
        let back = TimeDelta::days(DAYS_DEFAULT);
        let from = body.from.or_else(|| to.checked_sub_signed(back));
        let from = from.unwrap_or(to);
        let longest = TimeDelta::days(ReplayAsk::DAYS_MAX);
        let message = match to - from {
            range if range <= TimeDelta::zero() => "is not before `to`".to_owned(),
            range if range > longest => {
                format!("is more than {} days before `to`", ReplayAsk::DAYS_MAX)
            }
            _ => return Ok((from, to)),
        };
        Err(wrong_shape(Mistake::new("/from", message)))
    }

    async fn version_of(
        &self,
        id: PolicyId,
        version: Option<u32>,
    ) -> Result<PolicyVersion, Problem> {
        let Some(version) = version else {
            return self.policy(id).await;
        };
        let found = self.ports.policies.policy_version(id, version).await?;
        found.ok_or_else(|| Problem::not_found("policy version", format!("{id}@{version}")))
    }
}

/// What is missing without a policy.
fn without_policy(field: &str) -> Problem {
    let message = match field {
        "/document" => "is needed when no `policy` is given",
        _ => "is a version of a `policy`, and none is given",
    };
    wrong_shape(Mistake::new(field, message))
}
