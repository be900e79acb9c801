//! Every relational port on one SQLite file: what starts on a laptop with nothing else installed.
//!
//! - One writer connection, whose transactions begin `IMMEDIATE`; a few readers beside it, which the
//!   write-ahead log lets read while it writes. Commits are durable (`synchronous=FULL`).
//! - Documents are JSON; what is queried stands in columns beside them, derived by the program alone.
//! - Secrets are sealed, each bound to its row. Consents are found by the SHA-256 of their `state`.
//! - `Changes` signal what this process changed: a second process on the same file is not seen.

mod access;
mod accounts;
mod activities;
mod answers;
mod audit;
mod board;
mod checkpoints;
mod connections;
mod detectors;
mod evaluation;
mod exceptions;
mod feed_notes;
mod incidents;
mod jobs;
mod leases;
mod open;
mod outbox;
mod policies;
mod quarantine;
mod remedies;
mod scoped;
mod secrets;
mod sessions;
mod sinks;
mod stats;
mod tallies;
mod transfer;
mod vault;
mod views;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ports::{Entropy, StoreError};
use sealing::Sealer;
use sqlx::{Sqlite, SqlitePool, Transaction};
use store_rows::sealed::RowSealer;
use store_rows::{cursor, failure, instants, narrow};
use tokio::sync::watch;

pub use open::OpenError;

use crate::failure::failed;

/// The store on one SQLite file.
pub struct SqliteStore {
    writer: SqlitePool,
    reader: SqlitePool,
    sealer: RowSealer,
    connections_changed: Signal,
    policies_changed: Signal,
    incidents_changed: Signal,
    remedies_changed: Signal,
    jobs_changed: Signal,
    detectors_changed: Signal,
}

impl SqliteStore {
    /// Opens `sqlite:<path>` (made when missing) or `sqlite::memory:`, and brings its schema up to
    /// date.
    ///
    /// # Errors
    /// See [`OpenError`]; a schema newer than this program is refused.
    pub async fn open(
        url: &str,
        sealer: Sealer,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let open::Pools { writer, reader } = open::pools(url).await?;
        Ok(SqliteStore {
            writer,
            reader,
            sealer: RowSealer::new(sealer, entropy),
            connections_changed: Signal::default(),
            policies_changed: Signal::default(),
            incidents_changed: Signal::default(),
            remedies_changed: Signal::default(),
            jobs_changed: Signal::default(),
            detectors_changed: Signal::default(),
        })
    }

    /// Ends what is running and closes the file; later calls are `Unavailable`.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction that holds the write lock from its start. Dropped without commit, it is undone.
    async fn write(&self) -> Result<Tx, StoreError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed)
    }

    /// A transaction that sees one state throughout.
    async fn snapshot(&self) -> Result<Tx, StoreError> {
        self.reader.begin().await.map_err(failed)
    }
}

type Tx = Transaction<'static, Sqlite>;

async fn commit(tx: Tx) -> Result<(), StoreError> {
    tx.commit().await.map_err(failed)
}

/// Tells waiting receivers that something changed.
#[derive(Default)]
struct Signal(watch::Sender<u64>);

impl Signal {
    fn fire(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    fn subscribe(&self) -> ports::Changes {
        self.0.subscribe()
    }
}
