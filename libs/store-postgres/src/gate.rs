//! The call gate of many processes.
//!
//! Rule: a process lets a call through while it has an entry for the connection, a row that it renews;
//! one row a process and connection, not one a call. Closing writes the connection down as closed and
//! then waits until no entry of it is left or alive. Entries live by the database's clock. Each process
//! counts its own end from before it asked, by its monotonic clock, so it stops before the database
//! stops waiting for it.
//!
//! INVARIANT: making an entry and closing exclude each other by a lock of the connection, so either the
//! entry is there when closing looks, or the maker finds the gate closed.

mod entries;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use event_model::ConnectionId;
use ports::{CallGate, Clock, GateError, Pass, StoreError};
use sqlx::PgPool;
use tokio::task::JoinHandle;

use crate::PostgresStore;
use crate::changes::Kind;
use crate::failure::failed;
use crate::transaction::{Lock, commit, lock, lock_shared, retrying};
use entries::{Entries, Entry};

/// How long a closing waits before it looks again without having been told.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What may be set of a gate.
#[derive(Debug, Clone, Copy)]
pub struct GateSettings {
    /// How long an entry lives that is not renewed: how long a closing waits for a dead process.
    pub entry: Duration,
}

impl Default for GateSettings {
    fn default() -> Self {
        GateSettings {
            entry: Duration::from_secs(15),
        }
    }
}

/// The gate of one process among many.
pub struct PostgresGate {
    inner: Arc<Inner>,
    pub(crate) tending: JoinHandle<()>,
}

struct Inner {
    store: Arc<PostgresStore>,
    holder: String,
    clock: Arc<dyn Clock>,
    settings: GateSettings,
    entries: Entries,
}

impl PostgresGate {
    /// The gate of the process that `holder` names; no two processes may have the same name.
    pub fn new(
        store: Arc<PostgresStore>,
        holder: String,
        clock: Arc<dyn Clock>,
        settings: GateSettings,
    ) -> Self {
        let inner = Arc::new(Inner {
            store,
            holder,
            clock,
            settings,
            entries: Entries::default(),
        });
        inner.store.gates.came(&inner.holder);
        let tending = tokio::spawn(tend(Arc::clone(&inner)));
        PostgresGate { inner, tending }
    }
}

impl Drop for PostgresGate {
    fn drop(&mut self) {
        self.tending.abort();
    }
}

#[async_trait]
impl CallGate for PostgresGate {
    async fn enter(&self, connection: ConnectionId) -> Result<Pass, GateError> {
        let inner = &self.inner;
        if let Some(pass) = inner.entries.step_in(connection, &inner.clock)? {
            return Ok(pass);
        }
        // Counted as inside before the entry is there, so that nobody gives it back meanwhile.
        let pass = inner.entries.step_in_waiting(connection)?;
        let entry = retrying(|| Box::pin(inner.register(connection))).await?;
        let entry = entry.ok_or(GateError::Closed(connection))?;
        Ok(inner.entries.admit(pass, entry, Arc::clone(&inner.clock)))
    }

    async fn close(&self, connection: ConnectionId) -> Result<(), StoreError> {
        let inner = &self.inner;
        let mut told = inner.store.watch.subscribe(Kind::Gate);
        retrying(|| Box::pin(inner.mark_closed(connection))).await?;
        let mut left = inner.entries.left();
        loop {
            told.borrow_and_update();
            left.borrow_and_update();
            inner.entries.close(connection);
            inner.give_back().await?;
            if !inner.is_anybody_inside(connection).await? {
                return Ok(());
            }
            tokio::select! {
                _ = told.changed() => {}
                _ = left.changed() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    async fn open(&self, connection: ConnectionId) -> Result<(), StoreError> {
        retrying(|| Box::pin(self.inner.mark_open(connection))).await
    }
}

/// The gates of this process on one store, by their holders.
#[derive(Default)]
pub(crate) struct Gates(Mutex<BTreeSet<String>>);

impl Gates {
    fn came(&self, holder: &str) {
        let mut holders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holders.insert(holder.to_owned());
    }

    fn all(&self) -> Vec<String> {
        let holders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        holders.iter().cloned().collect()
    }
}

impl PostgresStore {
    /// Gives back what the gates of this process hold: nobody is inside any more, and who closes need not
    /// wait until it runs out.
    pub(crate) async fn leave_gates(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM gate_entries WHERE holder = ANY($1)")
            .bind(self.gates.all())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        self.commit_changes(tx, &[Kind::Gate]).await
    }
}

impl Inner {
    fn pool(&self) -> &PgPool {
        &self.store.pool
    }

    /// Makes the process's entry; none while the gate is closed.
    async fn register(&self, connection: ConnectionId) -> Result<Option<Entry>, StoreError> {
        let asked_at = self.clock.monotonic();
        let id = connection.to_string();
        let ticket = self.entries.next_ticket();
        let mut tx = self.store.write().await?;
        lock_shared(&mut tx, Lock::Gate(&id)).await?;
        let made = sqlx::query(
            "INSERT INTO gate_entries (connection_id, holder, ticket, until)
             SELECT $1, $2, $3, clock_timestamp() + $4 * INTERVAL '1 microsecond'
             WHERE NOT EXISTS (SELECT 1 FROM gate_closed WHERE connection_id = $1)
             ON CONFLICT (connection_id, holder)
             DO UPDATE SET ticket = GREATEST(gate_entries.ticket, excluded.ticket),
                 until = excluded.until",
        )
        .bind(&id)
        .bind(&self.holder)
        .bind(ticket)
        .bind(self.entry_micros())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await?;
        let until = asked_at + self.settings.entry;
        Ok((made.rows_affected() > 0).then(|| Entry::new(ticket, until)))
    }

    fn entry_micros(&self) -> f64 {
        self.settings.entry.as_micros() as f64
    }

    async fn mark_closed(&self, connection: ConnectionId) -> Result<(), StoreError> {
        let id = connection.to_string();
        let mut tx = self.store.write().await?;
        lock(&mut tx, Lock::Gate(&id)).await?;
        sqlx::query("INSERT INTO gate_closed (connection_id) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(&id)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        self.store.commit_changes(tx, &[Kind::Gate]).await
    }

    async fn mark_open(&self, connection: ConnectionId) -> Result<(), StoreError> {
        let id = connection.to_string();
        let mut tx = self.store.write().await?;
        lock(&mut tx, Lock::Gate(&id)).await?;
        sqlx::query("DELETE FROM gate_closed WHERE connection_id = $1")
            .bind(&id)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        commit(tx).await
    }

    /// Whether any process has an entry that lives. Dead ones are removed on the way.
    async fn is_anybody_inside(&self, connection: ConnectionId) -> Result<bool, StoreError> {
        let id = connection.to_string();
        sqlx::query(
            "DELETE FROM gate_entries WHERE connection_id = $1 AND until <= clock_timestamp()",
        )
        .bind(&id)
        .execute(self.pool())
        .await
        .map_err(failed)?;
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM gate_entries WHERE connection_id = $1)")
            .bind(&id)
            .fetch_one(self.pool())
            .await
            .map_err(failed)
    }

    /// Takes note of what others closed, gives back what is not needed, renews the rest.
    async fn tend_once(&self) -> Result<(), StoreError> {
        let connections = self.entries.connections();
        if connections.is_empty() {
            return Ok(());
        }
        let closed: Vec<String> = sqlx::query_scalar(
            "SELECT connection_id FROM gate_closed WHERE connection_id = ANY($1)",
        )
        .bind(connections)
        .fetch_all(self.pool())
        .await
        .map_err(failed)?;
        for id in closed {
            if let Ok(connection) = id.parse() {
                self.entries.close(connection);
            }
        }
        self.give_back().await?;
        self.renew().await
    }

    /// Gives back the entries of closed connections that nobody uses any more, and of all that nobody
    /// has used for long.
    async fn give_back(&self) -> Result<(), StoreError> {
        let idle_since = self.clock.monotonic().saturating_sub(self.settings.entry);
        let unused = self.entries.take_unused(idle_since);
        if unused.connections.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        // Only under its ticket: a new entry may have been made since.
        sqlx::query(
            "DELETE FROM gate_entries e USING unnest($2::text[], $3::bigint[]) AS old (id, ticket)
             WHERE e.holder = $1 AND e.connection_id = old.id AND e.ticket = old.ticket",
        )
        .bind(&self.holder)
        .bind(unused.connections)
        .bind(unused.tickets)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        // Only who closes waits for it.
        let waited_for: &[Kind] = if unused.closing { &[Kind::Gate] } else { &[] };
        self.store.commit_changes(tx, waited_for).await
    }

    /// Prolongs every entry that still lives. One that does not is not revived: nobody waits for it.
    async fn renew(&self) -> Result<(), StoreError> {
        let asked_at = self.clock.monotonic();
        let (connections, tickets) = self.entries.all();
        if connections.is_empty() {
            return Ok(());
        }
        let asked = tickets.clone();
        let renewed: Vec<(String, i64)> = sqlx::query_as(
            "UPDATE gate_entries e SET until = clock_timestamp() + $4 * INTERVAL '1 microsecond'
             FROM unnest($2::text[], $3::bigint[]) AS mine (id, ticket)
             WHERE e.holder = $1 AND e.connection_id = mine.id AND e.ticket = mine.ticket
             AND e.until > clock_timestamp() RETURNING e.connection_id, e.ticket",
        )
        .bind(&self.holder)
        .bind(connections)
        .bind(tickets)
        .bind(self.entry_micros())
        .fetch_all(self.pool())
        .await
        .map_err(failed)?;
        let until = asked_at + self.settings.entry;
        self.entries.renewed(&asked, renewed, until);
        Ok(())
    }
}

/// Tends the entries: when told of a closing, when somebody leaves what is closed, and often enough
/// that none runs out.
async fn tend(inner: Arc<Inner>) {
    let mut told = inner.store.watch.subscribe(Kind::Gate);
    let mut left = inner.entries.left();
    loop {
        told.borrow_and_update();
        left.borrow_and_update();
        if let Err(error) = inner.tend_once().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the call gate could not be tended");
        }
        let is_closing = inner.entries.is_any_closing();
        tokio::select! {
            _ = told.changed() => {}
            _ = left.changed(), if is_closing => {}
            () = tokio::time::sleep(inner.settings.entry / 3) => {}
        }
    }
}
