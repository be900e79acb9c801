//! Pages of incidents, newest first, within a bounded time whatever they are narrowed by.
//!
//! A page's ids are found in a narrow index, which the list is walked in, and only then its documents are
//! read. Where a text is searched for, what is common is among the newest; what is not there is found by the
//! text's groups of letters.

use ports::{IncidentFilter, StoreError};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use store_rows::incidents::{WHAT, tag_line};

use super::address;
use crate::cursor::{self, SortKey};
use crate::failure::failed;
use crate::instants::instant;
use crate::narrow::{self, Order};
use crate::texts::{key, text};

use event_model::PageRequest;

/// So many of the newest incidents are looked through for a text before the index of texts is asked.
const NEWEST_MAX: i64 = 2_000;

/// In the order of an index, or of what was found.
#[derive(Clone, Copy)]
enum Walk {
    /// The index of the list's order.
    InOrder,
    /// The index of what is searched for: what it finds is put in order.
    ByText,
}

/// The documents of a page and of one incident more, if there is one.
pub(super) async fn documents(
    connection: &mut PgConnection,
    filter: &IncidentFilter,
    request: &PageRequest,
) -> Result<Vec<String>, StoreError> {
    let after = cursor::after(WHAT, request)?;
    let limit = cursor::limit(request);
    if filter.text.is_none() && filter.tag.is_none() {
        return read(connection, filter, after, limit, Walk::InOrder).await;
    }
    let Some(from) = newest(connection, filter, after.as_ref()).await? else {
        return read(connection, filter, after, limit, Walk::InOrder).await;
    };
    let newest = IncidentFilter {
        from: filter.from.max(Some(instant(from)?)),
        ..filter.clone()
    };
    let found = read(connection, &newest, after.clone(), limit, Walk::InOrder).await?;
    if found.len() > limit as usize {
        return Ok(found);
    }
    read(connection, filter, after, limit, Walk::ByText).await
}

/// The moment since which there are [`NEWEST_MAX`] incidents before the page that the filter lets through but for its
/// texts; none when there are fewer.
async fn newest(
    connection: &mut PgConnection,
    filter: &IncidentFilter,
    after: Option<&SortKey>,
) -> Result<Option<i64>, StoreError> {
    let but_texts = IncidentFilter {
        text: None,
        tag: None,
        ..filter.clone()
    };
    let mut query = QueryBuilder::new("SELECT created_at FROM incidents WHERE created_at <= ");
    query.push_bind(after.map_or(i64::MAX, |after| after.number));
    narrow_to(&mut query, &but_texts);
    query.push(" ORDER BY created_at DESC, id DESC OFFSET ");
    query.push_bind(NEWEST_MAX).push(" LIMIT 1");
    // Not kept by the server: the best way depends on what is asked for.
    let found = query.build_query_scalar().persistent(false);
    found.fetch_optional(connection).await.map_err(failed)
}

async fn read(
    connection: &mut PgConnection,
    filter: &IncidentFilter,
    after: Option<SortKey>,
    limit: u32,
    walk: Walk,
) -> Result<Vec<String>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT document FROM incidents WHERE id IN (SELECT id FROM incidents WHERE 1 = 1",
    );
    narrow_to(&mut query, filter);
    if let Some(after) = after {
        query
            .push(" AND (created_at, id) < (")
            .push_bind(after.number);
        query.push(", ").push_bind(after.text).push(")");
    }
    let order = match walk {
        Walk::InOrder => ["created_at", "id"],
        // An expression is in the order of no index.
        Walk::ByText => ["created_at + 0", "id"],
    };
    narrow::follow(&mut query, order, Order::NewestFirst, None, limit);
    query.push(") ORDER BY created_at DESC, id DESC");
    // Not kept by the server: the best way depends on what is asked for.
    query
        .build_query_scalar()
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(failed)
}

/// Only incidents that the filter lets through.
pub(super) fn narrow_to(query: &mut QueryBuilder<Postgres>, filter: &IncidentFilter) {
    let IncidentFilter {
        status,
        severity,
        connection,
        within,
        policy,
        actor_email,
        object_id,
        event_id,
        text: searched,
        from,
        to,
        numbers,
        owner,
        tag,
        verdict,
        repeat_of,
        without_repeats,
    } = filter;
    let statuses: Vec<&str> = status.iter().map(|status| status.word()).collect();
    let severities: Vec<&str> = severity.iter().map(|severity| severity.word()).collect();
    let actor_email = actor_email.as_deref().map(address);
    narrow::one_of(query, "status", &statuses);
    narrow::one_of(query, "severity", &severities);
    narrow::equal(query, "connection_id", connection.map(|id| id.to_string()));
    narrow::within(query, "connection_id", within);
    narrow::equal(query, "policy_id", policy.map(|id| id.to_string()));
    narrow::equal(query, "actor_email", actor_email);
    narrow::equal(query, "object_id", object_id.as_deref().map(key));
    narrow::equal(query, "event_id", event_id.as_deref().map(key));
    let searched = searched.as_deref().map(|one| text(one).into_owned());
    narrow::contains(query, "search", searched.as_ref());
    narrow::between(query, "created_at", *from, *to);
    let verdicts: Vec<&str> = verdict.iter().map(|verdict| verdict.word()).collect();
    let numbers: Vec<String> = numbers.iter().map(|one| key(one)).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    narrow::one_of(query, "verdict", &verdicts);
    narrow::one_of(query, "number", &numbers);
    match owner.as_deref() {
        Some("") => drop(query.push(" AND owner IS NULL")),
        owner => narrow::equal(query, "owner", owner.map(key)),
    }
    let tag = tag.as_deref().map(|tag| text(&tag_line(tag)).into_owned());
    narrow::contains(query, "search", tag.as_ref());
    narrow::equal(query, "repeat_of", repeat_of.map(|id| id.to_string()));
    if *without_repeats {
        query.push(" AND repeat_of IS NULL");
    }
}
