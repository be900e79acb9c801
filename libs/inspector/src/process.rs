//! One worker process, as the pool sees it: started, asked, ended.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use inspect::{Inspection, Reading, Reason};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::protocol::{self, ANSWER_BYTES_MAX, HEAD_BYTES_MAX, Request, Said, Setup};
use crate::{CustomSet, Isolation, over};

/// Longest that a worker may take to be ready.
const READY_MAX: Duration = Duration::from_secs(20);
/// Longest that a process which closed its output may take to be gone.
const END_MAX: Duration = Duration::from_secs(2);
/// Bytes of last words that are listened to.
const LAST_WORDS_BYTES_MAX: u64 = 4 << 10;

/// A process that inspects; killed when dropped.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    last_words: JoinHandle<String>,
    /// Documents that it has inspected.
    pub(crate) documents: u32,
    /// How often the detectors had changed when it was sent them.
    pub(crate) detectors: u64,
    /// Pictures that it may hand out of one document, and their bytes.
    pictures_max: usize,
    pictures_bytes_max: usize,
}

/// What a worker answers.
pub(crate) enum Answer {
    /// All that is known of the document.
    Inspected(Inspection),
    /// Pictures of it that somebody must read first.
    Pictures(Vec<Vec<u8>>),
}

impl Process {
    /// Starts one and waits until it is confined.
    pub(crate) async fn start(
        program: &Path,
        arguments: &[String],
        setup: &Setup,
        (changes, custom): (u64, &CustomSet),
    ) -> io::Result<(Self, Isolation)> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            // Address space is what is limited: the allocator must not reserve it in advance.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .env("MIMALLOC_PURGE_DELAY", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output), Some(error)) = (input, output, child.stderr.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let last_words = tokio::spawn(listen(error));
        let mut process = Process {
            child,
            input,
            output,
            last_words,
            documents: 0,
            detectors: changes,
            pictures_max: setup.limits.pictures_max,
            pictures_bytes_max: setup.limits.pictures_bytes_max,
        };
        let ready = timeout(READY_MAX, process.make_ready(setup, custom)).await;
        match ready.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(isolation) => Ok((process, isolation)),
            Err(error) => {
                let words = process.end().await.1;
                let first = words.lines().next().unwrap_or_default().to_owned();
                Err(io::Error::new(
                    error.kind(),
                    format!("{error} {first}").trim().to_owned(),
                ))
            }
        }
    }

    async fn make_ready(&mut self, setup: &Setup, custom: &CustomSet) -> io::Result<Isolation> {
        protocol::send(&mut self.input, &serde_json::to_vec(setup)?).await?;
        protocol::send(&mut self.input, &custom.definitions()).await?;
        let ready = protocol::receive(&mut self.output, HEAD_BYTES_MAX).await?;
        Ok(serde_json::from_slice(&ready)?)
    }

    /// Whether it is still there.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its number, while it is there.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Has one document inspected.
    pub(crate) async fn ask(&mut self, bytes: &[u8], name: Option<String>) -> io::Result<Answer> {
        let request = serde_json::to_vec(&Request { name })?;
        protocol::send(&mut self.input, &request).await?;
        protocol::send(&mut self.input, bytes).await?;
        self.documents += 1;
        self.answer().await
    }

    /// Tells it what was read in the pictures that it handed out.
    pub(crate) async fn tell(&mut self, readings: &[Reading]) -> io::Result<Answer> {
        protocol::send(&mut self.input, &serde_json::to_vec(readings)?).await?;
        self.answer().await
    }

    /// Its answer, and the pictures that follow one, bounded whatever it says.
    async fn answer(&mut self) -> io::Result<Answer> {
        let answer = protocol::receive(&mut self.output, ANSWER_BYTES_MAX).await?;
        match serde_json::from_slice(&answer)? {
            Said::Inspected(inspection) => Ok(Answer::Inspected(inspection)),
            Said::Pictures(number) => {
                if number > self.pictures_max {
                    return Err(protocol::too_long());
                }
                let mut pictures = Vec::with_capacity(number);
                let mut left = self.pictures_bytes_max;
                for _ in 0..number {
                    let picture = protocol::receive(&mut self.output, left).await?;
                    left -= picture.len();
                    pictures.push(picture);
                }
                Ok(Answer::Pictures(pictures))
            }
        }
    }

    /// Ends it and says why the document that it had was not read.
    pub(crate) async fn autopsy(self) -> Reason {
        let (status, words) = self.end().await;
        reason(status, &words)
    }

    async fn end(mut self) -> (Option<ExitStatus>, String) {
        drop(self.input);
        let ended = timeout(END_MAX, self.child.wait()).await;
        if ended.is_err() {
            // It may be gone by itself in the meantime.
            let _ = self.child.kill().await;
        }
        let words = timeout(END_MAX, self.last_words).await;
        (
            ended.ok().and_then(Result::ok),
            words.ok().and_then(Result::ok).unwrap_or_default(),
        )
    }
}

/// The first of what the process writes to its standard error; the rest is passed over, so that it
/// never waits for a reader.
pub(crate) async fn listen(mut from: ChildStderr) -> String {
    let mut words = Vec::new();
    let first = (&mut from)
        .take(LAST_WORDS_BYTES_MAX)
        .read_to_end(&mut words)
        .await;
    if first.is_ok() {
        let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&words).into_owned()
}

fn reason(status: Option<ExitStatus>, words: &str) -> Reason {
    if words.contains("memory allocation of") || words.contains("out of memory") {
        return over("memory_bytes_max");
    }
    if words.contains("overflowed its stack") {
        return over("stack_bytes_max");
    }
    match status.and_then(signal) {
        // The system ends what takes too much memory, and what takes too much time.
        Some(9) => over("memory_bytes_max"),
        Some(24) => over("seconds_max"),
        _ => Reason::Malformed {
            what: "it ended the process that read it".to_owned(),
        },
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}
