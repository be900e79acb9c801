//! How fast text is scanned for everything that detectors know, on one core.

use inspect::speed;
use ports::{Clock, SystemClock};

use super::report::{Bar, Report};
use crate::cli::bench;

/// Measurements of each text; the best counts.
const ROUNDS: u32 = 3;

pub(crate) fn run(options: &bench::Scan) -> anyhow::Result<()> {
    let clock = SystemClock::new();
    let mut report = Report::new("scan", &options.report.report);
    report.line(speed::HEADER);
    let now = || clock.monotonic();
    let measured = speed::measure(options.bytes, ROUNDS, &options.only, &now, |row| {
        report.line(&speed::line(row));
    });
    let slowest = measured
        .iter()
        .min_by(|one, other| one.together.total_cmp(&other.together));
    if let Some(slowest) = slowest {
        report.line(&format!(
            "slowest: {} at {:.0} MB/s",
            slowest.name, slowest.together
        ));
    }
    let short = measured.iter().filter(|row| !row.holds()).count();
    report.line(&format!(
        "{short} of {} texts are read more slowly than promised",
        measured.len()
    ));
    let bars: Vec<Bar<'_>> = measured
        .iter()
        .filter(|row| row.promised > speed::ANYTHING)
        .map(|row| Bar {
            name: row.name,
            value: row.together,
        })
        .collect();
    report.chart("MB/s on one core, all detectors", &bars);
    report.write()
}
