//! Searching a text in the recorded activity, in stretches of time, the newest first.
//!
//! Promises: what is common is found among the newest, which are looked through; of about ten times as many before
//! them, and then of each month, the index of texts gives what has the text's groups of letters, and no more stretches are
//! asked than it takes to fill the page. Without that index a month is read as a whole.

use std::iter::repeat;

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
/// What comes before them is asked for over so many times as long, before it is by month: a text that is neither common nor
/// rare has more of a month than a page takes, and each row of it is read.
const LONGER: i64 = 10;
/// Stretches that are asked side by side, the first of which fill the page of most searches.
const AT_ONCE: [usize; 3] = [1, 1, 2];
/// Stretches that are asked side by side after these.
const AT_ONCE_MAX: usize = 4;

/// Whether activities are narrowed by a text that may stand anywhere. A part of who acted has no index: it is found among
/// the newest, or read for month by month.
pub(super) fn is_for_text(filter: &ActivityFilter) -> bool {
    let details = &filter.details;
    filter.text.is_some() || details.object.is_some() || details.actor.is_some()
}

/// The rows after a place, one more than asked for if there are so many.
pub(super) async fn rows_of(
    pool: &PgPool,
    filter: &ActivityFilter,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<(SortKey, StoredActivity)>, StoreError> {
    let stretches = stretches(pool, after).await?;
    let (mut found, mut rest) = (Vec::new(), &stretches[..]);
    let mut at_once = AT_ONCE.into_iter().chain(repeat(AT_ONCE_MAX));
    while !rest.is_empty() && found.len() <= limit as usize {
        let many = at_once.next().unwrap_or(AT_ONCE_MAX);
        let (now, later) = rest.split_at(many.min(rest.len()));
        let left = limit - found.len() as u32;
        let parts = now.iter().filter_map(|stretch| stretch.of(filter));
        let asked =
            parts.map(|(part, order)| async move { rows(pool, &part, after, order, left).await });
        found.extend(try_join_all(asked).await?.into_iter().flatten());
        rest = later;
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
    /// A stretch in which what is searched for decides: an expression is in the order of no index.
    fn by_texts(from: i64, to: i64) -> Result<Self, StoreError> {
        Ok(Stretch {
            from: instant(from)?,
            to: Some(instant(to)?),
            order: ["received_at + 0", "sequence"],
        })
    }

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

/// The newest, then a longer stretch, then what is before that by month; what is after the place is left out.
async fn stretches(pool: &PgPool, after: Option<Place>) -> Result<Vec<Stretch>, StoreError> {
    let end = after.map_or(i64::MAX, |(received_at, _)| received_at);
    let (last, newest): (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT (SELECT MAX(received_at) FROM activities WHERE received_at <= $1),
         (SELECT received_at FROM activities WHERE received_at <= $1
          ORDER BY received_at DESC, sequence DESC OFFSET $2 LIMIT 1)",
    )
    .bind(end)
    .bind(NEWEST_MAX)
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let newest = newest.unwrap_or_default();
    let span = last.unwrap_or(newest).saturating_sub(newest);
    let longer = newest.saturating_sub(span.saturating_mul(LONGER)).max(0);
    let mut all = vec![Stretch {
        from: instant(newest)?,
        to: None,
        order: ["received_at", "sequence"],
    }];
    let mut before = newest;
    if longer < newest {
        all.push(Stretch::by_texts(longer, newest)?);
        before = longer;
    }
    let mut connection = pool.acquire().await.map_err(failed)?;
    for (from, to) in partitions::stretches(&mut connection).await? {
        if from < before {
            all.push(Stretch::by_texts(from, to.min(before))?);
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
