//! Durable deliveries beside a floor of the same run. For the embedded log: the same server, signature
//! check and parse, no log. For a log elsewhere: a bare receiver that appends records as large as ours.

use std::sync::Arc;
use std::time::Duration;

use ports::{Clock, SystemClock};

use super::child::Measured;
use super::load::{self, Sent};
use super::report::{Bar, Report};
use super::server;
use crate::cli::bench::Ingest;

/// Warming up before each measurement.
const WARM_UP: Duration = Duration::from_secs(2);

/// One side's figures.
struct Side {
    sent: Sent,
    per_second: f64,
    per_cpu_second: f64,
    resident_mib: f64,
}

pub(crate) async fn run(options: &Ingest) -> anyhow::Result<()> {
    let mut report = Report::new("ingest", &options.report.report);
    report.line(
        "Deliveries of one event each, signed by Standard Webhooks, over keep-alive HTTP/1.1.",
    );
    report.line("Figures per CPU-second are of the server process alone; the sender has its own.");
    let (floor_kind, floor_name, durable) = match options.log {
        None => ("floor", "floor: check and parse", "ingest: durable (fsync)"),
        Some(_) => (
            "append",
            "floor: receive and append",
            "ingest: durable (acks=all)",
        ),
    };
    if options.log.is_some() {
        let record = server::sample_record().await?;
        report.line(&format!(
            "Both append records of {} bytes: {} of value, the rest key and headers.",
            record.size(),
            record.value.len()
        ));
    }
    let floor = side(floor_kind, options).await?;
    let ingest = side("ingest", options).await?;
    report.line(&format!(
        "{} s each, {} deliveries under way at a time, bodies of {} bytes\n",
        options.seconds, options.concurrency, ingest.sent.body_bytes
    ));
    report.line("                              events/s   events/CPU-s   refused   memory");
    for (name, side) in [(floor_name, &floor), (durable, &ingest)] {
        report.line(&format!(
            "{name:<26} {:>11.0} {:>14.0} {:>9} {:>5.0} MiB",
            side.per_second, side.per_cpu_second, side.sent.refused, side.resident_mib
        ));
    }
    let ratio = |ours: f64, floor: f64| if floor > 0.0 { ours / floor } else { 0.0 };
    report.line(&format!(
        "\nratio to the floor: {:.2} per CPU-second, {:.2} per second (aim: at least 0.30)",
        ratio(ingest.per_cpu_second, floor.per_cpu_second),
        ratio(ingest.per_second, floor.per_second),
    ));
    report.chart(
        "events per CPU-second",
        &[
            Bar {
                name: floor_name,
                value: floor.per_cpu_second,
            },
            Bar {
                name: "ingest: durable",
                value: ingest.per_cpu_second,
            },
        ],
    );
    report.write()
}

async fn side(kind: &str, options: &Ingest) -> anyhow::Result<Side> {
    let data = tempfile::tempdir()?;
    let folder = data.path().display().to_string();
    let secret = load::secret();
    let mut arguments = vec![
        "bench", "serve", "--kind", kind, "--data", &folder, "--secret", &secret,
    ];
    if let Some(log) = &options.log {
        arguments.extend(["--log", log]);
    }
    let (child, address) = Measured::start(&arguments).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    load::send(address, Arc::clone(&clock), options.concurrency, WARM_UP).await?;
    let before = child.cpu_seconds()?;
    let time = Duration::from_secs(options.seconds);
    let sent = load::send(address, clock, options.concurrency, time).await?;
    let cpu = child.cpu_seconds()? - before;
    let resident_mib = child.resident_mib()?;
    child.stop().await?;
    let accepted = sent.accepted as f64;
    let per_cpu_second = if cpu > 0.0 { accepted / cpu } else { 0.0 };
    Ok(Side {
        sent,
        per_second: accepted / sent.took.as_secs_f64(),
        per_cpu_second,
        resident_mib,
    })
}
