//! `tidegate connector`: what is wrong with a manifest, and whether its samples map as expected.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;

use super::{Stream, samples};
use crate::output::counted;
use crate::say;

/// `tidegate connector …`
#[derive(Debug, Subcommand)]
pub(crate) enum Connector {
    /// Say every mistake in manifests, each with its line.
    Lint {
        /// Manifests (connector.yaml), or folders with one.
        #[arg(required = true)]
        manifests: Vec<PathBuf>,
    },
    /// Map a connector's samples and compare with what is expected.
    Test {
        /// Folders: connector.yaml, samples/, expected/.
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
    /// The services that can be connected.
    List,
}

impl Connector {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Connector::Lint { manifests } => lint(&manifests),
            Connector::Test { folders } => test(&folders),
            Connector::List => {
                for connector in connector::Catalogue::built_in().iter() {
                    let service = connector.describe();
                    say(
                        &format!("{:<18} {}", service.id, service.description),
                        Stream::Out,
                    );
                }
                Ok(())
            }
        }
    }
}

fn lint(manifests: &[PathBuf]) -> anyhow::Result<()> {
    let mut mistakes = 0;
    for given in manifests {
        let path = manifest_of(given);
        match load(&path)? {
            Ok(connector) => say(
                &format!("{}: {} is right", path.display(), connector.id()),
                Stream::Out,
            ),
            Err(found) => {
                mistakes += found.len();
                found
                    .iter()
                    .for_each(|mistake| say(&mistake.to_string(), Stream::Out));
            }
        }
    }
    if mistakes > 0 {
        bail!("{}", counted(mistakes, "mistake"));
    }
    Ok(())
}

fn test(folders: &[PathBuf]) -> anyhow::Result<()> {
    let mut failed = 0;
    for folder in folders {
        let Ok(connector) = load(&manifest_of(folder))? else {
            bail!(
                "`{}` has mistakes: run `tidegate connector lint` first",
                folder.display()
            );
        };
        let id = connector.id().to_owned();
        let rows = samples::run(connector, folder)?;
        for row in &rows {
            let mark = if row.differences.is_empty() {
                "ok  "
            } else {
                "FAIL"
            };
            say(&format!("{mark} {id}/{}", row.name), Stream::Out);
            for difference in &row.differences {
                say(&format!("       {difference}"), Stream::Out);
            }
            failed += usize::from(!row.differences.is_empty());
        }
        say(&format!("{id}: {} samples", rows.len()), Stream::Out);
    }
    if failed > 0 {
        bail!("{} not mapped as expected", counted(failed, "sample"));
    }
    Ok(())
}

fn manifest_of(given: &Path) -> PathBuf {
    if given.is_dir() {
        given.join("connector.yaml")
    } else {
        given.to_owned()
    }
}

fn load(path: &Path) -> anyhow::Result<Result<connector::Connector, Vec<connector::Mistake>>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("`{name}` cannot be read"))?;
    Ok(connector::Connector::parse(&text, &name))
}
