use async_trait::async_trait;
use event_model::{Connection, ConnectionId, ConnectionScope, Page, PageRequest};

use crate::{Changes, StoreError};

/// Which connections a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// Only of this service.
    pub service: Option<String>,
    /// Only in this state: a word of [`event_model::Lifecycle::word`].
    pub state: Option<String>,
    /// Only those within this.
    pub within: ConnectionScope,
}

/// The connections and where each stands.
#[async_trait]
pub trait ConnectionStore: Send + Sync {
    /// Adds a connection.
    ///
    /// # Errors
    /// `Conflict` when the id or the name is taken.
    async fn create(&self, connection: &Connection) -> Result<(), StoreError>;

    /// The connection of that id.
    async fn get(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError>;

    /// Writes a changed connection, if nobody changed it since `connection.revision` was read, and
    /// gives it back with the next revision.
    ///
    /// # Errors
    /// `Conflict` when somebody did, or the name is taken; `NotFound` when it is gone.
    async fn update(&self, connection: &Connection) -> Result<Connection, StoreError>;

    /// A page of connections, oldest first.
    async fn page(
        &self,
        filter: &ConnectionFilter,
        request: &PageRequest,
    ) -> Result<Page<Connection>, StoreError>;

    /// Signals each change of any connection.
    fn changes(&self) -> Changes;
}
