//! The life of a connection: consent, proof of reach, feed, disabling, and the tokens in between.
//!
//! - [`Connections`] is what an administrator does: create, authorize, enable, disable. Each step
//!   writes its intent before it calls the service, and [`Connections::reconcile`] finishes what a
//!   crash or an unreachable service left half done.
//! - [`Clients`] gives the roles a service client for a connection, with the token kept for them.
//! - [`TokenKeeper`] holds the promise that a grant is refreshed once, by one caller, in one
//!   replica, and that the new token is durable before anybody uses it.

mod clients;
mod consent;
mod coverage;
mod create;
mod enabling;
mod error;
mod keeper;
mod reconcile;
mod rehearsing;
mod secrets;
mod webhook;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use event_model::{
    Activity, AuditId, Connection, ConnectionHealth, ConnectionId, FeedChoice, FeedCoverage,
    HealthCheck, IllegalTransition, Lifecycle,
};
use ports::{
    AdminError, AuditTrail, CallGate, Callback, CheckpointStore, ClientSecretStore, Clock,
    ConnectionAdministration, ConnectionStore, ConsentStore, Entropy, FeedNotes, GrantStore,
    LeaseStore, NewAudit, NewConnection, NewWebhookSecret, PullSignals, Rehearsal, RehearsedRemedy,
    ServiceAbilities, ServiceDescription, ServiceParam, StoreError, WebhookNotes,
    WebhookSecretStore,
};

pub use clients::Clients;
pub use keeper::{KeeperPorts, TokenKeeper};

/// How often a change is tried again when somebody else changed the connection meanwhile.
const CHANGE_TRIES_MAX: usize = 8;

/// What [`Connections`] needs of the world.
#[derive(Clone)]
pub struct ConnectionPorts {
    /// The connections.
    pub connections: Arc<dyn ConnectionStore>,
    /// Their grants.
    pub grants: Arc<dyn GrantStore>,
    /// Their OAuth client secrets.
    pub client_secrets: Arc<dyn ClientSecretStore>,
    /// Their webhook secrets.
    pub webhook_secrets: Arc<dyn WebhookSecretStore>,
    /// Consents that were begun.
    pub consents: Arc<dyn ConsentStore>,
    /// Where their feeds stand.
    pub checkpoints: Arc<dyn CheckpointStore>,
    /// How completely they were read.
    pub feed_notes: Arc<dyn FeedNotes>,
    /// Who works on what.
    pub leases: Arc<dyn LeaseStore>,
    /// Who did what.
    pub audit: Arc<dyn AuditTrail>,
    /// What stops calls to a disabled connection's service.
    pub gate: Arc<dyn CallGate>,
    /// What deliveries told of their webhooks.
    pub notes: Arc<dyn WebhookNotes>,
    /// What makes streams be read at once.
    pub pulls: Arc<dyn PullSignals>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// Administration of connections.
pub struct Connections {
    ports: ConnectionPorts,
    catalogue: Arc<connector::Catalogue>,
    clients: Arc<Clients>,
    /// Where the outside reaches us: `http://127.0.0.1:8080`, without a slash at the end.
    public_url: String,
    /// Names this process among the holders of leases.
    holder: String,
    /// When each connection's webhook is looked at; bounded by the number of connections.
    looks: Mutex<HashMap<ConnectionId, webhook::Look>>,
}

impl Connections {
    /// Administration over these ports. `public_url` is where services and browsers reach this
    /// installation; webhooks and the OAuth redirect are made from it.
    pub fn new(
        ports: ConnectionPorts,
        catalogue: Arc<connector::Catalogue>,
        clients: Arc<Clients>,
        public_url: String,
        holder: String,
    ) -> Self {
        let public_url = public_url.trim_end_matches('/').to_owned();
        Connections {
            ports,
            catalogue,
            clients,
            public_url,
            holder,
            looks: Mutex::default(),
        }
    }

    /// Signals that [`Connections::reconcile`] has something to look at.
    pub fn noted(&self) -> ports::Changes {
        self.ports.notes.noted()
    }

    /// Asks the service whether the grant reaches what it must, and keeps the answer.
    ///
    /// # Errors
    /// When there is no such connection, or the store fails. A check that fails is no error: it is
    /// in the answer.
    pub(crate) async fn check_health(
        &self,
        id: ConnectionId,
    ) -> Result<ConnectionHealth, AdminError> {
        let connection = self.get(id).await?;
        let connector = self.connector(&connection)?;
        let mut checks: Vec<HealthCheck> =
            dead_grant(&connection, &connector).into_iter().collect();
        if !connector.calls_service() {
            checks.push(nothing_to_check());
        } else if checks.is_empty() {
            checks = self.clients.client(&connection)?.health().await;
        }
        checks.extend(webhook::check(&connection, self.ports.clock.now()));
        checks.extend(self.coverage_checks(&connection).await?);
        let health = ConnectionHealth {
            ok: !checks.is_empty() && checks.iter().all(|check| check.ok),
            checked_at: self.ports.clock.now(),
            checks,
        };
        let kept = self
            .change(id, |connection| {
                connection.health = Some(health.clone());
                Ok(())
            })
            .await;
        match kept {
            // Many check at the same time: another answer was kept, and this one is as good.
            Err(AdminError::Conflict { .. }) => Ok(health),
            kept => kept.map(|_| health),
        }
    }

    async fn get(&self, id: ConnectionId) -> Result<Connection, AdminError> {
        let found = self.ports.connections.get(id).await?;
        found.ok_or_else(|| AdminError::NotFound {
            what: "connection",
            id: id.to_string(),
        })
    }

    fn connector(&self, connection: &Connection) -> Result<Arc<connector::Connector>, AdminError> {
        self.catalogue
            .get(&connection.service)
            .ok_or_else(|| AdminError::NotFound {
                what: "service",
                id: connection.service.clone(),
            })
    }

    /// Reads, changes and writes the connection, again when somebody else was faster.
    async fn change(
        &self,
        id: ConnectionId,
        change: impl Fn(&mut Connection) -> Result<(), AdminError>,
    ) -> Result<Connection, AdminError> {
        change_connection(self.ports.connections.as_ref(), id, change).await
    }

    async fn step(
        &self,
        id: ConnectionId,
        step: impl Fn(Lifecycle) -> Result<Lifecycle, IllegalTransition>,
    ) -> Result<Connection, AdminError> {
        self.change(id, |connection| {
            connection.lifecycle = step(connection.lifecycle.clone())?;
            Ok(())
        })
        .await
    }

    async fn audit(
        &self,
        by: &str,
        action: &str,
        id: ConnectionId,
        detail: String,
    ) -> Result<(), AdminError> {
        let at = self.ports.clock.now();
        let entry = NewAudit {
            id: AuditId::new(at, self.ports.entropy.draw()),
            at,
            actor: by.to_owned(),
            action: action.to_owned(),
            subject: id.to_string(),
            detail,
        };
        Ok(self.ports.audit.audit(&entry).await?)
    }
}

/// Reads, changes and writes a connection, again when somebody else was faster.
pub(crate) async fn change_connection(
    store: &dyn ConnectionStore,
    id: ConnectionId,
    change: impl Fn(&mut Connection) -> Result<(), AdminError>,
) -> Result<Connection, AdminError> {
    let mut tries = 0;
    loop {
        let found = store.get(id).await?;
        let mut connection = found.ok_or_else(|| AdminError::NotFound {
            what: "connection",
            id: id.to_string(),
        })?;
        change(&mut connection)?;
        tries += 1;
        match store.update(&connection).await {
            Err(StoreError::Conflict { .. }) if tries < CHANGE_TRIES_MAX => continue,
            result => return Ok(result?),
        }
    }
}

#[async_trait]
impl ConnectionAdministration for Connections {
    fn services(&self) -> Vec<ServiceDescription> {
        self.catalogue
            .iter()
            .map(|connector| described(connector))
            .collect()
    }

    async fn create(&self, new: NewConnection, by: &str) -> Result<Connection, AdminError> {
        self.create_connection(new, by).await
    }

    async fn authorize(&self, id: ConnectionId, by: &str) -> Result<String, AdminError> {
        self.begin_consent(id, by).await
    }

    async fn callback(&self, callback: Callback) -> Result<Connection, AdminError> {
        self.end_consent(callback).await
    }

    async fn enable(
        &self,
        id: ConnectionId,
        choice: FeedChoice,
        by: &str,
    ) -> Result<Connection, AdminError> {
        self.enable_feed(id, choice, by).await
    }

    async fn disable(&self, id: ConnectionId, by: &str) -> Result<Connection, AdminError> {
        self.disable_feed(id, by).await
    }

    async fn put_webhook_secret(
        &self,
        id: ConnectionId,
        new: NewWebhookSecret,
        by: &str,
    ) -> Result<Connection, AdminError> {
        self.replace_webhook_secret(id, new, by).await
    }

    async fn health(&self, id: ConnectionId) -> Result<ConnectionHealth, AdminError> {
        self.check_health(id).await
    }

    async fn rehearse(
        &self,
        id: ConnectionId,
        activity: &Activity,
        remedy: &RehearsedRemedy,
    ) -> Result<Rehearsal, AdminError> {
        self.rehearse_remedy(id, activity, remedy).await
    }

    async fn coverage(&self, id: ConnectionId) -> Result<FeedCoverage, AdminError> {
        self.feed_coverage(id).await
    }
}

/// What a dead grant needs. Where no person agrees, the service is asked again and no check is made up.
fn dead_grant(connection: &Connection, connector: &connector::Connector) -> Option<HealthCheck> {
    match &connection.lifecycle {
        Lifecycle::NeedsConsent { reason, .. } if connector.needs_consent(connection) => {
            Some(HealthCheck {
                name: "grant".into(),
                ok: false,
                detail: format!(
                    "{reason}. Authorize the connection again: what was missed is read then."
                ),
            })
        }
        _ => None,
    }
}

fn nothing_to_check() -> HealthCheck {
    HealthCheck {
        name: "service".into(),
        ok: true,
        detail: "the service is never called: there is nothing to check".into(),
    }
}

fn described(connector: &connector::Connector) -> ServiceDescription {
    let service = connector.describe();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    ServiceDescription {
        id: service.id,
        name: service.name,
        description: service.description,
        docs_url: service.docs_url,
        self_hosted: service.self_hosted,
        params: service
            .params
            .into_iter()
            .map(|param| ServiceParam {
                name: param.name,
                title: param.title,
                required: param.required,
                default: param.default,
                description: Some(param.description).filter(|text| !text.is_empty()),
            })
            .collect(),
        feeds: words(&service.feeds),
        actions: words(&service.actions),
        irreversible: words(&service.irreversible),
        scans: words(&service.scans),
        abilities: abilities(connector, service.retention_s, service.lag_s),
    }
}

fn abilities(
    connector: &connector::Connector,
    retention_s: Option<u64>,
    lag_s: Option<u64>,
) -> ServiceAbilities {
    let connector::Abilities {
        reports,
        silent,
        refused,
        polled_every_s,
        reconciled_every_s,
    } = connector.abilities();
    let named = |all: BTreeMap<&'static str, String>| {
        let all = all.into_iter();
        all.map(|(name, why)| (name.to_owned(), why)).collect()
    };
    ServiceAbilities {
        reports: reports.into_iter().map(str::to_owned).collect(),
        silent: named(silent),
        refused: named(refused),
        polled_every_s,
        reconciled_every_s,
        retention_s,
        lag_s,
    }
}
