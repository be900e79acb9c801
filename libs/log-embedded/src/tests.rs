use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use ports::{Delivered, ManualClock, SystemClock};
use proptest::prelude::*;

use super::*;
use crate::disk::SegmentFile;

mod crash;
mod failing;
mod packed;

const LONG: Duration = Duration::from_secs(20);
const NO_WAIT: Duration = Duration::ZERO;

fn record(value: &str) -> LogRecord {
    LogRecord {
        key: "k".into(),
        headers: Vec::new(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    }
}

fn open_with(dir: &Path, options: Options) -> Result<EmbeddedLog, OpenError> {
    EmbeddedLog::open(dir, options, Arc::new(SystemClock::new()))
}

fn open(dir: &Path) -> Result<EmbeddedLog, OpenError> {
    open_with(dir, Options::default())
}

/// Everything that a new group reads now.
async fn read_all(log: &EmbeddedLog, group: &str) -> Vec<Delivered> {
    let mut reader = log.reader(Topic::Activity, group).await.unwrap();
    let mut read = Vec::new();
    loop {
        let batch = reader.next(1000, NO_WAIT).await.unwrap();
        if batch.is_empty() {
            return read;
        }
        read.extend(batch);
    }
}

fn values(read: &[Delivered]) -> Vec<String> {
    read.iter()
        .map(|one| String::from_utf8(one.record.value.to_vec()).unwrap())
        .collect()
}

fn segment(dir: &Path, base: u64) -> std::path::PathBuf {
    topic::segment_path(&dir.join(Topic::Activity.name()), base)
}

#[tokio::test]
async fn the_embedded_log_holds_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    ports::contract::log::all(&open(dir.path()).unwrap()).await;
}

#[tokio::test]
async fn small_segments_hold_the_contract_too() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes_max: 500,
        ..Options::default()
    };
    ports::contract::log::all(&open_with(dir.path(), options).unwrap()).await;
    let folder = dir.path().join(Topic::Incidents.name());
    assert!(fs::read_dir(folder).unwrap().count() > 2);
}

#[tokio::test]
async fn what_was_appended_and_committed_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let log = open(dir.path()).unwrap();
        for n in 0..10 {
            let value = format!("{}", round * 10 + n);
            log.append(Topic::Activity, vec![record(&value)])
                .await
                .unwrap();
        }
        let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
        assert_eq!(reader.lag().await, 10 + 5 * round);
        let batch = reader.next(5, LONG).await.unwrap();
        assert_eq!(batch[0].place.offset, 5 * round);
        reader.commit(&[batch[4].place]).await.unwrap();
    }
    let log = open(dir.path()).unwrap();
    let read = values(&read_all(&log, "all").await);
    assert_eq!(read, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_second_opener_is_refused_until_log_and_readers_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let refused = |dir| matches!(open(dir), Err(OpenError::InUse(_)));
    assert!(refused(dir.path()));
    let reader = log.reader(Topic::Activity, "g").await.unwrap();
    drop(log);
    assert!(refused(dir.path()), "the reader could still commit");
    drop(reader);
    assert!(open(dir.path()).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_appenders_keep_each_its_order_and_offsets_are_dense() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(open(dir.path()).unwrap());
    let appenders: Vec<_> = (0..32)
        .map(|appender| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for n in 0..20 {
                    let given = vec![record(&format!("{appender} {n}")), record("second")];
                    log.append(Topic::Activity, given).await.unwrap();
                }
            })
        })
        .collect();
    for appender in appenders {
        appender.await.unwrap();
    }
    let read = read_all(&log, "g").await;
    assert_eq!(read.len(), 32 * 20 * 2);
    let mut seen = [0; 32];
    for (index, pair) in read.chunks(2).enumerate() {
        assert_eq!(pair[0].place.offset, 2 * index as u64);
        let [first, second] = &values(pair)[..] else {
            panic!("a pair")
        };
        assert_eq!(second, "second", "a call's records stay together");
        let (appender, n) = first.split_once(' ').unwrap();
        let seen = &mut seen[appender.parse::<usize>().unwrap()];
        assert_eq!(n, seen.to_string());
        *seen += 1;
    }
}

#[tokio::test]
async fn a_group_has_one_reading_member_and_the_next_continues_after_its_commits() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    log.append(Topic::Activity, vec![record("a"), record("b")])
        .await
        .unwrap();
    let mut first = log.reader(Topic::Activity, "g").await.unwrap();
    let mut second = log.reader(Topic::Activity, "g").await.unwrap();
    let batch = first.next(1, LONG).await.unwrap();
    assert!(second.next(1, NO_WAIT).await.unwrap().is_empty());
    assert!(second.commit(&[batch[0].place]).await.is_err());
    first.commit(&[batch[0].place]).await.unwrap();
    drop(first);
    assert_eq!(values(&second.next(9, LONG).await.unwrap()), ["b"]);
}

#[tokio::test]
async fn a_large_record_and_a_batch_over_many_segments_are_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes_max: 1000,
        ..Options::default()
    };
    let log = open_with(dir.path(), options).unwrap();
    let large = "x".repeat(3 * 1024 * 1024);
    let given = ["a", &large, "b", "c"];
    for value in given {
        log.append(Topic::Activity, vec![record(value)])
            .await
            .unwrap();
    }
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    assert_eq!(values(&reader.next(100, LONG).await.unwrap()), given);
}

#[tokio::test]
async fn old_segments_go_when_every_group_has_committed_them() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(chrono::DateTime::UNIX_EPOCH));
    let options = Options {
        segment_bytes_max: 100,
        retained_bytes_max: 1000,
        retained_bytes_hard_max: 3000,
        retained_age_max: Duration::from_secs(3600),
        ..Options::default()
    };
    let log = EmbeddedLog::open(dir.path(), options, clock.clone()).unwrap();
    let mut reader = log.reader(Topic::Activity, "slow").await.unwrap();
    let value = "x".repeat(200);
    let append = || log.append(Topic::Activity, vec![record(&value)]);
    for _ in 0..8 {
        append().await.unwrap();
    }
    assert!(segment(dir.path(), 0).exists(), "not committed, so kept");
    let batch = reader.next(100, LONG).await.unwrap();
    reader.commit(&[batch[3].place]).await.unwrap();
    append().await.unwrap();
    is_removed(&segment(dir.path(), 3)).await;
    assert!(segment(dir.path(), 4).exists(), "not committed, so kept");
    for _ in 0..20 {
        append().await.unwrap();
    }
    is_removed(&segment(dir.path(), 4)).await;
    let batch = reader.next(100, LONG).await.unwrap();
    let last = batch.last().unwrap().place;
    assert!(batch[0].place.offset > 4, "it goes on with what there is");
    reader.commit(&[last]).await.unwrap();
    append().await.unwrap();
    assert!(segment(dir.path(), last.offset).exists(), "young");
    clock.advance(Duration::from_secs(4000));
    append().await.unwrap();
    is_removed(&segment(dir.path(), last.offset)).await;
}

/// Removal follows the answer: waits for it.
async fn is_removed(path: &Path) {
    let removed = async {
        while path.exists() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(LONG, removed).await;
    waited.unwrap_or_else(|_| panic!("{} is still there", path.display()));
}

#[tokio::test]
async fn a_dropped_read_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let given = ["a", "b", "c"];
    log.append(Topic::Activity, given.map(record).to_vec())
        .await
        .unwrap();
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    let mut read = Vec::new();
    for _ in 0..20 {
        tokio::select! {
            biased;
            batch = reader.next(1, LONG) => read.extend(batch.unwrap()),
            () = std::future::ready(()) => {}
        }
    }
    while read.len() < given.len() {
        read.extend(reader.next(1, LONG).await.unwrap());
    }
    assert_eq!(values(&read), given);
}

#[tokio::test]
async fn a_group_that_had_committed_more_than_there_is_reads_what_comes_new() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let append = async |log: &EmbeddedLog, value| {
        let appended = log.append(Topic::Activity, vec![record(value)]).await;
        appended.unwrap();
    };
    append(&log, "lost").await;
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    let batch = reader.next(1, LONG).await.unwrap();
    reader.commit(&[batch[0].place]).await.unwrap();
    drop((reader, log));
    fs::remove_file(segment(dir.path(), 0)).unwrap();
    let log = open(dir.path()).unwrap();
    append(&log, "new").await;
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    assert_eq!(values(&reader.next(1, LONG).await.unwrap()), ["new"]);
}

#[tokio::test]
async fn damage_before_whole_records_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    for value in ["first", "second", "third"] {
        log.append(Topic::Activity, vec![record(value)])
            .await
            .unwrap();
    }
    drop(log);
    let path = segment(dir.path(), 0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8 + frame::HEAD_BYTES + 3] ^= 1;
    fs::write(&path, bytes).unwrap();
    match open(dir.path()) {
        Err(OpenError::Damaged { path: named, at }) => assert_eq!((named, at), (path, 8)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened over damage"),
    }
}
