//! What is counted for first looks: kept beside the rows by triggers (see the migration), read here.
//!
//! Promises: a count is exact at every moment, for sums and the changes not folded into them are read in one
//! snapshot; who changes rows waits for nobody who counts.

use std::collections::BTreeMap;

use event_model::ConnectionScope;
use ports::StoreError;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use store_rows::board::{OfDay, OpenOf};

use crate::failure::failed;
use crate::narrow;
use crate::transaction::{Lock, lock, try_lock};

/// Changes are folded into the sums every so many changes of incidents.
pub(crate) const FOLDED_EVERY: i64 = 256;

const FOLD: &str = "
    WITH gone AS (
        DELETE FROM tally_changes RETURNING what, day, connection_id, policy_id, word, n)
    INSERT INTO tallies (what, day, connection_id, policy_id, word, n)
    SELECT what, day, connection_id, policy_id, word, SUM(n) FROM gone
    GROUP BY 1, 2, 3, 4, 5 HAVING SUM(n) <> 0
    ON CONFLICT (what, day, connection_id, policy_id, word)
    DO UPDATE SET n = tallies.n + excluded.n";

/// Folds changes into the sums. Whoever folds holds the counter of changes: one at a time does so.
pub(crate) async fn fold(connection: &mut PgConnection) -> Result<(), StoreError> {
    let folded = sqlx::query(FOLD).execute(connection).await;
    folded.map(drop).map_err(failed)
}

/// Changes of counts of blind spots that are left unfolded at most, about.
const UNSEEN_UNFOLDED_MAX: i64 = 256;

const FOLD_UNSEEN: &str = "
    WITH gone AS (
        DELETE FROM blind_spot_changes RETURNING day, connection_id, event_type, reason, n)
    INSERT INTO blind_spot_tallies (day, connection_id, event_type, reason, n)
    SELECT day, connection_id, event_type, reason, SUM(n) FROM gone
    GROUP BY 1, 2, 3, 4 HAVING SUM(n) <> 0
    ON CONFLICT (day, connection_id, event_type, reason)
    DO UPDATE SET n = blind_spot_tallies.n + excluded.n";

/// Folds changes of counts of blind spots into the sums, when there are many and nobody else does.
pub(crate) async fn fold_unseen_if_many(connection: &mut PgConnection) -> Result<(), StoreError> {
    let many: Option<i32> =
        sqlx::query_scalar("SELECT 1 FROM blind_spot_changes OFFSET $1 LIMIT 1")
            .bind(UNSEEN_UNFOLDED_MAX)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
    if many.is_some() && try_lock(connection, Lock::Unseen).await? {
        fold_unseen(connection).await?;
    }
    Ok(())
}

/// Folds changes of counts of blind spots into the sums. Whoever folds holds the lock of that name, or the store alone.
pub(crate) async fn fold_unseen(connection: &mut PgConnection) -> Result<(), StoreError> {
    let folded = sqlx::query(FOLD_UNSEEN).execute(connection).await;
    folded.map(drop).map_err(failed)
}

/// Forgets the counts of blind spots on days from the first to before the last, of which every activity is gone.
pub(crate) async fn forget_unseen(
    connection: &mut PgConnection,
    from: i64,
    to: i64,
) -> Result<(), StoreError> {
    lock(connection, Lock::Unseen).await?;
    for statement in [
        "DELETE FROM blind_spot_tallies WHERE day >= $1 AND day < $2",
        "DELETE FROM blind_spot_changes WHERE day >= $1 AND day < $2",
    ] {
        let deleting = sqlx::query(statement).bind(from).bind(to);
        deleting.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// The sums of these columns over what is counted as one of `what`, within the scope, since that day.
fn sums(
    columns: &'static str,
    what: &[&str],
    within: &ConnectionScope,
    since_day: i64,
) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(columns).push(", SUM(n)::bigint FROM (");
    for (table, before) in [("tallies", ""), ("tally_changes", " UNION ALL ")] {
        query.push(before).push("SELECT * FROM ").push(table);
        query.push(" WHERE day >= ").push_bind(since_day);
        narrow::one_of(&mut query, "what", what);
        narrow::within(&mut query, "connection_id", within);
    }
    query.push(") AS counted GROUP BY ").push(columns);
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
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
    within: &ConnectionScope,
) -> Result<Vec<OpenOf>, StoreError> {
    let mut query = sums("policy_id, word", &["open"], within, 0);
    let rows = query.build_query_as().fetch_all(connection).await;
    rows.map_err(failed)
}

/// Incidents by the day of their recording, since that day, and severity.
pub(crate) async fn by_day(
    connection: &mut PgConnection,
    within: &ConnectionScope,
    since_day: i64,
) -> Result<Vec<OfDay>, StoreError> {
    let mut query = sums("day, word", &["day"], within, since_day);
    let rows = query.build_query_as().fetch_all(connection).await;
    rows.map_err(failed)
}

/// Incidents with a verdict, by policy and verdict.
pub(crate) async fn verdicts(
    connection: &mut PgConnection,
    within: &ConnectionScope,
) -> Result<Vec<(String, String, i64)>, StoreError> {
    let mut query = sums("policy_id, word", &["verdict"], within, 0);
    let rows = query.build_query_as().fetch_all(connection).await;
    rows.map_err(failed)
}
