//! Detectors of one's own, over the API of a running platform. Tables and documents are hashed here: their
//! values never leave this process.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use inspect::{CustomDetector, Documents, Limits, LooksFor, Rows, Sketch, extract};
use ports::{Entropy, SystemEntropy};
use serde_json::{Value, json};

use super::Stream;
use super::target::{Target, text};
use crate::say;

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// `tidegate detectors …`
#[derive(Debug, Subcommand)]
pub(crate) enum Detectors {
    /// Print the detectors of your own, by name.
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Print one of them; of a table without its hashes.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Save a detector from a JSON file: a dictionary, a pattern, or anything else in docs/detectors.md.
    Put {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Save exact rows of a CSV table, hashed here with a salt of their own.
    Rows(Table),
    /// Save sketches of documents, made here, to find copies of them.
    Documents(Papers),
    /// Remove a detector that no policy names.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// Try the detectors on a text: what they find, masked.
    Try {
        /// A file of text; standard input without it.
        file: Option<PathBuf>,
        #[command(flatten)]
        target: Target,
    },
}

/// What every detector has.
#[derive(Debug, Args)]
struct Named {
    /// The name that rules use.
    name: String,
    /// The name that people read; the name itself without it.
    #[arg(long)]
    title: Option<String>,
    /// The group that counts its values, too.
    #[arg(long)]
    group: Option<String>,
}

/// `tidegate detectors rows`
#[derive(Debug, Args)]
pub(crate) struct Table {
    #[command(flatten)]
    named: Named,
    /// The table, its header first.
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// Headers of the columns, the one that must be there first.
    #[arg(long, value_delimiter = ',', required = true, value_name = "HEADERS")]
    columns: Vec<String>,
    /// How many columns of a row must stand near each other; all of them without it.
    #[arg(long)]
    together: Option<usize>,
    #[command(flatten)]
    target: Target,
}

/// `tidegate detectors documents`
#[derive(Debug, Args)]
pub(crate) struct Papers {
    #[command(flatten)]
    named: Named,
    /// The documents.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Percent of a document that a copy holds.
    #[arg(long, default_value_t = 60)]
    at_least: usize,
    #[command(flatten)]
    target: Target,
}

impl Detectors {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::runtime()?.block_on(async {
            match self {
                Detectors::List { target } => {
                    let list = target.api()?.get("/api/v1/detectors").await?;
                    for one in list["items"].as_array().into_iter().flatten() {
                        shown(one, target.json, line);
                    }
                    Ok(())
                }
                Detectors::Show { name, target } => {
                    let path = format!("/api/v1/detectors/{name}");
                    let one = target.api()?.get(&path).await?;
                    shown(&one, target.json, |one| {
                        format!("{}\n{:#}", line(one), one["definition"])
                    });
                    Ok(())
                }
                Detectors::Put { file, target } => {
                    let detector: CustomDetector = serde_json::from_slice(&read(&file)?)
                        .with_context(|| format!("`{}` is not a detector", file.display()))?;
                    save(&target, &detector).await
                }
                Detectors::Rows(table) => save(&table.target, &table.hashed()?).await,
                Detectors::Documents(papers) => save(&papers.target, &papers.sketched()?).await,
                Detectors::Remove { name, target } => {
                    let path = format!("/api/v1/detectors/{name}");
                    target.api()?.delete(&path).await?;
                    say(&format!("{name} is removed"), Stream::Out);
                    Ok(())
                }
                Detectors::Try { file, target } => tried(&target, file.as_deref()).await,
            }
        })
    }
}

impl Named {
    fn detector(&self, looks_for: LooksFor) -> CustomDetector {
        CustomDetector {
            name: self.name.clone(),
            title: self.title.clone().unwrap_or_else(|| self.name.clone()),
            group: self.group.clone(),
            looks_for,
            confidence: Some(inspect::Confidence::High),
            positive: Vec::new(),
            negative: Vec::new(),
        }
    }
}

impl Table {
    fn hashed(&self) -> anyhow::Result<CustomDetector> {
        let bytes = read(&self.csv)?;
        let csv = std::str::from_utf8(&bytes)
            .with_context(|| format!("`{}` is not UTF-8", self.csv.display()))?;
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let together = self.together.unwrap_or(columns.len());
        let salt = SystemEntropy.draw().to_be_bytes();
        match Rows::of_csv(csv, &columns, together, salt) {
            Ok(rows) => Ok(self.named.detector(LooksFor::Rows(rows))),
            Err(problem) => bail!("`{}`: {problem}", self.csv.display()),
        }
    }
}

impl Papers {
    fn sketched(&self) -> anyhow::Result<CustomDetector> {
        let sketch = |path: &PathBuf| {
            let bytes = read(path)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let extraction = extract(&bytes, Some(&name), &Limits::default());
            let pieces = extraction.text.iter().map(|piece| piece.text.as_str());
            let text = pieces.collect::<Vec<_>>().join("\n");
            Sketch::of(&name, &text)
                .map_err(|problem| anyhow::anyhow!("`{}`: {problem}", path.display()))
        };
        let sketches = self.files.iter().map(sketch);
        Ok(self.named.detector(LooksFor::Documents(Documents {
            at_least: self.at_least,
            sketches: sketches.collect::<anyhow::Result<_>>()?,
        })))
    }
}

async fn save(target: &Target, detector: &CustomDetector) -> anyhow::Result<()> {
    let path = format!("/api/v1/detectors/{}", detector.name);
    let body = serde_json::to_value(detector)?;
    let saved = target.api()?.put(&path, &body).await?;
    shown(&saved, target.json, line);
    Ok(())
}

async fn tried(target: &Target, file: Option<&Path>) -> anyhow::Result<()> {
    let bytes = match file {
        Some(file) => read(file)?,
        None => bounded(std::io::stdin().lock()).context("standard input cannot be read")?,
    };
    let body = json!({"text": String::from_utf8_lossy(&bytes)});
    let answer = target.api()?.post("/api/v1/detectors/try", &body).await?;
    let found = answer["findings"].as_array();
    for one in found.into_iter().flatten() {
        shown(one, target.json, |one| {
            format!(
                "{:<24} {:<6} {}  at byte {}, {} times",
                text(one, "detector"),
                text(one, "confidence"),
                text(one, "masked"),
                one["offset"],
                one["occurrences"]
            )
        });
    }
    if found.is_none_or(Vec::is_empty) && !target.json {
        say("nothing was found", Stream::Out);
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let context = || format!("`{}` cannot be read", path.display());
    let file = std::fs::File::open(path).with_context(context)?;
    bounded(file).with_context(context)
}

fn bounded(from: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(
        bytes.len() as u64 <= FILE_BYTES_MAX,
        "it is longer than {FILE_BYTES_MAX} bytes"
    );
    Ok(bytes)
}

fn shown(one: &Value, as_json: bool, words: impl Fn(&Value) -> String) {
    match as_json {
        true => say(&one.to_string(), Stream::Out),
        false => say(&words(one), Stream::Out),
    }
}

/// A detector in a line.
fn line(one: &Value) -> String {
    format!(
        "{:<24} {:<10} {} entries  {}",
        text(one, "name"),
        text(one, "looks_for"),
        one["entries"],
        text(one, "title")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_hashed_with_a_salt_of_its_own_and_no_value_of_it_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("customers.csv");
        std::fs::write(
            &csv,
            "account,name\n40018877,Ada Lovelace\n40018878,Grace Hopper\n",
        )
        .unwrap();
        let table = || {
            let given = ["t", "rows", "our-customers", "--csv"];
            let given = given.iter().map(|word| (*word).to_owned());
            let given = given.chain([csv.display().to_string()]);
            let given = given.chain(["--columns".into(), "account,name".into()]);
            let parsed = <Line as clap::Parser>::try_parse_from(given).unwrap();
            let Detectors::Rows(table) = parsed.what else {
                panic!("rows were asked for");
            };
            table.hashed().unwrap()
        };
        let (one, two) = (table(), table());
        let sent = serde_json::to_string(&one).unwrap();
        for value in ["40018877", "Ada", "Lovelace", "Hopper"] {
            assert!(!sent.contains(value), "{value} is in {sent}");
        }
        assert_ne!(one, two, "each time another salt");
        let set = inspect::DetectorSet::built_in().with(&[one]).unwrap();
        let found = set.scan_text("Dear Ada Lovelace, your account 4001-8877 is closed");
        assert!(found.has("our-customers", inspect::Confidence::High));
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(subcommand)]
        what: Detectors,
    }
}
