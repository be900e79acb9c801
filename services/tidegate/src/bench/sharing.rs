//! Several pollers, each a process of its own, share many connections by leases on one Postgres: how even the
//! reads of the feeds are while nothing happens, and while one poller dies. The feed is in this process and
//! notes when each connection is read; there is never anything new, so what is measured is the sharing alone.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::ensure;
use axum::Router;
use axum::extract::{Path as Of, State};
use axum::routing::get;
use event_model::PageRequest;
use ports::{Clock, Entropy, SystemClock, SystemEntropy};
use sealing::Sealer;
use serde_json::json;
use tokio::net::TcpListener;

use super::child::Measured;
use super::poll_side::enable;
use super::report::Report;
use crate::cli::bench::Sharing;
use crate::config::{Config, Given};
use crate::demo::Api;
use crate::wiring::Adapters;

/// How often the reconciling pull of the service's manifest reads a connection.
const EVERY: Duration = Duration::from_secs(15);
/// How finely bursts are looked for.
const SLICE: Duration = Duration::from_millis(100);
/// Connections made side by side.
const MADE_AT_ONCE: usize = 8;

/// When each connection was read.
struct Reads {
    clock: SystemClock,
    at: Mutex<Vec<(Duration, u64)>>,
}

pub(crate) async fn run(options: &Sharing) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let reads = Arc::new(Reads {
        clock: SystemClock::new(),
        at: Mutex::default(),
    });
    let feed = feed(Arc::clone(&reads)).await?;
    let keys = data.path().join("keys");
    Sealer::generate_file(&keys, |bytes| SystemEntropy.fill(bytes))?;
    let keys = keys.display().to_string();
    make(options, data.path(), &keys, feed).await?;
    let mut report = Report::new("sharing", &options.report.report);
    report.line(&format!(
        "{} connections, each read every {} s, by {} pollers on one Postgres; nothing new is ever there.",
        options.connections,
        EVERY.as_secs(),
        options.pollers
    ));
    let mut pollers = begin(options, data.path(), &keys).await?;
    let window = Duration::from_secs(options.seconds);
    // Everybody has found their part, and everything was read once.
    tokio::time::sleep(EVERY * 3).await;
    let cpu = |pollers: &[Measured]| {
        pollers
            .iter()
            .map(Measured::cpu_seconds)
            .sum::<anyhow::Result<f64>>()
    };
    let before = cpu(&pollers)?;
    let quiet = reads.during(window).await;
    let used = (cpu(&pollers)? - before) / window.as_secs_f64();
    let memory: Vec<String> = pollers
        .iter()
        .map(|one| one.resident_mib().map(|mib| format!("{mib:.0}")))
        .collect::<anyhow::Result<_>>()?;
    if let Some(dies) = pollers.pop() {
        dies.stop().await?;
    }
    let after = reads.during(window).await;
    report.line(
        "\n                      reads/s   busiest 100 ms   read by   longest without   read twice",
    );
    for (name, reads) in [("all live", &quiet), ("after one was killed", &after)] {
        let figures = Figures::of(reads, window);
        report.line(&format!(
            "{name:<20} {:>8.0} {:>16} {:>9} {:>15.1} s {:>12}",
            figures.per_second,
            figures.burst,
            figures.connections,
            figures.longest.as_secs_f64(),
            figures.twice
        ));
    }
    report.line(&format!(
        "\nthe pollers together: {used:.2} CPU seconds a second; memory {} MiB",
        memory.join(", ")
    ));
    report.line("read by: connections that were read; read twice: within a third of the interval");
    report.write()
}

/// The pollers, at work.
async fn begin(options: &Sharing, data: &Path, keys: &str) -> anyhow::Result<Vec<Measured>> {
    let mut pollers = Vec::new();
    for n in 0..options.pollers {
        let folder = data.join(n.to_string()).display().to_string();
        let arguments = [
            "bench",
            "poll-side",
            "--kind",
            "poller",
            "--data",
            &folder,
            "--feed",
            "",
            "--connections",
            "0",
            "--store",
            &options.store,
            "--keys-file",
            keys,
        ];
        let (child, address) = Measured::start(&arguments).await?;
        Api::new(format!("http://{address}"), String::new())
            .get_text("/start")
            .await?;
        pollers.push(child);
    }
    Ok(pollers)
}

/// The connections, in an empty store.
async fn make(options: &Sharing, data: &Path, keys: &str, feed: SocketAddr) -> anyhow::Result<()> {
    let mut given = Given::default();
    given
        .flags
        .insert("data", data.join("made").display().to_string());
    given.flags.insert("store", options.store.clone());
    given.flags.insert("keys_file", keys.to_owned());
    let adapters = Adapters::open(&Config::load(&given)?).await?;
    let there = adapters
        .store
        .page(&Default::default(), &PageRequest::first(1))
        .await?;
    ensure!(
        there.items.is_empty(),
        "the store has connections already: give an empty database (`--store`)"
    );
    let numbers: Vec<u64> = (0..options.connections).collect();
    for some in numbers.chunks(MADE_AT_ONCE) {
        let made = some.iter().map(|n| {
            let (adapters, address) = (&adapters, format!("http://{feed}/{n}"));
            async move { enable(adapters, *n, &address, true).await }
        });
        futures::future::try_join_all(made).await?;
    }
    adapters.close().await;
    Ok(())
}

async fn feed(reads: Arc<Reads>) -> anyhow::Result<SocketAddr> {
    let router = Router::new()
        .route("/{connection}/api/v1/events", get(page))
        .with_state(reads);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn page(
    State(reads): State<Arc<Reads>>,
    Of(connection): Of<u64>,
) -> axum::Json<serde_json::Value> {
    let at = reads.clock.monotonic();
    reads
        .at
        .lock()
        .expect("no holder panics")
        .push((at, connection));
    axum::Json(json!({"next": "here", "has_more": false, "items": []}))
}

impl Reads {
    /// The reads of that long from now on, since its begin.
    async fn during(&self, window: Duration) -> Vec<(Duration, u64)> {
        let began = self.clock.monotonic();
        self.at.lock().expect("no holder panics").clear();
        tokio::time::sleep(window).await;
        let read = std::mem::take(&mut *self.at.lock().expect("no holder panics"));
        let since = |(at, of): (Duration, u64)| (at.saturating_sub(began), of);
        read.into_iter().map(since).collect()
    }
}

struct Figures {
    per_second: f64,
    burst: usize,
    connections: usize,
    longest: Duration,
    twice: usize,
}

impl Figures {
    fn of(reads: &[(Duration, u64)], window: Duration) -> Self {
        let mut slices = std::collections::BTreeMap::<u128, usize>::new();
        let mut of_each = std::collections::BTreeMap::<u64, Vec<Duration>>::new();
        for (at, connection) in reads {
            *slices
                .entry(at.as_millis() / SLICE.as_millis())
                .or_default() += 1;
            of_each.entry(*connection).or_default().push(*at);
        }
        let (mut longest, mut twice) = (Duration::ZERO, 0);
        for times in of_each.values_mut() {
            times.insert(0, Duration::ZERO);
            times.push(window);
            let last = times.len() - 2;
            for (n, pair) in times.windows(2).enumerate() {
                let pause = pair[1].saturating_sub(pair[0]);
                longest = longest.max(pause);
                twice += usize::from(n > 0 && n < last && pause < EVERY / 3);
            }
        }
        Figures {
            per_second: reads.len() as f64 / window.as_secs_f64(),
            burst: slices.values().copied().max().unwrap_or_default(),
            connections: of_each.len(),
            longest,
            twice,
        }
    }
}
