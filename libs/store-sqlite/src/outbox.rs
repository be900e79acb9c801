//! What is to be told of incidents. An entry has the sequence of the change that made it; the one
//! writer gives sequences in the order of the commits.

use async_trait::async_trait;
use event_model::IncidentId;
use ports::{
    IncidentOutbox, OUTBOX_ENTRIES_MAX, OUTBOX_PRUNED_EVERY, OutboxBacklog, OutboxEntry, StoreError,
};
use sqlx::SqliteConnection;
use store_rows::incidents::WHAT;

use crate::SqliteStore;
use crate::evaluation::count;
use crate::failure::{failed, read};

/// Counts the entries removed untold.
const DROPPED: &str = "outbox.dropped";

/// Adds the incident as it stands in this transaction, and removes what is beyond the bound.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    sequence: i64,
    id: IncidentId,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox (sequence, document) SELECT $1, document FROM incidents WHERE id = $2",
    )
    .bind(sequence)
    .bind(id.to_string())
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if sequence % OUTBOX_PRUNED_EVERY as i64 == 0 {
        let removed = sqlx::query("DELETE FROM outbox WHERE sequence <= $1")
            .bind(sequence - OUTBOX_ENTRIES_MAX as i64)
            .execute(&mut *connection)
            .await
            .map_err(failed)?
            .rows_affected();
        if removed > 0 {
            count(connection, DROPPED, removed as i64).await?;
        }
    }
    Ok(())
}

#[async_trait]
impl IncidentOutbox for SqliteStore {
    async fn outbox_waiting(&self, limit: u32) -> Result<Vec<OutboxEntry>, StoreError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT sequence, document FROM outbox ORDER BY sequence LIMIT $1")
                .bind(i64::from(limit))
                .fetch_all(&self.reader)
                .await
                .map_err(failed)?;
        let entry = |(sequence, document): (i64, String)| {
            Ok(OutboxEntry {
                sequence: sequence as u64,
                incident: read(WHAT, &document)?,
            })
        };
        rows.into_iter().map(entry).collect()
    }

    async fn outbox_told(&self, through: u64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM outbox WHERE sequence <= $1")
            .bind(i64::try_from(through).unwrap_or(i64::MAX))
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }

    // Sequences have no gaps, and counting many rows takes long.
    async fn outbox_backlog(&self) -> Result<OutboxBacklog, StoreError> {
        let (waiting, dropped): (i64, i64) = sqlx::query_as(
            "SELECT COALESCE((SELECT MAX(sequence) FROM outbox) - (SELECT MIN(sequence) FROM outbox) + 1, 0),
             COALESCE((SELECT value FROM counters WHERE name = $1), 0)",
        )
        .bind(DROPPED)
        .fetch_one(&self.reader)
        .await
        .map_err(failed)?;
        Ok(OutboxBacklog {
            waiting: waiting as u64,
            dropped: dropped as u64,
        })
    }
}
