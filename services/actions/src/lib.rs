//! The actions role: remedies carried out in the cloud service, once.
//!
//! What it promises: what is needed to undo a remedy is durable before anything is changed; a
//! remedy is done only when the service was seen to hold it; and a remedy that was interrupted at
//! any point is looked at before it is repeated, so that one violation has one effect. It takes no
//! input: it claims what is due, and the next claim is the retry.

mod carry_out;
mod failure;
mod label;
mod notify;
mod quarantine;
mod standing;
mod vaulting;

use std::sync::Arc;
use std::time::Duration;

use ::labels::Labelling;
use connections::Clients;
use ports::{
    AuditTrail, CallGate, Clock, ConnectionStore, Entropy, Mailer, RemedyStore, StoreError,
};
use telemetry::Metrics;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use vault::Vault;

pub use vaulting::Vaulting;

/// Named bounds of the role.
#[derive(Debug, Clone)]
pub struct ActionsOptions {
    /// Remedies carried out at a time.
    pub remedies_at_once_max: usize,
    /// How long a claimed remedy is kept from other replicas; prolonged with every step.
    pub lease: Duration,
    /// Tries before a remedy is given up.
    pub attempts_max: u32,
    /// Longest pause between two tries.
    pub pause_max: Duration,
    /// How often what is due is looked for when nothing signals it.
    pub tick: Duration,
    /// Whom to believe about labels, and what manifests are signed with.
    pub labelling: Arc<Labelling>,
    /// How content is taken into the vault.
    pub vaulting: Vaulting,
}

impl Default for ActionsOptions {
    fn default() -> Self {
        ActionsOptions {
            remedies_at_once_max: 16,
            lease: Duration::from_secs(120),
            attempts_max: 20,
            pause_max: Duration::from_secs(600),
            tick: Duration::from_millis(250),
            labelling: Arc::new(Labelling::built_in()),
            vaulting: Vaulting::default(),
        }
    }
}

/// What the role needs of the world.
pub struct ActionsPorts {
    /// The remedies.
    pub remedies: Arc<dyn RemedyStore>,
    /// The connections.
    pub connections: Arc<dyn ConnectionStore>,
    /// Calls to the services.
    pub clients: Arc<Clients>,
    /// What stops calls for a disabled connection.
    pub gate: Arc<dyn CallGate>,
    /// Where content is held encrypted.
    pub vault: Vault,
    /// E-mail.
    pub mailer: Arc<dyn Mailer>,
    /// Who did what.
    pub audit: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Counts remedies.
    pub metrics: Arc<Metrics>,
}

/// The role.
pub struct Actions {
    ports: ActionsPorts,
    options: ActionsOptions,
    holder: String,
}

impl Actions {
    /// The role over its ports; `holder` names this process among the replicas.
    pub fn new(ports: ActionsPorts, options: ActionsOptions, holder: String) -> Self {
        Actions {
            ports,
            options,
            holder,
        }
    }

    /// Carries out what is due until told to stop; ends when what is under way has ended.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut changes = self.ports.remedies.remedy_changes();
        // Tasks and not futures polled here: one that holds a store's connection must go on while
        // this loop waits for one itself.
        let mut under_way = JoinSet::new();
        while !*stop.borrow() {
            changes.borrow_and_update();
            let at_once_max = self.options.remedies_at_once_max;
            match self
                .claim(at_once_max.saturating_sub(under_way.len()))
                .await
            {
                Ok(claimed) => {
                    for claimed in claimed {
                        let actions = Arc::clone(&self);
                        under_way.spawn(async move { actions.carry_out(claimed).await });
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "remedies could not be claimed");
                }
            }
            tokio::select! {
                Some(ended) = under_way.join_next() => report(ended),
                _ = changes.changed() => {}
                () = tokio::time::sleep(self.options.tick) => {}
                _ = stop.changed() => {}
            }
        }
        while let Some(ended) = under_way.join_next().await {
            report(ended);
        }
    }

    async fn claim(&self, room: usize) -> Result<Vec<ports::ClaimedRemedy>, StoreError> {
        if room == 0 {
            return Ok(Vec::new());
        }
        let now = self.ports.clock.now();
        let limit = room as u32;
        self.ports
            .remedies
            .claim_remedies(&self.holder, limit, self.options.lease, now)
            .await
    }
}

/// A remedy whose task died keeps its row and its lease: the next claim looks again.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = %error, "a remedy ended unexpectedly");
    }
}
