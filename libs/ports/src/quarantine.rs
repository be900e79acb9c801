use async_trait::async_trait;
use event_model::{
    ConnectionId, ConnectionScope, IncidentId, Page, PageRequest, QuarantineId, QuarantineItem,
    QuarantineState,
};

use crate::StoreError;

/// Which quarantine items a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuarantineFilter {
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// Of connections within this.
    pub within: ConnectionScope,
    /// Of this incident.
    pub incident: Option<IncidentId>,
    /// In one of these states; all when empty.
    pub state: Vec<QuarantineState>,
}

/// What is held aside. Items are written by remedies only.
#[async_trait]
pub trait QuarantineStore: Send + Sync {
    /// The item of that id.
    async fn quarantine_item(&self, id: QuarantineId)
    -> Result<Option<QuarantineItem>, StoreError>;

    /// A page of items, newest first.
    async fn quarantine_page(
        &self,
        filter: &QuarantineFilter,
        request: &PageRequest,
    ) -> Result<Page<QuarantineItem>, StoreError>;
}
