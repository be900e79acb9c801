//! `tidegate access …`: the access policies of an installation, carried in and out as a document, listed and
//! explained; and documents looked at without applying them.
//!
//! It opens the store itself, while the platform runs or not. What is changed is in the audit trail, with the
//! user of this machine as who did it.

mod carry;
mod explain;

use std::path::{Path, PathBuf};

use access::{AccessDocument, DOCUMENT_BYTES_MAX};
use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use ports::{Entropy, SystemEntropy};

use super::Stream;
use crate::output::counted;
use crate::say;

/// `tidegate access …`
#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Say every mistake in documents of access policies, each with its place.
    Check {
        /// JSON files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Say which policy of a group wins for somebody, which lose, why, and what they may do.
    Explain(explain::Explain),
    /// Make the installation's access policies what a document says: what is not in it goes.
    Import(carry::Import),
    /// Write the installation's access policies to standard output, as a document.
    Export(carry::Export),
    /// List the groups, each with its policies in the order in which they are looked at.
    List(carry::List),
}

impl Access {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if let Access::Check { files } = self {
            return check(&files);
        }
        super::runtime()?.block_on(async {
            match self {
                Access::Check { files } => check(&files),
                Access::Explain(explain) => explain.run().await,
                Access::Import(import) => import.run().await,
                Access::Export(export) => export.run().await,
                Access::List(list) => list.run().await,
            }
        })
    }
}

fn check(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut mistakes = 0;
    for file in files {
        if let Err(error) = AccessDocument::read(&text(file)?, |bytes| SystemEntropy.fill(bytes)) {
            for mistake in &error.0 {
                say(&format!("{}: {mistake}", file.display()), Stream::Out);
            }
            mistakes += error.0.len();
        }
    }
    let files = counted(files.len(), "file");
    if mistakes > 0 {
        bail!("{} in {files}", counted(mistakes, "mistake"));
    }
    say(&format!("no mistake in {files}"), Stream::Out);
    Ok(())
}

/// The document of a file, or all of its mistakes.
fn document(file: &Path) -> anyhow::Result<AccessDocument> {
    let document = AccessDocument::read(&text(file)?, |bytes| SystemEntropy.fill(bytes));
    document.map_err(|error| {
        let mistakes: String = error.0.iter().map(|one| format!("\n  {one}")).collect();
        anyhow::anyhow!("`{}`: {error}:{mistakes}", file.display())
    })
}

fn text(file: &Path) -> anyhow::Result<String> {
    let context = || format!("`{}` cannot be read", file.display());
    let size = std::fs::metadata(file).with_context(context)?.len();
    ensure!(
        size <= DOCUMENT_BYTES_MAX as u64,
        "`{}` is larger than {DOCUMENT_BYTES_MAX} bytes",
        file.display()
    );
    std::fs::read_to_string(file).with_context(context)
}
