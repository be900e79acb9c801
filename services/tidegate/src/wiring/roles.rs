//! The roles, each with the ports it needs and no other.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::sinks::Sinks;
use actions::{Actions, ActionsOptions, ActionsPorts, Vaulting};
use anyhow::Context;
use connections::{Clients, ConnectionPorts, Connections};
use connector::{Catalogue, Egress, EgressOptions, PublishedKeys};
use console::{ConsoleConfig, ConsolePorts};
use decisions::{Decider, DeciderOptions, DeciderPorts};
use evaluator::{
    Evaluator, EvaluatorOptions, EvaluatorPorts, Publisher, PublisherOptions, PublisherPorts,
    ReplayOptions, ReplayPorts, Replays, ScanOptions, ScanPorts, Scans,
};
use event_model::Secret;
use ingest::{Directory, DirectoryPorts, Ingest, IngestOptions, IngestPorts};
use inspector::{InProcess, Inspector};
use intake::Intake;
use labels::Labelling;
use poller::{Poller, PollerOptions, PollerPorts};
use ports::{CallGate, SignOn, Signals};
use tokio::sync::watch;

use super::adapters::Adapters;
use super::connectors::{catalogue, clients};
use super::inspecting::Inspecting;
use super::role::Role;
use super::shown;
use super::sinks;
use super::vault::open_vault;
use crate::config::Config;
use crate::{labelling, sign_on};

/// Longest that fetching a content may take of a second look, beside inspecting it.
const FETCH_MAX: Duration = Duration::from_secs(30);

/// The roles of one process: those that were chosen.
pub(super) struct Roles {
    pub(super) ingest: Option<Arc<Ingest>>,
    pub(super) poller: Option<Arc<Poller>>,
    pub(super) evaluator: Option<Arc<Evaluator>>,
    pub(super) inspecting: Option<Inspecting>,
    pub(super) publisher: Option<Publisher>,
    pub(super) replays: Option<Replays>,
    pub(super) scans: Option<Scans>,
    pub(super) actions: Option<Arc<Actions>>,
    pub(super) sinks: Option<Sinks>,
    pub(super) console: Option<axum::Router>,
    pub(super) connections: Arc<Connections>,
}

/// What several roles share.
struct Shared<'a> {
    adapters: &'a Adapters,
    catalogue: Arc<Catalogue>,
    clients: Arc<Clients>,
    egress: Egress,
    gate: Arc<dyn CallGate>,
    signals: Signals,
    labelling: Arc<Labelling>,
    inspecting: Inspecting,
    holder: String,
}

impl Roles {
    pub(super) fn new(
        adapters: &Adapters,
        config: &Config,
        chosen: &[Role],
        public_url: String,
        admin_token: Option<Secret<String>>,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let catalogue = Arc::new(catalogue(config)?);
        let holder = format!("{:08x}", adapters.entropy.draw() as u32);
        let egress = Egress::new(EgressOptions {
            endpoints: config.service_endpoints.clone(),
            ..EgressOptions::default()
        })?;
        let clients = clients(adapters, &catalogue, &egress, &holder);
        let gate = Arc::clone(&adapters.store).gate(&holder, &adapters.clock);
        let shared = Shared {
            adapters,
            catalogue,
            clients,
            egress,
            gate,
            signals: Arc::clone(&adapters.store).signals(&holder),
            labelling: Arc::new(labelling(config)?),
            inspecting: Inspecting::with_detectors(&config.inspection, adapters),
            holder,
        };
        let connections = Arc::new(shared.connections(public_url.clone()));
        let here = |role| chosen.contains(&role);
        let actions = match here(Role::Actions) {
            true => Some(Arc::new(shared.actions(config)?)),
            false => None,
        };
        let evaluator = here(Role::Evaluator).then(|| Arc::new(shared.evaluator()));
        Ok(Roles {
            ingest: here(Role::Ingest).then(|| Arc::new(shared.ingest())),
            poller: here(Role::Poller).then(|| Arc::new(shared.poller())),
            scans: evaluator
                .as_ref()
                .map(|live| shared.scans(Arc::clone(live))),
            evaluator,
            inspecting: (here(Role::Evaluator) || here(Role::Console))
                .then(|| shared.inspecting.clone()),
            publisher: here(Role::Evaluator).then(|| shared.publisher()),
            replays: here(Role::Evaluator).then(|| shared.replays()),
            actions,
            sinks: match &config.sinks_file {
                Some(file) if here(Role::Actions) => Some(sinks::at_work(adapters, file)?),
                _ => None,
            },
            console: match admin_token {
                Some(token) => {
                    let connections = Arc::clone(&connections);
                    Some(shared.console(connections, token, config, public_url, stop)?)
                }
                None => None,
            },
            connections,
        })
    }
}

/// The evaluator over these adapters, and nothing else, to be measured.
pub(crate) fn evaluator_alone(
    adapters: &Adapters,
    config: &Config,
) -> anyhow::Result<Arc<Evaluator>> {
    let evaluator = alone(adapters, config, Role::Evaluator)?.evaluator;
    evaluator.context("the role was chosen")
}

/// The poller over these adapters, and nothing else, to be measured.
pub(crate) fn poller_alone(adapters: &Adapters, config: &Config) -> anyhow::Result<Arc<Poller>> {
    let poller = alone(adapters, config, Role::Poller)?.poller;
    poller.context("the role was chosen")
}

/// The console over these adapters, and nothing else, to be measured.
pub(crate) fn console_alone(
    adapters: &Adapters,
    config: &Config,
    token: Secret<String>,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<axum::Router> {
    let roles = Roles::new(
        adapters,
        config,
        &[Role::Console],
        String::new(),
        Some(token),
        stop,
    )?;
    roles.console.context("the role was chosen")
}

/// What decides before the fact, over these adapters, inspecting within this process.
pub(crate) fn decider(adapters: &Adapters) -> Decider {
    let inspector = Arc::new(InProcess::default());
    decider_with(adapters, inspector, Arc::new(Labelling::built_in()))
}

fn decider_with(
    adapters: &Adapters,
    inspector: Arc<dyn Inspector>,
    labelling: Arc<Labelling>,
) -> Decider {
    let ports = DeciderPorts {
        policies: adapters.store.clone(),
        connections: adapters.store.clone(),
        exceptions: adapters.store.clone(),
        results: adapters.store.clone(),
        countries: Arc::clone(&adapters.countries),
        inspector,
        labelling,
        clock: Arc::clone(&adapters.clock),
        entropy: Arc::clone(&adapters.entropy),
        metrics: Arc::clone(&adapters.metrics),
    };
    Decider::new(ports, DeciderOptions::default())
}

fn alone(adapters: &Adapters, config: &Config, role: Role) -> anyhow::Result<Roles> {
    let (_, stop) = watch::channel(false);
    Roles::new(adapters, config, &[role], String::new(), None, stop)
}

/// Whom to believe about labels.
pub(crate) fn labelling(config: &Config) -> anyhow::Result<Labelling> {
    match &config.labels_file {
        None => Ok(Labelling::built_in()),
        Some(file) => {
            labelling::load(file).context("the settings of labels are not right (`labels_file`)")
        }
    }
}

impl Shared<'_> {
    fn intake(&self) -> Intake {
        let adapters = self.adapters;
        let entropy = Arc::clone(&adapters.entropy);
        Intake::new(adapters.log.clone(), entropy, Arc::clone(&adapters.metrics))
    }

    fn connections(&self, public_url: String) -> Connections {
        let adapters = self.adapters;
        let ports = ConnectionPorts {
            connections: adapters.store.clone(),
            grants: adapters.store.clone(),
            client_secrets: adapters.store.clone(),
            webhook_secrets: adapters.store.clone(),
            consents: adapters.store.clone(),
            checkpoints: adapters.store.clone(),
            feed_notes: adapters.store.clone(),
            leases: adapters.store.clone(),
            audit: adapters.store.clone(),
            gate: Arc::clone(&self.gate),
            notes: Arc::clone(&self.signals.notes),
            pulls: Arc::clone(&self.signals.pulls),
            clock: Arc::clone(&adapters.clock),
            entropy: Arc::clone(&adapters.entropy),
        };
        let catalogue = Arc::clone(&self.catalogue);
        let clients = Arc::clone(&self.clients);
        Connections::new(ports, catalogue, clients, public_url, self.holder.clone())
    }

    fn ingest(&self) -> Ingest {
        let adapters = self.adapters;
        let directory = Directory::new(DirectoryPorts {
            connections: adapters.store.clone(),
            secrets: adapters.store.clone(),
            catalogue: Arc::clone(&self.catalogue),
        });
        let ports = IngestPorts {
            audit: adapters.store.clone(),
            pulls: Arc::clone(&self.signals.pulls),
            notes: Arc::clone(&self.signals.notes),
            keys: PublishedKeys::new(self.egress.clone(), Arc::clone(&adapters.clock)),
            clock: Arc::clone(&adapters.clock),
            entropy: Arc::clone(&adapters.entropy),
            metrics: Arc::clone(&adapters.metrics),
        };
        Ingest::new(directory, self.intake(), ports, IngestOptions::default())
    }

    fn poller(&self) -> Poller {
        let adapters = self.adapters;
        let ports = PollerPorts {
            connections: adapters.store.clone(),
            checkpoints: adapters.store.clone(),
            leases: adapters.store.clone(),
            clients: Arc::clone(&self.clients),
            gate: Arc::clone(&self.gate),
            pulls: Arc::clone(&self.signals.pulls),
            notes: adapters.store.clone(),
            audit: adapters.store.clone(),
            clock: Arc::clone(&adapters.clock),
            entropy: Arc::clone(&adapters.entropy),
            metrics: Arc::clone(&adapters.metrics),
        };
        Poller::new(
            ports,
            self.intake(),
            PollerOptions::default(),
            self.holder.clone(),
        )
    }

    fn evaluator(&self) -> Evaluator {
        Evaluator::new(self.evaluator_ports(), self.evaluator_options())
    }

    fn evaluator_options(&self) -> EvaluatorOptions {
        let usual = EvaluatorOptions::default();
        EvaluatorOptions {
            labelling: Arc::clone(&self.labelling),
            second_look_max: usual
                .second_look_max
                .max(FETCH_MAX + self.inspecting.longest),
            ..usual
        }
    }

    fn evaluator_ports(&self) -> EvaluatorPorts {
        let adapters = self.adapters;
        EvaluatorPorts {
            log: adapters.log.clone(),
            results: adapters.store.clone(),
            incidents: adapters.store.clone(),
            remedies: adapters.store.clone(),
            exceptions: adapters.store.clone(),
            jobs: adapters.store.clone(),
            policies: adapters.store.clone(),
            connections: adapters.store.clone(),
            countries: Arc::clone(&adapters.countries),
            clients: Arc::clone(&self.clients),
            inspector: Arc::clone(&self.inspecting.inspector),
            gate: Arc::clone(&self.gate),
            clock: Arc::clone(&adapters.clock),
            entropy: Arc::clone(&adapters.entropy),
            metrics: Arc::clone(&adapters.metrics),
        }
    }

    fn scans(&self, live: Arc<Evaluator>) -> Scans {
        let adapters = self.adapters;
        let ports = ScanPorts {
            jobs: adapters.store.clone(),
            leases: adapters.store.clone(),
            evaluator: self.evaluator_ports(),
            live,
        };
        Scans::new(ports, ScanOptions::default(), self.holder.clone())
    }

    fn publisher(&self) -> Publisher {
        let adapters = self.adapters;
        let ports = PublisherPorts {
            outbox: adapters.store.clone(),
            incidents: adapters.store.clone(),
            remedies: adapters.store.clone(),
            connections: adapters.store.clone(),
            leases: adapters.store.clone(),
            log: adapters.log.clone(),
            clock: Arc::clone(&adapters.clock),
            metrics: Arc::clone(&adapters.metrics),
        };
        Publisher::new(ports, PublisherOptions::default(), self.holder.clone())
    }

    fn replays(&self) -> Replays {
        let adapters = self.adapters;
        let ports = ReplayPorts {
            jobs: adapters.store.clone(),
            leases: adapters.store.clone(),
            activities: adapters.store.clone(),
            incidents: adapters.store.clone(),
            clock: Arc::clone(&adapters.clock),
        };
        Replays::new(ports, ReplayOptions::default(), self.holder.clone())
    }

    fn actions(&self, config: &Config) -> anyhow::Result<Actions> {
        let adapters = self.adapters;
        let (store, clock) = (Arc::clone(&adapters.store), Arc::clone(&adapters.clock));
        let ports = ActionsPorts {
            remedies: adapters.store.clone(),
            connections: adapters.store.clone(),
            clients: Arc::clone(&self.clients),
            gate: Arc::clone(&self.gate),
            vault: open_vault(config, store, clock, Arc::clone(&adapters.entropy))?,
            mailer: Arc::clone(&adapters.mailer),
            audit: adapters.store.clone(),
            clock: Arc::clone(&adapters.clock),
            entropy: Arc::clone(&adapters.entropy),
            metrics: Arc::clone(&adapters.metrics),
        };
        let options = ActionsOptions {
            labelling: Arc::clone(&self.labelling),
            vaulting: Vaulting {
                tombstone: config.vault.tombstone.clone(),
                contact: config.vault.tombstone_contact.clone(),
                retention_days: config.vault.retention_days,
            },
            ..ActionsOptions::default()
        };
        Ok(Actions::new(ports, options, self.holder.clone()))
    }

    /// Where people sign in, when it is not here.
    fn provider(&self, file: &Path, public_url: &str) -> anyhow::Result<Arc<dyn SignOn>> {
        let (egress, clock) = (self.egress.clone(), Arc::clone(&self.adapters.clock));
        let provider = sign_on::load(file, public_url, egress, clock);
        let setting = "single sign-on cannot be set up (setting `sign_on_file`)";
        Ok(Arc::new(provider.context(setting)?))
    }

    /// The vault; none where this process does not reach it, which the console then says.
    fn vault_to_read(&self, config: &Config) -> Option<vault::Vault> {
        let Adapters {
            store,
            clock,
            entropy,
            ..
        } = self.adapters;
        let opened = open_vault(config, store.clone(), clock.clone(), entropy.clone());
        opened
            .inspect_err(|error| {
                tracing::warn!("the console does not reach the vault: {error:#}");
            })
            .ok()
    }

    fn console(
        &self,
        connections: Arc<Connections>,
        admin_token: Secret<String>,
        settings: &Config,
        public_url: String,
        shutdown: watch::Receiver<bool>,
    ) -> anyhow::Result<axum::Router> {
        let adapters = self.adapters;
        let sign_on = match &settings.sign_on_file {
            None => None,
            Some(file) => Some(self.provider(file, &public_url)?),
        };
        let ports = ConsolePorts {
            connections,
            connection_store: adapters.store.clone(),
            policies: adapters.store.clone(),
            incidents: adapters.store.clone(),
            exceptions: adapters.store.clone(),
            views: adapters.store.clone(),
            activities: adapters.store.clone(),
            jobs: adapters.store.clone(),
            remedies: adapters.store.clone(),
            quarantine: adapters.store.clone(),
            access: adapters.store.clone(),
            vault: self.vault_to_read(settings),
            audit: adapters.store.clone(),
            stats: adapters.store.clone(),
            accounts: adapters.store.clone(),
            sessions: adapters.store.clone(),
            tokens: adapters.store.clone(),
            answers: adapters.store.clone(),
            sign_on,
            detectors: adapters.store.clone(),
            decider: Arc::new(decider_with(
                adapters,
                Arc::clone(&self.inspecting.inspector),
                Arc::clone(&self.labelling),
            )),
            sinks: Arc::new(sinks::desk(adapters, settings.sinks_file.as_deref())?),
            clock: Arc::clone(&adapters.clock),
            entropy: Arc::clone(&adapters.entropy),
            shutdown,
        };
        let detectors = inspect::DetectorSet::built_in().names().map(str::to_owned);
        let config = ConsoleConfig {
            // Over HTTPS the cookie never goes in the clear, whatever address is typed.
            secure_cookies: public_url.starts_with("https://"),
            public_url: public_url.trim_end_matches('/').to_owned(),
            second_factor_roles: settings.second_factor_roles.clone(),
            labels: shown::labels(&self.labelling),
            settings: settings.shown.iter().map(shown::setting).collect(),
            ..ConsoleConfig::new(admin_token, detectors.collect())
        };
        Ok(console::router(ports, config))
    }
}
