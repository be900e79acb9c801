use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Exception, ExceptionId, Page, PageRequest, PolicyId};

use crate::StoreError;

/// Most exceptions that count at a time.
pub const EXCEPTIONS_IN_USE_MAX: u32 = 1_000;

/// Which exceptions a list shows. Absent values do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExceptionFilter {
    /// Of this policy.
    pub policy: Option<PolicyId>,
    /// That count at this moment.
    pub in_use_at: Option<DateTime<Utc>>,
}

/// What is let be.
#[async_trait]
pub trait ExceptionStore: Send + Sync {
    /// Adds an exception.
    ///
    /// # Errors
    /// `Conflict` when there is one of that id, or [`EXCEPTIONS_IN_USE_MAX`] count already.
    async fn add_exception(&self, exception: &Exception) -> Result<(), StoreError>;

    /// The exception of that id.
    async fn exception(&self, id: ExceptionId) -> Result<Option<Exception>, StoreError>;

    /// Ends an exception before its time, and gives it back. One that was ended stays as it is.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    async fn end_exception(
        &self,
        id: ExceptionId,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Exception, StoreError>;

    /// A page of exceptions, newest first.
    async fn exception_page(
        &self,
        filter: &ExceptionFilter,
        request: &PageRequest,
    ) -> Result<Page<Exception>, StoreError>;

    /// Every exception that counts at that moment, at most [`EXCEPTIONS_IN_USE_MAX`].
    async fn exceptions_in_use(&self, at: DateTime<Utc>) -> Result<Vec<Exception>, StoreError>;
}
