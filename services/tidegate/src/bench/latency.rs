//! From receiving an event to its incident and its effect, with the real binary and toy-cloud.

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use toy_cloud::ToyCloud;

use super::child::Measured;
use super::report::{Bar, Report};
use crate::cli::bench::Latency;
use crate::demo::{Api, onboarding, wait_for};

/// Share of the documents that violate the policy.
const VIOLATING: f64 = 0.5;

pub(crate) async fn run(options: &Latency) -> anyhow::Result<()> {
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

    let toy = Api::control(cloud.url(), cloud.control_token().to_owned());
    let before = child.cpu_seconds()?;
    let load = use_the_service(&toy, options).await?;
    let incidents = settled(&tidegate, load.violations).await?;
    let cpu = child.cpu_seconds()? - before;
    let resident = child.resident_mib()?;
    child.stop().await?;
    cloud.shutdown().await;

    let mut report = Report::new("latency", &options.report.report);
    let rate = load.events as f64 / options.seconds as f64;
    report.line(&format!(
        "{} activities in {} s ({rate:.0}/s), pushed; {} violations, each inspected, its link removed and its file quarantined",
        load.events, options.seconds, load.violations
    ));
    report.line(&format!(
        "{} incidents, {:.1} CPU-seconds, {resident:.0} MiB resident\n",
        incidents.len(),
        cpu
    ));
    report.line("milliseconds                    p50     p90     p99     max");
    let steps = [
        ("received to in the log", "received_at", "appended_at"),
        ("received to incident", "received_at", "recorded_at"),
        ("received to effect", "received_at", "effect_at"),
        ("service: act to received", "event_at", "received_at"),
    ];
    let mut bars = Vec::new();
    for (name, from, to) in steps {
        let spread = Spread::of(&incidents, from, to)?;
        report.line(&format!(
            "{name:<26} {:>8.0}{:>8.0}{:>8.0}{:>8.0}",
            spread.p50, spread.p90, spread.p99, spread.max
        ));
        bars.push((name, spread.p99));
    }
    report.line("\naim: received to effect p50 below 200 ms, p99 below 1,000 ms");
    let bars: Vec<Bar> = bars
        .into_iter()
        .map(|(name, value)| Bar { name, value })
        .collect();
    report.chart("milliseconds, 99th percentile", &bars);
    report.write()
}

fn policy() -> Value {
    json!({
        "name": "Payment cards behind a public link",
        "severity": "critical",
        "trigger": {"connections": [], "actions": ["share"]},
        "rule": "_share.public and _content.has('credit-card')",
        "effect": "DENY",
        "mode": "enforce",
        "responses": [{"kind": "remove_link"}, {"kind": "quarantine"}],
    })
}

struct Load {
    events: usize,
    violations: usize,
}

/// A document is an upload and a link: two activities.
async fn use_the_service(toy: &Api, options: &Latency) -> anyhow::Result<Load> {
    let documents_per_s = options.rate.div_ceil(2);
    let load = json!({"tenant": "acme", "rate_per_s": documents_per_s, "seconds": options.seconds, "users": 4, "violating": VIOLATING});
    toy.post("/control/load", &load).await?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    wait_for("the load to end", || async {
        let progress = toy.get("/control/load").await?;
        let count = |field: &str| progress[field].as_array().map_or(0, Vec::len);
        let load = Load {
            events: count("event_ids"),
            violations: count("violating"),
        };
        Ok((progress["running"] == false).then_some(load))
    })
    .await
}

/// Every incident, once each has its effect.
async fn settled(tidegate: &Api, expected: usize) -> anyhow::Result<Vec<Value>> {
    wait_for("the incidents and their effects", || async {
        let mut incidents = Vec::new();
        let mut path = "/api/v1/incidents?limit=500".to_owned();
        loop {
            let page = tidegate.get(&path).await?;
            incidents.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => path = format!("/api/v1/incidents?limit=500&cursor={next}"),
                None => break,
            }
        }
        if incidents.len() > expected {
            bail!("{} incidents for {expected} violations", incidents.len());
        }
        let done = incidents
            .iter()
            .all(|incident| incident["latency"]["effect_at"].is_string());
        Ok((incidents.len() == expected && done).then_some(incidents))
    })
    .await
}

struct Spread {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    fn of(incidents: &[Value], from: &str, to: &str) -> anyhow::Result<Self> {
        let at = |incident: &Value, field: &str| -> Option<DateTime<Utc>> {
            incident["latency"][field].as_str()?.parse().ok()
        };
        let mut took: Vec<f64> = incidents
            .iter()
            .filter_map(|incident| {
                let micros = (at(incident, to)? - at(incident, from)?).num_microseconds()?;
                Some(micros as f64 / 1_000.0)
            })
            .collect();
        took.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let index = ((took.len() as f64 * share).ceil() as usize).clamp(1, took.len().max(1));
            took.get(index - 1).copied()
        };
        let missing = || format!("no incident has both `{from}` and `{to}`");
        Ok(Spread {
            p50: rank(0.50).with_context(missing)?,
            p90: rank(0.90).with_context(missing)?,
            p99: rank(0.99).with_context(missing)?,
            max: rank(1.0).with_context(missing)?,
        })
    }
}
