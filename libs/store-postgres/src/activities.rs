//! The recorded activity, newest received first.

mod search;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Arrival, ConnectionId, Page, PageRequest};
use ports::{ActivityFilter, ActivityStore, StoreError, StoredActivity};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use store_rows::{found, members};

use crate::PostgresStore;
use crate::cursor::{self, SortKey};
use crate::evaluation::count_activities;
use crate::failure::{corrupt, failed, read, word, written};
use crate::incidents::address;
use crate::instants::{instant, micros};
use crate::narrow::{self, Order};
use crate::partitions;
use crate::texts::{key, text};
use crate::transaction::commit;

const WHAT: &str = "activity";

/// So much of an address stands in its index: see the migration.
const ADDRESS_CHARS_INDEXED: usize = 64;

#[async_trait]
impl ActivityStore for PostgresStore {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        request: &PageRequest,
    ) -> Result<Page<StoredActivity>, StoreError> {
        let after = after(request)?;
        let limit = cursor::limit(request);
        let Some(filter) = &self.on_days(filter, after, limit).await? else {
            return Ok(cursor::page(WHAT, Vec::new(), request));
        };
        let rows = match search::is_for_text(filter) {
            true => search::rows_of(&self.pool, filter, after, limit).await?,
            false => {
                let order = ["received_at", "sequence"];
                rows(&self.pool, filter, after, order, limit).await?
            }
        };
        Ok(cursor::page(WHAT, rows, request))
    }

    async fn raw_activity(
        &self,
        connection: ConnectionId,
        event_id: &str,
    ) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar(
            "SELECT raw FROM activities WHERE event_id = $1 AND connection_id = $2
             AND received_at = (SELECT received_at FROM activity_keys k
                                WHERE k.event_id = $1 AND k.connection_id = $2)",
        )
        .bind(key(event_id))
        .bind(connection.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)
    }

    /// Months that are over go as a whole, whatever the limit: dropping a table takes no longer for
    /// more rows. Their keys, and the rest, go one by one.
    async fn forget_activities(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let gone = partitions::drop_before(&mut tx, before).await?;
        let dropped: u64 = gone.values().sum();
        let Deleted { keys, rows } = delete_before(&mut tx, before, limit).await?;
        let mut forgotten = gone;
        for (connection, count) in rows {
            *forgotten.entry(connection).or_default() += count;
        }
        for (connection, count) in forgotten {
            count_activities(&mut tx, &connection, -(count as i64)).await?;
        }
        commit(tx).await?;
        if dropped > 0 {
            self.partitions.forget();
        }
        Ok(dropped + keys)
    }
}

impl PostgresStore {
    /// The filter, narrowed to days that have what it asks for, where counts tell; none when there are none.
    async fn on_days(
        &self,
        filter: &ActivityFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Option<ActivityFilter>, StoreError> {
        let before = after.map(|(received_at, _)| received_at);
        let Some(mut query) = found::days_query::<Postgres>(
            filter,
            before,
            &["blind_spot_tallies", "blind_spot_changes"],
        ) else {
            return Ok(Some(filter.clone()));
        };
        let days: Vec<(i64, i64)> = query
            .build_query_as()
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        found::narrowed_to_days(filter, &days, limit)
    }
}

struct Deleted {
    /// Keys, of rows or of dropped partitions.
    keys: u64,
    /// Rows, by connection.
    rows: Vec<(String, u64)>,
}

async fn delete_before(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    limit: u32,
) -> Result<Deleted, StoreError> {
    let counts: Vec<(Option<String>, i64)> = sqlx::query_as(
        "WITH old AS MATERIALIZED (
             SELECT event_id, connection_id, received_at FROM activity_keys
             WHERE received_at < $1 ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED),
         keys AS (
             DELETE FROM activity_keys k USING old
             WHERE k.event_id = old.event_id AND k.connection_id = old.connection_id RETURNING 1),
         gone AS (
             DELETE FROM activities a USING old
             WHERE a.received_at = old.received_at AND a.event_id = old.event_id
             AND a.connection_id = old.connection_id AND a.received_at < $1
             RETURNING a.connection_id)
         SELECT NULL, COUNT(*) FROM keys
         UNION ALL SELECT connection_id, COUNT(*) FROM gone GROUP BY connection_id",
    )
    .bind(micros(before))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    let mut deleted = Deleted {
        keys: 0,
        rows: Vec::new(),
    };
    for (of, count) in counts {
        match of {
            None => deleted.keys = count as u64,
            Some(of) => deleted.rows.push((of, count as u64)),
        }
    }
    Ok(deleted)
}

fn selection(filter: &ActivityFilter) -> QueryBuilder<Postgres> {
    let ActivityFilter {
        connection,
        within,
        event_type,
        event_id,
        actor_email,
        object_id,
        text: searched,
        from,
        to,
        details,
    } = filter;
    let mut query = QueryBuilder::new(
        "SELECT sequence, connection_id, service, arrival, received_at, appended_at, evaluated_at,
         traceparent, own, activity, provenance, blind_spots FROM activities WHERE 1 = 1",
    );
    let searched = searched.as_deref().map(|one| text(one).into_owned());
    narrow::equal(
        &mut query,
        "connection_id",
        connection.map(|id| id.to_string()),
    );
    narrow::within(&mut query, "connection_id", within);
    narrow::equal(&mut query, "event_type", event_type.map(|kind| kind.word()));
    narrow::equal(&mut query, "event_id", event_id.as_deref().map(key));
    narrow::equal(
        &mut query,
        "actor_email",
        actor_email.as_deref().map(address),
    );
    narrow::equal(&mut query, "object_id", object_id.as_deref().map(key));
    narrow::contains(&mut query, "search", searched.as_ref());
    members::of_activity(
        &mut query,
        details,
        |given| text(given).into_owned(),
        narrow_to_address,
    );
    narrow::between(&mut query, "received_at", *from, *to);
    query
}

/// By the index `activities_from_address`: what a document has between two quotes, cut; the rest is compared besides.
fn narrow_to_address(query: &mut QueryBuilder<Postgres>, address: &str) {
    let written = written(&address);
    let until_quote = written.split('"').nth(1).unwrap_or_default();
    let indexed: String = until_quote.chars().take(ADDRESS_CHARS_INDEXED).collect();
    query.push(
        " AND left(split_part(split_part(activity, '\"actor_ip_address\":\"', 2), '\"', 1), 64) = ",
    );
    query.push_bind(indexed);
}

/// Where a list stands: rows of one microsecond are told apart by the sequence in which they were recorded.
type Place = (i64, i64);

/// The row after which the page begins.
fn after(request: &PageRequest) -> Result<Option<Place>, StoreError> {
    let Some(SortKey { number, text }) = cursor::after(WHAT, request)? else {
        return Ok(None);
    };
    let sequence = text.parse().map_err(|_| StoreError::BadCursor {
        cursor: request.cursor.clone().unwrap_or_default(),
    })?;
    Ok(Some((number, sequence)))
}

/// The rows after a place in that order, one more than asked for if there are so many.
async fn rows(
    pool: &sqlx::PgPool,
    filter: &ActivityFilter,
    after: Option<Place>,
    order: [&'static str; 2],
    limit: u32,
) -> Result<Vec<(SortKey, StoredActivity)>, StoreError> {
    let mut query = selection(filter);
    if let Some((received_at, sequence)) = after {
        // The first condition says the same again, so that newer partitions are left out.
        query.push(" AND received_at <= ").push_bind(received_at);
        query
            .push(" AND (received_at, sequence) < (")
            .push_bind(received_at);
        query.push(", ").push_bind(sequence).push(")");
    }
    narrow::follow(&mut query, order, Order::NewestFirst, None, limit);
    // Not kept by the server: the best way depends on what is asked for.
    let found = query.build().persistent(false).fetch_all(pool).await;
    found.map_err(failed)?.iter().map(stored).collect()
}

fn stored(row: &PgRow) -> Result<(SortKey, StoredActivity), StoreError> {
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
        own: row.try_get("own").map_err(failed)?,
        activity: read(WHAT, text("activity")?)?,
        provenance: read(WHAT, text("provenance")?)?,
        blind_spots: read(WHAT, text("blind_spots")?)?,
    };
    Ok((key, activity))
}
