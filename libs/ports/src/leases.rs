use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::ConnectionId;

use crate::StoreError;

/// The right to work on something for a while. Its epoch fences out whoever held it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is leased.
    pub resource: String,
    /// By whom.
    pub holder: String,
    /// Grows with every new holding of the resource.
    pub epoch: u64,
    /// Until when, unless renewed.
    pub until: DateTime<Utc>,
}

/// Leases with fencing epochs.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes the lease if it is free, expired, or already the holder's own; a new epoch each time.
    async fn acquire_lease(
        &self,
        resource: &str,
        holder: &str,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Lease>, StoreError>;

    /// Prolongs the lease, keeping its epoch.
    ///
    /// # Errors
    /// `Fenced` when another took it.
    async fn renew_lease(
        &self,
        lease: &Lease,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Lease, StoreError>;

    /// The leases that are held now on resources whose names begin so: letters, digits and `/` only.
    async fn live_leases(&self, prefix: &str, now: DateTime<Utc>)
    -> Result<Vec<Lease>, StoreError>;

    /// Gives the lease back; nothing happens when another took it.
    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError>;
}

/// The resource that who reads a stream of a connection must hold.
pub fn pull_lease(connection: ConnectionId, stream: &str) -> String {
    format!("pull/{connection}/{stream}")
}
