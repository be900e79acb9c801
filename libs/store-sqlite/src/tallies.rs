//! What is counted for first looks: kept beside the rows by triggers (see the migration), read here.
//!
//! Promises: a count is exact at every moment, for it changes in the transaction of the rows.

use std::collections::BTreeMap;

use event_model::ConnectionScope;
use ports::StoreError;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_rows::board::{OfDay, OpenOf};

use crate::failure::failed;
use crate::narrow;

/// The sums of these columns over what is counted as one of `what`, within the scope, since that day.
fn sums(
    columns: &'static str,
    what: &[&str],
    within: &ConnectionScope,
    since_day: i64,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT ");
    query
        .push(columns)
        .push(", SUM(n) FROM tallies WHERE day >= ");
    query.push_bind(since_day);
    narrow::one_of(&mut query, "what", what);
    narrow::within(&mut query, "connection_id", within);
    query.push(" GROUP BY ").push(columns);
    query.push(" HAVING SUM(n) <> 0");
    query
}

/// What an overview counts by one word each.
pub(crate) struct Words {
    /// Incidents by status.
    pub(crate) status: BTreeMap<String, u64>,
    /// Incidents by severity.
    pub(crate) severity: BTreeMap<String, u64>,
    /// Remedies by state.
    pub(crate) remedy: BTreeMap<String, u64>,
    /// Quarantine items by state.
    pub(crate) quarantine: BTreeMap<String, u64>,
}

/// Counts by one word, within the scope.
pub(crate) async fn words(
    connection: &mut SqliteConnection,
    within: &ConnectionScope,
) -> Result<Words, StoreError> {
    let what = ["status", "severity", "remedy", "quarantine"];
    let rows: Vec<(String, String, i64)> = sums("what, word", &what, within, 0)
        .build_query_as()
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    let mut by: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (what, word, count) in rows {
        by.entry(what).or_default().insert(word, count as u64);
    }
    let mut take = |what| by.remove(what).unwrap_or_default();
    Ok(Words {
        status: take("status"),
        severity: take("severity"),
        remedy: take("remedy"),
        quarantine: take("quarantine"),
    })
}

/// Open incidents that repeat none, by policy and severity.
pub(crate) async fn open(
    connection: &mut SqliteConnection,
    within: &ConnectionScope,
) -> Result<Vec<OpenOf>, StoreError> {
    let mut query = sums("policy_id, word", &["open"], within, 0);
    let rows = query.build_query_as().fetch_all(connection).await;
    rows.map_err(failed)
}

/// Incidents by the day of their recording, since that day, and severity.
pub(crate) async fn by_day(
    connection: &mut SqliteConnection,
    within: &ConnectionScope,
    since_day: i64,
) -> Result<Vec<OfDay>, StoreError> {
    let mut query = sums("day, word", &["day"], within, since_day);
    let rows = query.build_query_as().fetch_all(connection).await;
    rows.map_err(failed)
}

/// Incidents with a verdict, by policy and verdict.
pub(crate) async fn verdicts(
    connection: &mut SqliteConnection,
    within: &ConnectionScope,
) -> Result<Vec<(String, String, i64)>, StoreError> {
    let mut query = sums("policy_id, word", &["verdict"], within, 0);
    let rows = query.build_query_as().fetch_all(connection).await;
    rows.map_err(failed)
}

/// Recorded activities of connections within the scope.
pub(crate) async fn activities(
    connection: &mut SqliteConnection,
    within: &ConnectionScope,
) -> Result<u64, StoreError> {
    let mut query = sums("word", &["activity"], within, 0);
    let row: Option<(String, i64)> = query
        .build_query_as()
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(row.map_or(0, |(_, count)| count as u64))
}
