//! The measured side of `bench poll`: the poller as it is, or the floor it is compared with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;
use chrono::DateTime;
use clap::{Args, ValueEnum};
use event_model::{Connection, ConnectionId, Feed, Lifecycle, Registration, Secret};
use ports::Tokens;
use telemetry::Counter;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::cli::Stream;
use crate::config::{Config, Given};
use crate::demo::Api;
use crate::say;
use crate::serve::serve;
use crate::wiring::{self, Adapters};

/// Events of one page of the feed.
pub(crate) const EVENTS_PER_PAGE: u64 = 500;
/// The service whose manifest is measured.
const SERVICE: &str = "toy-cloud";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Pages are read and dropped.
    Floor,
    /// The poller role.
    Poller,
}

/// `tidegate bench poll-side`
#[derive(Debug, Args)]
pub(crate) struct PollSide {
    #[arg(long)]
    kind: Kind,
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    feed: String,
    #[arg(long)]
    connections: u64,
    /// The store that it shares with others.
    #[arg(long)]
    store: Option<String>,
    #[arg(long)]
    keys_file: Option<String>,
}

pub(crate) async fn run(options: &PollSide) -> anyhow::Result<()> {
    let mut given = Given::default();
    given
        .flags
        .insert("data", options.data.display().to_string());
    let shared = [("store", &options.store), ("keys_file", &options.keys_file)];
    for (key, value) in shared {
        given.flags.extend(value.clone().map(|value| (key, value)));
    }
    let config = Config::load(&given)?;
    let adapters = Arc::new(Adapters::open(&config).await?);
    for n in 0..options.connections {
        enable(&adapters, n, &options.feed, false).await?;
    }
    let dropped = Arc::new(AtomicU64::new(0));
    let (start, started) = watch::channel(false);
    let events = {
        let (adapters, dropped) = (Arc::clone(&adapters), Arc::clone(&dropped));
        move || {
            let events = dropped.load(Ordering::Relaxed) + appended(&adapters);
            async move { events.to_string() }
        }
    };
    let begin = move || {
        let _ = start.send(true);
        async { "started" }
    };
    let router = Router::new()
        .route("/events", get(events))
        .route("/start", get(begin));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    say(
        &format!("http://{}/events", listener.local_addr()?),
        Stream::Out,
    );
    let (_stop, stopped) = watch::channel(false);
    let measured = work(options, &config, &adapters, dropped, started);
    tokio::select! {
        () = serve(listener, router, stopped) => Ok(()),
        ended = measured => ended,
    }
}

/// Does what is measured once it may begin, until this process is ended.
async fn work(
    options: &PollSide,
    config: &Config,
    adapters: &Adapters,
    dropped: Arc<AtomicU64>,
    mut started: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    started.wait_for(|started| *started).await?;
    let (_stop, stopped) = watch::channel(false);
    if options.kind == Kind::Poller {
        let poller = wiring::poller_alone(adapters, config)?;
        poller.run(stopped).await;
        return Ok(());
    }
    let at_once = poller::PollerOptions::default().streams_at_once_max;
    let mut readers = tokio::task::JoinSet::new();
    let api = Api::new(options.feed.clone(), String::new());
    for _ in 0..at_once {
        let (api, dropped) = (api.clone(), Arc::clone(&dropped));
        readers.spawn(async move {
            loop {
                api.get_text("/api/v1/events").await?;
                dropped.fetch_add(EVENTS_PER_PAGE, Ordering::Relaxed);
            }
        });
    }
    match readers.join_next().await {
        Some(ended) => ended?,
        None => Ok(()),
    }
}

/// How many activities were made durable, by the metrics.
fn appended(adapters: &Adapters) -> u64 {
    let shown = adapters.metrics.exposition();
    let name = format!(
        "{}{{arrival=\"pull\"}} ",
        Counter::EventsAppended.spec().name
    );
    let value = shown.lines().find_map(|line| line.strip_prefix(&name));
    value
        .and_then(|value| value.parse::<f64>().ok())
        .unwrap_or_default() as u64
}

/// Makes the n-th connection, enabled; `pushed`, it is read by the reconciling pull only.
pub(crate) async fn enable(
    adapters: &Adapters,
    n: u64,
    feed: &str,
    pushed: bool,
) -> anyhow::Result<()> {
    let now = adapters.clock.now();
    let registration = Registration::new("bench", feed, now);
    let id = ConnectionId::new(DateTime::UNIX_EPOCH, u128::from(n));
    let connection = Connection {
        id,
        service: SERVICE.into(),
        name: format!("bench {n}"),
        params: Default::default(),
        base_url: Some(feed.to_owned()),
        client_id: Some("bench".into()),
        tenant_id: Some("acme".into()),
        lifecycle: Lifecycle::Enabled {
            feed: match pushed {
                true => Feed::Push { registration },
                false => Feed::Pull,
            },
            since: now,
        },
        health: None,
        created_at: now,
        revision: 1,
    };
    adapters.store.create(&connection).await?;
    let tokens = Tokens {
        access_token: Secret::new("bench".to_owned()),
        refresh_token: None,
        expires_at: None,
        scope: None,
    };
    adapters.store.replace_grant(id, None, &tokens).await?;
    Ok(())
}
