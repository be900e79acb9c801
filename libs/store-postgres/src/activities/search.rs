//! Searching a text in the recorded activity, in stretches of time, the newest first.
//!
//! Promises: what is common is found among the newest, which are looked through; of each month before, the
//! index of texts gives what has the text's groups of letters, and no more months are asked than it takes
//! to fill the page. Without that index a month is read as a whole.

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use ports::{ActivityFilter, StoreError, StoredActivity};
use sqlx::PgPool;

use super::{Place, rows};
use crate::cursor::SortKey;
use crate::failure::failed;
use crate::instants::instant;
use crate::partitions;

/// So many of the newest activities are looked through before an index is asked.
const NEWEST_MAX: i64 = 5_000;
/// Most months that are asked side by side: twice as many each time that the page is not full.
const AT_ONCE_MAX: usize = 4;

/// Whether activities are narrowed by a text that may stand anywhere.
pub(super) fn is_for_text(filter: &ActivityFilter) -> bool {
    filter.text.is_some() || filter.details.object.is_some()
}

/// The rows after a place, one more than asked for if there are so many.
pub(super) async fn rows_of(
    pool: &PgPool,
    filter: &ActivityFilter,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<(SortKey, StoredActivity)>, StoreError> {
    let stretches = stretches(pool, after).await?;
    let (mut found, mut rest, mut at_once) = (Vec::new(), &stretches[..], 1);
    while !rest.is_empty() && found.len() <= limit as usize {
        let (now, later) = rest.split_at(at_once.min(rest.len()));
        let left = limit - found.len() as u32;
        let parts = now.iter().filter_map(|stretch| stretch.of(filter));
        let asked =
            parts.map(|(part, order)| async move { rows(pool, &part, after, order, left).await });
        found.extend(try_join_all(asked).await?.into_iter().flatten());
        (rest, at_once) = (later, (at_once * 2).min(AT_ONCE_MAX));
    }
    found.truncate(limit as usize + 1);
    Ok(found)
}

/// A part of the time, and how its rows are put in order.
struct Stretch {
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
    order: [&'static str; 2],
}

impl Stretch {
    /// What the filter lets through of it; none when that is nothing.
    fn of(&self, filter: &ActivityFilter) -> Option<(ActivityFilter, [&'static str; 2])> {
        let part = ActivityFilter {
            from: filter.from.max(Some(self.from)),
            to: earliest(filter.to, self.to),
            ..filter.clone()
        };
        let is_empty = matches!((part.from, part.to), (Some(from), Some(to)) if from >= to);
        (!is_empty).then_some((part, self.order))
    }
}

/// The newest, then what is before them by month; what is after the place is left out.
async fn stretches(pool: &PgPool, after: Option<Place>) -> Result<Vec<Stretch>, StoreError> {
    let end = after.map_or(i64::MAX, |(received_at, _)| received_at);
    let newest: Option<i64> = sqlx::query_scalar(
        "SELECT received_at FROM activities WHERE received_at <= $1
         ORDER BY received_at DESC, sequence DESC OFFSET $2 LIMIT 1",
    )
    .bind(end)
    .bind(NEWEST_MAX)
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    let newest = newest.unwrap_or_default();
    let mut all = vec![Stretch {
        from: instant(newest)?,
        to: None,
        order: ["received_at", "sequence"],
    }];
    let mut connection = pool.acquire().await.map_err(failed)?;
    for (from, to) in partitions::stretches(&mut connection).await? {
        if from < newest {
            all.push(Stretch {
                from: instant(from)?,
                to: Some(instant(to.min(newest))?),
                // An expression is in the order of no index: what is searched for decides.
                order: ["received_at + 0", "sequence"],
            });
        }
    }
    Ok(all)
}

fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
