use async_trait::async_trait;
use event_model::{Page, PageRequest, VaultId, VaultItem, VaultState};

use crate::StoreError;

/// Which items of the vault a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultFilter {
    /// In one of these states; all when empty.
    pub state: Vec<VaultState>,
}

/// What is known of the vault's items, their wrapped keys included. The content stands elsewhere.
#[async_trait]
pub trait VaultIndex: Send + Sync {
    /// Adds an item.
    ///
    /// # Errors
    /// `Conflict` when there is one of that id.
    async fn add_vault_item(&self, item: &VaultItem) -> Result<(), StoreError>;

    /// The item of that id.
    async fn vault_item(&self, id: VaultId) -> Result<Option<VaultItem>, StoreError>;

    /// Writes a changed item, if nobody changed it since `item.revision` was read, and gives it back
    /// with the next revision.
    ///
    /// # Errors
    /// `Conflict` when somebody did; `NotFound` when there is none.
    async fn save_vault_item(&self, item: &VaultItem) -> Result<VaultItem, StoreError>;

    /// A page of items, newest first.
    async fn vault_page(
        &self,
        filter: &VaultFilter,
        request: &PageRequest,
    ) -> Result<Page<VaultItem>, StoreError>;
}
