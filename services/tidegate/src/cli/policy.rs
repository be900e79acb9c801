//! `tidegate policy …`: every mistake of a policy document with its place, policies to start from, and trials on
//! the past.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use event_model::PolicyDocument;

use super::Stream;
use super::replay::Replay;
use crate::output::counted;
use crate::say;

/// Largest policy file read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// `tidegate policy …`
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Say every mistake in a policy document, each with its place.
    Check {
        /// JSON files, each with one policy.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// A detector of your own, or its group, that the rules may name; may be given several times.
        #[arg(long = "detector", value_name = "NAME")]
        detectors: Vec<String>,
    },
    /// List the policies to start from, or write one as a document to be changed, checked and saved.
    Templates {
        /// Which one; all are listed without it.
        id: Option<String>,
    },
    /// Try a draft or a saved policy on recorded activity: what would be added, what would be gone.
    Replay(Replay),
}

impl Policy {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Policy::Check { files, detectors } => check_all(&files, &detectors),
            Policy::Templates { id: None } => {
                for template in ::policy::templates() {
                    let (id, title) = (&template.id, &template.title);
                    say(&format!("{id:<36} {title}"), Stream::Out);
                }
                Ok(())
            }
            Policy::Templates { id: Some(id) } => write_template(&id),
            Policy::Replay(replay) => replay.run(),
        }
    }
}

fn check_all(files: &[PathBuf], own: &[String]) -> anyhow::Result<()> {
    let mut mistakes = 0;
    for file in files {
        mistakes += check(file, own)?;
    }
    if mistakes > 0 {
        let (mistakes, files) = (counted(mistakes, "mistake"), counted(files.len(), "file"));
        bail!("{mistakes} in {files}");
    }
    say(
        &format!("no mistake in {}", counted(files.len(), "file")),
        Stream::Out,
    );
    Ok(())
}

/// The document goes to the output, what is to be said of it to the other stream: the output is a file to save.
fn write_template(id: &str) -> anyhow::Result<()> {
    let mut all = ::policy::templates().iter();
    let template = all.find(|template| template.id == id).with_context(|| {
        format!("there is no template `{id}`: `tidegate policy templates` lists them")
    })?;
    say(&template.description, Stream::Error);
    if !template.replace.is_empty() {
        let texts = template.replace.join("`, `");
        say(
            &format!("put your own in place of `{texts}`"),
            Stream::Error,
        );
    }
    say(
        &serde_json::to_string_pretty(&template.policy)?,
        Stream::Out,
    );
    Ok(())
}

/// The text of a policy file.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let size = std::fs::metadata(file)
        .with_context(|| format!("`{name}` cannot be read"))?
        .len();
    if size > FILE_BYTES_MAX {
        bail!("`{name}` is larger than {FILE_BYTES_MAX} bytes");
    }
    std::fs::read_to_string(file).with_context(|| format!("`{name}` cannot be read"))
}

fn check(file: &Path, own: &[String]) -> anyhow::Result<usize> {
    let name = file.display();
    let text = read(file)?;
    let document: PolicyDocument = match serde_json::from_str(&text) {
        Ok(document) => document,
        Err(error) => {
            say(
                &format!("{name}:{}:{}: {error}", error.line(), error.column()),
                Stream::Out,
            );
            return Ok(1);
        }
    };
    let built_in = inspect::DetectorSet::built_in().names();
    let detectors: Vec<&str> = built_in.chain(own.iter().map(String::as_str)).collect();
    let mistakes = ::policy::check(&document, &detectors, |_| None);
    for mistake in &mistakes {
        say(&format!("{name}: {mistake}"), Stream::Out);
    }
    Ok(mistakes.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_template_is_a_policy_without_mistakes() {
        let detectors: Vec<&str> = inspect::DetectorSet::built_in().names().collect();
        for template in policy::templates() {
            let mistakes = policy::check(&template.policy, &detectors, |_| None);
            assert!(mistakes.is_empty(), "{}: {mistakes:?}", template.id);
        }
    }
}
