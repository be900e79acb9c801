//! Folders are classified batch by batch, the files of a batch side by side; then each folder's manifest
//! is written as a whole. Memory is bounded by the batch and by the files held at a time.

mod batch;
mod folder;
mod progress;

use std::path::PathBuf;

use chrono::SecondsFormat;
use clap::Args;
use labels::{Labelling, SigningKey};
use ports::{Clock, Entropy, SystemClock, SystemEntropy};

use super::super::{Exit, Stream};
use super::walk::{Chosen, Folder, Walk};
use super::{Believing, key_id, signing_key};
use crate::output::counted;
use crate::say;
use folder::Written;
use progress::Progress;

/// Files of one batch: folders are gathered until there are as many.
const BATCH_FILES: usize = 1_024;
/// Most files looked at at a time, whatever is asked for: each is held in memory.
const JOBS_MAX: usize = 64;
/// Most complaints that are told one by one.
const COMPLAINTS_TOLD_MAX: usize = 200;

/// `tidegate labels scan`
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Folders: those below them are classified, too.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only files that match (`*.docx`, `finance/**`); can be given several times.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No files and folders that match; can be given several times.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Only tell which labels there are, and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    believing: Believing,
    /// Private key (PEM) to sign the manifests with, instead of the settings'.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// What the key is called where signatures are checked [default: the file's name without its ending].
    #[arg(long, value_name = "ID", requires = "key")]
    key_id: Option<String>,
    /// Write over manifests that are malformed or not believed, too.
    #[arg(long)]
    replace: bool,
    /// Files looked at at a time [default: one for each processor].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Only tell what went wrong, and the end.
    #[arg(long)]
    quiet: bool,
}

/// How manifests are written in this run.
pub(super) struct Run {
    pub(super) labelling: Labelling,
    pub(super) signer: Option<(String, SigningKey)>,
    pub(super) guid: String,
    pub(super) start: String,
    pub(super) dry_run: bool,
    pub(super) replace: bool,
    pub(super) quiet: bool,
    /// Whether there are patterns: what they leave out keeps its entry.
    pub(super) in_part: bool,
}

/// What the run came to.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    labelled: usize,
    manifests: usize,
    complaints: usize,
}

impl Scan {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let chosen = Chosen::new(&self.include, &self.exclude)?;
        let jobs = self
            .jobs
            .map(Ok)
            .unwrap_or_else(|| std::thread::available_parallelism().map(usize::from));
        let jobs = jobs.unwrap_or(1).clamp(1, JOBS_MAX);
        let roots = self.paths.clone();
        for root in &roots {
            anyhow::ensure!(root.is_dir(), "there is no folder `{}`", root.display());
        }
        let run = self.prepare()?;
        let bar = Progress::new(count(&roots, &chosen), run.quiet);
        let mut tally = Tally::default();
        let mut batch: Vec<Folder> = Vec::new();
        for folder in roots.iter().flat_map(|root| Walk::new(root, &chosen)) {
            match folder {
                Ok(folder) => batch.push(folder),
                Err(error) => tally.complain(&bar, &format!("{error:#}")),
            }
            if batch.iter().map(|folder| folder.files.len()).sum::<usize>() >= BATCH_FILES
                || batch.len() >= BATCH_FILES
            {
                run.batch(std::mem::take(&mut batch), jobs, &bar, &mut tally);
            }
        }
        run.batch(batch, jobs, &bar, &mut tally);
        bar.clear();
        tally.told(run.dry_run)
    }

    fn prepare(self) -> anyhow::Result<Run> {
        let mut labelling = self.believing.labelling()?;
        let signer = match &self.key {
            None => labelling.signer.take(),
            Some(file) => Some((key_id(self.key_id, file), signing_key(file)?)),
        };
        // A manifest that this key signed before is to be gone on with.
        if let Some((id, key)) = &signer
            && labelling.trust.keys.iter().all(|(known, _)| known != id)
        {
            labelling.trust.keys.push((id.clone(), key.public_key()));
        }
        Ok(Run {
            labelling,
            signer,
            guid: format!("{:032x}", SystemEntropy.draw()),
            start: SystemClock::new()
                .now()
                .to_rfc3339_opts(SecondsFormat::Millis, true),
            dry_run: self.dry_run,
            replace: self.replace,
            quiet: self.quiet,
            in_part: !(self.include.is_empty() && self.exclude.is_empty()),
        })
    }
}

impl Run {
    fn batch(&self, folders: Vec<Folder>, jobs: usize, bar: &Progress, tally: &mut Tally) {
        let classified = batch::classify(&folders, jobs, &self.labelling, || bar.step());
        for (folder, files) in folders.iter().zip(classified) {
            tally.files += files.len();
            if let Some(left_out) = &folder.left_out {
                tally.complain(bar, left_out);
            }
            for file in &files {
                match &file.found {
                    Ok(found) if !found.labels.is_empty() => {
                        tally.labelled += 1;
                        if !self.quiet {
                            let names = folder::names(&found.labels).join(", ");
                            bar.say(&format!("{}: {names}", file.path.display()), Stream::Out);
                        }
                    }
                    Ok(found) if found.unread.is_empty() => {}
                    Ok(found) => tally.complain(
                        bar,
                        &format!(
                            "{} was not wholly read: {}",
                            file.path.display(),
                            found.unread.join(", ")
                        ),
                    ),
                    Err(error) => tally.complain(
                        bar,
                        &format!("{} cannot be read: {error}", file.path.display()),
                    ),
                }
            }
            match self.write(folder, &files) {
                Ok(Written::Nothing) => {}
                Ok(Written::Manifest) => tally.manifests += 1,
                Err(error) => tally.complain(bar, &format!("{error:#}")),
            }
        }
    }
}

impl Tally {
    fn complain(&mut self, bar: &Progress, what: &str) {
        self.complaints += 1;
        if self.complaints <= COMPLAINTS_TOLD_MAX {
            bar.say(what, Stream::Error);
        }
    }

    fn told(self, dry_run: bool) -> anyhow::Result<()> {
        let files = counted(self.files, "file");
        let written = match dry_run {
            true => "nothing was written".to_owned(),
            false => format!("{} written", counted(self.manifests, "manifest")),
        };
        let told = format!("{} of {files} with labels, {written}", self.labelled);
        if self.complaints == 0 {
            say(&told, Stream::Out);
            return Ok(());
        }
        let told = format!("{told}; {} not, or not wholly, looked at", self.complaints);
        Err(Exit::with(3, told).into())
    }
}

/// How many files there are; those that come meanwhile only make the bar end later.
fn count(roots: &[PathBuf], chosen: &Chosen) -> u64 {
    let folders = roots
        .iter()
        .flat_map(|root| Walk::new(root, chosen))
        .flatten();
    let files: usize = folders.map(|folder| folder.files.len()).sum();
    files as u64
}
