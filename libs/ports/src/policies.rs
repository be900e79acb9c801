use async_trait::async_trait;
use event_model::{Page, PageRequest, PolicyId, PolicyVersion};

use crate::{Changes, StoreError};

/// The policies, version by version. A saved version never changes, but for whether it is in use.
#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// Saves a version. If it is enabled, it takes the place of the one in use.
    ///
    /// # Errors
    /// `Conflict` when its number is not the next one, or its name is that of another policy in use.
    async fn save_policy(&self, version: &PolicyVersion) -> Result<(), StoreError>;

    /// Switches the latest version on or off.
    ///
    /// # Errors
    /// `NotFound` when there is no such policy; `Conflict` when `version` is not the latest.
    async fn set_policy_enabled(
        &self,
        id: PolicyId,
        version: u32,
        enabled: bool,
    ) -> Result<PolicyVersion, StoreError>;

    /// The latest version.
    async fn latest_policy(&self, id: PolicyId) -> Result<Option<PolicyVersion>, StoreError>;

    /// A certain version.
    async fn policy_version(
        &self,
        id: PolicyId,
        version: u32,
    ) -> Result<Option<PolicyVersion>, StoreError>;

    /// The latest version of each policy, oldest policy first.
    async fn policy_page(&self, request: &PageRequest) -> Result<Page<PolicyVersion>, StoreError>;

    /// Every version in use, at most [`POLICIES_IN_USE_MAX`].
    async fn policies_in_use(&self) -> Result<Vec<PolicyVersion>, StoreError>;

    /// Signals each change of what is in use.
    fn policy_changes(&self) -> Changes;
}

/// Most policies in use at a time.
pub const POLICIES_IN_USE_MAX: usize = 10_000;
