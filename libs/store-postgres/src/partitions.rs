//! Activity stands in a partition a month, by the moment of receiving: what is too old goes by
//! dropping a table. A month's partition is made before its first activity, and a month ahead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use ports::StoreError;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use store_rows::board::DAY_MICROS;

use crate::failure::failed;
use crate::instants::{instant, micros};
use crate::tallies;
use crate::transaction::{Lock, commit, lock};

/// A month of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month(NaiveDate);

impl Month {
    pub(crate) fn of(at: DateTime<Utc>) -> Self {
        let date = at.date_naive();
        Month(date.with_day(1).expect("every month has a first day"))
    }

    fn next(self) -> Self {
        let next = self.0.checked_add_months(Months::new(1));
        Month(next.unwrap_or(NaiveDate::MAX))
    }

    /// Where it begins, in microseconds since 1970.
    fn begins(self) -> i64 {
        let midnight = self.0.and_hms_opt(0, 0, 0);
        micros(midnight.expect("every day has a midnight").and_utc())
    }

    fn table(self) -> String {
        format!("activities_{}", self.0.format("%Y_%m"))
    }

    /// The month of a partition's name.
    fn of_table(name: &str) -> Option<Self> {
        let date = format!("{}_01", name.strip_prefix("activities_")?);
        NaiveDate::parse_from_str(&date, "%Y_%m_%d").ok().map(Month)
    }
}

/// The months whose partition is known to be there.
#[derive(Default)]
pub(crate) struct Partitions(Mutex<BTreeSet<Month>>);

impl Partitions {
    fn is_known(&self, month: Month) -> bool {
        self.0.lock().expect("no holder panics").contains(&month)
    }

    /// Makes sure of the partitions of these months.
    pub(crate) async fn make(
        &self,
        pool: &PgPool,
        months: impl IntoIterator<Item = Month>,
    ) -> Result<(), StoreError> {
        let months: BTreeSet<Month> = months.into_iter().collect();
        for month in months {
            if !self.is_known(month) {
                make(pool, month).await?;
                self.0.lock().expect("no holder panics").insert(month);
            }
        }
        Ok(())
    }

    /// Forgets what is known: another process may have dropped one.
    pub(crate) fn forget(&self) {
        self.0.lock().expect("no holder panics").clear();
    }

    /// Makes this month's and the next month's, by the clock of the database.
    pub(crate) async fn make_ahead(&self, pool: &PgPool) -> Result<(), StoreError> {
        let now = database_clock(pool).await?;
        let month = Month::of(now);
        self.make(pool, [month, month.next()]).await
    }
}

/// What time it is on the server.
pub(crate) async fn database_clock(pool: &PgPool) -> Result<DateTime<Utc>, StoreError> {
    let now: i64 =
        sqlx::query_scalar("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint")
            .fetch_one(pool)
            .await
            .map_err(failed)?;
    instant(now)
}

/// Attached and not made in place: that lets others read and write meanwhile.
async fn make(pool: &PgPool, month: Month) -> Result<(), StoreError> {
    let (table, from, to) = (month.table(), month.begins(), month.next().begins());
    let mut tx = pool.begin().await.map_err(failed)?;
    lock(&mut tx, Lock::Partitions).await?;
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(&table)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
    if is_there {
        return Ok(());
    }
    for statement in [
        format!("CREATE TABLE {table} (LIKE activities INCLUDING DEFAULTS)"),
        format!(
            "ALTER TABLE activities ATTACH PARTITION {table} FOR VALUES FROM ({from}) TO ({to})"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
    }
    commit(tx).await
}

/// The partitions that are there, and their months, the oldest first.
async fn tables(connection: &mut PgConnection) -> Result<BTreeMap<Month, String>, StoreError> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT child.relname::text FROM pg_inherits
         JOIN pg_class child ON child.oid = inhrelid
         WHERE inhparent = to_regclass('activities')",
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    let tables = tables.into_iter();
    Ok(tables
        .filter_map(|table| Some((Month::of_table(&table)?, table)))
        .collect())
}

/// The stretches of time that the partitions hold, the newest first: from and to, in microseconds since 1970.
pub(crate) async fn stretches(
    connection: &mut PgConnection,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let months = tables(connection).await?.into_keys().rev();
    Ok(months
        .map(|month| (month.begins(), month.next().begins()))
        .collect())
}

/// Drops the partitions of months that were over before that moment, and gives the numbers of activities
/// that were in them, by connection.
pub(crate) async fn drop_before(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
) -> Result<BTreeMap<String, u64>, StoreError> {
    lock(connection, Lock::Partitions).await?;
    let mut dropped = BTreeMap::new();
    for (month, table) in tables(connection).await? {
        if month.next().begins() <= micros(before) {
            for (of, count) in drop_one(connection, &table).await? {
                *dropped.entry(of).or_default() += count as u64;
            }
            let [from, to] = [month, month.next()].map(|month| month.begins() / DAY_MICROS);
            tallies::forget_unseen(connection, from, to).await?;
        }
    }
    Ok(dropped)
}

async fn drop_one(
    connection: &mut PgConnection,
    table: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    let counting = AssertSqlSafe(format!(
        "SELECT connection_id, COUNT(*) FROM {table} GROUP BY connection_id"
    ));
    let activities = sqlx::query_as(counting)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query(AssertSqlSafe(format!("DROP TABLE {table}")))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(activities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_without_a_gap() {
        let at = "2026-12-31T23:59:59.999999Z".parse::<DateTime<Utc>>();
        let december = Month::of(at.unwrap());
        assert_eq!(december.table(), "activities_2026_12");
        assert_eq!(december.next().table(), "activities_2027_01");
        assert_eq!(december.next().begins(), micros(at.unwrap()) + 1);
        assert_eq!(Month::of_table("activities_2026_12"), Some(december));
        assert_eq!(Month::of_table("activities_old"), None);
    }
}
