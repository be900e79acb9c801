use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use inspect::Limits;
use inspector::{InProcess, InspectError, Inspector, Isolation, PoolOptions, WorkerPool};

use crate::config::Inspection;

/// Where this program's content is inspected.
#[derive(Clone)]
pub(crate) struct Inspecting {
    pub(crate) inspector: Arc<dyn Inspector>,
    pool: Option<Arc<WorkerPool>>,
}

impl Inspecting {
    /// As the settings say; no process is started yet.
    pub(crate) fn new(settings: &Inspection) -> Self {
        if settings.workers == 0 {
            let inspector = Arc::new(InProcess {
                limits: Limits::default(),
                patience: Duration::from_secs(settings.seconds),
            });
            return Inspecting {
                inspector,
                pool: None,
            };
        }
        let pool = Arc::new(WorkerPool::new(PoolOptions {
            workers_max: settings.workers,
            memory_bytes_max: settings.memory_mb << 20,
            seconds_max: settings.seconds,
            ..PoolOptions::new(this_program(), &["inspect-worker"])
        }));
        Inspecting {
            inspector: pool.clone(),
            pool: Some(pool),
        }
    }

    /// How its processes are confined; `None` when there are none.
    pub(crate) async fn isolation(&self) -> Result<Option<Isolation>, InspectError> {
        match &self.pool {
            Some(pool) => Ok(Some(pool.isolation().await?)),
            None => Ok(None),
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
    }
}

/// The program that runs, even when its file was replaced since it was started.
fn this_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        return PathBuf::from("/proc/self/exe");
    }
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("tidegate"))
}
