//! A broker of this test's own is killed, started again, frozen and thawed, while a writer and a
//! reader go on: what was acknowledged is read, and nobody has to be started anew.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use log_kafka::{KafkaLog, Options};
use ports::contract::servers::server;
use ports::{ActivityLog, AppendError, Clock, Delivered, LogRecord, Place, SystemClock, Topic};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longest that anything here may take.
const LONG: Duration = Duration::from_secs(90);
const KEYS: usize = 5;

/// A broker with a folder of its own, removed in the end.
struct Broker {
    folder: tempfile::TempDir,
}

impl Broker {
    /// None where no broker is to be had.
    fn start() -> Option<Self> {
        server("TIDEGATE_TEST_KAFKA")?;
        let broker = Broker {
            folder: tempfile::tempdir().unwrap(),
        };
        broker.told("start");
        Some(broker)
    }

    fn told(&self, action: &str) {
        let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/services");
        let done = Command::new(script)
            .args([action, "kafka"])
            .env("TIDEGATE_SERVICES_DIR", self.folder.path())
            .status()
            .unwrap();
        assert!(done.success(), "`scripts/services {action} kafka` failed");
    }

    fn address(&self) -> String {
        let env = std::fs::read_to_string(self.folder.path().join("env")).unwrap();
        let line = env
            .lines()
            .find_map(|line| line.strip_prefix("TIDEGATE_TEST_KAFKA="));
        line.unwrap().to_owned()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.told("remove");
    }
}

fn record(number: usize) -> LogRecord {
    LogRecord {
        key: format!("key-{}", number % KEYS),
        headers: Vec::new(),
        value: Bytes::from(number.to_string()),
    }
}

/// Appends one number after the other, each until it is acknowledged.
fn writer(
    log: Arc<KafkaLog>,
    acknowledged: watch::Sender<usize>,
    unknown: watch::Sender<usize>,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut number = 0;
        while !*stop.borrow_and_update() {
            match log.append(Topic::Activity, vec![record(number)]).await {
                Ok(()) => {
                    number += 1;
                    acknowledged.send_replace(number);
                }
                Err(AppendError::NotDurable(_)) => unknown.send_modify(|count| *count += 1),
                Err(error) => panic!("one record at a time is never refused: {error}"),
            }
        }
    })
}

/// What was read, in order: key and number.
type Read = Arc<Mutex<Vec<(String, usize)>>>;

/// Notes a batch; gives how many different numbers came so far.
fn noted(read: &Read, batch: &[Delivered]) -> usize {
    let mut all = read.lock().unwrap();
    all.extend(batch.iter().map(|one| {
        let number = std::str::from_utf8(&one.record.value).unwrap();
        (one.record.key.clone(), number.parse().unwrap())
    }));
    let distinct: BTreeSet<usize> = all.iter().map(|(_, number)| *number).collect();
    distinct.len()
}

fn reader(log: Arc<KafkaLog>, read: Read, count: watch::Sender<usize>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
        loop {
            let batch = reader.next(100, Duration::from_millis(500)).await.unwrap();
            count.send_replace(noted(&read, &batch));
            let through: Vec<Place> = batch.iter().map(|one| one.place).collect();
            // A commit that fails is a batch that may come again.
            let _ = reader.commit(&through).await;
        }
    })
}

/// Waits for a count, and says how long it took.
async fn reach(what: &str, count: &watch::Sender<usize>, at_least: usize) {
    let clock = SystemClock::new();
    let mut counted = count.subscribe();
    let reached = counted.wait_for(|count| *count >= at_least);
    let waited = tokio::time::timeout(LONG, reached).await;
    assert!(waited.is_ok(), "{what}: {} of {at_least}", *count.borrow());
    eprintln!("{what}: {at_least} after {:?}", clock.monotonic());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_or_frozen_loses_nothing_and_needs_no_restart_of_ours() {
    let Some(broker) = tokio::task::spawn_blocking(Broker::start).await.unwrap() else {
        return;
    };
    let broker = Arc::new(broker);
    let told = |action: &'static str| {
        let broker = Arc::clone(&broker);
        async move {
            let told = tokio::task::spawn_blocking(move || broker.told(action));
            told.await.unwrap();
        }
    };
    let mut options = Options::at(vec![broker.address()]);
    options.partitions = 3;
    options.acknowledged_max = Duration::from_secs(3);
    let log = KafkaLog::open(options, Arc::new(SystemClock::new())).await;
    let log = Arc::new(log.unwrap());
    let counts = || watch::Sender::new(0);
    let (acknowledged, unknown, distinct) = (counts(), counts(), counts());
    let (stop, stopped) = watch::channel(false);
    let read = Read::default();
    let reading = reader(Arc::clone(&log), Arc::clone(&read), distinct.clone());
    let writing = writer(
        Arc::clone(&log),
        acknowledged.clone(),
        unknown.clone(),
        stopped,
    );
    let now = || *acknowledged.borrow();

    reach("acknowledged at first", &acknowledged, 50).await;
    told("kill").await;
    reach("unknown while it is dead", &unknown, 1).await;
    told("start").await;
    reach("acknowledged after the restart", &acknowledged, now() + 50).await;

    told("freeze").await;
    let before = *unknown.borrow();
    reach("unknown while it is frozen", &unknown, before + 1).await;
    told("thaw").await;
    reach("acknowledged after the thaw", &acknowledged, now() + 50).await;

    stop.send_replace(true);
    writing.await.unwrap();
    let written = now();
    reach("read in the end", &distinct, written).await;
    reading.abort();
    // Every number is there, and of each key the first of each number is in order.
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (key, number) in read.lock().unwrap().iter() {
        if seen.insert(*number) {
            let before = last.insert(key.clone(), *number);
            assert!(before < Some(*number), "{key}: {number} after {before:?}");
        }
    }
    assert!((0..written).all(|number| seen.contains(&number)));
}
