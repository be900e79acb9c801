//! Counts for a first look, and figures of people's work.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ConnectionScope, PolicyId};
use ports::{
    BlindSpotAsk, BlindSpotCount, Board, CLOSED_MAX, CaseTimes, FoundInIncidents, Overview,
    PolicyVerdicts, StatsStore, StoreError,
};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_rows::casework::{Worked, case_times, policy_verdicts};
use store_rows::found;
use store_rows::latency::{EFFECTS_MAX, percentiles};

use crate::SqliteStore;
use crate::failure::failed;
use crate::narrow;
use crate::tallies::{self, Words};

/// How many connections within the scope are in each state.
async fn connections(
    connection: &mut SqliteConnection,
    within: &ConnectionScope,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let select = "SELECT state, COUNT(*) FROM connections WHERE 1 = 1";
    let mut query = QueryBuilder::<Sqlite>::new(select);
    narrow::within(&mut query, "id", within);
    query.push(" GROUP BY state");
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
        let mut snapshot = self.snapshot().await?;
        let rows = tallies::verdicts(&mut snapshot, &ConnectionScope::Every).await?;
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

    async fn found_in_incidents(
        &self,
        within: &ConnectionScope,
    ) -> Result<Vec<FoundInIncidents>, StoreError> {
        let mut query = found::groups_query::<Sqlite>(within, &["tallies"]);
        let mut snapshot = self.snapshot().await?;
        let rows = query.build_query_as().fetch_all(&mut *snapshot).await;
        found::groups(rows.map_err(failed)?)
    }

    async fn blind_spot_counts(
        &self,
        ask: &BlindSpotAsk,
    ) -> Result<Vec<BlindSpotCount>, StoreError> {
        let mut query = found::unseen_query::<Sqlite>(ask, &["blind_spot_tallies"]);
        let mut snapshot = self.snapshot().await?;
        let rows = query.build_query_as().fetch_all(&mut *snapshot).await;
        found::unseen(rows.map_err(failed)?)
    }

    async fn overview_within(&self, within: &ConnectionScope) -> Result<Overview, StoreError> {
        let mut tx = self.snapshot().await?;
        let Words {
            status,
            severity,
            remedy,
            quarantine,
        } = tallies::words(&mut tx, within).await?;
        Ok(Overview {
            activities: tallies::activities(&mut tx, within).await?,
            incidents_by_status: status,
            incidents_by_severity: severity,
            remedies_by_state: remedy,
            quarantine_by_state: quarantine,
            connections_by_state: connections(&mut tx, within).await?,
            received_to_effect_ms: percentiles(latencies(&mut tx, within).await?),
        })
    }
}
