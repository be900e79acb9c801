//! Work that takes longer than a request: begun by a person, done in the background a stretch at a time,
//! saved after each, so that it goes on where it was when a process dies.
//!
//! A job changes by its revision only: who works at it and who pauses or cancels it never overwrite each other.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::word_enum;
use crate::connection::IllegalTransition;
use crate::ids::JobId;
use crate::instant;
use crate::replay::Replay;
use crate::scan::Scan;

word_enum! {
    /// What a job does.
    JobKind {
        /// Tries a policy on recorded activity.
        Replay "replay",
        /// Looks at what exists already.
        Scan "scan",
    }
}

word_enum! {
    /// Where a job stands.
    JobState {
        /// Not begun, or not yet due.
        Waiting "waiting",
        /// Being done.
        Running "running",
        /// A person paused it.
        Paused "paused",
        /// Stands still until a person looks at it: its note says why.
        Held "held",
        /// Done.
        Done "done",
        /// A person ended it.
        Canceled "canceled",
        /// Ended by an error: its note says which.
        Failed "failed",
    }
}

impl JobState {
    /// Whether somebody is to work at it.
    pub fn is_open(self) -> bool {
        matches!(self, JobState::Waiting | JobState::Running)
    }

    /// Whether it never goes on.
    pub fn is_over(self) -> bool {
        matches!(self, JobState::Done | JobState::Canceled | JobState::Failed)
    }

    /// The state after the next step.
    ///
    /// # Errors
    /// What is over stays so; only what runs is done, held or paused; only what stands still goes on.
    pub fn step(self, to: JobState) -> Result<JobState, IllegalTransition> {
        use JobState::{Canceled, Done, Failed, Held, Paused, Running, Waiting};
        let allowed = match to {
            Waiting => matches!(self, Paused | Held),
            Running => matches!(self, Waiting | Running),
            Paused => matches!(self, Waiting | Running),
            Held | Done => self == Running,
            Failed => matches!(self, Waiting | Running),
            Canceled => !self.is_over(),
        };
        if allowed {
            Ok(to)
        } else {
            Err(IllegalTransition {
                from: self.word(),
                to: to.word(),
            })
        }
    }
}

/// What a job is about, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobWork {
    /// A policy tried on recorded activity.
    Replay(Box<Replay>),
    /// What exists already, looked at.
    Scan(Box<Scan>),
}

impl JobWork {
    /// Which kind of work it is.
    pub fn kind(&self) -> JobKind {
        match self {
            JobWork::Replay(_) => JobKind::Replay,
            JobWork::Scan(_) => JobKind::Scan,
        }
    }

    /// The policy or connection that it is about, by its id, if it is about one.
    pub fn subject(&self) -> Option<String> {
        match self {
            JobWork::Replay(replay) => Some(replay.ask.policy.as_ref()?.id.to_string()),
            JobWork::Scan(scan) => Some(scan.ask.connection.to_string()),
        }
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    /// Its identifier.
    pub id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// Who asked for it.
    pub by: String,
    /// Why it stands still or failed, in a sentence.
    pub note: Option<String>,
    /// When it was asked for.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// Not before this.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub due_at: DateTime<Utc>,
    /// When it was begun.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it last changed.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Grows by one with every change: the ETag.
    pub revision: u64,
    /// What it is about, and how far it is.
    #[serde(flatten)]
    pub work: JobWork,
}

impl Job {
    /// A job to be begun at once.
    pub fn new(id: JobId, by: impl Into<String>, work: JobWork, now: DateTime<Utc>) -> Self {
        Job {
            id,
            state: JobState::Waiting,
            by: by.into(),
            note: None,
            created_at: now,
            due_at: now,
            started_at: None,
            updated_at: now,
            ended_at: None,
            revision: 1,
            work,
        }
    }

    /// Moves to another state.
    ///
    /// # Errors
    /// When there is no such step; nothing is changed then.
    pub fn step(&mut self, to: JobState, now: DateTime<Utc>) -> Result<(), IllegalTransition> {
        self.state = self.state.step(to)?;
        self.updated_at = now;
        if to == JobState::Running {
            self.started_at.get_or_insert(now);
            self.note = None;
        }
        if to.is_over() {
            self.ended_at = Some(now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::JobState::{self, *};

    #[test]
    fn a_job_takes_only_the_steps_it_has() {
        for (from, to, allowed) in [
            (Waiting, Running, true),
            (Running, Running, true),
            (Running, Done, true),
            (Running, Held, true),
            (Held, Waiting, true),
            (Held, Canceled, true),
            (Paused, Waiting, true),
            (Waiting, Paused, true),
            (Waiting, Done, false),
            (Paused, Running, false),
            (Held, Done, false),
            (Waiting, Waiting, false),
        ] {
            assert_eq!(from.step(to).is_ok(), allowed, "{from} to {to}");
        }
        for from in [Done, Canceled, Failed] {
            for to in JobState::ALL {
                assert!(from.step(*to).is_err(), "{from} is the end, not {to}");
            }
        }
    }
}
