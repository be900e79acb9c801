//! `tidegate connector conformance`: the prerequisites against the live service.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use connector::{Connector, Egress, EgressOptions, ServiceClient, Witness};
use connector_kit::conformance::{Granted, Heard, Listener, Options, Outcome, Subject};
use event_model::{Connection, ConnectionId, Lifecycle, Secret};
use ports::{Clock, Entropy, SystemClock, SystemEntropy};

use super::{connector_of, consent, kept, out};
use crate::cli::Settings;

/// `tidegate connector conformance`
#[derive(Debug, Args)]
pub(crate) struct Conformance {
    /// A manifest, its folder, or the name of a service; not with --connection.
    #[arg(value_name = "SERVICE|PATH", required_unless_present = "connection")]
    which: Option<String>,
    /// Use the grant of a connection of this installation (see --data).
    #[arg(long, value_name = "ID", conflicts_with = "which")]
    connection: Option<String>,
    /// Where the service is, when each customer has its own.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// A parameter of the manifest; may be given several times.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// The OAuth client's id.
    #[arg(long, value_name = "ID", env = "TIDEGATE_CLIENT_ID")]
    client_id: Option<String>,
    /// The OAuth client's secret, API key, password or private key; better in the environment.
    #[arg(
        long,
        value_name = "SECRET",
        env = "TIDEGATE_CLIENT_SECRET",
        hide_env_values = true
    )]
    client_secret: Option<String>,
    /// A file with that secret.
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret")]
    client_secret_file: Option<PathBuf>,
    /// Where the consent page leads back to, and deliveries arrive.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8979")]
    callback: SocketAddr,
    /// Where browser and service reach that address, when it is not this machine.
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// Also try the actions: on an object that is made for it and taken away again, or on --object.
    #[arg(long)]
    destructive: bool,
    /// The service's id of an object to try actions on; what is done to it is undone.
    #[arg(long, value_name = "ID", requires = "destructive")]
    object: Option<String>,
    /// The type of that object.
    #[arg(long, value_name = "TYPE", default_value = "file")]
    object_type: String,
    /// How long a delivery is waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    patience: u64,
    /// Write the report as one page, to hand on.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show the calls too.
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Conformance {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let options = Options {
            destructive: self.destructive,
            object: self.object.clone().map(|id| (id, self.object_type.clone())),
            delivery_patience: Duration::from_secs(self.patience),
        };
        let report = self.subject().await?.conform(&options).await;
        out(report.text(self.verbose).trim_end());
        if let Some(path) = &self.html {
            std::fs::write(path, report.html())
                .with_context(|| format!("`{}` cannot be written", path.display()))?;
            out(&format!("written: {}", path.display()));
        }
        match report.count(Outcome::NotMet) {
            0 => Ok(()),
            1 => bail!("1 prerequisite is not met"),
            count => bail!("{count} prerequisites are not met"),
        }
    }

    async fn subject(&self) -> anyhow::Result<Subject> {
        let clock = Arc::new(SystemClock::new());
        let dyn_clock: Arc<dyn Clock> = clock.clone();
        let url = self.callback_url.clone();
        let listener = Listener::open(self.callback, url, Arc::clone(&dyn_clock)).await?;
        if let Some(id) = &self.connection {
            let mut subject = kept::subject(&self.settings, id, clock).await?;
            subject.listener = self.reachable(&subject.connection, listener);
            return Ok(subject);
        }
        let which = self.which.as_deref().unwrap_or_default();
        let connector = connector_of(which)?;
        let mut connection = self.connection_of(&connector, dyn_clock.now())?;
        let heard = Arc::new(Heard::default());
        let egress = Egress::new(EgressOptions {
            witness: Some(Arc::clone(&heard) as Arc<dyn Witness>),
            ..EgressOptions::default()
        })?;
        let secret = self.secret()?;
        let granted = consent::own(
            &connector,
            &connection,
            secret.clone(),
            &egress,
            &listener,
            &dyn_clock,
        )
        .await;
        let (tokens, how, tenant_id) = granted?;
        connection.tenant_id = tenant_id;
        let granted = Granted {
            how,
            by_consent: connector.needs_consent(&connection),
            evidence: heard.take(),
        };
        let client = ServiceClient::new(
            Arc::clone(&connector),
            Arc::new(connection.clone()),
            egress,
            Arc::new(tokens),
            Arc::clone(&dyn_clock),
        );
        Ok(Subject {
            listener: self.reachable(&connection, listener),
            connector,
            connection,
            client,
            granted,
            heard,
            client_secret: secret,
            clock: dyn_clock,
            entropy: Arc::new(SystemEntropy),
        })
    }

    /// The listener, where the service can reach it: at a public address, or on the same machine.
    fn reachable(&self, connection: &Connection, listener: Listener) -> Option<Listener> {
        let base = connection.base_url.as_deref().unwrap_or_default();
        let here = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let same_machine = here.iter().any(|start| base.starts_with(start));
        (same_machine || self.callback_url.is_some()).then_some(listener)
    }

    fn secret(&self) -> anyhow::Result<Option<Secret<String>>> {
        let text = match &self.client_secret_file {
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .with_context(|| format!("`{}` cannot be read", path.display()))?,
            ),
            None => self.client_secret.clone(),
        };
        Ok(text.map(|text| Secret::new(text.trim().to_owned())))
    }

    fn connection_of(
        &self,
        connector: &Connector,
        now: chrono::DateTime<chrono::Utc>,
    ) -> anyhow::Result<Connection> {
        let mut params = BTreeMap::new();
        for given in &self.params {
            let Some((name, value)) = given.split_once('=') else {
                bail!("`{given}` is not NAME=VALUE");
            };
            params.insert(name.to_owned(), value.to_owned());
        }
        let wrong = connector.check_params(&params, self.base_url.as_deref());
        if !wrong.is_empty() {
            let list: Vec<String> = wrong.iter().map(|one| one.message.clone()).collect();
            bail!("{} (--param NAME=VALUE, --base-url URL)", list.join("; "));
        }
        let mut chance = [0; 8];
        SystemEntropy.fill(&mut chance);
        Ok(Connection {
            id: ConnectionId::new(now, u64::from_le_bytes(chance).into()),
            service: connector.id().to_owned(),
            name: "Conformance".into(),
            params,
            base_url: self.base_url.clone(),
            client_id: self.client_id.clone(),
            tenant_id: None,
            lifecycle: Lifecycle::Authorized { since: now },
            health: None,
            created_at: now,
            revision: 1,
        })
    }
}
