//! What wakes who waits: in this process at once, in the others by NOTIFY.
//!
//! A notification is sent within the transaction, so it comes after the commit and never without it.
//! One that is lost costs one look: what is only ever learnt by signals (connections, policies, detectors) has
//! a counter that grows in the same transaction, and the counters are read every so often. Incidents,
//! remedies and jobs are asked for by their readers anyway.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ports::StoreError;
use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::failure::failed;
use crate::partitions::Partitions;
use crate::signals;
use crate::transaction::count;

const CHANNEL: &str = "tidegate";
/// What other processes told that waits for its hearer, at most; of more the oldest is missed.
const TOLD_MAX: usize = 10_000;
/// How soon listening is tried again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Connections,
    Policies,
    Incidents,
    Remedies,
    Gate,
    Jobs,
    Detectors,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Connections,
        Kind::Policies,
        Kind::Incidents,
        Kind::Remedies,
        Kind::Gate,
        Kind::Jobs,
        Kind::Detectors,
    ];

    const fn word(self) -> &'static str {
        match self {
            Kind::Connections => "connections",
            Kind::Policies => "policies",
            Kind::Incidents => "incidents",
            Kind::Remedies => "remedies",
            Kind::Gate => "gate",
            Kind::Jobs => "jobs",
            Kind::Detectors => "detectors",
        }
    }

    /// The counter of what is only learnt by signals.
    const fn counter(self) -> Option<&'static str> {
        match self {
            Kind::Connections => Some("changes.connections"),
            Kind::Policies => Some("changes.policies"),
            Kind::Detectors => Some("changes.detectors"),
            Kind::Incidents | Kind::Remedies | Kind::Gate | Kind::Jobs => None,
        }
    }
}

/// One signal a kind.
#[derive(Default)]
struct Signals([watch::Sender<u64>; Kind::ALL.len()]);

impl Signals {
    fn fire(&self, kinds: &[Kind]) {
        for kind in kinds {
            self.0[*kind as usize].send_modify(|count| *count += 1);
        }
    }
}

/// The signals, and what listens for those of other processes.
pub(crate) struct Watch {
    signals: Arc<Signals>,
    told: broadcast::Sender<String>,
    listening: PgPool,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Watch {
    pub(crate) fn begin(
        calls: PgPool,
        listening: PgPool,
        partitions: Arc<Partitions>,
        look_every: Duration,
    ) -> Self {
        let signals = Arc::new(Signals::default());
        let (told, _) = broadcast::channel(TOLD_MAX);
        let listen = listen(listening.clone(), Arc::clone(&signals), told.clone());
        let look = look(calls, Arc::clone(&signals), partitions, look_every);
        Watch {
            signals,
            told,
            listening,
            tasks: Mutex::new(vec![tokio::spawn(listen), tokio::spawn(look)]),
        }
    }

    pub(crate) fn subscribe(&self, kind: Kind) -> ports::Changes {
        self.signals.0[kind as usize].subscribe()
    }

    /// What processes tell each other of deliveries, from now on.
    pub(crate) fn told(&self) -> broadcast::Receiver<String> {
        self.told.subscribe()
    }

    pub(crate) fn fire(&self, kinds: &[Kind]) {
        self.signals.fire(kinds);
    }

    /// Says in the transaction what it changes.
    pub(crate) async fn announce(
        &self,
        connection: &mut PgConnection,
        kinds: &[Kind],
    ) -> Result<(), StoreError> {
        for counter in kinds.iter().filter_map(|kind| kind.counter()) {
            count(connection, counter, 1).await?;
        }
        if kinds.is_empty() {
            return Ok(());
        }
        let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        sqlx::query("SELECT pg_notify($1, word) FROM unnest($2::text[]) AS word")
            .bind(CHANNEL)
            .bind(words)
            .execute(connection)
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(crate) async fn end(&self) {
        for task in self.tasks.lock().expect("no holder panics").drain(..) {
            task.abort();
        }
        self.listening.close().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for task in self.tasks.lock().expect("no holder panics").drain(..) {
            task.abort();
        }
    }
}

/// Fires what others say; everything, when something may have been missed.
async fn listen(pool: PgPool, signals: Arc<Signals>, told: broadcast::Sender<String>) {
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await
            && listener
                .listen_all([CHANNEL, signals::CHANNEL])
                .await
                .is_ok()
        {
            signals.fire(&Kind::ALL);
            while let Ok(Some(said)) = listener.try_recv().await {
                if said.channel() == signals::CHANNEL {
                    // Nobody may be hearing: the process has no signals, only a store.
                    let _ = told.send(said.payload().to_owned());
                    continue;
                }
                let kind = Kind::ALL.iter().find(|kind| kind.word() == said.payload());
                signals.fire(kind.map_or(&[], std::slice::from_ref));
            }
            tracing::warn!("the store's notifications stopped, listening again");
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

/// Looks for changes whose notification was lost, and makes partitions ahead.
async fn look(pool: PgPool, signals: Arc<Signals>, partitions: Arc<Partitions>, every: Duration) {
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    loop {
        if let Ok(counters) = counters(&pool).await {
            for kind in Kind::ALL {
                let Some(name) = kind.counter() else { continue };
                if counters.get(name) != seen.get(name) {
                    signals.fire(&[kind]);
                }
            }
            seen = counters;
        }
        if let Err(error) = partitions.make_ahead(&pool).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "partitions could not be made ahead");
        }
        tokio::time::sleep(every).await;
    }
}

async fn counters(pool: &PgPool) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT name, value FROM counters WHERE name LIKE 'changes.%'")
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    Ok(rows.into_iter().collect())
}
