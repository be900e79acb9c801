//! Every label of a file and where it comes from, and what of its manifest does not count, and why.

use std::path::{Path, PathBuf};

use clap::Args;
use labels::{Assurance, Labelling, Manifest, Md5, Source};

use super::super::Stream;
use super::classify::classify;
use super::{Believing, file};
use crate::say;

/// `tidegate labels show`
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    believing: Believing,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let labelling = self.believing.labelling()?;
        let mut failed = 0;
        for path in &self.files {
            say(&format!("{}:", path.display()), Stream::Out);
            if let Err(error) = show(path, &labelling) {
                say(&format!("  cannot be looked at: {error:#}"), Stream::Out);
                failed += 1;
            }
        }
        anyhow::ensure!(
            failed == 0,
            "{failed} of {} could not be looked at",
            self.files.len()
        );
        Ok(())
    }
}

fn show(path: &Path, labelling: &Labelling) -> anyhow::Result<()> {
    let classified = classify(path, labelling)?;
    let mut labels = classified.labels;
    let mut notes: Vec<String> = classified
        .unread
        .iter()
        .map(|why| format!("not wholly read: {why}"))
        .collect();
    match beside(path, classified.content, labelling) {
        Ok(found) => {
            labels.extend(found.labels);
            notes.extend(found.ignored.iter().map(|ignored| {
                format!(
                    "{}: does not count: {}",
                    ignored.names.join(", "),
                    ignored.why
                )
            }));
        }
        Err(why) => notes.push(format!("the manifest does not count: {why}")),
    }
    for label in &labels {
        let id = label.id.as_ref().filter(|id| **id != label.name);
        let id = id.map(|id| format!(" ({id})")).unwrap_or_default();
        let source = match label.source {
            Source::Detector => "found in the content",
            Source::Manifest => "in the manifest",
            Source::Document => "in the document",
            Source::Field => "in a field of the document",
            Source::Api => "told by the service",
        };
        let signed = match &label.assurance {
            Assurance::Signed(key) => format!(", signed with `{key}`"),
            Assurance::Seen | Assurance::Said => String::new(),
        };
        say(
            &format!("  {}{id}: {source}{signed}", label.name),
            Stream::Out,
        );
    }
    if labels.is_empty() {
        say("  no labels", Stream::Out);
    }
    notes
        .iter()
        .for_each(|note| say(&format!("  {note}"), Stream::Out));
    Ok(())
}

fn beside(path: &Path, content: Md5, labelling: &Labelling) -> Result<labels::Labels, String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let Some(bytes) = file::manifest(folder).map_err(|error| error.to_string())? else {
        return Ok(labels::Labels::default());
    };
    let manifest = Manifest::read(&bytes).map_err(|error| error.to_string())?;
    let trusted = manifest
        .judge(&labelling.trust)
        .map_err(|error| error.to_string())?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok(trusted.labels_of(&name, labelling.names, || Some(content)))
}
