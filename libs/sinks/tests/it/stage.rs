//! A log with incidents, sinks at work on it, and receivers over HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use ports::{LogRecord, MemoryLog, MemoryMailer, SeededEntropy, SystemClock, Topic};
use sealing::{Key, Sealer};
use serde_json::{Value, json};
use sinks::{Reach, SinkSettings, Sinks, SinksPorts};
use store_sqlite::SqliteStore;
use telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longest that something is waited for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Stage {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) ports: SinksPorts,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Arc::new(SystemClock::new());
        let sealer = Sealer::new(vec![Key::new("test", [7; 32])]).unwrap();
        let store = SqliteStore::open("sqlite::memory:", sealer, Arc::new(SeededEntropy::new(7)));
        Stage {
            folder: tempfile::tempdir().unwrap(),
            ports: SinksPorts {
                log: Arc::new(MemoryLog::new(clock.clone())),
                standings: Arc::new(store.await.unwrap()),
                reach: Reach {
                    clock,
                    mailer: Arc::new(MemoryMailer::default()),
                },
                metrics: Arc::new(Metrics::new()),
            },
            running: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file with that text.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The sinks that the sheet says, at work.
    pub(crate) fn start(&mut self, sheet: &str) {
        let settings = self.settings(sheet);
        let (stop, stopped) = watch::channel(false);
        let sinks = Sinks::new(settings, &self.ports).unwrap();
        self.running = Some((stop, tokio::spawn(sinks.run(stopped))));
    }

    pub(crate) fn settings(&self, sheet: &str) -> Vec<SinkSettings> {
        let path = self.write("sinks.toml", sheet);
        SinkSettings::of_file(path.as_ref()).unwrap()
    }

    /// Ends them in the middle of whatever they do.
    pub(crate) async fn kill(&mut self) {
        if let Some((_, task)) = self.running.take() {
            task.abort();
            let _ = task.await;
        }
    }

    pub(crate) fn is_at_work(&self) -> bool {
        self.running.is_some()
    }

    /// Tells of incidents `from` to `to`.
    pub(crate) async fn tell(&self, from: usize, to: usize) {
        let records = (from..to).map(record).collect();
        self.ports
            .log
            .append(Topic::Incidents, records)
            .await
            .unwrap();
    }
}

/// The n-th incident's first version, of rising severity.
pub(crate) fn event(n: usize) -> Value {
    json!({
        "class_uid": 2004, "activity_id": 1, "activity_name": "Create", "severity_id": n % 5 + 1,
        "time": 1_700_000_000_000_u64 + n as u64, "message": format!("SHR-{n}: something"),
        "metadata": {"uid": id(n), "sequence": 1},
        "finding_info": {"uid": format!("inc_{n}"), "title": "A policy"},
        "unmapped": {"number": format!("SHR-{n}")},
    })
}

pub(crate) fn id(n: usize) -> String {
    format!("inc_{n}:1")
}

pub(crate) fn ids(from: usize, to: usize) -> Vec<String> {
    (from..to).map(id).collect()
}

fn record(n: usize) -> LogRecord {
    LogRecord {
        key: format!("inc_{n}"),
        headers: Vec::new(),
        value: Bytes::from(event(n).to_string()),
    }
}

/// What a receiver got, in its order; what came again later is left out.
#[derive(Clone, Default)]
pub(crate) struct Got(Arc<Mutex<Vec<String>>>);

impl Got {
    pub(crate) fn note(&self, id: &str) {
        let mut got = self.0.lock().unwrap();
        if !got.iter().any(|one| one == id) {
            got.push(id.to_owned());
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Waits until so many are there.
    pub(crate) async fn are(&self, number: usize) {
        let there = async {
            while self.all().len() < number {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(DEADLINE, there).await;
        assert!(waited.is_ok(), "{} of {number} came", self.all().len());
    }
}

/// A server that answers every request so.
pub(crate) async fn server<F, A>(answer: F) -> SocketAddr
where
    F: Fn(Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(any(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
