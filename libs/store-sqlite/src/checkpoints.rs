//! Checkpoints: each moves only from where it stands, by who holds the lease. What moves it usually is one
//! statement; what does not fit is looked at in a transaction, which says what is wrong.

use async_trait::async_trait;
use event_model::{Checkpoint, ConnectionId, Position};
use ports::{CheckpointStore, Lease, StoreError};
use sqlx::SqliteConnection;

use crate::failure::{conflict, failed, read, written};
use crate::{SqliteStore, commit};

const WHAT: &str = "checkpoint";

async fn position(
    connection: &mut SqliteConnection,
    id: ConnectionId,
    stream: &str,
) -> Result<Option<Position>, StoreError> {
    sqlx::query_scalar::<_, String>(
        "SELECT position FROM checkpoints WHERE connection_id = $1 AND stream = $2",
    )
    .bind(id.to_string())
    .bind(stream)
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .map(|position| read(WHAT, &position))
    .transpose()
}

impl SqliteStore {
    /// Moves a checkpoint on in one statement, which is what nearly every page of a feed needs. False
    /// when it does not stand at `from`, or the lease is no longer held: nothing is changed then.
    async fn moved(
        &self,
        connection: ConnectionId,
        lease: &Lease,
        (from, to): (&Checkpoint, &Checkpoint),
    ) -> Result<bool, StoreError> {
        if from.stream != to.stream {
            return Ok(false);
        }
        let moved = sqlx::query(
            "UPDATE checkpoints SET position = $1
             WHERE connection_id = $2 AND stream = $3 AND position = $4 AND EXISTS
               (SELECT 1 FROM leases WHERE resource = $5 AND holder = $6 AND epoch = $7)",
        )
        .bind(written(&to.position))
        .bind(connection.to_string())
        .bind(&to.stream)
        .bind(written(&from.position))
        .bind(&lease.resource)
        .bind(&lease.holder)
        .bind(lease.epoch as i64)
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(moved.rows_affected() == 1)
    }
}

#[async_trait]
impl CheckpointStore for SqliteStore {
    async fn checkpoint(
        &self,
        connection: ConnectionId,
        stream: &str,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let mut reader = self.reader.acquire().await.map_err(failed)?;
        let position = position(&mut reader, connection, stream).await?;
        Ok(position.map(|position| Checkpoint::initial(stream, position)))
    }

    async fn advance_checkpoint(
        &self,
        connection: ConnectionId,
        lease: &Lease,
        from: Option<&Checkpoint>,
        to: &Checkpoint,
    ) -> Result<(), StoreError> {
        if let Some(from) = from
            && self.moved(connection, lease, (from, to)).await?
        {
            return Ok(());
        }
        let mut tx = self.write().await?;
        crate::leases::fence(&mut tx, lease).await?;
        let stored = position(&mut tx, connection, &to.stream).await?;
        let joins = match from {
            Some(from) => from.stream == to.stream && stored.as_ref() == Some(&from.position),
            None => stored.is_none(),
        };
        if !joins {
            return Err(conflict(WHAT, format_args!("{connection}/{}", to.stream)));
        }
        sqlx::query(
            "INSERT INTO checkpoints (connection_id, stream, position) VALUES ($1, $2, $3)
             ON CONFLICT (connection_id, stream) DO UPDATE SET position = excluded.position",
        )
        .bind(connection.to_string())
        .bind(&to.stream)
        .bind(written(&to.position))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await
    }
}
