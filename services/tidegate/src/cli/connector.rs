//! `tidegate connector`: what a connector's writer needs, from the first draft to the proof against
//! the live service.

mod conformance;
mod consent;
mod draft;
mod kept;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use connector_kit::{Coverage, Folder};
use serde_json::{Value, json};

use super::Stream;
use crate::output::counted;
use crate::say;

/// Where connectors are looked for by their names.
const CONNECTORS: &str = "connectors";

/// `tidegate connector …`
#[derive(Debug, Subcommand)]
pub(crate) enum Connector {
    /// Say every mistake in manifests, each with its line, and what could be better.
    Lint {
        /// Manifests, folders with a connector.yaml, or folders of such folders.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// As lines, or as one JSON document.
        #[arg(long, value_enum, default_value_t = LintFormat::Text)]
        format: LintFormat,
    },
    /// Map a connector's samples and compare with what is expected.
    Test {
        /// Folders with connector.yaml, samples/ and expected/, or folders of such folders.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Write down what the samples become, as what is expected from now on.
        #[arg(long)]
        bless: bool,
    },
    /// Show where each of the 24 fields comes from, over a connector's samples.
    Coverage {
        /// A service of ./connectors, or paths as of `test` [default: ./connectors].
        #[arg(value_name = "SERVICE|PATH")]
        which: Vec<PathBuf>,
        /// As a table, as JSON, or as a page.
        #[arg(long, value_enum, default_value_t = CoverageFormat::Text)]
        format: CoverageFormat,
    },
    /// Draft a connector: from answers, or from the service's OpenAPI document.
    New(draft::New),
    /// Ask a live service for every prerequisite, and show what it meets, with evidence.
    Conformance(Box<conformance::Conformance>),
    /// The services that can be connected.
    List,
}

/// How `lint` answers.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LintFormat {
    Text,
    Json,
}

/// How `coverage` answers.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CoverageFormat {
    Text,
    Json,
    Html,
}

impl Connector {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Connector::Lint { paths, format } => lint(&paths, format),
            Connector::Test { paths, bless } => test(&paths, bless),
            Connector::Coverage { which, format } => coverage(which, format),
            Connector::New(new) => new.run(),
            Connector::Conformance(conformance) => {
                super::runtime()?.block_on(Box::pin(conformance.run()))
            }
            Connector::List => {
                for connector in connector::Catalogue::built_in().iter() {
                    let service = connector.describe();
                    out(&format!("{:<18} {}", service.id, service.description));
                }
                Ok(())
            }
        }
    }
}

fn out(line: &str) {
    say(line, Stream::Out);
}

/// The connectors at these paths.
fn folders(paths: &[PathBuf]) -> anyhow::Result<Vec<Folder>> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(Folder::all_at(path)?);
    }
    Ok(all)
}

fn lint(paths: &[PathBuf], format: LintFormat) -> anyhow::Result<()> {
    let mut mistakes = 0;
    let mut listed = Vec::new();
    for folder in folders(paths)? {
        let found = folder.lint()?;
        mistakes += found.mistakes.len();
        let kinds = [("mistake", &found.mistakes), ("advice", &found.advice)];
        for (kind, all) in kinds {
            for one in all {
                match format {
                    LintFormat::Text if kind == "advice" => out(&format!("{one} [advice]")),
                    LintFormat::Text => out(&one.to_string()),
                    LintFormat::Json => {
                        let mut row = serde_json::to_value(one)?;
                        row["severity"] = kind.into();
                        listed.push(row);
                    }
                }
            }
        }
        if found.mistakes.is_empty() && matches!(format, LintFormat::Text) {
            out(&format!("{}: right", folder.manifest().display()));
        }
    }
    if let LintFormat::Json = format {
        out(&format!("{:#}", json!({"items": listed})));
    }
    if mistakes > 0 {
        bail!("{}", counted(mistakes, "mistake"));
    }
    Ok(())
}

fn test(paths: &[PathBuf], bless: bool) -> anyhow::Result<()> {
    let mut failed = 0;
    for folder in folders(paths)? {
        let name = folder.root().display().to_string();
        if bless {
            let written = right(folder.bless_all(), &name)?;
            for sampled in &written {
                out(&format!(
                    "written {}",
                    folder.expected_path(&sampled.name).display()
                ));
            }
            out(&format!(
                "{name}: {} written; review the difference",
                written.len()
            ));
            continue;
        }
        let samples = right(folder.test(), &name)?;
        for sampled in samples.iter().filter(|one| !one.differences.is_empty()) {
            failed += 1;
            out(&format!("FAIL {name}/samples/{}", sampled.name));
            for line in sampled.differences.iter().flat_map(|all| all.lines()) {
                out(&format!("     {line}"));
            }
        }
        let wrong = samples
            .iter()
            .filter(|one| !one.differences.is_empty())
            .count();
        let right = samples.len() - wrong;
        out(&format!(
            "{name}: {right} of {} as expected",
            counted(samples.len(), "sample")
        ));
        failed += crawled(&folder, &name)?;
        let connector = folder.connector()?;
        let coverage = Coverage::of(connector.id(), &samples);
        for short in coverage.shortfalls(connector.least_coverage()) {
            failed += 1;
            out(&format!(
                "FAIL {name}: {} is there in {}% of the samples, and should be in {}%",
                short.field, short.percent, short.least
            ));
        }
    }
    if failed > 0 {
        bail!("{} failed", counted(failed, "expectation"));
    }
    Ok(())
}

/// Holds the samples of what exists already against what they must become. How many do not.
fn crawled(folder: &Folder, name: &str) -> anyhow::Result<usize> {
    let samples = right(folder.test_crawled(), name)?;
    let failed = samples.iter().filter(|one| !one.differences.is_empty());
    for sample in failed.clone() {
        out(&format!("FAIL {name}/crawled/{}", sample.name));
        for line in sample.differences.iter().flat_map(|all| all.lines()) {
            out(&format!("     {line}"));
        }
    }
    Ok(failed.count())
}

/// What was had, or where to look for what is wrong with the manifest.
fn right<T>(had: Result<T, connector_kit::FolderError>, name: &str) -> anyhow::Result<T> {
    match had {
        Err(connector_kit::FolderError::Wrong(_)) => {
            bail!("`{name}` has mistakes: run `tidegate connector lint {name}` first")
        }
        other => Ok(other?),
    }
}

fn coverage(which: Vec<PathBuf>, format: CoverageFormat) -> anyhow::Result<()> {
    let which = match which.is_empty() {
        true => vec![PathBuf::from(CONNECTORS)],
        false => which.into_iter().map(by_name).collect(),
    };
    let mut all = Vec::new();
    for folder in folders(&which)? {
        let name = folder.root().display().to_string();
        let samples = right(folder.test(), &name)?;
        all.push(Coverage::of(folder.connector()?.id(), &samples));
    }
    match format {
        CoverageFormat::Text => all.iter().for_each(|one| out(&one.text())),
        CoverageFormat::Html => all.iter().for_each(|one| out(one.html().trim_end())),
        CoverageFormat::Json => {
            let items: Vec<Value> = all.iter().map(Coverage::json).collect();
            out(&format!("{:#}", json!({"items": items})));
        }
    }
    Ok(())
}

/// A path, or the folder of a service that is named.
fn by_name(which: PathBuf) -> PathBuf {
    let named = Path::new(CONNECTORS).join(&which);
    if !which.exists() && named.is_dir() {
        named
    } else {
        which
    }
}

/// A connector at a path, or one that comes with Tidegate, by its name.
fn connector_of(which: &str) -> anyhow::Result<std::sync::Arc<connector::Connector>> {
    let path = by_name(PathBuf::from(which));
    if !path.exists()
        && let Some(connector) = connector::Catalogue::built_in().get(which)
    {
        return Ok(connector);
    }
    let folder = Folder::at(&path);
    let name = folder.manifest().display().to_string();
    right(folder.connector(), &name).with_context(|| format!("`{which}` is no connector"))
}
