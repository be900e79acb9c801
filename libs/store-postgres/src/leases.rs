//! Leases with fencing epochs. An epoch never comes again, because a released lease keeps its row.
//!
//! A lease ends by the clock of whoever asks for it. That decides only when it may be taken over, never
//! who may write: a write under a lease looks at its epoch in its own transaction.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use ports::{Clock, Lease, LeaseStore, StoreError};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::failure::failed;
use crate::instants::{instant, later, micros};
use crate::partitions::database_clock;
use crate::texts::key;

/// Refuses a lease that another holding has followed, or that was given back; otherwise it stays as it
/// is until the transaction ends.
pub(crate) async fn fence(connection: &mut PgConnection, lease: &Lease) -> Result<(), StoreError> {
    let held: Option<i64> = sqlx::query_scalar(
        "SELECT epoch FROM leases WHERE resource = $1 AND holder = $2 AND epoch = $3
         FOR UPDATE",
    )
    .bind(key(&lease.resource))
    .bind(&lease.holder)
    .bind(lease.epoch as i64)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    held.map(drop).ok_or_else(|| fenced(lease))
}

fn fenced(lease: &Lease) -> StoreError {
    StoreError::Fenced {
        resource: lease.resource.clone(),
    }
}

#[async_trait]
impl LeaseStore for PostgresStore {
    async fn acquire_lease(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Lease>, StoreError> {
        let until = later(now, ttl);
        let epoch: Option<i64> = sqlx::query_scalar(
            "INSERT INTO leases (resource, holder, epoch, until) VALUES ($1, $2, 1, $3)
             ON CONFLICT (resource) DO UPDATE
             SET holder = excluded.holder, epoch = leases.epoch + 1, until = excluded.until
             WHERE leases.holder IS NULL OR leases.holder = excluded.holder OR leases.until <= $4
             RETURNING epoch",
        )
        .bind(key(resource))
        .bind(holder)
        .bind(micros(until))
        .bind(micros(now))
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        Ok(epoch.map(|epoch| Lease {
            resource: resource.to_owned(),
            holder: holder.to_owned(),
            epoch: epoch as u64,
            until,
        }))
    }

    async fn renew_lease(
        &self,
        lease: &Lease,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Lease, StoreError> {
        let until = later(now, ttl);
        let renewed = sqlx::query(
            "UPDATE leases SET until = $4 WHERE resource = $1 AND holder = $2 AND epoch = $3",
        )
        .bind(key(&lease.resource))
        .bind(&lease.holder)
        .bind(lease.epoch as i64)
        .bind(micros(until))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        if renewed.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        Ok(Lease {
            until,
            ..lease.clone()
        })
    }

    async fn live_leases(
        &self,
        prefix: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Lease>, StoreError> {
        // After every name that begins so, and an index can answer it.
        let end = format!("{prefix}~");
        let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
            "SELECT resource, holder, epoch, until FROM leases
             WHERE resource >= $1 AND resource < $2 AND holder IS NOT NULL AND until > $3
             ORDER BY resource",
        )
        .bind(prefix)
        .bind(end)
        .bind(micros(now))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let lease = |(resource, holder, epoch, until): (String, String, i64, i64)| {
            Ok(Lease {
                resource,
                holder,
                epoch: epoch as u64,
                until: instant(until)?,
            })
        };
        rows.into_iter().map(lease).collect()
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE leases SET holder = NULL WHERE resource = $1 AND holder = $2 AND epoch = $3",
        )
        .bind(key(&lease.resource))
        .bind(&lease.holder)
        .bind(lease.epoch as i64)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }
}

impl PostgresStore {
    /// How far that clock is ahead of the database's; negative when it is behind.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clock_ahead(&self, clock: &dyn Clock) -> Result<TimeDelta, StoreError> {
        let before = clock.now();
        let there = database_clock(&self.pool).await?;
        let after = clock.now();
        // The answer was made somewhere between asking and hearing it.
        Ok(before + (after - before) / 2 - there)
    }
}
