//! The poller with many connections, in a process of its own, against a feed that serves ready pages
//! from this one. The floor is the same pages, read by as many tasks at a time and dropped unread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use ports::{Clock, SystemClock};
use serde_json::Value;
use tokio::net::TcpListener;

use super::child::Measured;
use super::load;
use super::poll_side::EVENTS_PER_PAGE;
use super::report::{Bar, Report};
use crate::cli::bench::Poll;
use crate::demo::{Api, wait_for};

/// Warming up before each measurement.
const WARM_UP: Duration = Duration::from_secs(3);

/// One side's figures.
struct Side {
    per_second: f64,
    per_cpu_second: f64,
    before_mib: f64,
    after_mib: f64,
}

pub(crate) async fn run(options: &Poll) -> anyhow::Result<()> {
    let feed = feed().await?;
    let mut report = Report::new("poll", &options.report.report);
    report.line(&format!(
        "{} connections in one process, each with a feed that never ends: pages of {EVENTS_PER_PAGE} events, {} bytes an event.",
        options.connections,
        sample(0, &SystemClock::new())?.len()
    ));
    report.line(
        "The feed is a bare server of ready pages, in another process; CPU and memory are the poller's alone.\n",
    );
    let floor = side("floor", feed, options).await?;
    let poller = side("poller", feed, options).await?;
    report.line("                              events/s   events/CPU-s   memory before and after");
    for (name, side) in [
        ("floor: read and drop", &floor),
        ("poller: map and append", &poller),
    ] {
        report.line(&format!(
            "{name:<26} {:>11.0} {:>14.0} {:>8.0} {:>5.0} MiB",
            side.per_second, side.per_cpu_second, side.before_mib, side.after_mib
        ));
    }
    let grown = (poller.after_mib - poller.before_mib).max(0.0) * 1_024.0;
    report.line(&format!(
        "\n{:.0} KiB a connection while polling; aim: 150,000 events per CPU-second",
        grown / options.connections as f64
    ));
    report.chart(
        "events per CPU-second",
        &[
            Bar {
                name: "floor: read and drop",
                value: floor.per_cpu_second,
            },
            Bar {
                name: "poller",
                value: poller.per_cpu_second,
            },
        ],
    );
    report.write()
}

async fn side(kind: &str, feed: SocketAddr, options: &Poll) -> anyhow::Result<Side> {
    let data = tempfile::tempdir()?;
    let (folder, feed) = (data.path().display().to_string(), format!("http://{feed}"));
    let connections = options.connections.to_string();
    let arguments = [
        "bench",
        "poll-side",
        "--kind",
        kind,
        "--data",
        &folder,
        "--feed",
        &feed,
        "--connections",
        &connections,
    ];
    let (child, address) = Measured::start(&arguments).await?;
    let api = Api::new(format!("http://{address}"), String::new());
    let events = async || anyhow::Ok(api.get_text("/events").await?.trim().parse::<u64>()?);
    let before_mib = child.resident_mib()?;
    api.get_text("/start").await?;
    wait_for("the first events", || async {
        Ok((events().await? > 0).then_some(()))
    })
    .await?;
    tokio::time::sleep(WARM_UP).await;
    let clock = SystemClock::new();
    let (began, cpu, count) = (clock.monotonic(), child.cpu_seconds()?, events().await?);
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let count = (events().await? - count) as f64;
    let cpu = child.cpu_seconds()? - cpu;
    let took = clock.monotonic().saturating_sub(began).as_secs_f64();
    let after_mib = child.resident_mib()?;
    child.stop().await?;
    Ok(Side {
        per_second: count / took,
        per_cpu_second: count / cpu.max(f64::MIN_POSITIVE),
        before_mib,
        after_mib,
    })
}

/// Ready pages, but for the place of the next one.
struct Pages {
    items: String,
    next: AtomicU64,
}

async fn feed() -> anyhow::Result<SocketAddr> {
    let clock = SystemClock::new();
    let items = (0..EVENTS_PER_PAGE).map(|n| sample(n, &clock));
    let pages = Pages {
        items: items.collect::<anyhow::Result<Vec<_>>>()?.join(","),
        next: AtomicU64::new(1),
    };
    let router = Router::new()
        .route("/api/v1/events", get(page))
        .route("/api/v1/labels/changes", get(nothing_new))
        .with_state(Arc::new(pages));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn page(State(pages): State<Arc<Pages>>) -> impl IntoResponse {
    let next = pages.next.fetch_add(1, Ordering::Relaxed);
    let body = format!(
        "{{\"next\":\"c{next}\",\"has_more\":true,\"items\":[{}]}}",
        pages.items
    );
    ([(header::CONTENT_TYPE, "application/json")], body)
}

/// The feed of changed labels, in which nothing happens.
async fn nothing_new() -> impl IntoResponse {
    let body = "{\"next\":\"c\",\"has_more\":false,\"items\":[]}";
    ([(header::CONTENT_TYPE, "application/json")], body)
}

/// An event as toy-cloud's feed has it.
fn sample(n: u64, clock: &SystemClock) -> anyhow::Result<String> {
    let delivery: Value = serde_json::from_str(&load::body(n, clock.now()))?;
    Ok(delivery["data"].to_string())
}
