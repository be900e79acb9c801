use async_trait::async_trait;
use event_model::{Checkpoint, ConnectionId};

use crate::{Lease, StoreError};

/// Where the pull streams stand.
#[async_trait]
pub trait CheckpointStore: Send + Sync {
    /// The stream's checkpoint; none before its first page.
    async fn checkpoint(
        &self,
        connection: ConnectionId,
        stream: &str,
    ) -> Result<Option<Checkpoint>, StoreError>;

    /// Moves the checkpoint from where it was read to where it shall be.
    ///
    /// # Errors
    /// `Fenced` when the lease's epoch is no longer the resource's; `Conflict` when the stored
    /// checkpoint is not `from`. Nothing moves then.
    async fn advance_checkpoint(
        &self,
        connection: ConnectionId,
        lease: &Lease,
        from: Option<&Checkpoint>,
        to: &Checkpoint,
    ) -> Result<(), StoreError>;
}
