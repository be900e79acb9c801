//! Opens the adapters and hands each role the ports it needs.
//!
//! [`Platform::open`] makes everything ready and binds the listener; [`Platform::run`] lets it go
//! until told to stop. The roles stand in [`Platform::run`] in the order in which an event travels.

mod adapters;
mod roles;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use connections::Connections;
use event_model::Secret;
use ports::{ActivityStore, Clock};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::probes::{self, Probes};
use crate::serve::serve;

pub use adapters::Adapters;
use roles::Roles;

/// How often what was left half done is looked for, unless told otherwise.
const RECONCILE_EVERY: Duration = Duration::from_secs(15);

/// How long what deliveries tell of their webhooks is gathered before it is looked at.
const NOTES_GATHERED: Duration = Duration::from_secs(1);

/// How often activity that is too old is looked for.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
/// How soon the rest is forgotten when there is more.
const FORGET_MORE_AFTER: Duration = Duration::from_secs(1);
/// Activities forgotten in one transaction.
const FORGOTTEN_AT_ONCE_MAX: u32 = 1_000;

/// The whole platform in one process, ready to run.
pub struct Platform {
    adapters: Adapters,
    roles: Roles,
    probes: Arc<Probes>,
    listener: TcpListener,
    address: SocketAddr,
    admin_token: Secret<String>,
    reconcile_every: Duration,
    activity_days: u32,
    stop: watch::Receiver<bool>,
}

impl Platform {
    /// Opens store and log, binds the listener, and makes the roles. They end when `stop` says so.
    ///
    /// # Errors
    /// When a folder, the store, the log, the keys or the address cannot be had: the message names
    /// the setting and what to do.
    pub async fn open(config: &Config, stop: watch::Receiver<bool>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!(
                "`{}` cannot be listened on: is another program there? set `listen`",
                config.listen
            )
        })?;
        let address = listener.local_addr()?;
        let public_url = config
            .public_url
            .clone()
            .unwrap_or_else(|| format!("http://{address}"));
        let adapters = Adapters::open(config).await?;
        let admin_token = adapters::admin_token(&config.data, adapters.entropy.as_ref())?;
        let roles = Roles::new(
            &adapters,
            config,
            public_url,
            admin_token.clone(),
            stop.clone(),
        )?;
        let probes = Arc::new(Probes {
            metrics: Arc::clone(&adapters.metrics),
            stats: adapters.store.clone(),
            ready: AtomicBool::new(false),
        });
        Ok(Platform {
            adapters,
            roles,
            probes,
            listener,
            address,
            admin_token,
            reconcile_every: RECONCILE_EVERY,
            activity_days: config.activity_days,
            stop,
        })
    }

    /// Looks that often for what was left half done: interrupted enablings, left-over webhooks.
    pub fn reconciling_every(mut self, every: Duration) -> Self {
        self.reconcile_every = every;
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The administrator's token.
    pub fn admin_token(&self) -> &Secret<String> {
        &self.admin_token
    }

    /// Runs until told to stop; returns when everything under way has ended.
    ///
    /// # Errors
    /// When the state left by the run before cannot be read, or a role ends before its time.
    pub async fn run(self) -> anyhow::Result<()> {
        let Platform {
            adapters,
            roles,
            probes,
            listener,
            reconcile_every,
            activity_days,
            stop,
            ..
        } = self;
        roles.connections.close_gates_of_disabled().await?;
        let router = axum::Router::new()
            .merge(ingest::router(Arc::clone(&roles.ingest)))
            .merge(probes::router(Arc::clone(&probes)))
            .merge(roles.console.clone());
        probes.ready.store(true, Ordering::Release);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, router, stop.clone()));
        tasks.spawn(roles.poller.run(stop.clone()));
        tasks.spawn(roles.evaluator.run(stop.clone()));
        tasks.spawn(roles.actions.run(stop.clone()));
        tasks.spawn(reconcile(roles.connections, reconcile_every, stop.clone()));
        tasks.spawn(forget_old_activity(
            adapters.store.clone(),
            adapters.clock.clone(),
            activity_days,
            stop.clone(),
        ));
        tasks.spawn(mark_unready(probes, stop));
        while let Some(ended) = tasks.join_next().await {
            ended.context("a role ended unexpectedly")?;
        }
        adapters.close().await;
        Ok(())
    }
}

async fn mark_unready(probes: Arc<Probes>, mut stop: watch::Receiver<bool>) {
    // A dropped sender is a stop, too.
    let _ = stop.wait_for(|stopped| *stopped).await;
    probes.ready.store(false, Ordering::Release);
}

async fn reconcile(
    connections: Arc<Connections>,
    every: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut noted = connections.noted();
    while !*stop.borrow() {
        noted.borrow_and_update();
        if let Err(error) = connections.reconcile().await {
            tracing::error!(error = %error, "what was left half done could not be looked for");
        }
        // Notes come in bursts: one look is enough for many.
        let _ = tokio::time::timeout(every.min(NOTES_GATHERED), stop.changed()).await;
        tokio::select! {
            () = tokio::time::sleep(every.saturating_sub(NOTES_GATHERED)) => {}
            _ = noted.changed() => {}
            _ = stop.changed() => {}
        }
    }
}

/// Activity is kept for its time and then forgotten, some at a time, so that nobody waits for it.
async fn forget_old_activity(
    store: Arc<dyn ActivityStore>,
    clock: Arc<dyn Clock>,
    days: u32,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let before = clock.now() - TimeDelta::days(i64::from(days));
        let pause = match store.forget_activities(before, FORGOTTEN_AT_ONCE_MAX).await {
            Ok(forgotten) if forgotten == u64::from(FORGOTTEN_AT_ONCE_MAX) => FORGET_MORE_AFTER,
            Ok(_) => FORGET_EVERY,
            Err(error) => {
                tracing::error!(error = %error, "old activity could not be forgotten");
                FORGET_EVERY
            }
        };
        let _ = tokio::time::timeout(pause, stop.changed()).await;
    }
}
