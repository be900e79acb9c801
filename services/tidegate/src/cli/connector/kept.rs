//! The grant of a connection that an installation keeps: nothing is asked for again.

use std::sync::Arc;

use anyhow::{Context, bail};
use connections::{KeeperPorts, TokenKeeper};
use connector::{Egress, EgressOptions, ServiceClient, Witness};
use connector_kit::conformance::{Granted, Heard, Subject};
use event_model::ConnectionId;
use ports::{ClientSecretStore, Clock, ConnectionStore, SystemClock, SystemEntropy};
use telemetry::Metrics;

use crate::cli::Settings;
use crate::wiring;

/// What this process is called among those that refresh grants.
const HOLDER: &str = "conformance";

/// The subject of a kept connection. The platform may run meanwhile: grants are refreshed under a
/// lease of the store.
pub(super) async fn subject(
    settings: &Settings,
    id: &str,
    clock: Arc<SystemClock>,
) -> anyhow::Result<Subject> {
    let config = settings.load()?;
    let id: ConnectionId = id
        .parse()
        .map_err(|_| anyhow::anyhow!("`{id}` is no connection's id"))?;
    let store = wiring::open_store(&config, clock.as_ref()).await?;
    let connection = ConnectionStore::get(store.as_ref(), id).await?;
    let connection = connection.with_context(|| format!("there is no connection `{id}`"))?;
    let catalogue = Arc::new(wiring::catalogue(&config)?);
    let Some(connector) = catalogue.get(&connection.service) else {
        bail!("there is no connector `{}`", connection.service);
    };
    let heard = Arc::new(Heard::default());
    let egress = Egress::new(EgressOptions {
        endpoints: config.service_endpoints.clone(),
        witness: Some(Arc::clone(&heard) as Arc<dyn Witness>),
        ..EgressOptions::default()
    })?;
    let client_secret = ClientSecretStore::client_secret(store.as_ref(), id).await?;
    let clock: Arc<dyn Clock> = clock;
    let ports = KeeperPorts {
        grants: store.clone(),
        client_secrets: store.clone(),
        connections: store.clone(),
        leases: store.clone(),
        audit: store,
        clock: Arc::clone(&clock),
        entropy: Arc::new(SystemEntropy),
        metrics: Arc::new(Metrics::new()),
    };
    let keeper = TokenKeeper::new(ports, catalogue, egress.clone(), HOLDER.to_owned());
    let shared = Arc::new(connection.clone());
    let tokens = Arc::new(keeper).source(Arc::clone(&shared));
    let client = ServiceClient::new(
        Arc::clone(&connector),
        shared,
        egress,
        tokens,
        Arc::clone(&clock),
    );
    let by_consent = connector.needs_consent(&connection);
    let how = match by_consent {
        true => "an administrator consented when the connection was made; its grant is kept",
        false => "the connection's own credentials, kept with it",
    };
    Ok(Subject {
        connector,
        connection,
        client,
        granted: Granted {
            how: how.to_owned(),
            by_consent,
            evidence: Vec::new(),
        },
        heard,
        listener: None,
        client_secret,
        clock,
        entropy: Arc::new(SystemEntropy),
    })
}
