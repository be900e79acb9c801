//! Opens the adapters and hands each role the ports it needs.
//!
//! [`Platform::open`] makes everything ready and binds the listener; [`Platform::run`] lets it go
//! until told to stop. The roles stand in [`Platform::run`] in the order in which an event travels;
//! one process runs all of them, or some.

mod adapters;
mod background;
mod connectors;
mod inspecting;
mod role;
mod roles;
mod shown;
mod sinks;
mod store;
mod vault;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use event_model::Secret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::probes::{self, Probes};
use crate::proxies::{self, TrustedProxies};
use crate::serve::serve;

pub use adapters::Adapters;
pub(crate) use adapters::{mailer, open_store};
pub(crate) use connectors::catalogue;
pub(crate) use inspecting::Inspecting;
pub use role::Role;
use roles::Roles;
pub(crate) use roles::{console_alone, decider, evaluator_alone, poller_alone};
pub use store::Store;
pub(crate) use store::shown as shown_store;
pub(crate) use vault::{open_keys, open_vault};

/// How often what was left half done is looked for, unless told otherwise.
const RECONCILE_EVERY: Duration = Duration::from_secs(15);

/// The platform, or some roles of it, in one process, ready to run.
pub struct Platform {
    adapters: Adapters,
    roles: Roles,
    probes: Arc<Probes>,
    listener: TcpListener,
    address: SocketAddr,
    admin_token: Option<Secret<String>>,
    reconcile_every: Duration,
    activity_days: u32,
    proxies: TrustedProxies,
    stop: watch::Receiver<bool>,
}

impl Platform {
    /// Opens store and log, binds the listener, and makes the roles. They end when `stop` says so.
    ///
    /// # Errors
    /// When a folder, the store, the log, the keys or the address cannot be had, or the roles would
    /// not share them with those of other processes: the message names the setting and what to do.
    pub async fn open(
        config: &Config,
        chosen: &[Role],
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        role::can_be_apart(config, chosen)?;
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
        let admin_token = match chosen.contains(&Role::Console) {
            true => Some(adapters::admin_token(config, adapters.entropy.as_ref())?),
            false => None,
        };
        let roles = Roles::new(
            &adapters,
            config,
            chosen,
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
            proxies: config.trusted_proxies.clone(),
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

    /// The administrator's token, where the console is among the roles.
    pub fn admin_token(&self) -> Option<&Secret<String>> {
        self.admin_token.as_ref()
    }

    /// Says by `/readyz` that no more should be sent here, while what comes is still served.
    pub fn leaving(&self) -> impl FnOnce() + Send + use<> {
        let probes = Arc::clone(&self.probes);
        move || probes.ready.store(false, Ordering::Release)
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
            proxies,
            stop,
            ..
        } = self;
        roles.connections.close_gates_of_disabled().await?;
        let mut router = probes::router(Arc::clone(&probes));
        let mut tasks = JoinSet::new();
        if let Some(ingest) = roles.ingest {
            router = router.merge(ingest::router(ingest));
        }
        if let Some(geoip) = &adapters.geoip {
            tasks.spawn(Arc::clone(geoip).follow(stop.clone()));
        }
        if let Some(poller) = roles.poller {
            tasks.spawn(poller.run(stop.clone()));
            let reconciling =
                background::reconcile(roles.connections, reconcile_every, stop.clone());
            tasks.spawn(reconciling);
        }
        if let Some(evaluator) = roles.evaluator {
            tasks.spawn(evaluator.run(stop.clone()));
            if let Some(publisher) = roles.publisher {
                tasks.spawn(publisher.run(stop.clone()));
            }
            if let Some(scans) = roles.scans {
                tasks.spawn(scans.run(stop.clone()));
            }
            if let Some(replays) = roles.replays {
                tasks.spawn(replays.run(stop.clone()));
            }
            tasks.spawn(background::forget_old_activity(
                adapters.store.clone(),
                adapters.clock.clone(),
                activity_days,
                stop.clone(),
            ));
        }
        if let Some(inspecting) = roles.inspecting {
            tasks.spawn(inspecting.announce());
        }
        if let Some(actions) = roles.actions {
            tasks.spawn(actions.run(stop.clone()));
        }
        if let Some(sinks) = roles.sinks {
            tasks.spawn(sinks.run(stop.clone()));
        }
        if let Some(console) = roles.console {
            router = router.merge(console);
        }
        probes.ready.store(true, Ordering::Release);
        let router = proxies::behind(proxies, router);
        tasks.spawn(serve(listener, router, stop.clone()));
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
