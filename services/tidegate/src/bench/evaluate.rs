//! The evaluator on a real log and store, with no policy (the floor: reading and recording) and with
//! more and more. Policies look at no content. They are spread as an installation has them: over the
//! actions, and three of four over some connections each. No event violates one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use event_model::{
    Activity, ActivityRecord, Arrival, Assurance, ConnectionId, Effect, EventId, EventType, Mode,
    PolicyDocument, PolicyId, PolicyVersion, Provenance, Severity, Trigger, TriggerAction,
    WIRE_VERSION,
};
use policy::PolicySet;
use ports::{Clock, LogRecord, SystemClock, Topic};
use telemetry::Counter;
use tokio::sync::watch;

use super::child::cpu_seconds;
use super::report::{Bar, Report};
use crate::cli::bench::Evaluate;
use crate::config::{Config, Given};
use crate::wiring::{self, Adapters};

/// Policies in use at each measurement; the first is the floor.
const POLICIES: [usize; 6] = [0, 1, 10, 50, 100, 1_000];
/// Connections that the events are of.
const CONNECTIONS: usize = 100;
/// Connections that a policy watches which does not watch all.
const WATCHED: usize = 10;
/// Every so many policies, one watches all connections.
const WATCHES_ALL_EVERY: usize = 4;
/// How often the progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Records appended in one call.
const APPENDED_AT_ONCE: usize = 1_000;

/// One measurement.
struct Side {
    policies: usize,
    per_second: f64,
    per_cpu_second: f64,
}

pub(crate) async fn run(options: &Evaluate) -> anyhow::Result<()> {
    let mut report = Report::new("evaluate", &options.report.report);
    report.line(&format!(
        "{} events of {CONNECTIONS} connections each time, from an embedded log into SQLite, both on disk.",
        options.events
    ));
    report.line(
        "Figures per CPU-second are events per second and core: of the whole process, store and log included.\n",
    );
    report.line("policies     events/s   events/CPU-s   us of CPU/event   above the floor");
    let mut sides: Vec<Side> = Vec::new();
    for policies in POLICIES {
        let side = measured(policies, options.events).await?;
        let cost = 1e6 / side.per_cpu_second;
        let floor = sides
            .first()
            .map_or(cost, |floor| 1e6 / floor.per_cpu_second);
        report.line(&format!(
            "{policies:>8} {:>12.0} {:>14.0} {cost:>17.1} {:>17.1}",
            side.per_second,
            side.per_cpu_second,
            cost - floor
        ));
        sides.push(side);
    }
    report.line("\naim: the cost of an event grows slower than the number of policies");
    let names: Vec<String> = sides
        .iter()
        .map(|side| match side.policies {
            0 => "no policy (floor)".to_owned(),
            policies => format!("{policies} policies"),
        })
        .collect();
    let bars: Vec<Bar> = names
        .iter()
        .zip(&sides)
        .map(|(name, side)| Bar {
            name,
            value: side.per_cpu_second,
        })
        .collect();
    report.chart("events per CPU-second", &bars);
    report.write()
}

async fn measured(policies: usize, events: u64) -> anyhow::Result<Side> {
    let data = tempfile::tempdir()?;
    let config = config(data.path())?;
    let adapters = Adapters::open(&config).await?;
    let clock = SystemClock::new();
    let now = clock.now();
    save_policies(&adapters, policies, now).await?;
    append_events(&adapters, events, now).await?;
    let evaluator = wiring::evaluator_alone(&adapters, &config)?;
    let (stop, stopped) = watch::channel(false);
    let (began, before) = (clock.monotonic(), cpu_seconds("self")?);
    let running = tokio::spawn(evaluator.run(stopped));
    while recorded(&adapters) < events {
        ensure!(
            !running.is_finished(),
            "the evaluator ended before its time"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let cpu = cpu_seconds("self")? - before;
    let took = clock.monotonic().saturating_sub(began);
    // It is told to stop; that it was not is a closed channel, which stops it, too.
    let _ = stop.send(true);
    running.await?;
    adapters.close().await;
    Ok(Side {
        policies,
        per_second: events as f64 / took.as_secs_f64(),
        per_cpu_second: events as f64 / cpu.max(f64::MIN_POSITIVE),
    })
}

fn config(data: &Path) -> anyhow::Result<Config> {
    let mut given = Given::default();
    given.flags.insert("data", data.display().to_string());
    Ok(Config::load(&given)?)
}

/// How many activities were recorded, by the metrics.
fn recorded(adapters: &Adapters) -> u64 {
    let shown = adapters.metrics.exposition();
    let name = format!(
        "{}{{novelty=\"new\"}} ",
        Counter::ActivitiesRecorded.spec().name
    );
    let value = shown.lines().find_map(|line| line.strip_prefix(&name));
    value
        .and_then(|value| value.parse::<f64>().ok())
        .unwrap_or_default() as u64
}

fn connection(n: usize) -> ConnectionId {
    ConnectionId::new(DateTime::UNIX_EPOCH, n as u128)
}

async fn save_policies(
    adapters: &Adapters,
    count: usize,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let versions: Vec<PolicyVersion> = (0..count).map(|n| policy(n, now)).collect();
    let (_, refused) = PolicySet::compile(&versions);
    ensure!(refused.is_empty(), "a policy of the bench does not compile");
    for version in &versions {
        adapters.store.save_policy(version).await?;
    }
    Ok(())
}

fn policy(n: usize, now: DateTime<Utc>) -> PolicyVersion {
    let watched = (0..WATCHED).map(|nth| connection((n * 7 + nth) % CONNECTIONS));
    let connections = match n % WATCHES_ALL_EVERY {
        0 => Vec::new(),
        _ => watched.collect(),
    };
    PolicyVersion {
        id: PolicyId::new(now, n as u128),
        version: 1,
        enabled: true,
        saved_at: now,
        document: PolicyDocument {
            name: format!("Policy {n}"),
            severity: Severity::Medium,
            trigger: Trigger {
                connections,
                actions: vec![TriggerAction::ALL[n / WATCHES_ALL_EVERY % TriggerAction::ALL.len()]],
            },
            rule: format!(
                "_activity.object_path == '/projects/secret-{n}' and _activity.actor_email != 'owner-{n}@acme.example' \
                 or _activity.actor_email in ['mallory-{n}@acme.example', 'trudy-{n}@acme.example']"
            ),
            effect: Effect::Deny,
            mode: Mode::Enforce,
            notification: None,
            responses: Vec::new(),
            approval: None,
            approvers: None,
            undo_window_minutes: None,
            limit: None,
        },
    }
}

async fn append_events(adapters: &Adapters, count: u64, now: DateTime<Utc>) -> anyhow::Result<()> {
    let log = Arc::clone(&adapters.log);
    let numbers: Vec<u64> = (0..count).collect();
    for some in numbers.chunks(APPENDED_AT_ONCE) {
        let records = some
            .iter()
            .map(|n| event(*n, now))
            .collect::<anyhow::Result<_>>()?;
        log.append(Topic::Activity, records).await?;
    }
    Ok(())
}

/// An event as the mapper makes them, of about a kilobyte.
fn event(n: u64, now: DateTime<Utc>) -> anyhow::Result<LogRecord> {
    let id = EventId::new(format!("evt_{n}")).context("the id is one")?;
    // Every type that an action stands for.
    let types = EventType::ALL.len() - 1;
    let mut activity = Activity::bare(id, EventType::ALL[n as usize % types]);
    activity.tenant_id = Some("acme".into());
    activity.event_name = Some("file.something".into());
    activity.event_timestamp = Some(now - TimeDelta::milliseconds(n as i64 % 1_000));
    activity.log_timestamp = activity.event_timestamp;
    activity.actor_id = Some(format!("u_{}", n % 500));
    activity.actor_email = Some(format!("user-{}@acme.example", n % 500));
    activity.actor_ip_address = Some("203.0.113.7".into());
    activity.object_id = Some(format!("f_{}", n % 5_000));
    activity.object_type = Some("file".into());
    activity.object_name = Some(format!("report-{n}.pdf"));
    activity.object_path = Some(format!("/projects/p-{}/report-{n}.pdf", n % 50));
    let raw = serde_json::json!({"id": n, "padding": "x".repeat(300)}).to_string();
    let record = ActivityRecord {
        v: WIRE_VERSION,
        connection_id: connection(n as usize / types % CONNECTIONS),
        service: "toy-cloud".into(),
        arrival: Arrival::Pull,
        received_at: now,
        own: false,
        assurance: Assurance::Signed,
        traceparent: None,
        activity,
        provenance: Provenance::absent("not sent"),
        raw: serde_json::value::RawValue::from_string(raw)?,
    };
    Ok(LogRecord {
        key: record.key(),
        headers: Vec::new(),
        value: record.encode(),
    })
}
