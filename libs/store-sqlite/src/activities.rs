//! The recorded activity, newest received first.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Arrival, ConnectionId, Page, PageRequest};
use ports::{ActivityFilter, ActivityStore, StoreError, StoredActivity};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use store_rows::narrow::letters;
use store_rows::{found, members};

use crate::cursor::{self, SortKey};
use crate::failure::{corrupt, failed, read, word};
use crate::instants::{instant, micros};
use crate::narrow::{self, Order};
use crate::{SqliteStore, commit};

const WHAT: &str = "activity";

/// So many of the newest activities are looked through for a text before the index of texts is asked.
const NEWEST_MAX: i64 = 5_000;

#[async_trait]
impl ActivityStore for SqliteStore {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        request: &PageRequest,
    ) -> Result<Page<StoredActivity>, StoreError> {
        let after = after(request)?;
        let limit = cursor::limit(request);
        let rows = match self.on_days(filter, after, limit).await? {
            Some(filter) => self.found(&filter, after, limit).await?,
            None => Vec::new(),
        };
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
        commit(tx).await?;
        Ok(forgotten)
    }
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

impl SqliteStore {
    /// The filter, narrowed to days that have what it asks for, where counts tell; none when there are none.
    async fn on_days(
        &self,
        filter: &ActivityFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Option<ActivityFilter>, StoreError> {
        let before = after.map(|(received_at, _)| received_at);
        let Some(mut query) = found::days_query::<Sqlite>(filter, before, &["blind_spot_tallies"])
        else {
            return Ok(Some(filter.clone()));
        };
        let days: Vec<(i64, i64)> = query
            .build_query_as()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        found::narrowed_to_days(filter, &days, limit)
    }

    /// The rows after a place, one more than asked for if there are so many. A text that is common is
    /// found among the newest; what is not there is found by its groups of letters.
    async fn found(
        &self,
        filter: &ActivityFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<(SortKey, StoredActivity)>, StoreError> {
        // Each of these stands in what is searched; one is enough to find few.
        let texts = [&filter.text, &filter.details.object];
        let mut texts = texts.into_iter().flatten();
        let Some(letters) = texts.find_map(|text| letters::all_of(text)) else {
            return self.activity_rows(filter, after, limit).await;
        };
        if let Some(from) = self.newest(after).await? {
            let newest = ActivityFilter {
                from: filter.from.max(Some(instant(from)?)),
                ..filter.clone()
            };
            let found = self.activity_rows(&newest, after, limit).await?;
            if found.len() > limit as usize {
                return Ok(found);
            }
        }
        self.found_by(&letters, filter, after, limit).await
    }

    /// The moment since which there are [`NEWEST_MAX`] activities before the page.
    async fn newest(&self, after: Option<Place>) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar(
            "SELECT received_at FROM activities WHERE received_at <= $1
             ORDER BY received_at DESC, sequence DESC LIMIT 1 OFFSET $2",
        )
        .bind(after.map_or(i64::MAX, |(received_at, _)| received_at))
        .bind(NEWEST_MAX)
        .fetch_optional(&self.reader)
        .await
        .map_err(failed)
    }

    async fn activity_rows(
        &self,
        filter: &ActivityFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<(SortKey, StoredActivity)>, StoreError> {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(COLUMNS).push(" FROM activities WHERE 1 = 1");
        narrow_to(&mut query, filter);
        narrow_after(&mut query, after);
        let order = ["received_at", "sequence"];
        narrow::follow(&mut query, order, Order::NewestFirst, None, limit);
        let found = query.build().fetch_all(&self.reader).await;
        found.map_err(failed)?.iter().map(stored).collect()
    }

    /// What has these letters is put in order in a narrow index; then rows are read and compared with the
    /// text itself, until the page is full.
    async fn found_by(
        &self,
        letters: &str,
        filter: &ActivityFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<(SortKey, StoredActivity)>, StoreError> {
        let mut query = QueryBuilder::new(
            "WITH candidates AS MATERIALIZED (SELECT sequence FROM activities INDEXED BY activities_found_at
             WHERE sequence IN (SELECT rowid FROM activities_found WHERE activities_found MATCH ",
        );
        query.push_bind(letters).push(")");
        narrow_in_index(&mut query, filter);
        narrow_after(&mut query, after);
        // With a limit, an inner order is kept.
        query.push(" ORDER BY received_at DESC, sequence DESC LIMIT -1) SELECT ");
        query.push(COLUMNS);
        query.push(" FROM candidates CROSS JOIN activities USING (sequence) WHERE 1 = 1");
        narrow_to(&mut query, filter);
        query.push(" LIMIT ").push_bind(i64::from(limit) + 1);
        let found = query.build().fetch_all(&self.reader).await;
        found.map_err(failed)?.iter().map(stored).collect()
    }
}

/// What is read of an activity.
const COLUMNS: &str =
    "sequence, connection_id, service, arrival, received_at, appended_at, evaluated_at,
    traceparent, own, activity, provenance, blind_spots";

/// Only what comes after that place.
fn narrow_after(query: &mut QueryBuilder<Sqlite>, after: Option<Place>) {
    if let Some((received_at, sequence)) = after {
        query
            .push(" AND (received_at, sequence) < (")
            .push_bind(received_at);
        query.push(", ").push_bind(sequence).push(")");
    }
}

/// Only what the filter lets through, as far as `activities_found_at` tells.
fn narrow_in_index(query: &mut QueryBuilder<Sqlite>, filter: &ActivityFilter) {
    let connection = filter.connection.map(|id| id.to_string());
    narrow::equal(query, "connection_id", connection);
    narrow::within(query, "connection_id", &filter.within);
    let kind = filter.event_type.map(|kind| kind.word());
    narrow::equal(query, "event_type", kind);
    narrow::between(query, "received_at", filter.from, filter.to);
}

/// Only activities that the filter lets through.
fn narrow_to(query: &mut QueryBuilder<Sqlite>, filter: &ActivityFilter) {
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
    // With a `+`, what few activities meet is looked for first, by its own index.
    let is_narrow = event_id.is_some()
        || actor_email.is_some()
        || object_id.is_some()
        || details.address.is_some();
    let plain = |column, looked_at| if is_narrow { looked_at } else { column };
    let actor_email = actor_email.as_deref().map(str::to_lowercase);
    let connection = connection.map(|id| id.to_string());
    let of_connection = plain("connection_id", "+connection_id");
    narrow::equal(query, of_connection, connection);
    narrow::within(query, "+connection_id", within);
    let kind = plain("event_type", "+event_type");
    narrow::equal(query, kind, event_type.map(|kind| kind.word()));
    narrow::equal(query, "event_id", event_id.clone());
    narrow::equal(query, "actor_email", actor_email);
    narrow::equal(query, "object_id", object_id.clone());
    narrow::contains(query, "search", text.as_ref());
    members::of_activity(query, details, str::to_owned, |query, address| {
        query.push(" AND activity ->> 'actor_ip_address' = ");
        query.push_bind(address.to_owned());
    });
    narrow::between(query, "received_at", *from, *to);
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
