//! How fast text is read out of documents, format by format, beside reading the file; and the most
//! memory that the process needed for it. Each format is measured in a process of its own.

mod documents;
mod together;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use inspect::Limits;
use ports::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use super::child::peak_mib;
use super::report::{Bar, Report};
use crate::cli::{Stream, bench};
use crate::config::{Config, Given};
use documents::Format;

/// Rounds of which the best counts.
const ROUNDS: usize = 3;

/// What one process measured.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    file_bytes: usize,
    text_bytes: usize,
    read_s: f64,
    extract_s: f64,
    peak_mib: f64,
    coverage: String,
}

/// The measured side: one file.
#[derive(Debug, Args)]
pub(crate) struct ExtractSide {
    #[arg(long)]
    file: PathBuf,
}

pub(crate) async fn run(options: &bench::Extract) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut report = Report::new("extract", &options.report.report);
    report.line(&format!(
        "documents of {} MB of text each, the best of {ROUNDS} rounds",
        options.megabytes
    ));
    report.line(
        "format   file MB  text MB  read MB/s  extract MB/s of file  of text  peak MiB  coverage",
    );
    let mut bars = Vec::new();
    for format in Format::ALL {
        let file = folder.path().join(format!("document.{}", format.ending()));
        std::fs::write(&file, format.document(options.megabytes << 20)?)?;
        let measured = measured(&file)?;
        let rate = |bytes: usize, seconds: f64| bytes as f64 / 1e6 / seconds.max(1e-9);
        let of_text = rate(measured.text_bytes, measured.extract_s);
        report.line(&format!(
            "{:<8} {:>7.1}  {:>7.1}  {:>9.0}  {:>20.0}  {:>7.0}  {:>8.0}  {}",
            format.ending(),
            measured.file_bytes as f64 / 1e6,
            measured.text_bytes as f64 / 1e6,
            rate(measured.file_bytes, measured.read_s),
            rate(measured.file_bytes, measured.extract_s),
            of_text,
            measured.peak_mib,
            measured.coverage,
        ));
        bars.push((format.ending(), of_text));
        std::fs::remove_file(&file)?;
    }
    let bars: Vec<Bar<'_>> = bars
        .into_iter()
        .map(|(name, value)| Bar { name, value })
        .collect();
    if options.documents > 0 {
        let settings = Config::load(&Given::default())?.inspection;
        together::run(&mut report, options.documents, &settings).await?;
    }
    report.chart("MB of text read out of documents per second", &bars);
    report.write()
}

fn measured(file: &std::path::Path) -> anyhow::Result<Measured> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["bench", "extract-side", "--file"])
        .arg(file)
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "`{}` could not be measured: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

impl ExtractSide {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let clock = SystemClock::new();
        let timed = |work: &mut dyn FnMut() -> anyhow::Result<()>| -> anyhow::Result<f64> {
            let mut best = Duration::MAX;
            for _ in 0..ROUNDS {
                let began = clock.monotonic();
                work()?;
                best = best.min(clock.monotonic().saturating_sub(began));
            }
            Ok(best.as_secs_f64())
        };
        let mut bytes = Vec::new();
        let read_s = timed(&mut || {
            bytes = std::fs::read(&self.file)?;
            black_box(bytes.len());
            Ok(())
        })?;
        let name = self
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let (mut text_bytes, mut coverage) = (0, String::new());
        let extract_s = timed(&mut || {
            let extraction = inspect::extract(&bytes, name.as_deref(), &Limits::default());
            text_bytes = black_box(extraction.text_bytes());
            let reasons: Vec<String> = extraction
                .coverage
                .reasons()
                .iter()
                .map(ToString::to_string)
                .collect();
            coverage = if reasons.is_empty() {
                "full".to_owned()
            } else {
                reasons.join("; ")
            };
            Ok(())
        })?;
        let measured = Measured {
            file_bytes: bytes.len(),
            text_bytes,
            read_s,
            extract_s,
            peak_mib: peak_mib("self").unwrap_or(f64::NAN),
            coverage,
        };
        crate::say(&serde_json::to_string(&measured)?, Stream::Out);
        Ok(())
    }
}
