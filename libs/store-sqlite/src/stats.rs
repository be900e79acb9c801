//! Counts for a first look, and figures of people's work.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ConnectionScope, PolicyId};
use ports::{Board, CLOSED_MAX, CaseTimes, Overview, PolicyVerdicts, StatsStore, StoreError};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_rows::casework::{Worked, case_times, policy_verdicts};
use store_rows::latency::{EFFECTS_MAX, percentiles};

use crate::SqliteStore;
use crate::evaluation::ACTIVITIES;
use crate::failure::failed;
use crate::narrow;

/// How many rows of a table have each word of a column; of connections within the scope, by `of`.
async fn counts(
    connection: &mut SqliteConnection,
    [table, column, of]: [&'static str; 3],
    within: &ConnectionScope,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let select = format!("SELECT {column}, COUNT(*) FROM {table} WHERE 1 = 1");
    let mut query = QueryBuilder::<Sqlite>::new(select);
    narrow::within(&mut query, of, within);
    query.push(" GROUP BY ").push(column);
    let rows: Vec<(String, i64)> = query
        .build_query_as()
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    Ok(rows
        .into_iter()
        .map(|(word, count)| (word, count as u64))
        .collect())
}

/// How many activities there are of connections within the scope: counted, where it has bounds.
async fn activities(
    connection: &mut SqliteConnection,
    within: &ConnectionScope,
) -> Result<u64, StoreError> {
    let counted: Option<i64> = if within.is_every() {
        sqlx::query_scalar("SELECT value FROM counters WHERE name = $1")
            .bind(ACTIVITIES)
            .fetch_optional(connection)
            .await
    } else {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT COUNT(*) FROM activities WHERE 1 = 1");
        narrow::within(&mut query, "connection_id", within);
        query.build_query_scalar().fetch_optional(connection).await
    }
    .map_err(failed)?;
    Ok(counted.unwrap_or_default() as u64)
}

/// Milliseconds to the effect of the last incidents that have one.
async fn latencies(
    connection: &mut SqliteConnection,
    within: &ConnectionScope,
) -> Result<Vec<i64>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT received_to_effect_ms FROM incidents
         WHERE effect_at IS NOT NULL AND received_to_effect_ms IS NOT NULL",
    );
    narrow::within(&mut query, "connection_id", within);
    query.push(" ORDER BY effect_at DESC LIMIT ");
    query.push_bind(EFFECTS_MAX);
    let read = query.build_query_scalar().fetch_all(connection);
    read.await.map_err(failed)
}

#[async_trait]
impl StatsStore for SqliteStore {
    async fn answers(&self) -> Result<(), StoreError> {
        let answered = sqlx::query("SELECT 1").execute(&self.reader).await;
        answered.map(drop).map_err(failed)
    }

    async fn board(
        &self,
        active_since: DateTime<Utc>,
        days_since: DateTime<Utc>,
    ) -> Result<Board, StoreError> {
        self.count_board(active_since, days_since).await
    }

    async fn case_times(&self) -> Result<CaseTimes, StoreError> {
        let rows: Vec<Worked> = sqlx::query_as(
            "SELECT event_at, created_at, taken_at, qualified_at, closed_at FROM incidents
             WHERE closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT $1",
        )
        .bind(i64::from(CLOSED_MAX))
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        Ok(case_times(&rows))
    }

    async fn policy_verdicts(&self) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT policy_id, verdict, COUNT(*) FROM incidents
             WHERE verdict IS NOT NULL GROUP BY policy_id, verdict",
        )
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        policy_verdicts(rows)
    }

    async fn board_within(
        &self,
        within: &ConnectionScope,
        active_since: DateTime<Utc>,
        days_since: DateTime<Utc>,
    ) -> Result<Board, StoreError> {
        self.count_board_within(within, active_since, days_since)
            .await
    }

    async fn case_times_within(&self, within: &ConnectionScope) -> Result<CaseTimes, StoreError> {
        self.case_times_of(within).await
    }

    async fn policy_verdicts_within(
        &self,
        within: &ConnectionScope,
    ) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError> {
        self.policy_verdicts_of(within).await
    }

    async fn overview_within(&self, within: &ConnectionScope) -> Result<Overview, StoreError> {
        let mut tx = self.snapshot().await?;
        let mut by = async |table, column, of| counts(&mut tx, [table, column, of], within).await;
        let incidents_by_status = by("incidents", "status", "connection_id").await?;
        let incidents_by_severity = by("incidents", "severity", "connection_id").await?;
        let remedies_by_state = by("remedies", "state", "connection_id").await?;
        let quarantine_by_state = by("quarantine_items", "state", "connection_id").await?;
        let connections_by_state = by("connections", "state", "id").await?;
        Ok(Overview {
            activities: activities(&mut tx, within).await?,
            incidents_by_status,
            incidents_by_severity,
            remedies_by_state,
            quarantine_by_state,
            connections_by_state,
            received_to_effect_ms: percentiles(latencies(&mut tx, within).await?),
        })
    }
}
