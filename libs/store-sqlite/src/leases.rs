//! Leases with fencing epochs. An epoch never comes again, because a released lease keeps its row.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ports::{Lease, LeaseStore, StoreError};
use sqlx::SqliteConnection;

use crate::failure::failed;
use crate::instants::{instant, later, micros};
use crate::{SqliteStore, commit};

/// Refuses a lease that another holding has followed, or that was given back.
pub(crate) async fn fence(
    connection: &mut SqliteConnection,
    lease: &Lease,
) -> Result<(), StoreError> {
    let held: Option<i64> = sqlx::query_scalar(
        "SELECT epoch FROM leases WHERE resource = $1 AND holder = $2 AND epoch = $3",
    )
    .bind(&lease.resource)
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
impl LeaseStore for SqliteStore {
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
        .bind(resource)
        .bind(holder)
        .bind(micros(until))
        .bind(micros(now))
        .fetch_optional(&self.writer)
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
        .bind(&lease.resource)
        .bind(&lease.holder)
        .bind(lease.epoch as i64)
        .bind(micros(until))
        .execute(&self.writer)
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
        .fetch_all(&self.reader)
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
        .bind(&lease.resource)
        .bind(&lease.holder)
        .bind(lease.epoch as i64)
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }
}

impl SqliteStore {
    /// Takes every lease from whoever held it, and makes every second look due at once. For a program
    /// that knows itself to be the only one on this store, when it starts: what held them is dead.
    /// Epochs go on, so that a holder that was only believed dead is fenced.
    ///
    /// # Errors
    /// When the store fails; nothing is taken then.
    pub async fn forget_holders(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("UPDATE leases SET holder = NULL, until = 0 WHERE holder IS NOT NULL")
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        sqlx::query(
            "UPDATE remedies SET holder = NULL, lease_until = NULL, epoch = epoch + 1
             WHERE lease_until IS NOT NULL",
        )
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        sqlx::query("UPDATE awaited SET due_at = $1 WHERE due_at > $1")
            .bind(micros(now))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        commit(tx).await
    }
}
