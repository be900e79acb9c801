//! `tidegate inspect`: what a file is, how much of it can be read, and what is sensitive in it, as
//! the evaluator would see it: in a process that is confined.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use inspect::{Confidence, Coverage, Inspection};
use inspector::Inspector;

use super::{Settings, Stream};
use crate::say;
use crate::wiring::Inspecting;

/// Findings of one file that are shown.
const FINDINGS_SHOWN_MAX: usize = 50;
/// Largest file that is read, in bytes: larger ones are not inspected either.
const FILE_BYTES_MAX: u64 = 128 << 20;

/// `tidegate inspect`
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Files.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// One line of JSON a file.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Inspect {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let inspecting = Inspecting::new(&self.settings.load()?.inspection);
        let runtime = super::runtime()?;
        for path in &self.paths {
            let inspection = runtime.block_on(look(inspecting.inspector.as_ref(), path))?;
            let text = if self.json {
                json(path, &inspection)?
            } else {
                described(path, &inspection)
            };
            say(text.trim_end(), Stream::Out);
        }
        Ok(())
    }
}

async fn look(inspector: &dyn Inspector, path: &Path) -> anyhow::Result<Inspection> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .with_context(|| format!("`{shown}` cannot be read"))?
        .len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX,
        "`{shown}` is larger than {FILE_BYTES_MAX} bytes"
    );
    let bytes = std::fs::read(path).with_context(|| format!("`{shown}` cannot be read"))?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Ok(inspector.inspect(bytes.into(), name).await?)
}

fn json(path: &Path, inspection: &Inspection) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(inspection)?;
    value["path"] = path.display().to_string().into();
    Ok(value.to_string())
}

fn described(path: &Path, inspection: &Inspection) -> String {
    let mut text = format!(
        "{}\n  kind      {}\n  coverage  {}\n  text      {} bytes\n",
        path.display(),
        inspection.kind,
        coverage(&inspection.coverage),
        inspection.text_bytes,
    );
    let mut findings: Vec<_> = inspection.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.confidence));
    for finding in findings.iter().take(FINDINGS_SHOWN_MAX) {
        let test = if finding.test_value {
            ", a known test value"
        } else {
            ""
        };
        let place = finding.place.to_string();
        let place = if place.is_empty() { "the text" } else { &place };
        text.push_str(&format!(
            "  found     {} {} ({}{test}) in {place}\n",
            finding.detector,
            finding.masked,
            finding.confidence.word(),
        ));
    }
    let high = findings
        .iter()
        .filter(|finding| finding.confidence == Confidence::High)
        .count();
    if findings.len() > FINDINGS_SHOWN_MAX {
        text.push_str(&format!(
            "  found     {} in all, {high} of high confidence\n",
            findings.len()
        ));
    }
    for (name, value) in &inspection.metadata {
        let clean: String = value
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("  metadata  {name}: {clean}\n"));
    }
    text
}

fn coverage(coverage: &Coverage) -> String {
    let word = match coverage {
        Coverage::Full => return "full".to_owned(),
        Coverage::Partial { .. } => "partial",
        Coverage::None { .. } => "none",
    };
    let reasons: Vec<String> = coverage.reasons().iter().map(ToString::to_string).collect();
    format!("{word} ({})", reasons.join("; "))
}
