//! Pages of incidents, newest first.
//!
//! A page's ids are found in a narrow index, which the list is walked in, and only then its documents are
//! read. Conditions that many incidents meet have a `+`: they are looked at while walking, and no index of
//! theirs is taken, after which everything found would have to be put in order. Where a text is searched
//! for, what is common is among the newest; what is not there is found by the text's groups of letters.

use event_model::PageRequest;
use ports::{IncidentFilter, StoreError};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_rows::incidents::{WHAT, tag_line};
use store_rows::narrow::letters;

use crate::cursor::{self, SortKey};
use crate::failure::failed;
use crate::instants::instant;
use crate::narrow::{self, Order};

/// So many of the newest incidents are looked through for a text before the index of texts is asked.
const NEWEST_MAX: i64 = 2_000;

/// The documents of a page and of one incident more, if there is one.
pub(super) async fn documents(
    connection: &mut SqliteConnection,
    filter: &IncidentFilter,
    request: &PageRequest,
) -> Result<Vec<String>, StoreError> {
    let after = cursor::after(WHAT, request)?;
    let limit = cursor::limit(request);
    let searched = filter.text.clone().or(filter.tag.as_deref().map(tag_line));
    let Some(letters) = searched.as_deref().and_then(letters::all_of) else {
        return read(connection, filter, after, limit).await;
    };
    let Some(from) = newest(connection, filter, after.as_ref()).await? else {
        return read(connection, filter, after, limit).await;
    };
    let newest = IncidentFilter {
        from: filter.from.max(Some(instant(from)?)),
        ..filter.clone()
    };
    let found = read(connection, &newest, after.clone(), limit).await?;
    if found.len() > limit as usize {
        return Ok(found);
    }
    read_found(connection, &letters, filter, after, limit).await
}

/// The moment since which there are [`NEWEST_MAX`] incidents before the page that the filter lets through but for its
/// texts; none when there are fewer.
async fn newest(
    connection: &mut SqliteConnection,
    filter: &IncidentFilter,
    after: Option<&SortKey>,
) -> Result<Option<i64>, StoreError> {
    let mut query = QueryBuilder::new("SELECT created_at FROM incidents WHERE created_at <= ");
    query.push_bind(after.map_or(i64::MAX, |after| after.number));
    narrow_to(&mut query, &but_texts(filter));
    query.push(" ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ");
    query.push_bind(NEWEST_MAX);
    let found = query.build_query_scalar().fetch_optional(connection);
    found.await.map_err(failed)
}

fn but_texts(filter: &IncidentFilter) -> IncidentFilter {
    IncidentFilter {
        text: None,
        tag: None,
        ..filter.clone()
    }
}

async fn read(
    connection: &mut SqliteConnection,
    filter: &IncidentFilter,
    after: Option<SortKey>,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT document FROM incidents WHERE id IN (SELECT id FROM incidents WHERE 1 = 1",
    );
    narrow_to(&mut query, filter);
    let order = ["created_at", "id"];
    narrow::follow(&mut query, order, Order::NewestFirst, after, limit);
    query.push(") ORDER BY created_at DESC, id DESC");
    let documents = query.build_query_scalar().fetch_all(connection).await;
    documents.map_err(failed)
}

/// What has these letters is put in order in a narrow index; then rows are read and compared with the text
/// itself, until the page is full.
async fn read_found(
    connection: &mut SqliteConnection,
    letters: &str,
    filter: &IncidentFilter,
    after: Option<SortKey>,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let mut query = QueryBuilder::new(
        "WITH candidates AS MATERIALIZED (SELECT id FROM incidents INDEXED BY incidents_found_at
         WHERE place IN (SELECT rowid FROM incidents_found WHERE incidents_found MATCH ",
    );
    query.push_bind(letters).push(")");
    narrow_to(&mut query, &but_texts(filter));
    if let Some(after) = after {
        query
            .push(" AND (created_at, id) < (")
            .push_bind(after.number);
        query.push(", ").push_bind(after.text).push(")");
    }
    // With a limit, an inner order is kept.
    query.push(" ORDER BY created_at DESC, id DESC LIMIT -1)");
    query.push(" SELECT document FROM candidates CROSS JOIN incidents USING (id) WHERE 1 = 1");
    narrow_to_texts(&mut query, filter);
    query.push(" LIMIT ").push_bind(i64::from(limit) + 1);
    let documents = query.build_query_scalar().fetch_all(connection).await;
    documents.map_err(failed)
}

/// Only incidents that the filter lets through.
pub(super) fn narrow_to(query: &mut QueryBuilder<Sqlite>, filter: &IncidentFilter) {
    let IncidentFilter {
        status,
        severity,
        connection,
        within,
        policy,
        actor_email,
        object_id,
        event_id,
        text: _,
        from,
        to,
        numbers,
        owner,
        tag: _,
        verdict,
        repeat_of,
        without_repeats,
    } = filter;
    let statuses: Vec<&str> = status.iter().map(|status| status.word()).collect();
    let severities: Vec<&str> = severity.iter().map(|severity| severity.word()).collect();
    let actor_email = actor_email.as_deref().map(str::to_lowercase);
    narrow::one_of(query, "+status", &statuses);
    narrow::one_of(query, "+severity", &severities);
    narrow::equal(query, "connection_id", connection.map(|id| id.to_string()));
    narrow::within(query, "+connection_id", within);
    narrow::equal(query, "policy_id", policy.map(|id| id.to_string()));
    narrow::equal(query, "actor_email", actor_email);
    narrow::equal(query, "object_id", object_id.clone());
    narrow::equal(query, "event_id", event_id.clone());
    narrow::between(query, "created_at", *from, *to);
    let verdicts: Vec<&str> = verdict.iter().map(|verdict| verdict.word()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    narrow::one_of(query, "+verdict", &verdicts);
    narrow::one_of(query, "number", &numbers);
    match owner.as_deref() {
        Some("") => drop(query.push(" AND +owner IS NULL")),
        owner => narrow::equal(query, "owner", owner.map(str::to_owned)),
    }
    narrow::equal(query, "repeat_of", repeat_of.map(|id| id.to_string()));
    if *without_repeats {
        query.push(" AND +repeat_of IS NULL");
    }
    narrow_to_texts(query, filter);
}

/// Only incidents with the filter's texts.
fn narrow_to_texts(query: &mut QueryBuilder<Sqlite>, filter: &IncidentFilter) {
    narrow::contains(query, "search", filter.text.as_ref());
    let tag = filter.tag.as_deref().map(tag_line);
    narrow::contains(query, "search", tag.as_ref());
}
