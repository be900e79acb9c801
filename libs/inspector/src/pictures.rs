//! Reading what is written in pictures, by a program that is not ours: `tesseract`. It is started for one picture at a
//! time by this program's own [`crate::read_picture`], which gives up all that reading a picture does not need and
//! becomes it. The picture goes in by standard input, words and how sure they are come out by standard output.
//!
//! Bounds: time of a document's pictures together, memory and processor time of a process, bytes of what it says. What
//! passes one is a reason in the coverage.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use inspect::{Reading, Unread};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use crate::over;
use crate::process::listen;

mod words;

/// Bytes of what is said of one picture.
const WORDS_BYTES_MAX: u64 = 16 << 20;
/// Bytes of the list of languages.
const LIST_BYTES_MAX: u64 = 64 << 10;
/// Longest that the program may take to say which languages it knows.
const LIST_MAX: Duration = Duration::from_secs(30);
/// Pictures of one document that are read.
const PICTURES_MAX: usize = 50;
/// The model that tells how a page is turned.
const TURNS: &str = "osd";

/// How pictures are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureOptions {
    /// The reader's name, looked for where programs are, or its path.
    pub program: String,
    /// Languages to be read, as the reader calls them: `eng`, `deu`. Those that are not installed are left out.
    pub languages: Vec<String>,
    /// Longest that all pictures of one document may take, in seconds.
    pub seconds_max: u64,
    /// What this program is told to become the reader.
    pub launcher: Vec<String>,
}

impl Default for PictureOptions {
    fn default() -> Self {
        PictureOptions {
            program: "tesseract".to_owned(),
            languages: vec!["eng".to_owned()],
            seconds_max: 60,
            launcher: vec!["inspect-picture".to_owned()],
        }
    }
}

/// Who reads pictures, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureReader {
    /// Where it is.
    pub program: PathBuf,
    /// The languages that it reads, of those that were asked for.
    pub languages: Vec<String>,
    /// Those that are not installed.
    pub languages_missing: Vec<String>,
    /// Whether it can tell that a page is turned.
    turns: bool,
}

/// Why there is nobody who reads pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoReader {
    /// As coverage tells it.
    pub why: Unread,
    /// What an administrator is told.
    pub detail: String,
}

/// The pictures of documents, read by a program of the system, when there is one.
pub(crate) struct Pictures {
    /// This program.
    own_program: PathBuf,
    options: PictureOptions,
    found: OnceCell<Result<PictureReader, NoReader>>,
}

impl Pictures {
    pub(crate) fn new(own_program: PathBuf, options: PictureOptions) -> Self {
        Pictures {
            own_program,
            options,
            found: OnceCell::new(),
        }
    }

    /// Who reads them: looked for once, confined as it will be.
    pub(crate) async fn reader(&self) -> &Result<PictureReader, NoReader> {
        self.found.get_or_init(|| self.look()).await
    }

    /// Pictures that a worker may hand out.
    pub(crate) async fn pictures_max(&self) -> usize {
        if self.reader().await.is_ok() {
            PICTURES_MAX
        } else {
            0
        }
    }

    async fn look(&self) -> Result<PictureReader, NoReader> {
        let no = |why, detail: String| NoReader { why, detail };
        let program = find(&self.options.program).ok_or_else(|| {
            let detail = format!("there is no program `{}`", self.options.program);
            no(Unread::NoProgram, detail)
        })?;
        let listed = self.run(
            &program,
            &["--list-langs"],
            LIST_MAX.as_secs(),
            Vec::new(),
            LIST_BYTES_MAX,
        );
        let listed = match timeout(LIST_MAX, listed).await {
            Ok(Ok(Ran::Said(said))) => String::from_utf8_lossy(&said).into_owned(),
            Ok(Ok(Ran::TooMuch)) => return Err(no(Unread::NoUse, "it says too much".into())),
            Ok(Ok(Ran::Failed(words)) | Err(words)) => return Err(no(Unread::NoUse, words)),
            Err(_) => return Err(no(Unread::NoUse, "it does not answer".into())),
        };
        // The first line is a heading.
        let known: Vec<&str> = listed.lines().skip(1).map(str::trim).collect();
        let is_known = |language: &String| known.contains(&language.as_str());
        let asked = self.options.languages.iter().cloned();
        let (languages, languages_missing): (Vec<_>, Vec<_>) = asked.partition(is_known);
        if languages.is_empty() {
            let detail = format!("it knows none of `{}`", languages_missing.join("`, `"));
            return Err(no(Unread::NoUse, detail));
        }
        Ok(PictureReader {
            program,
            languages,
            languages_missing,
            turns: known.contains(&TURNS),
        })
    }

    /// Reads pictures one after the other, all of them within the time of one document.
    pub(crate) async fn read_all(&self, pictures: Vec<Vec<u8>>) -> Vec<Reading> {
        let mut end = pin!(sleep(Duration::from_secs(self.options.seconds_max)));
        let mut readings = Vec::with_capacity(pictures.len());
        for picture in pictures {
            let over_time = || Reading::Unread(over("pictures_seconds_max"));
            let reading = if end.is_elapsed() {
                over_time()
            } else {
                tokio::select! {
                    reading = self.read(picture) => reading,
                    () = &mut end => over_time(),
                }
            };
            readings.push(reading);
        }
        readings
    }

    async fn read(&self, picture: Vec<u8>) -> Reading {
        let Ok(reader) = self.reader().await else {
            return Reading::Unread(Unread::NotRead.into());
        };
        let languages = reader.languages.join("+");
        // Pages as they come; turned ones, too, where that can be told.
        let pages = if reader.turns { "1" } else { "3" };
        let arguments = ["stdin", "stdout", "-l", &languages, "--psm", pages, "tsv"];
        let seconds = self.options.seconds_max;
        let ran = self.run(
            &reader.program,
            &arguments,
            seconds,
            picture,
            WORDS_BYTES_MAX,
        );
        match ran.await {
            Ok(Ran::Said(said)) => {
                let (text, confidence) = words::of(&String::from_utf8_lossy(&said));
                Reading::Text { text, confidence }
            }
            Ok(Ran::TooMuch) => Reading::Unread(over("picture_words_bytes_max")),
            Ok(Ran::Failed(_)) => Reading::Unread(Unread::Failed.into()),
            Err(error) => {
                tracing::warn!(error, "a picture could not be handed to its reader");
                Reading::Unread(Unread::Failed.into())
            }
        }
    }

    /// Runs the reader, confined: it is ended when nobody waits for it any more.
    async fn run(
        &self,
        program: &Path,
        arguments: &[&str],
        seconds: u64,
        input: Vec<u8>,
        said_bytes_max: u64,
    ) -> Result<Ran, String> {
        let mut command = Command::new(&self.own_program);
        command
            .args(&self.options.launcher)
            .arg(seconds.to_string())
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("LC_ALL", "C")
            // One thread: it may start none.
            .env("OMP_THREAD_LIMIT", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(models) = std::env::var_os("TESSDATA_PREFIX") {
            command.env("TESSDATA_PREFIX", models);
        }
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (to, from, error) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut to), Some(from), Some(error)) = (to, from, error) else {
            return Err("it has no input or output".to_owned());
        };
        // Both end with the process. Who stops reading has said why, or is a failure.
        tokio::spawn(async move { to.write_all(&input).await });
        let words = tokio::spawn(listen(error));
        let mut said = Vec::new();
        let mut from = from.take(said_bytes_max + 1);
        let listened = from.read_to_end(&mut said).await;
        listened.map_err(|error| error.to_string())?;
        if said.len() as u64 > said_bytes_max {
            return Ok(Ran::TooMuch);
        }
        let status = child.wait().await.map_err(|error| error.to_string())?;
        if status.success() {
            return Ok(Ran::Said(said));
        }
        let words = words.await.unwrap_or_default();
        let first = words.lines().next().unwrap_or_default().trim();
        Ok(Ran::Failed(format!("it ended with {status}: {first}")))
    }
}

/// How a run ended.
enum Ran {
    Said(Vec<u8>),
    TooMuch,
    /// With its first words.
    Failed(String),
}

/// The path of a program: as it stands when it is one, else where programs are looked for.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        let path = PathBuf::from(program);
        return path.is_file().then_some(path);
    }
    let folders = std::env::var_os("PATH")?;
    let paths = std::env::split_paths(&folders).map(|folder| folder.join(program));
    paths.into_iter().find(|path| path.is_file())
}
