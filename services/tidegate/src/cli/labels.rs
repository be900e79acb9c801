//! `tidegate labels`: classification labels of local folders, in `.ip-labels` manifests. `docs/labels.md`
//! has the format. Symbolic links are never followed, manifests are written as a whole or not at all.

mod classify;
pub(super) mod file;
mod keygen;
mod scan;
mod show;
mod sign;
mod verify;
pub(super) mod walk;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use labels::{Labelling, SigningKey};

use crate::labelling::{self, text_of};

/// `tidegate labels …`
#[derive(Debug, Subcommand)]
pub(crate) enum Labels {
    /// Classify local folders and write a manifest into each that has labelled files.
    Scan(scan::Scan),
    /// Sign a manifest.
    Sign(sign::Sign),
    /// Say of every manifest whether it is to be believed, and of every file whether its labels are current.
    ///
    /// Ends with 0 when all is well, 3 when a label is not current, 4 when a manifest is malformed or not believed.
    Verify(verify::Verify),
    /// Show the labels of files, and where each comes from.
    Show(show::Show),
    /// Make a key to sign manifests with, and its public key.
    Keygen(keygen::Keygen),
}

impl Labels {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Labels::Scan(scan) => scan.run(),
            Labels::Sign(sign) => sign.run(),
            Labels::Verify(verify) => verify.run(),
            Labels::Show(show) => show.run(),
            Labels::Keygen(keygen) => keygen.run(),
        }
    }
}

/// Whom to believe, and what detectors stand for.
#[derive(Debug, Args)]
struct Believing {
    /// Settings of labels (TOML): keys, whom to believe, what detectors stand for.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_LABELS_FILE")]
    settings: Option<PathBuf>,
}

impl Believing {
    fn labelling(&self) -> anyhow::Result<Labelling> {
        match &self.settings {
            None => Ok(Labelling::built_in()),
            Some(file) => labelling::load(file),
        }
    }
}

fn signing_key(file: &Path) -> anyhow::Result<SigningKey> {
    let read = SigningKey::from_pem(&text_of(file)?);
    read.with_context(|| format!("`{}` is not a private key", file.display()))
}

/// The id that a key has when nobody says another: the file's name without its ending.
fn key_id(given: Option<String>, file: &Path) -> String {
    let stem = file
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    given.or(stem).unwrap_or_default()
}
