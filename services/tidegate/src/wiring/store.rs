//! The store that the configuration names: SQLite for one process, Postgres for many.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use chrono::TimeDelta;
use ports::{CallGate, Clock, Entropy, LocalCallGate, RelationalStore, Signals};
use sealing::Sealer;
use store_postgres::{GateSettings, PostgresGate, PostgresSignals, PostgresStore, Settings};
use store_sqlite::SqliteStore;

use crate::config::Config;

/// Clocks may differ by so much, in seconds: less than the shortest lease.
const CLOCKS_DIFFER_SECONDS_MAX: i64 = 5;

/// A store, with the gate that holds for everybody who uses it, and what they tell each other.
#[async_trait]
pub trait Store: RelationalStore {
    /// The gate of this process, by whose name nobody else goes.
    fn gate(self: Arc<Self>, holder: &str, clock: &Arc<dyn Clock>) -> Arc<dyn CallGate>;

    /// What deliveries set going, heard by every process on this store.
    fn signals(self: Arc<Self>, holder: &str) -> Signals;

    /// Ends what is under way and gives the connections back.
    async fn close(&self);
}

#[async_trait]
impl Store for SqliteStore {
    fn gate(self: Arc<Self>, _: &str, _: &Arc<dyn Clock>) -> Arc<dyn CallGate> {
        Arc::new(LocalCallGate::new())
    }

    fn signals(self: Arc<Self>, _: &str) -> Signals {
        Signals::local()
    }

    async fn close(&self) {
        SqliteStore::close(self).await;
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn gate(self: Arc<Self>, holder: &str, clock: &Arc<dyn Clock>) -> Arc<dyn CallGate> {
        let (holder, clock) = (holder.to_owned(), Arc::clone(clock));
        Arc::new(PostgresGate::new(
            self,
            holder,
            clock,
            GateSettings::default(),
        ))
    }

    fn signals(self: Arc<Self>, holder: &str) -> Signals {
        PostgresSignals::new(self, holder).both()
    }

    async fn close(&self) {
        PostgresStore::close(self).await;
    }
}

/// The store's address as it may be shown: without a password.
pub(crate) fn shown(address: &str) -> String {
    match address.starts_with("sqlite:") {
        true => address.to_owned(),
        false => format!("postgres://{}", store_postgres::place(address)),
    }
}

/// Opens the store beside others who use it: nobody's lease is ended.
pub(super) async fn join(
    config: &Config,
    sealer: Sealer,
    entropy: &Arc<dyn Entropy>,
    clock: &dyn Clock,
) -> anyhow::Result<Arc<dyn Store>> {
    let address = &config.store;
    if !address.starts_with("sqlite:") {
        return open(config, sealer, entropy, clock).await;
    }
    let store = SqliteStore::open(address, sealer, Arc::clone(entropy)).await;
    let store = store
        .with_context(|| format!("the store `{address}` cannot be opened (setting `store`)"))?;
    Ok(Arc::new(store))
}

pub(super) async fn open(
    config: &Config,
    sealer: Sealer,
    entropy: &Arc<dyn Entropy>,
    clock: &dyn Clock,
) -> anyhow::Result<Arc<dyn Store>> {
    let address = &config.store;
    let setting = || {
        format!(
            "the store `{}` cannot be opened (setting `store`)",
            shown(address)
        )
    };
    if address.starts_with("sqlite:") {
        let store = SqliteStore::open(address, sealer, Arc::clone(entropy)).await;
        let store = store.with_context(setting)?;
        if config.log_brokers().is_none() {
            // The embedded log lets one process in at a time: whoever held a lease here is dead.
            store.forget_holders(clock.now()).await?;
        }
        return Ok(Arc::new(store));
    }
    let settings = Settings::default();
    let store = PostgresStore::open(address, sealer, Arc::clone(entropy), settings).await;
    let store = store.with_context(setting)?;
    anyhow::ensure!(
        !store.is_being_filled().await.with_context(setting)?,
        "an installation is being moved into the store `{}` (setting `store`): end that with \
         `tidegate migrate --resume`",
        shown(address)
    );
    let ahead = store.clock_ahead(clock).await.with_context(setting)?;
    anyhow::ensure!(
        ahead.abs() <= TimeDelta::seconds(CLOCKS_DIFFER_SECONDS_MAX),
        "the clock of this machine and that of the store `{}` differ by {} s (setting `store`): leases \
         would be taken over too early; set the clocks right",
        shown(address),
        ahead.num_seconds()
    );
    Ok(Arc::new(store))
}
