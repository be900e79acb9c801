//! Decisions over HTTP: how many a core answers, beside an empty handler of the same server, and how long one takes at
//! half of that load, beside the empty handler at the same requests per second. Each side is a process of its own; the
//! sender has its own, too, on the same machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use clap::{Args, ValueEnum};
use event_model::Secret;
use ports::{Clock, SystemClock};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::child::Measured;
use super::load::deliver;
use super::report::{Bar, Report};
use super::rules;
use crate::cli::Stream;
use crate::cli::bench::Decide;
use crate::config::{Config, Given};
use crate::say;
use crate::serve::serve;
use crate::wiring::{self, Adapters};

/// The token of the measured side: it is known to nobody else and to no one later.
const TOKEN: &str = "tga_a-token-for-measurements-only-0123456789";
/// Policies in use.
const POLICIES: usize = 100;
/// How often requests that are due are sent. Timers of the runtime are good to a millisecond, which would send them
/// in bursts, and measure how long the last of a burst waits for the others.
const PACE: Duration = Duration::from_micros(100);
/// Warming up before each measurement.
const WARM_UP: Duration = Duration::from_secs(2);
/// What the empty handler answers.
const EMPTY: &str = "{\"decision\":\"allow\"}";

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Takes the body and answers, and nothing else.
    Floor,
    /// The console role with its policies.
    Decisions,
}

/// `tidegate bench decide-side`
#[derive(Debug, Args)]
pub(crate) struct DecideSide {
    #[arg(long)]
    kind: Kind,
    #[arg(long)]
    data: PathBuf,
}

/// The measured side.
pub(crate) async fn side(options: &DecideSide) -> anyhow::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    let (_stop, stopped) = watch::channel(false);
    let router = match options.kind {
        Kind::Floor => {
            let empty = |_: Bytes| async { ([("content-type", "application/json")], EMPTY) };
            Router::new().route("/api/v1/decisions", post(empty))
        }
        Kind::Decisions => {
            let mut given = Given::default();
            let data = options.data.display().to_string();
            given.flags.insert("data", data);
            let config = Config::load(&given)?;
            let adapters = Adapters::open(&config).await?;
            rules::prepare(&adapters, POLICIES, SystemClock::new().now()).await?;
            let token = Secret::new(TOKEN.to_owned());
            wiring::console_alone(&adapters, &config, token, stopped.clone())?
        }
    };
    say(&format!("http://{address}/"), Stream::Out);
    serve(listener, router, stopped).await;
    Ok(())
}

/// One side's figures.
struct Side {
    per_second: f64,
    per_cpu_second: f64,
    resident_mib: f64,
    half: Latencies,
    /// At the requests per second of another side's half load.
    alike: Option<Latencies>,
}

/// From sending to the whole answer, in microseconds.
struct Latencies {
    per_second: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    most: f64,
}

impl Latencies {
    /// The columns of [`Latencies::line`].
    const HEADER: &str = "at half load: /s     p50     p90     p99   p99.9      most (us)";

    fn line(&self) -> String {
        format!(
            "{:>16.0} {:>7.0} {:>7.0} {:>7.0} {:>7.0} {:>9.0}",
            self.per_second, self.p50, self.p90, self.p99, self.p999, self.most
        )
    }
}

pub(crate) async fn run(options: &Decide) -> anyhow::Result<()> {
    let mut report = Report::new("decisions", &options.report.report);
    let request = request();
    report.line(&format!(
        "Attempted shares that {POLICIES} policies allow, over keep-alive HTTP/1.1, requests of {} bytes with their headers.",
        request.len()
    ));
    report.line("Figures per CPU-second are of the server process alone; the sender has its own, on the same machine.");
    report.line("Half load is half of the requests per second before; times are from sending to the whole answer.\n");
    let decisions = measured("decisions", &request, options, None).await?;
    let rate = decisions.half.per_second;
    let floor = measured("floor", &request, options, Some(rate)).await?;
    report.line(&format!(
        "                     requests/s   requests/CPU-s   memory    {}",
        Latencies::HEADER
    ));
    for (name, side) in [("empty handler", &floor), ("decisions", &decisions)] {
        report.line(&format!(
            "{name:<18} {:>12.0} {:>16.0} {:>4.0} MiB    {}",
            side.per_second,
            side.per_cpu_second,
            side.resident_mib,
            side.half.line()
        ));
    }
    if let Some(alike) = &floor.alike {
        report.line(&format!(
            "\nthe empty handler at {:.0}/s, the half load of decisions: p50 {:.0}, p90 {:.0}, p99 {:.0}, p99.9 {:.0}, most {:.0} us: decisions add {:.0} to the p99",
            alike.per_second,
            alike.p50,
            alike.p90,
            alike.p99,
            alike.p999,
            alike.most,
            decisions.half.p99 - alike.p99,
        ));
    }
    report.line(&format!(
        "\nratio to the empty handler, per CPU-second: {:.2}. aim: p99 at half load below 1,000 us",
        decisions.per_cpu_second / floor.per_cpu_second.max(f64::MIN_POSITIVE)
    ));
    report.chart(
        "requests per CPU-second",
        &[
            Bar {
                name: "empty handler",
                value: floor.per_cpu_second,
            },
            Bar {
                name: "decisions",
                value: decisions.per_cpu_second,
            },
        ],
    );
    report.write()
}

fn request() -> Vec<u8> {
    let body = rules::attempt();
    format!(
        "POST /api/v1/decisions HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn measured(
    kind: &str,
    request: &[u8],
    options: &Decide,
    alike: Option<f64>,
) -> anyhow::Result<Side> {
    let data = tempfile::tempdir()?;
    let folder = data.path().display().to_string();
    let arguments = ["bench", "decide-side", "--kind", kind, "--data", &folder];
    let (child, address) = Measured::start(&arguments).await?;
    let clock = Arc::new(SystemClock::new());
    let time = Duration::from_secs(options.seconds);
    let load = Load {
        to: address,
        clock,
        request: request.into(),
        concurrency: options.concurrency,
    };
    load.send(WARM_UP, None).await?;
    let before = child.cpu_seconds()?;
    let (count, took, _) = load.send(time, None).await?;
    let cpu = child.cpu_seconds()? - before;
    let per_second = count as f64 / took.as_secs_f64();
    let half = load.latencies(time, per_second / 2.0).await?;
    let alike = match alike {
        Some(rate) => Some(load.latencies(time, rate).await?),
        None => None,
    };
    let resident_mib = child.resident_mib()?;
    child.stop().await?;
    Ok(Side {
        per_second,
        per_cpu_second: count as f64 / cpu.max(f64::MIN_POSITIVE),
        resident_mib,
        half,
        alike,
    })
}

/// A sender over connections of its own.
struct Load {
    to: SocketAddr,
    clock: Arc<SystemClock>,
    request: Arc<[u8]>,
    concurrency: u64,
}

impl Load {
    /// How long requests take that are sent evenly, so many per second.
    async fn latencies(&self, time: Duration, per_second: f64) -> anyhow::Result<Latencies> {
        let (count, took, times) = self.send(time, Some(per_second)).await?;
        ensure!(!times.is_empty(), "nothing was answered");
        let of = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        Ok(Latencies {
            per_second: count as f64 / took.as_secs_f64(),
            p50: of(0.5),
            p90: of(0.9),
            p99: of(0.99),
            p999: of(0.999),
            most: of(1.0),
        })
    }

    /// Sends for that long, as fast as it is answered or at a rate; gives how many were answered and how long each took,
    /// sorted, in microseconds.
    async fn send(
        &self,
        time: Duration,
        per_second: Option<f64>,
    ) -> anyhow::Result<(u64, Duration, Vec<f64>)> {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let began = self.clock.monotonic();
        let due = per_second.map(|rate| due(rate, Arc::clone(&self.clock), Arc::clone(&stop)));
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..self.concurrency {
            let (stop, answered, due) = (Arc::clone(&stop), Arc::clone(&answered), due.clone());
            let (clock, request, to) =
                (Arc::clone(&self.clock), Arc::clone(&self.request), self.to);
            senders.spawn(async move {
                let mut stream = TcpStream::connect(to).await?;
                stream.set_nodelay(true)?;
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    if let Some(due) = &due {
                        let Ok(permit) = due.acquire().await else {
                            break;
                        };
                        permit.forget();
                    }
                    let from = clock.monotonic();
                    let status = deliver(&mut stream, &request).await?;
                    ensure!(status == 200, "answered {status}");
                    times.push(clock.monotonic().saturating_sub(from).as_secs_f64() * 1e6);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(times)
            });
        }
        tokio::time::sleep(time).await;
        stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        while let Some(sender) = senders.join_next().await {
            times.extend(sender.context("a sender ended")??);
        }
        times.sort_by(f64::total_cmp);
        let took = self.clock.monotonic().saturating_sub(began);
        Ok((answered.load(Ordering::Relaxed), took, times))
    }
}

/// A permit for each request that is due, evenly; closed when it is over.
fn due(per_second: f64, clock: Arc<SystemClock>, stop: Arc<AtomicBool>) -> Arc<Semaphore> {
    let permits = Arc::new(Semaphore::new(0));
    let given = Arc::clone(&permits);
    std::thread::spawn(move || {
        let (began, mut so_far) = (clock.monotonic(), 0);
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(PACE);
            let took = clock.monotonic().saturating_sub(began);
            let by_now = (took.as_secs_f64() * per_second) as usize;
            given.add_permits(by_now - so_far);
            so_far = by_now;
        }
        given.close();
    });
    permits
}
