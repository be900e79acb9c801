//! Activities that await a second look: held for one taker at a time, kept until their last look.

use std::time::Duration;

use chrono::{DateTime, Utc};
use event_model::ActivityRecord;
use ports::{AwaitedActivity, EvaluatedActivity, SecondLook, StoreError};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::failure::{corrupt, failed, written};
use crate::instants::{instant, later, micros};
use crate::texts::{key, text};
use crate::transaction::commit;

const WHAT: &str = "awaited activity";

/// What is due at `$1`. Where a connection needs consent its content cannot be had: what waits for it
/// stays as it is until consent is given, and is due at once then.
const DUE: &str = "
    due_at <= $1 AND NOT EXISTS (
        SELECT 1 FROM connections c
        WHERE c.id = awaited.connection_id AND c.state = 'needs_consent')";

/// Notes who is to be looked at again, and takes out who was looked at for the last time.
pub(super) async fn settle(
    connection: &mut PgConnection,
    activities: &[EvaluatedActivity],
) -> Result<(), StoreError> {
    for one in activities {
        match &one.again {
            Some(again) => wait(connection, one, again).await?,
            None if one.is_second_look => finish(connection, one).await?,
            None => {}
        }
    }
    Ok(())
}

/// A second look that is repeated after a crash leaves a later time as it is.
async fn wait(
    connection: &mut PgConnection,
    one: &EvaluatedActivity,
    again: &SecondLook,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO awaited (event_id, connection_id, due_at, attempts, reason, appended_at, record)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (event_id, connection_id) DO UPDATE
         SET due_at = excluded.due_at, attempts = excluded.attempts, reason = excluded.reason
         WHERE excluded.attempts > awaited.attempts",
    )
    .bind(key(one.record.activity.event_id.as_str()))
    .bind(one.record.connection_id.to_string())
    .bind(micros(again.at))
    .bind(i64::from(again.attempts))
    .bind(text(&again.reason))
    .bind(micros(one.appended_at))
    .bind(one.record.encode().to_vec())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn finish(connection: &mut PgConnection, one: &EvaluatedActivity) -> Result<(), StoreError> {
    let event = key(one.record.activity.event_id.as_str());
    let of = one.record.connection_id.to_string();
    sqlx::query("DELETE FROM awaited WHERE event_id = $1 AND connection_id = $2")
        .bind(&event)
        .bind(&of)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query(
        "UPDATE activities SET blind_spots = $3 WHERE event_id = $1 AND connection_id = $2
         AND received_at = (SELECT received_at FROM activity_keys k
                            WHERE k.event_id = $1 AND k.connection_id = $2)",
    )
    .bind(event)
    .bind(&of)
    .bind(written(&one.blind_spots))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

impl PostgresStore {
    pub(super) async fn take_due(
        &self,
        now: DateTime<Utc>,
        hold: Duration,
        limit: u32,
    ) -> Result<Vec<AwaitedActivity>, StoreError> {
        let waiting = format!("SELECT EXISTS (SELECT 1 FROM awaited WHERE {DUE})");
        let waiting: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(waiting))
            .bind(micros(now))
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        if !waiting {
            return Ok(Vec::new());
        }
        let mut tx = self.write().await?;
        let take = format!(
            "WITH due AS MATERIALIZED (
                 SELECT event_id, connection_id FROM awaited WHERE {DUE}
                 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE awaited SET due_at = $2 FROM due
             WHERE awaited.event_id = due.event_id AND awaited.connection_id = due.connection_id
             RETURNING awaited.record, awaited.appended_at, awaited.attempts"
        );
        let rows: Vec<(Vec<u8>, i64, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(take))
            .bind(micros(now))
            .bind(micros(later(now, hold)))
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await
            .map_err(failed)?;
        commit(tx).await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(
    (record, appended_at, attempts): (Vec<u8>, i64, i64),
) -> Result<AwaitedActivity, StoreError> {
    Ok(AwaitedActivity {
        record: ActivityRecord::decode(&record).map_err(corrupt(WHAT))?,
        appended_at: instant(appended_at)?,
        attempts: u32::try_from(attempts).map_err(corrupt(WHAT))?,
    })
}
