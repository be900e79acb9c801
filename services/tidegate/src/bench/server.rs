//! The server side of `bench ingest`: the ingest role as it is, or the floor it is compared with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::any;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use connector::{Catalogue, Delivery, Egress, EgressOptions, PublishedKeys, Receiver, Verified};
use event_model::{
    Arrival, Assurance, Connection, ConnectionId, Feed, Lifecycle, Registration, Secret,
};
use ingest::{Directory, DirectoryPorts, Ingest, IngestOptions, IngestPorts};
use intake::{Intake, Origin};
use ports::{
    ActivityLog, Clock, LocalSignals, LogRecord, MemoryLog, SystemClock, SystemEntropy, Topic,
    WebhookSecret,
};
use telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::load;
use crate::cli::Stream;
use crate::config::{Config, Given};
use crate::say;
use crate::serve::serve;
use crate::wiring::Adapters;

/// The service whose manifest is measured.
const SERVICE: &str = "toy-cloud";
/// Largest delivery that the bare receiver takes, in bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Signature check and parse, and nothing else.
    Floor,
    /// A bare receiver that appends a record as large as ours: no check, no parse, no mapping.
    Append,
    /// The ingest role: signature check, mapping, durable append.
    Ingest,
}

/// `tidegate bench serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[arg(long)]
    kind: Kind,
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    secret: String,
    /// An embedded log in `data` when absent.
    #[arg(long)]
    log: Option<String>,
}

pub(crate) async fn run(options: &Serve) -> anyhow::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    let clock = SystemClock::new();
    let connection = connection(clock.now());
    let secret = WebhookSecret {
        secret: Secret::new(options.secret.clone()),
        not_after: None,
    };
    let router = match options.kind {
        Kind::Floor => floor(&connection, secret)?,
        Kind::Append => appending(options).await?,
        Kind::Ingest => whole(options, &connection, secret).await?,
    };
    say(
        &format!("http://{address}/webhooks/{}", connection.id),
        Stream::Out,
    );
    let (_stop, stopped) = watch::channel(false);
    serve(listener, router, stopped).await;
    Ok(())
}

/// The same connection in both: its id is fixed.
pub(crate) fn connection_id() -> ConnectionId {
    ConnectionId::new(chrono::DateTime::UNIX_EPOCH, 7)
}

pub(super) fn connection(now: DateTime<Utc>) -> Connection {
    let registration = Registration::new("bench", "http://127.0.0.1/", now);
    Connection {
        id: connection_id(),
        service: SERVICE.into(),
        name: "bench".into(),
        params: Default::default(),
        base_url: Some("http://127.0.0.1:1".into()),
        client_id: Some("bench".into()),
        tenant_id: Some("acme".into()),
        lifecycle: Lifecycle::Enabled {
            feed: Feed::Push { registration },
            since: now,
        },
        health: None,
        created_at: now,
        revision: 1,
    }
}

async fn whole(
    options: &Serve,
    connection: &Connection,
    secret: WebhookSecret,
) -> anyhow::Result<Router> {
    let adapters = Adapters::open(&config(options)?).await?;
    adapters.store.create(connection).await?;
    adapters
        .store
        .put_webhook_secrets(connection.id, &[secret])
        .await?;
    let directory = Directory::new(DirectoryPorts {
        connections: adapters.store.clone(),
        secrets: adapters.store.clone(),
        catalogue: Arc::new(Catalogue::built_in()),
    });
    let entropy = Arc::clone(&adapters.entropy);
    let intake = Intake::new(adapters.log.clone(), entropy, Arc::clone(&adapters.metrics));
    let egress = Egress::new(EgressOptions::default())?;
    let ports = IngestPorts {
        audit: adapters.store.clone(),
        pulls: Arc::new(LocalSignals::default()),
        notes: Arc::new(LocalSignals::default()),
        keys: PublishedKeys::new(egress, Arc::clone(&adapters.clock)),
        clock: Arc::clone(&adapters.clock),
        entropy: Arc::clone(&adapters.entropy),
        metrics: Arc::clone(&adapters.metrics),
    };
    let ingest = Ingest::new(directory, intake, ports, IngestOptions::default());
    Ok(ingest::router(Arc::new(ingest)))
}

fn config(options: &Serve) -> anyhow::Result<Config> {
    let mut given = Given::default();
    let data = options.data.display().to_string();
    given.flags.insert("data", data);
    if let Some(log) = &options.log {
        let of_kafka = |(name, _): &(String, String)| name.starts_with("TIDEGATE_KAFKA_");
        given.environment = std::env::vars().filter(of_kafka).collect();
        given.flags.insert("log", log.clone());
        given.flags.insert("kafka_prefix", "bench.".into());
    }
    Ok(Config::load(&given)?)
}

/// What ingest appends for one of the deliveries.
pub(crate) async fn sample_record() -> anyhow::Result<LogRecord> {
    let clock = SystemClock::new();
    let connection = connection(clock.now());
    let connector = Catalogue::built_in()
        .get(SERVICE)
        .context("the service is not in the catalogue")?;
    let body = load::body(0, clock.now()).into();
    let delivery = Verified::kept(&connector, body).map_err(anyhow::Error::msg)?;
    let origin = Origin {
        connection: &connection,
        arrival: Arrival::Push,
        assurance: Assurance::Signed,
        received_at: clock.now(),
    };
    let log = Arc::new(MemoryLog::new(Arc::new(SystemClock::new())));
    let intake = Intake::new(
        log.clone(),
        Arc::new(SystemEntropy),
        Arc::new(Metrics::new()),
    );
    let mapper = connector.mapper(&connection);
    intake.accept(origin, &mapper, &delivery.events()?).await?;
    let first = log.records(Topic::Activity).into_iter().next();
    Ok(first.context("the sample is no activity")?.record)
}

async fn appending(options: &Serve) -> anyhow::Result<Router> {
    let adapters = Adapters::open(&config(options)?).await?;
    let log: Arc<dyn ActivityLog> = adapters.log;
    let state = Arc::new(Appending {
        log,
        sample: sample_record().await?,
        count: AtomicU64::new(0),
    });
    Ok(Router::new()
        .route("/webhooks/{connection_id}", any(append))
        .with_state(state))
}

/// A bare receiver's log, what it appends, and how often it did.
struct Appending {
    log: Arc<dyn ActivityLog>,
    sample: LogRecord,
    count: AtomicU64,
}

async fn append(State(state): State<Arc<Appending>>, request: Request) -> StatusCode {
    if to_bytes(request.into_body(), BODY_BYTES_MAX).await.is_err() {
        return StatusCode::BAD_REQUEST;
    }
    let mut record = state.sample.clone();
    // As many keys as the deliveries have objects.
    let number = state.count.fetch_add(1, Ordering::Relaxed) % load::OBJECTS;
    record.key = format!("{}/f_{number}", connection_id());
    match state.log.append(Topic::Incidents, vec![record]).await {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn floor(connection: &Connection, secret: WebhookSecret) -> anyhow::Result<Router> {
    let connector = Catalogue::built_in()
        .get(SERVICE)
        .context("the service is not in the catalogue")?;
    let receiver = connector
        .receiver(connection, &[secret])
        .context("the service has no push feed")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    Ok(Router::new()
        .route("/webhooks/{connection_id}", any(check_and_parse))
        .with_state(Arc::new((receiver, clock))))
}

async fn check_and_parse(
    State(state): State<Arc<(Receiver, Arc<dyn Clock>)>>,
    request: Request,
) -> StatusCode {
    let (receiver, clock) = state.as_ref();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, receiver.body_bytes_max()).await else {
        return StatusCode::BAD_REQUEST;
    };
    let delivery = Delivery {
        method: &parts.method,
        query: parts.uri.query(),
        headers: &parts.headers,
        body: &body,
    };
    let Ok(verified) = receiver.verify(&delivery, clock.now()) else {
        return StatusCode::UNAUTHORIZED;
    };
    let Ok(events) = verified.events() else {
        return StatusCode::BAD_REQUEST;
    };
    let parsed = events
        .iter()
        .all(|event| serde_json::from_str::<serde_json::Value>(event.json.get()).is_ok());
    if parsed {
        StatusCode::ACCEPTED
    } else {
        StatusCode::BAD_REQUEST
    }
}
