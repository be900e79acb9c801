//! `tidegate connector new`: a first draft.

use std::fs;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use connector_kit::draft::Answers;
use connector_kit::{Folder, MANIFEST_NAME};

use super::out;
use crate::output::counted;

/// `tidegate connector new`
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The connector's id: lower-case letters, digits, `-`. Asked for on a terminal when left out.
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// What people call the service [default: the id, or the title of the OpenAPI document].
    #[arg(long)]
    name: Option<String>,
    /// Where the API is; without it each connection has its own address.
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// The service's OpenAPI 3 document, JSON or YAML: paths, schemas and authorization are read from it.
    #[arg(long, value_name = "FILE")]
    openapi: Option<PathBuf>,
    /// The new folder [default: ./ID].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let answers = self.answers()?;
        let dir = self
            .out
            .clone()
            .unwrap_or_else(|| PathBuf::from(&answers.id));
        if dir.join(MANIFEST_NAME).exists() {
            bail!("`{}` has a connector already", dir.display());
        }
        write(&dir, MANIFEST_NAME, &answers.manifest())?;
        write(&dir.join("samples"), "first.json", &answers.sample())?;
        let folder = Folder::at(&dir);
        let open = folder.lint()?.mistakes;
        out(&format!(
            "{}: {} to fill in",
            dir.display(),
            counted(open.len(), "place")
        ));
        open.iter().for_each(|place| out(&format!("  {place}")));
        out(&format!(
            "then: put real events into {0}/samples, run `tidegate connector lint {0}`, `test --bless {0}`, `coverage {0}`",
            dir.display()
        ));
        Ok(())
    }

    fn answers(&self) -> anyhow::Result<Answers> {
        if let Some(path) = &self.openapi {
            let text = fs::read_to_string(path)
                .with_context(|| format!("`{}` cannot be read", path.display()))?;
            let mut answers = Answers::from_openapi(&text, self.id.as_deref())?;
            answers.name = self.name.clone().unwrap_or(answers.name);
            answers.base = self.base.clone().or(answers.base);
            return Ok(answers);
        }
        let id = match &self.id {
            Some(id) => id.clone(),
            None => ask("What is the service called? (lower-case letters, digits, -)")?,
        };
        let base = match (&self.base, &self.id) {
            (None, None) => {
                ask("Where is its API? (https://.., or nothing when each customer has its own)")?
            }
            (base, _) => base.clone().unwrap_or_default(),
        };
        let name = self.name.clone().unwrap_or_else(|| id.clone());
        let base = Some(base.as_str()).filter(|base| !base.is_empty());
        if base.is_some_and(|base| !base.starts_with("https://")) {
            bail!("the address of the API starts with `https://`");
        }
        Ok(Answers::bare(&id, &name, base))
    }
}

/// Asks a person; whoever is none gives flags.
fn ask(question: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("give the connector's id, or --openapi FILE");
    }
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "{question} ")?;
    stderr.flush()?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

fn write(dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = dir.join(name);
    let written = fs::create_dir_all(dir).and_then(|()| fs::write(&path, text));
    written.with_context(|| format!("`{}` cannot be written", path.display()))
}
