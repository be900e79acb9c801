//! Every relational port on Postgres: one store for many processes.
//!
//! - Every change is one transaction at READ COMMITTED; what must not happen side by side is held by a
//!   row lock, a unique key or an advisory lock, named where it is taken. Locks are taken in one order:
//!   activities, incident numbers, remedies, incidents, the sequence of changes.
//! - Documents and sealed secrets have the same form as in every other store (`store_rows`).
//! - `Changes` signal what any process changed: by NOTIFY at once, and by a look at the counters
//!   every [`Settings::look_every`] when a notification was lost.
//! - Leases end by the caller's clock. Clocks that differ cost a takeover too early, and the epoch
//!   refuses whoever was taken over; [`PostgresStore::clock_ahead`] tells the difference.
//! - A lost connection is an `Unavailable` of the calls under way; the next call makes a new one.

mod access;
mod accounts;
mod activities;
mod answers;
mod audit;
mod board;
mod changes;
mod checkpoints;
mod connections;
mod detectors;
mod evaluation;
mod exceptions;
mod feed_notes;
mod gate;
mod incidents;
mod jobs;
mod leases;
mod open;
mod outbox;
mod partitions;
mod policies;
mod quarantine;
mod remedies;
mod scoped;
mod secrets;
mod sessions;
mod signals;
mod sinks;
mod stats;
mod tallies;
mod texts;
mod transaction;
mod transfer;
mod vault;
mod views;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ports::Entropy;
use sealing::Sealer;
use sqlx::PgPool;
use store_rows::sealed::RowSealer;
use store_rows::{cursor, failure, instants, narrow};

pub use gate::{GateSettings, PostgresGate};
pub use open::{OpenError, Settings, place};
pub use signals::PostgresSignals;
pub use transfer::TransferError;

use changes::Watch;
use partitions::Partitions;

/// The store on a Postgres database.
pub struct PostgresStore {
    pool: PgPool,
    sealer: RowSealer,
    watch: Watch,
    partitions: Arc<Partitions>,
    gates: gate::Gates,
}

impl PostgresStore {
    /// Opens `postgres://user:password@host:port/database` and brings its schema up to date. Many
    /// processes may do so at once. TLS is asked for in the address: `?sslmode=verify-full`.
    ///
    /// # Errors
    /// See [`OpenError`]; a schema newer than this program is refused.
    pub async fn open(
        url: &str,
        sealer: Sealer,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let open::Pools { calls, listening } = open::pools(url, settings).await?;
        let partitions = Arc::new(Partitions::default());
        let watch = Watch::begin(
            calls.clone(),
            listening,
            Arc::clone(&partitions),
            settings.look_every,
        );
        Ok(PostgresStore {
            pool: calls,
            sealer: RowSealer::new(sealer, entropy),
            watch,
            partitions,
            gates: gate::Gates::default(),
        })
    }

    /// Ends what is running, gives back what its gates hold, and closes every connection; later calls
    /// are `Unavailable`. To be called when nobody calls a service any more.
    pub async fn close(&self) {
        if let Err(error) = self.leave_gates().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the call gate's entries are left to run out");
        }
        self.watch.end().await;
        self.pool.close().await;
    }
}
