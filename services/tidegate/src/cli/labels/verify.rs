//! Every manifest, and every file that it names, with a word for each. The command's end tells a script
//! what the worst of them was.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use labels::{
    Entry, Labelling, MANIFEST_BYTES_MAX, MANIFEST_NAME, Manifest, Md5, PublicKey, Seal, WhenAbsent,
};

use super::super::{Exit, Stream};
use super::walk::{Chosen, Walk};
use super::{Believing, file, key_id};
use crate::labelling::text_of;
use crate::output::counted;
use crate::say;

/// `tidegate labels verify`
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Manifests, or folders: those below them are verified, too.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    believing: Believing,
    /// Public key (PEM) to check signatures with, besides those of the settings. With one, unsigned manifests are not believed.
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// Only tell what is wrong.
    #[arg(long)]
    quiet: bool,
}

/// What became of all of them.
#[derive(Debug, Default)]
struct Tally {
    manifests: usize,
    files: usize,
    refused: usize,
    stale: usize,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut labelling = self.believing.labelling()?;
        for path in &self.key {
            let key = PublicKey::from_pem(&text_of(path)?);
            let key = key.with_context(|| format!("`{}` is not a public key", path.display()))?;
            labelling.trust.keys.push((key_id(None, path), key));
            labelling.trust.unsigned = WhenAbsent::Refuse;
        }
        let mut tally = Tally::default();
        for path in &self.paths {
            if path.is_dir() {
                self.below(path, &labelling, &mut tally)?;
            } else {
                self.one(path, &labelling, &mut tally)?;
            }
        }
        let told = format!(
            "{}, {}",
            counted(tally.manifests, "manifest"),
            counted(tally.files, "file")
        );
        match tally {
            Tally {
                refused: 0,
                stale: 0,
                ..
            } => {
                say(&format!("{told}: all is well"), Stream::Out);
                Ok(())
            }
            Tally {
                refused: 0, stale, ..
            } => Err(Exit::with(3, format!("{told}: {stale} not current")).into()),
            Tally { refused, .. } => Err(Exit::with(
                4,
                format!(
                    "{told}: {} not to be believed",
                    counted(refused, "manifest")
                ),
            )
            .into()),
        }
    }

    fn below(&self, root: &Path, labelling: &Labelling, tally: &mut Tally) -> anyhow::Result<()> {
        let chosen = Chosen::new(&[], &[])?;
        for folder in Walk::new(root, &chosen) {
            let folder = folder?;
            if folder.has_manifest {
                self.one(&folder.path.join(MANIFEST_NAME), labelling, tally)?;
            }
        }
        Ok(())
    }

    fn one(&self, path: &Path, labelling: &Labelling, tally: &mut Tally) -> anyhow::Result<()> {
        let shown = path.display();
        tally.manifests += 1;
        let bytes = file::read(path, MANIFEST_BYTES_MAX)
            .with_context(|| format!("`{shown}` cannot be read"))?;
        let manifest = match Manifest::read(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                tally.refused += 1;
                say(
                    &format!("{shown}:{}:{}: {}", error.line, error.column, error.what),
                    Stream::Out,
                );
                return Ok(());
            }
        };
        for flaw in manifest.flaws() {
            let what = &flaw.what;
            tally.stale += 1;
            say(
                &format!(
                    "{shown}:{}:{}: `{}` is left out: {}",
                    what.line, what.column, flaw.file, what.what
                ),
                Stream::Out,
            );
        }
        let trusted = match manifest.judge(&labelling.trust) {
            Ok(trusted) => trusted,
            Err(error) => {
                tally.refused += 1;
                say(&format!("{shown}: not believed: {error}"), Stream::Out);
                return Ok(());
            }
        };
        if !self.quiet {
            let seal = match trusted.seal() {
                Seal::Signed(key) => format!("signed with `{key}`"),
                Seal::Unsigned => "not signed".to_owned(),
                Seal::Unchecked => "signed, with no key to check that".to_owned(),
            };
            say(&format!("{shown}: {seal}"), Stream::Out);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let is_named = |entry: &Entry| entry.hash.is_some() || trusted_without_hash(labelling);
        for (name, entry) in trusted.manifest().files() {
            tally.files += 1;
            let word = standing(&folder.join(name), entry, is_named(entry));
            let is_well = word == CURRENT || word == NO_HASH;
            tally.stale += usize::from(!is_well);
            if !(self.quiet && is_well) {
                say(
                    &format!("  {word:<10} {name}: {}", entry.labels.join(", ")),
                    Stream::Out,
                );
            }
        }
        Ok(())
    }
}

const CURRENT: &str = "current";
const NO_HASH: &str = "no hash";

fn trusted_without_hash(labelling: &Labelling) -> bool {
    labelling.trust.without_hash == WhenAbsent::Take
}

/// How what is said of a file stands to the file as it is.
fn standing(path: &Path, entry: &Entry, is_taken: bool) -> &'static str {
    let content = match file::open(path) {
        Ok(file) => Md5::of_reader(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return "gone",
        Err(error) => Err(error),
    };
    match (entry.hash, content) {
        (_, Err(_)) => "unreadable",
        (None, Ok(_)) if is_taken => NO_HASH,
        (None, Ok(_)) => "unproved",
        (Some(said), Ok(is)) if said == is => CURRENT,
        (Some(_), Ok(_)) => "stale",
    }
}
