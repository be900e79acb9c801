use async_trait::async_trait;
use event_model::{AccessChange, AccessRecords};

use crate::StoreError;

/// Access policies and their groups. They change together: what fits depends on all of them.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// All of them, of one moment.
    async fn access_records(&self) -> Result<AccessRecords, StoreError>;

    /// Grows with every change: cheap to ask for again and again.
    async fn access_revision(&self) -> Result<u64, StoreError>;

    /// Does all of a change or nothing, and gives the new revision.
    ///
    /// # Errors
    /// `Conflict` when the revision is not `since` any more, or a name would be given twice.
    async fn change_access(&self, since: u64, change: &AccessChange) -> Result<u64, StoreError>;
}
