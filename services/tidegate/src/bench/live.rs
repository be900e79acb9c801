//! From receiving an event to its row in a browser that watches: the real binary and toy-cloud, and live views as
//! browsers hold them. One of them loses its connection again and again, and must miss nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use ports::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::sync::watch;
use toy_cloud::ToyCloud;

use super::child::Measured;
use super::report::{Bar, Report};
use crate::cli::bench::Live;
use crate::demo::{Api, onboarding, wait_for};

/// Live views beside the one that breaks off.
const VIEWS: usize = 4;
/// The one that breaks off does so after so many events.
const BREAKS_AFTER: usize = 50;
/// Largest event that is read, in bytes.
const EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The aim for the 99th percentile.
const AIM_MS: f64 = 1_000.0;

pub(crate) async fn run(options: &Live) -> anyhow::Result<()> {
    let cloud = ToyCloud::start(toy_cloud::Config::default()).await?;
    let data = tempfile::tempdir()?;
    let folder = data.path().display().to_string();
    let (child, address) =
        Measured::start(&["up", "--data", &folder, "--listen", "127.0.0.1:0"]).await?;
    let token = std::fs::read_to_string(data.path().join("admin-token"))?;
    let tidegate = Api::new(format!("http://{address}"), token.trim().to_owned());
    wait_for("the platform to be ready", || async {
        Ok(tidegate.get_text("/readyz").await.is_ok().then_some(()))
    })
    .await?;
    onboarding::connect(&tidegate, &cloud.url(), "Acme", "acme", "push").await?;
    tidegate.post("/api/v1/policies", &policy()).await?;
    let (stop, stopped) = watch::channel(false);
    let clock = Arc::new(SystemClock::new());
    let views: Vec<_> = (0..=VIEWS)
        .map(|n| {
            let breaks = (n == VIEWS).then_some(BREAKS_AFTER);
            let view = View::new(tidegate.clone(), clock.clone(), breaks);
            tokio::spawn(view.watch(stopped.clone()))
        })
        .collect();
    let toy = Api::control(cloud.url(), cloud.control_token().to_owned());
    let events = use_the_service(&toy, options).await?;
    let incidents = settled(&tidegate).await?;
    // What is recorded is on its way: each view has seen all, or will not.
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.send_replace(true);
    let mut seen = Vec::new();
    for view in views {
        seen.push(view.await??);
    }
    child.stop().await?;
    cloud.shutdown().await;
    tell(options, events, incidents, &seen)
}

fn policy() -> Value {
    json!({
        "name": "Everything that is shared",
        "severity": "low",
        "trigger": {"connections": [], "actions": ["share", "upload"]},
        "rule": "true",
        "effect": "DENY",
        "mode": "permissive",
        "responses": [],
    })
}

/// How many activities there were.
async fn use_the_service(toy: &Api, options: &Live) -> anyhow::Result<usize> {
    let documents_per_s = options.rate.div_ceil(2);
    let load = json!({"tenant": "acme", "rate_per_s": documents_per_s, "seconds": options.seconds, "users": 4, "violating": 0.5});
    toy.post("/control/load", &load).await?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    wait_for("the load to end", || async {
        let progress = toy.get("/control/load").await?;
        let events = progress["event_ids"].as_array().map_or(0, Vec::len);
        Ok((progress["running"] == false).then_some(events))
    })
    .await
}

/// How many incidents there are, once there are no more.
async fn settled(tidegate: &Api) -> anyhow::Result<u64> {
    let count = async || {
        let stats = tidegate.get("/api/v1/stats").await?;
        let by_status = stats["incidents_by_status"].as_object();
        let counts = by_status.into_iter().flat_map(|all| all.values());
        anyhow::Ok(counts.filter_map(Value::as_u64).sum::<u64>())
    };
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = count().await?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
}

/// What a view saw: each incident, and how long after its receiving, in milliseconds.
type Seen = BTreeMap<String, f64>;

/// A browser that watches.
struct View {
    api: Api,
    clock: Arc<SystemClock>,
    breaks_after: Option<usize>,
    /// The id of the last event.
    last: String,
    seen: Seen,
}

impl View {
    fn new(api: Api, clock: Arc<SystemClock>, breaks_after: Option<usize>) -> Self {
        View {
            api,
            clock,
            breaks_after,
            last: "0".into(),
            seen: Seen::new(),
        }
    }

    async fn watch(mut self, mut stop: watch::Receiver<bool>) -> anyhow::Result<Seen> {
        while !*stop.borrow() {
            let after = format!("/api/v1/incidents/stream?after={}", self.last);
            let mut stream = self.api.stream(&after).await?;
            let (mut text, mut events) = (String::new(), 0);
            loop {
                let chunk = tokio::select! {
                    chunk = stream.chunk() => chunk?,
                    _ = stop.changed() => return Ok(self.seen),
                };
                let Some(chunk) = chunk else { break };
                text.push_str(&String::from_utf8_lossy(&chunk));
                ensure!(text.len() <= EVENT_BYTES_MAX, "an event does not end");
                while let Some(end) = text.find("\n\n") {
                    let event: String = text.drain(..end + 2).collect();
                    events += usize::from(self.take(&event)?);
                }
                if self.breaks_after.is_some_and(|most| events >= most) {
                    break;
                }
            }
        }
        Ok(self.seen)
    }

    /// Whether it was an incident.
    fn take(&mut self, event: &str) -> anyhow::Result<bool> {
        let now = self.clock.now();
        let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        if let Some(id) = line("id: ").or(line("id:")) {
            self.last = id.trim().to_owned();
        }
        let Some(data) = line("data: ").or(line("data:")) else {
            return Ok(false);
        };
        let incident: Value = serde_json::from_str(data.trim())?;
        let id = incident["id"].as_str().context("an incident without id")?;
        let received = incident["latency"]["received_at"].as_str();
        let received: DateTime<Utc> = received.context("it was not received")?.parse()?;
        let took = (now - received).num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0;
        self.seen.entry(id.to_owned()).or_insert(took);
        Ok(true)
    }
}

fn tell(options: &Live, events: usize, incidents: u64, seen: &[Seen]) -> anyhow::Result<()> {
    let mut report = Report::new("live", &options.report.report);
    report.line(&format!(
        "{events} activities in {} s ({:.0}/s), pushed; each is an incident: {incidents}; {} live views, and one that breaks off after every {BREAKS_AFTER} events",
        options.seconds,
        events as f64 / options.seconds as f64,
        seen.len() - 1
    ));
    report.line(
        "\nmilliseconds from receiving to the view       p50     p90     p99     max   missed",
    );
    let mut bars = Vec::new();
    let (breaks, whole) = seen.split_last().context("there were views")?;
    let all: Vec<f64> = whole.iter().flat_map(|one| one.values().copied()).collect();
    let missed = |one: &Seen| incidents.saturating_sub(one.len() as u64);
    for (name, took, missed) in [
        ("held views", all, whole.iter().map(missed).sum::<u64>()),
        (
            "the one that breaks off",
            breaks.values().copied().collect(),
            missed(breaks),
        ),
    ] {
        let mut took = took;
        took.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let place = ((took.len() as f64 * share).ceil() as usize).max(1) - 1;
            took.get(place).copied().unwrap_or(f64::NAN)
        };
        report.line(&format!(
            "{name:<38}{:>10.0}{:>8.0}{:>8.0}{:>8.0}{missed:>9}",
            rank(0.5),
            rank(0.9),
            rank(0.99),
            rank(1.0)
        ));
        bars.push(Bar {
            name,
            value: rank(0.99),
        });
    }
    report.line(&format!(
        "\naim: p99 below {AIM_MS:.0} ms at 50 activities a second, none missed"
    ));
    report.chart("milliseconds, 99th percentile", &bars);
    report.write()
}
