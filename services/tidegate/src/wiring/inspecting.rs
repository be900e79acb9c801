//! Where content is inspected, and with which detectors: those that administrators keep are read again when they
//! changed, before the next document is looked through.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use inspect::{CustomDetector, Inspection, Limits};
use inspector::{
    CustomSet, InProcess, InspectError, Inspector, Isolation, NoReader, PictureReader, PoolOptions,
    WorkerPool,
};
use ports::{DetectorStore, KeptDetector, StoreError};
use telemetry::{Counter, Metrics};
use tokio::sync::Mutex;

use super::Adapters;
use crate::config;

/// Where this program's content is inspected.
#[derive(Clone)]
pub(crate) struct Inspecting {
    pub(crate) inspector: Arc<dyn Inspector>,
    pool: Option<Arc<WorkerPool>>,
    /// Longest that one content may take once it is its turn.
    pub(crate) longest: Duration,
}

/// Who inspects.
enum Place {
    Pool(Arc<WorkerPool>),
    Here(InProcess),
}

/// Inspects with the detectors that are kept now.
struct Current {
    place: Place,
    store: Arc<dyn DetectorStore>,
    metrics: Arc<Metrics>,
    /// Of which change the detectors in use are; none before the first look.
    seen: Mutex<Option<u64>>,
}

impl Inspecting {
    /// As the settings say, with the built-in detectors alone; no process is started yet.
    pub(crate) fn new(settings: &config::Inspection) -> Self {
        let (place, pool) = place(settings);
        let inspector: Arc<dyn Inspector> = match place {
            Place::Pool(pool) => pool,
            Place::Here(here) => Arc::new(here),
        };
        Inspecting {
            inspector,
            pool,
            longest: longest(settings),
        }
    }

    /// As the settings say, with the detectors that are kept, too.
    pub(crate) fn with_detectors(settings: &config::Inspection, adapters: &Adapters) -> Self {
        let (place, pool) = place(settings);
        let current = Current {
            place,
            store: adapters.store.clone(),
            metrics: Arc::clone(&adapters.metrics),
            seen: Mutex::new(None),
        };
        Inspecting {
            inspector: Arc::new(current),
            pool,
            longest: longest(settings),
        }
    }

    /// How its processes are confined; `None` when there are none.
    pub(crate) async fn isolation(&self) -> Result<Option<Isolation>, InspectError> {
        match &self.pool {
            Some(pool) => Ok(Some(pool.isolation().await?)),
            None => Ok(None),
        }
    }

    /// Who reads pictures, or why nobody does; `None` when nobody is to.
    pub(crate) async fn picture_reader(&self) -> Option<Result<PictureReader, NoReader>> {
        self.pool.as_ref()?.picture_reader().await
    }

    /// Numbers of the processes that wait for a document.
    pub(crate) fn idle_processes(&self) -> Vec<u32> {
        let pool = self.pool.as_ref();
        pool.map(|pool| pool.idle_processes()).unwrap_or_default()
    }

    /// Says in the log who reads pictures.
    async fn announce_reader(&self) {
        match self.picture_reader().await {
            None => tracing::info!("pictures are not read and are blind spots"),
            Some(Err(no)) => {
                tracing::info!(
                    reason = no.detail,
                    "pictures are not read and are blind spots"
                );
            }
            Some(Ok(reader)) if reader.languages_missing.is_empty() => {
                tracing::info!(languages = ?reader.languages, "pictures are read");
            }
            Some(Ok(reader)) => tracing::warn!(
                languages = ?reader.languages,
                missing = ?reader.languages_missing,
                "pictures are read, but some languages are not installed"
            ),
        }
    }

    /// Says in the log what stands between a document and this process.
    pub(crate) async fn announce(self) {
        match self.isolation().await {
            Ok(Some(isolation)) if isolation.is_full() => {
                tracing::info!(isolation = %isolation, "content is inspected in processes of its own");
            }
            Ok(Some(isolation)) => {
                tracing::warn!(isolation = %isolation, "content is inspected in processes that this system does not confine fully");
            }
            Ok(None) => {
                tracing::warn!(
                    "content is inspected in this process: a hostile document may end it"
                );
            }
            // The pool has said why, and tries again with the next document.
            Err(_) => {}
        }
        self.announce_reader().await;
    }
}

/// What reading, reading pictures and scanning may take of one content.
fn longest(settings: &config::Inspection) -> Duration {
    let pictures = settings.pictures.as_ref();
    let pictures = pictures.map_or(0, |pictures| pictures.seconds_max);
    Duration::from_secs(settings.seconds * 2 + pictures)
}

fn place(settings: &config::Inspection) -> (Place, Option<Arc<WorkerPool>>) {
    if settings.workers == 0 {
        let patience = Duration::from_secs(settings.seconds);
        let here = InProcess::new(Limits::default(), patience);
        return (Place::Here(here), None);
    }
    let pool = Arc::new(WorkerPool::new(PoolOptions {
        workers_max: settings.workers,
        memory_bytes_max: settings.memory_mb << 20,
        seconds_max: settings.seconds,
        pictures: settings.pictures.clone(),
        ..PoolOptions::new(this_program(), &["inspect-worker"])
    }));
    (Place::Pool(Arc::clone(&pool)), Some(pool))
}

#[async_trait]
impl Inspector for Current {
    async fn inspect(
        &self,
        bytes: Bytes,
        name: Option<String>,
    ) -> Result<Inspection, InspectError> {
        self.refresh()
            .await
            .map_err(|error| InspectError::Unavailable {
                reason: format!("the detectors cannot be read: {error}"),
            })?;
        let inspected = match &self.place {
            Place::Pool(pool) => pool.inspect(bytes, name).await,
            Place::Here(here) => here.inspect(bytes, name).await,
        }?;
        for (outcome, pictures) in inspected.pictures.by_outcome() {
            if pictures > 0 {
                let metrics = &self.metrics;
                metrics.count(Counter::PicturesRead, &[outcome], pictures.into());
            }
        }
        Ok(inspected)
    }
}

impl Current {
    /// Takes the detectors over that are kept, when they changed.
    async fn refresh(&self) -> Result<(), StoreError> {
        // INVARIANT: the change is looked at before the store is read: one made meanwhile is seen next time.
        let change = *self.store.detector_changes().borrow();
        let mut seen = self.seen.lock().await;
        if *seen == Some(change) {
            return Ok(());
        }
        let kept = self.store.every_detector().await?;
        if !kept.is_empty() || seen.is_some() {
            let ready = tokio::task::spawn_blocking(move || made_ready(&kept)).await;
            let ready = ready
                .map_err(|_| StoreError::Unavailable("making the detectors ready failed".into()))?;
            match &self.place {
                Place::Pool(pool) => pool.use_detectors(Arc::new(ready)),
                Place::Here(here) => here.use_detectors(Arc::new(ready)),
            }
        }
        *seen = Some(change);
        Ok(())
    }
}

/// The detectors that are kept. One that cannot be used any more, such as after an update brought a built-in
/// one of its name, is said in the log, and the others are used.
fn made_ready(kept: &[KeptDetector]) -> CustomSet {
    let read = |kept: &KeptDetector| -> Option<CustomDetector> {
        let read = serde_json::from_str(&kept.definition);
        if let Err(error) = &read {
            tracing::error!(detector = %kept.entry.name, error = %error, "a detector does not read and is not used");
        }
        read.ok()
    };
    let mut custom: Vec<CustomDetector> = kept.iter().filter_map(read).collect();
    let wrong = match CustomSet::of(&custom) {
        Ok(ready) => return ready,
        Err(wrong) => wrong,
    };
    for error in &wrong {
        tracing::error!(error = %error, "a detector has a mistake and is not used");
    }
    let wrong: HashSet<&str> = wrong.iter().map(|error| error.detector.as_str()).collect();
    custom.retain(|detector| !wrong.contains(detector.name.as_str()));
    CustomSet::of(&custom).unwrap_or_else(|_| CustomSet::none())
}

/// The program that runs, even when its file was replaced since it was started.
fn this_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        return PathBuf::from("/proc/self/exe");
    }
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("tidegate"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::DetectorEntry;

    #[test]
    fn a_detector_that_cannot_be_used_does_not_keep_the_others_out() {
        let kept = |name: &str, definition: String| KeptDetector {
            entry: DetectorEntry {
                name: name.into(),
                title: name.into(),
                group: None,
                looks_for: "pattern".into(),
                entries: 1,
                bytes: 1,
                by: "ada".into(),
                saved_at: chrono::DateTime::UNIX_EPOCH,
                revision: 1,
            },
            definition,
        };
        let pattern = |name: &str, pattern: &str| {
            let looks_for = serde_json::json!({"kind": "pattern", "pattern": pattern});
            let detector = serde_json::json!({"name": name, "title": name, "looks_for": looks_for});
            kept(name, detector.to_string())
        };
        let ready = made_ready(&[
            pattern("parts", "P-[0-9]{6}"),
            pattern("credit-card", "x{4}"),
            pattern("broken", "("),
            kept("unread", "{".into()),
        ]);
        let found = ready.set().scan_text("the part P-123456");
        assert!(found.has("parts", inspect::Confidence::Low));
        assert!(!ready.set().names().any(|name| name == "broken"));
    }
}
