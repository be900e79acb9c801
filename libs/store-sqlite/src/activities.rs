//! The recorded activity, newest received first. Text is searched by a scan of what the other
//! conditions leave; a full-text index would be SQLite's FTS5 over `search`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Arrival, ConnectionId, Page, PageRequest};
use ports::{ActivityFilter, ActivityStore, StoreError, StoredActivity};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row};
use store_rows::members;

use crate::cursor::{self, SortKey};
use crate::evaluation::{ACTIVITIES, count};
use crate::failure::{corrupt, failed, read, word};
use crate::instants::{instant, micros};
use crate::narrow::{self, Order};
use crate::{SqliteStore, commit};

const WHAT: &str = "activity";

#[async_trait]
impl ActivityStore for SqliteStore {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        request: &PageRequest,
    ) -> Result<Page<StoredActivity>, StoreError> {
        let ActivityFilter {
            connection,
            within,
            event_type,
            event_id,
            actor_email,
            object_id,
            text,
            from,
            to,
            details,
        } = filter;
        let mut query = QueryBuilder::new(
            "SELECT sequence, connection_id, service, arrival, received_at, appended_at, evaluated_at,
             traceparent, own, activity, provenance, blind_spots FROM activities WHERE 1 = 1",
        );
        let actor_email = actor_email.as_deref().map(str::to_lowercase);
        narrow::equal(
            &mut query,
            "connection_id",
            connection.map(|id| id.to_string()),
        );
        narrow::within(&mut query, "connection_id", within);
        narrow::equal(&mut query, "event_type", event_type.map(|kind| kind.word()));
        narrow::equal(&mut query, "event_id", event_id.as_deref());
        narrow::equal(&mut query, "actor_email", actor_email);
        narrow::equal(&mut query, "object_id", object_id.as_deref());
        narrow::contains(&mut query, "search", text.as_ref());
        members::of_activity(&mut query, details, str::to_owned);
        narrow::between(&mut query, "received_at", *from, *to);
        follow_by_age(&mut query, request)?;
        let rows = query
            .build()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        let rows = rows.iter().map(stored).collect::<Result<_, _>>()?;
        Ok(cursor::page(WHAT, rows, request))
    }

    async fn raw_activity(
        &self,
        connection: ConnectionId,
        event_id: &str,
    ) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT raw FROM activities WHERE event_id = $1 AND connection_id = $2")
            .bind(event_id)
            .bind(connection.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)
    }

    async fn forget_activities(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let forgotten = sqlx::query(
            "DELETE FROM activities WHERE sequence IN (
                 SELECT sequence FROM activities WHERE received_at < $1
                 ORDER BY received_at LIMIT $2)",
        )
        .bind(micros(before))
        .bind(i64::from(limit))
        .execute(&mut *tx)
        .await
        .map_err(failed)?
        .rows_affected();
        if forgotten > 0 {
            count(&mut tx, ACTIVITIES, -(forgotten as i64)).await?;
        }
        commit(tx).await?;
        Ok(forgotten)
    }
}

/// Rows of one microsecond are told apart by the sequence in which they were recorded.
fn follow_by_age(
    query: &mut QueryBuilder<sqlx::Sqlite>,
    request: &PageRequest,
) -> Result<(), StoreError> {
    let after = cursor::after(WHAT, request)?;
    let sequence = |text: &str| {
        text.parse::<i64>().map_err(|_| StoreError::BadCursor {
            cursor: request.cursor.clone().unwrap_or_default(),
        })
    };
    if let Some(key) = after {
        let sequence = sequence(&key.text)?;
        query
            .push(" AND (received_at, sequence) < (")
            .push_bind(key.number);
        query.push(", ").push_bind(sequence).push(")");
    }
    let limit = cursor::limit(request);
    narrow::follow(
        query,
        ["received_at", "sequence"],
        Order::NewestFirst,
        None,
        limit,
    );
    Ok(())
}

fn stored(row: &SqliteRow) -> Result<(SortKey, StoredActivity), StoreError> {
    let text = |column| row.try_get::<&str, _>(column).map_err(failed);
    let number = |column| row.try_get::<i64, _>(column).map_err(failed);
    let moment = |column| {
        let micros: Option<i64> = row.try_get(column).map_err(failed)?;
        micros.map(instant).transpose()
    };
    let received_at = number("received_at")?;
    let key = SortKey {
        number: received_at,
        text: number("sequence")?.to_string(),
    };
    let activity = StoredActivity {
        connection_id: text("connection_id")?.parse().map_err(corrupt(WHAT))?,
        service: text("service")?.to_owned(),
        arrival: word(WHAT, Arrival::from_word(text("arrival")?))?,
        received_at: instant(received_at)?,
        appended_at: moment("appended_at")?,
        evaluated_at: moment("evaluated_at")?,
        traceparent: row.try_get("traceparent").map_err(failed)?,
        own: number("own")? != 0,
        activity: read(WHAT, text("activity")?)?,
        provenance: read(WHAT, text("provenance")?)?,
        blind_spots: read(WHAT, text("blind_spots")?)?,
    };
    Ok((key, activity))
}
