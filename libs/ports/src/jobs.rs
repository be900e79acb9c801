use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Job, JobId, JobKind, Page, PageRequest};

use crate::{Changes, StoreError};

/// So many jobs of each kind are kept that are over; the oldest are forgotten.
pub const JOBS_KEPT_MAX: u32 = 200;

/// Which jobs a list shows. Absent values do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<JobKind>,
    /// About the policy or connection of this id.
    pub subject: Option<String>,
}

/// Work in the background, with how far it is.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Adds a job, and forgets those of its kind that are over, but for the newest [`JOBS_KEPT_MAX`].
    ///
    /// # Errors
    /// `Conflict` when there is one of that id.
    async fn add_job(&self, job: &Job) -> Result<(), StoreError>;

    /// Saves a job if it still has that revision, and gives it back with the next.
    ///
    /// # Errors
    /// `Conflict` when it was changed, or is gone.
    async fn save_job(&self, job: &Job) -> Result<Job, StoreError>;

    /// The job of that id.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// A page of jobs, newest first.
    async fn job_page(
        &self,
        filter: &JobFilter,
        request: &PageRequest,
    ) -> Result<Page<Job>, StoreError>;

    /// Jobs of that kind that somebody is to work at and that are due, oldest first, at most so many.
    async fn open_jobs(
        &self,
        kind: JobKind,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError>;

    /// Signals each added or saved job.
    fn job_changes(&self) -> Changes;
}
