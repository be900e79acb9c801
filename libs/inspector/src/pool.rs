//! A bounded pool of worker processes. Who asks waits for room. A worker has one document at a time;
//! when it dies, takes too long, or nobody waits for it any more, it is ended, and the next document
//! that needs one starts another. Workers that die one after the other are started at a slower pace.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use inspect::{Inspection, Limits, Reading, Unread};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::custom::InUse;
use crate::pictures::Pictures;
use crate::process::{Answer, Process};
use crate::protocol::Setup;
use crate::{
    CustomSet, InspectError, Inspector, Isolation, NoReader, PictureOptions, PictureReader, blind,
    over,
};

/// Deaths in a row that cost no time.
const DEATHS_FREE: u32 = 4;
/// The first pause after them, and the longest: each death doubles it.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How a pool works.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// The program to start, and what it is told to be a worker.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Processes at a time.
    pub workers_max: usize,
    /// Address space of one process, in bytes.
    pub memory_bytes_max: u64,
    /// Longest that one document may take, in seconds.
    pub seconds_max: u64,
    /// Documents that one process inspects before another takes its place.
    pub documents_max: u32,
    /// The bounds of one extraction.
    pub limits: Limits,
    /// How pictures are read; not at all without it.
    pub pictures: Option<PictureOptions>,
}

impl PoolOptions {
    /// A pool of `program`, with what is usual.
    pub fn new(program: PathBuf, arguments: &[&str]) -> Self {
        Self {
            program,
            arguments: arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect(),
            workers_max: 2,
            memory_bytes_max: 1 << 30,
            seconds_max: 30,
            documents_max: 500,
            limits: Limits::default(),
            pictures: None,
        }
    }
}

/// Processes that inspect.
pub struct WorkerPool {
    options: PoolOptions,
    room: Semaphore,
    idle: Mutex<Vec<Process>>,
    detectors: InUse,
    isolation: OnceLock<Isolation>,
    pictures: Option<Pictures>,
    deaths_in_a_row: AtomicU32,
}

impl WorkerPool {
    /// A pool without processes: they are started as they are needed.
    pub fn new(options: PoolOptions) -> Self {
        Self {
            pictures: options
                .pictures
                .clone()
                .map(|pictures| Pictures::new(options.program.clone(), pictures)),
            room: Semaphore::new(options.workers_max.max(1)),
            options,
            idle: Mutex::new(Vec::new()),
            detectors: InUse::default(),
            isolation: OnceLock::new(),
            deaths_in_a_row: AtomicU32::new(0),
        }
    }

    /// From now on every document is looked through with these: processes that know others are replaced when
    /// they have no document.
    pub fn use_detectors(&self, custom: Arc<CustomSet>) {
        self.detectors.change(custom);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.clear();
    }

    /// Starts the first process and says how it is confined.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn isolation(&self) -> Result<Isolation, InspectError> {
        if let Some(known) = self.isolation.get() {
            return Ok(known.clone());
        }
        let _place = self
            .room
            .acquire()
            .await
            .map_err(|_| unavailable("the pool is closed"))?;
        let process = self.start().await?;
        self.put_back(process);
        Ok(self.isolation.get().cloned().unwrap_or_default())
    }

    /// Who reads pictures, or why nobody does; `None` when nobody is to.
    pub async fn picture_reader(&self) -> Option<Result<PictureReader, NoReader>> {
        Some(self.pictures.as_ref()?.reader().await.clone())
    }

    async fn read(&self, pictures: Vec<Vec<u8>>) -> Vec<Reading> {
        match &self.pictures {
            Some(reader) => reader.read_all(pictures).await,
            None => Vec::new(),
        }
    }

    /// The bounds of one extraction. Pictures are collected only when somebody reads them.
    async fn limits(&self) -> Limits {
        Limits {
            pictures_max: match &self.pictures {
                Some(reader) => reader.pictures_max().await,
                None => 0,
            },
            ..self.options.limits.clone()
        }
    }

    /// The same, with why nobody reads pictures here.
    async fn told(&self, inspection: Inspection) -> Inspection {
        match self.picture_reader().await {
            Some(Err(no)) => inspection.with_pictures_unread(no.why),
            _ => inspection,
        }
    }

    /// Numbers of the processes that wait for a document.
    pub fn idle_processes(&self) -> Vec<u32> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().filter_map(Process::id).collect()
    }

    /// A process that is there, or a new one.
    async fn process(&self) -> Result<Process, InspectError> {
        loop {
            let idle = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let Some(mut process) = idle else {
                return self.start().await;
            };
            if process.detectors == self.detectors.changes() && process.is_alive() {
                return Ok(process);
            }
        }
    }

    async fn start(&self) -> Result<Process, InspectError> {
        let pause = pause_after(self.deaths_in_a_row.load(Ordering::Relaxed));
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let options = &self.options;
        let setup = Setup {
            limits: self.limits().await,
            memory_bytes_max: options.memory_bytes_max,
            seconds_max: options.seconds_max,
        };
        let (changes, custom) = self.detectors.now();
        let known = (changes, custom.as_ref());
        match Process::start(&options.program, &options.arguments, &setup, known).await {
            Ok((process, isolation)) => {
                self.isolation.get_or_init(|| isolation);
                Ok(process)
            }
            Err(error) => {
                self.deaths_in_a_row.fetch_add(1, Ordering::Relaxed);
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "no process could be started to inspect content"
                );
                Err(unavailable(&format!(
                    "no process could be started: {error}"
                )))
            }
        }
    }

    fn put_back(&self, process: Process) {
        if process.documents < self.options.documents_max {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(process);
        }
    }
}

#[async_trait]
impl Inspector for WorkerPool {
    async fn inspect(
        &self,
        bytes: Bytes,
        name: Option<String>,
    ) -> Result<Inspection, InspectError> {
        if bytes.len() > self.options.limits.input_bytes_max {
            return Ok(blind(over("input_bytes_max")));
        }
        let _place = self
            .room
            .acquire()
            .await
            .map_err(|_| unavailable("the pool is closed"))?;
        let mut process = self.process().await?;
        let patience = Duration::from_secs(self.options.seconds_max);
        let answered = match timeout(patience, process.ask(&bytes, name)).await {
            Ok(Ok(Answer::Pictures(pictures))) => {
                drop(bytes);
                let readings = self.read(pictures).await;
                timeout(patience, process.tell(&readings)).await
            }
            other => other,
        };
        match answered {
            Ok(Ok(Answer::Inspected(inspection))) => {
                self.deaths_in_a_row.store(0, Ordering::Relaxed);
                self.put_back(process);
                Ok(self.told(inspection).await)
            }
            // It was told what is in them already.
            Ok(Ok(Answer::Pictures(_))) => Ok(blind(Unread::Failed.into())),
            Ok(Err(_)) => {
                self.deaths_in_a_row.fetch_add(1, Ordering::Relaxed);
                let reason = process.autopsy().await;
                tracing::warn!(reason = %reason, "a document ended the process that read it");
                Ok(blind(reason))
            }
            Err(_) => {
                tracing::warn!(
                    duration_s = patience.as_secs(),
                    "a document took too long to read"
                );
                Ok(blind(over("seconds_max")))
            }
        }
    }
}

fn unavailable(reason: &str) -> InspectError {
    InspectError::Unavailable {
        reason: reason.to_owned(),
    }
}

fn pause_after(deaths: u32) -> Duration {
    match deaths.checked_sub(DEATHS_FREE) {
        None | Some(0) => Duration::ZERO,
        Some(over) => PAUSE_MIN.saturating_mul(1 << over.min(16)).min(PAUSE_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_in_a_row_slow_the_starts_down_to_a_bound() {
        let rows = [
            (0, 0),
            (4, 0),
            (5, 100),
            (6, 200),
            (9, 1_600),
            (11, 5_000),
            (u32::MAX, 5_000),
        ];
        for (deaths, milliseconds) in rows {
            assert_eq!(
                pause_after(deaths),
                Duration::from_millis(milliseconds),
                "{deaths}"
            );
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_and_not_a_blind_spot() {
        let pool = WorkerPool::new(PoolOptions::new(
            "/nowhere/tidegate".into(),
            &["inspect-worker"],
        ));
        let outcome = pool.inspect(Bytes::from_static(b"x"), None).await;
        assert!(
            matches!(outcome, Err(InspectError::Unavailable { .. })),
            "{outcome:?}"
        );
    }
}
