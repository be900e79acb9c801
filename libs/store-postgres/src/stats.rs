//! Counts for a first look, and figures of people's work.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::PolicyId;
use ports::{Board, CLOSED_MAX, CaseTimes, Overview, PolicyVerdicts, StatsStore, StoreError};
use sqlx::PgConnection;
use store_rows::casework::{Worked, case_times, policy_verdicts};
use store_rows::latency::{EFFECTS_MAX, percentiles};

use crate::PostgresStore;
use crate::failure::failed;

async fn counts(
    connection: &mut PgConnection,
    sql: &'static str,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(sql)
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    Ok(rows
        .into_iter()
        .map(|(word, count)| (word, count as u64))
        .collect())
}

#[async_trait]
impl StatsStore for PostgresStore {
    async fn answers(&self) -> Result<(), StoreError> {
        let answered = sqlx::query("SELECT 1").execute(&self.pool).await;
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
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        Ok(case_times(&rows))
    }

    async fn policy_verdicts(&self) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT policy_id, verdict, COUNT(*) FROM incidents
             WHERE verdict IS NOT NULL GROUP BY policy_id, verdict",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        policy_verdicts(rows)
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        let mut tx = self.snapshot().await?;
        let activities: Option<i64> = sqlx::query_scalar(
            "SELECT SUM(value)::bigint FROM counters WHERE name LIKE 'activities.%'",
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        let latencies: Vec<i64> = sqlx::query_scalar(
            "SELECT received_to_effect_ms FROM incidents
             WHERE effect_at IS NOT NULL AND received_to_effect_ms IS NOT NULL
             ORDER BY effect_at DESC LIMIT $1",
        )
        .bind(EFFECTS_MAX)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        Ok(Overview {
            activities: activities.unwrap_or_default() as u64,
            incidents_by_status: counts(
                &mut tx,
                "SELECT status, COUNT(*) FROM incidents GROUP BY status",
            )
            .await?,
            incidents_by_severity: counts(
                &mut tx,
                "SELECT severity, COUNT(*) FROM incidents GROUP BY severity",
            )
            .await?,
            remedies_by_state: counts(
                &mut tx,
                "SELECT state, COUNT(*) FROM remedies GROUP BY state",
            )
            .await?,
            quarantine_by_state: counts(
                &mut tx,
                "SELECT state, COUNT(*) FROM quarantine_items GROUP BY state",
            )
            .await?,
            connections_by_state: counts(
                &mut tx,
                "SELECT state, COUNT(*) FROM connections GROUP BY state",
            )
            .await?,
            received_to_effect_ms: percentiles(latencies),
        })
    }
}
