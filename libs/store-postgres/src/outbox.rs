//! What is to be told of incidents. An entry has the sequence of the change that made it; whoever
//! notes changes holds their counter until the commit, so entries appear in the order of sequences.

use async_trait::async_trait;
use ports::{
    IncidentOutbox, OUTBOX_ENTRIES_MAX, OUTBOX_PRUNED_EVERY, OutboxBacklog, OutboxEntry, StoreError,
};
use sqlx::PgConnection;
use store_rows::incidents::WHAT;

use crate::PostgresStore;
use crate::failure::{failed, read};
use crate::transaction::count;

/// Counts the entries removed untold.
const DROPPED: &str = "outbox.dropped";

/// Adds the incidents as they stand in this transaction, with the sequences after `before` in their
/// order, and removes what is beyond the bound.
pub(crate) async fn add(
    connection: &mut PgConnection,
    before: i64,
    ids: &[String],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox (sequence, document)
         SELECT $1 + noted.place, incidents.document
         FROM unnest($2::text[]) WITH ORDINALITY AS noted (id, place)
         JOIN incidents ON incidents.id = noted.id",
    )
    .bind(before)
    .bind(ids)
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    let (last, every) = (before + ids.len() as i64, OUTBOX_PRUNED_EVERY as i64);
    if last / every > before / every {
        let removed = sqlx::query("DELETE FROM outbox WHERE sequence <= $1")
            .bind(last - OUTBOX_ENTRIES_MAX as i64)
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
impl IncidentOutbox for PostgresStore {
    async fn outbox_waiting(&self, limit: u32) -> Result<Vec<OutboxEntry>, StoreError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT sequence, document FROM outbox ORDER BY sequence LIMIT $1")
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
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
            .execute(&self.pool)
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
        .fetch_one(&self.pool)
        .await
        .map_err(failed)?;
        Ok(OutboxBacklog {
            waiting: waiting as u64,
            dropped: dropped as u64,
        })
    }
}
