//! From start to ready, and memory when idle.

use std::time::Duration;

use ports::{Clock, SystemClock};

use super::child::Measured;
use super::report::{Bar, Report};
use crate::cli::bench;
use crate::demo::{Api, wait_for};

/// How often it is started: the first start makes keys, store and log.
const STARTS: usize = 5;
/// How long it idles before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &bench::Report) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let folder = data.path().display().to_string();
    let clock = SystemClock::new();
    let mut report = Report::new("start", &options.report);
    let mut bars = Vec::new();
    for start in 1..=STARTS {
        let began = clock.monotonic();
        let (child, address) =
            Measured::start(&["up", "--data", &folder, "--listen", "127.0.0.1:0"]).await?;
        let probe = Api::new(format!("http://{address}"), String::new());
        wait_for("the platform to be ready", || async {
            Ok(probe.get_text("/readyz").await.is_ok().then_some(()))
        })
        .await?;
        let ready = clock.monotonic().saturating_sub(began).as_secs_f64() * 1_000.0;
        report.line(&format!("start {start}: ready after {ready:.0} ms"));
        bars.push(ready);
        if start == STARTS {
            tokio::time::sleep(IDLE).await;
            let resident = child.resident_mib()?;
            report.line(&format!(
                "idle for {} s: {resident:.0} MiB resident",
                IDLE.as_secs()
            ));
        }
        child.stop().await?;
    }
    report.line("aim: ready within 2,000 ms, idle below 100 MiB");
    let names = ["first start", "start 2", "start 3", "start 4", "start 5"];
    let bars: Vec<Bar> = names
        .into_iter()
        .zip(bars)
        .map(|(name, value)| Bar { name, value })
        .collect();
    report.chart("milliseconds from start to ready", &bars);
    report.write()
}
