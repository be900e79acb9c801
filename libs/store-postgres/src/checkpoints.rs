use async_trait::async_trait;
use event_model::{Checkpoint, ConnectionId, Position};
use ports::{CheckpointStore, Lease, StoreError};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::failure::{conflict, failed, read, written};
use crate::texts::key;
use crate::transaction::commit;

const WHAT: &str = "checkpoint";

async fn position(
    connection: &mut PgConnection,
    id: ConnectionId,
    stream: &str,
) -> Result<Option<Position>, StoreError> {
    sqlx::query_scalar::<_, String>(
        "SELECT position FROM checkpoints WHERE connection_id = $1 AND stream = $2",
    )
    .bind(id.to_string())
    .bind(key(stream))
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .map(|position| read(WHAT, &position))
    .transpose()
}

#[async_trait]
impl CheckpointStore for PostgresStore {
    async fn checkpoint(
        &self,
        connection: ConnectionId,
        stream: &str,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let mut reader = self.pool.acquire().await.map_err(failed)?;
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
        let mut tx = self.write().await?;
        // The lease stays locked until the end: nobody takes it over while the checkpoint moves, and
        // nobody else reads it to move it.
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
        .bind(key(&to.stream))
        .bind(written(&to.position))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await
    }
}
