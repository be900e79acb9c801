//! The breakers: what a policy did on a connection is counted, and beyond its limit stands still until a
//! person has looked. Who counts holds the lock of that policy and connection.

use chrono::{DateTime, Utc};
use event_model::{ConnectionId, Limit, PolicyId, RemedyId, TimelineEntry};
use ports::{Admitted, Breaker, BreakerRuling, StoreError};
use sqlx::PgConnection;
use store_rows::remedies::ruled;

use super::{WHAT, hold, store};
use crate::PostgresStore;
use crate::changes::Kind;
use crate::failure::{corrupt, failed};
use crate::incidents;
use crate::instants::{instant, micros};
use crate::transaction::{Lock, commit, lock};

/// Most remedies that one ruling is about, and most breakers shown.
const ROWS_MAX: i64 = 1_000;

impl PostgresStore {
    pub(super) async fn admit(
        &self,
        id: RemedyId,
        policy: PolicyId,
        connection: ConnectionId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<Admitted, StoreError> {
        let mut tx = self.write().await?;
        let place = (policy.to_string(), connection.to_string());
        lock(&mut tx, Lock::Breaker(&place.0, &place.1)).await?;
        let known: Option<i64> =
            sqlx::query_scalar("SELECT goes_on FROM breaker_counts WHERE remedy_id = $1")
                .bind(id.to_string())
                .fetch_optional(&mut *tx)
                .await
                .map_err(failed)?;
        if let Some(goes_on) = known {
            return Ok(admitted(goes_on != 0));
        }
        let (count, held) = counted(&mut tx, &place, limit.since(now)).await?;
        let goes_on = held == 0 && count < i64::from(limit.actions);
        sqlx::query(
            "INSERT INTO breaker_counts (remedy_id, policy_id, connection_id, at, goes_on)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id.to_string())
        .bind(place.0)
        .bind(place.1)
        .bind(micros(now))
        .bind(i64::from(goes_on))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await?;
        Ok(admitted(goes_on))
    }

    pub(super) async fn tripped(&self) -> Result<Vec<Breaker>, StoreError> {
        let rows: Vec<(String, String, i64, i64, i64)> = sqlx::query_as(
            "SELECT policy_id, connection_id, CAST(SUM(goes_on) AS BIGINT),
             CAST(SUM(1 - goes_on) AS BIGINT), MIN(CASE WHEN goes_on = 0 THEN at END)
             FROM breaker_counts GROUP BY policy_id, connection_id HAVING SUM(1 - goes_on) > 0
             ORDER BY 5, 1, 2 LIMIT $1",
        )
        .bind(ROWS_MAX)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let breaker =
            |(policy, connection, admitted, held, since): (String, String, i64, i64, i64)| {
                Ok(Breaker {
                    policy_id: policy.parse().map_err(corrupt("policy"))?,
                    connection_id: connection.parse().map_err(corrupt("connection"))?,
                    admitted: admitted.unsigned_abs(),
                    held: held.unsigned_abs(),
                    since: instant(since)?,
                })
            };
        rows.into_iter().map(breaker).collect()
    }

    pub(super) async fn rule(
        &self,
        policy: PolicyId,
        connection: ConnectionId,
        ruling: BreakerRuling,
        timeline: &TimelineEntry,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let place = (policy.to_string(), connection.to_string());
        lock(&mut tx, Lock::Breaker(&place.0, &place.1)).await?;
        let held = standing_still(&mut tx, &place).await?;
        for id in &held {
            let id: RemedyId = id.parse().map_err(corrupt(WHAT))?;
            let mut remedy = hold(&mut tx, id).await?;
            if ruled(&mut remedy, ruling, now) {
                store(&mut tx, &remedy).await?;
                let mut incident = incidents::hold(&mut tx, remedy.incident_id).await?;
                incident.timeline.push(timeline.clone());
                incidents::save(&mut tx, &mut incident, now).await?;
            }
        }
        forget(&mut tx, &place, &held).await?;
        self.commit_changes(tx, &[Kind::Incidents, Kind::Remedies])
            .await?;
        Ok(held.len() as u64)
    }
}

fn admitted(goes_on: bool) -> Admitted {
    match goes_on {
        true => Admitted::GoesOn,
        false => Admitted::StandsStill,
    }
}

/// How many went on since then, and how many stand still since whenever.
async fn counted(
    connection: &mut PgConnection,
    place: &(String, String),
    since: DateTime<Utc>,
) -> Result<(i64, i64), StoreError> {
    sqlx::query(
        "DELETE FROM breaker_counts
         WHERE policy_id = $1 AND connection_id = $2 AND goes_on = 1 AND at <= $3",
    )
    .bind(&place.0)
    .bind(&place.1)
    .bind(micros(since))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query_as(
        "SELECT CAST(COALESCE(SUM(goes_on), 0) AS BIGINT),
         CAST(COALESCE(SUM(1 - goes_on), 0) AS BIGINT)
         FROM breaker_counts WHERE policy_id = $1 AND connection_id = $2",
    )
    .bind(&place.0)
    .bind(&place.1)
    .fetch_one(connection)
    .await
    .map_err(failed)
}

async fn standing_still(
    connection: &mut PgConnection,
    place: &(String, String),
) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(
        "SELECT remedy_id FROM breaker_counts
         WHERE policy_id = $1 AND connection_id = $2 AND goes_on = 0 ORDER BY at, remedy_id LIMIT $3",
    )
    .bind(&place.0)
    .bind(&place.1)
    .bind(ROWS_MAX)
    .fetch_all(connection)
    .await
    .map_err(failed)
}

/// Counting begins anew: what went on is forgotten, and of what stood still these.
async fn forget(
    connection: &mut PgConnection,
    place: &(String, String),
    held: &[String],
) -> Result<(), StoreError> {
    for id in held {
        sqlx::query("DELETE FROM breaker_counts WHERE remedy_id = $1")
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    sqlx::query(
        "DELETE FROM breaker_counts WHERE policy_id = $1 AND connection_id = $2 AND goes_on = 1",
    )
    .bind(&place.0)
    .bind(&place.1)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}
