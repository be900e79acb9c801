use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use ports::{Delivered, ManualClock, SystemClock};
use proptest::prelude::*;

use super::*;
use crate::disk::SegmentFile;

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

/// A disk that fails by plan: the next write, or the next fsync, once; or does not come back from
/// an fsync until the plan is another.
struct FailingDisk(Arc<AtomicU8>);

const FULL_ON_WRITE: u8 = 1;
const BROKEN_ON_SYNC: u8 = 2;
const BROKEN_ON_WRITE: u8 = 3;
const HELD_IN_SYNC: u8 = 4;

struct FailingFile(Box<dyn SegmentFile>, Arc<AtomicU8>);

impl Disk for FailingDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let file = disk::LocalDisk.create(path)?;
        Ok(Box::new(FailingFile(file, Arc::clone(&self.0))))
    }

    fn resume(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        let file = disk::LocalDisk.resume(path, bytes)?;
        Ok(Box::new(FailingFile(file, Arc::clone(&self.0))))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        disk::LocalDisk.sync_folder(folder)
    }
}

impl SegmentFile for FailingFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let plan = self.1.load(Ordering::SeqCst);
        if plan == FULL_ON_WRITE || plan == BROKEN_ON_WRITE {
            self.1.store(0, Ordering::SeqCst);
            self.0.append(&bytes[..bytes.len() / 2])?;
            return Err(match plan {
                FULL_ON_WRITE => io::ErrorKind::StorageFull.into(),
                _ => io::Error::other("I/O error"),
            });
        }
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.1.load(Ordering::SeqCst) == BROKEN_ON_SYNC {
            self.1.store(0, Ordering::SeqCst);
            return Err(io::Error::other("I/O error"));
        }
        while self.1.load(Ordering::SeqCst) == HELD_IN_SYNC {
            std::thread::yield_now();
        }
        self.0.sync()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.0.cut(bytes)
    }
}

fn open_failing(dir: &Path, options: Options) -> (EmbeddedLog, Arc<AtomicU8>) {
    let fault = Arc::new(AtomicU8::new(0));
    let disk = Box::new(FailingDisk(Arc::clone(&fault)));
    let clock = Arc::new(SystemClock::new());
    let log = EmbeddedLog::open_on(disk, dir, options, clock).unwrap();
    (log, fault)
}

#[tokio::test]
async fn more_than_the_queue_takes_is_overloaded_until_the_disk_has_taken_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        queue_records_max: 1,
        ..Options::default()
    };
    let (log, fault) = open_failing(dir.path(), options);
    fault.store(HELD_IN_SYNC, Ordering::SeqCst);
    let call = || log.append(Topic::Activity, vec![record("x")]);
    let (first, ()) = tokio::join!(call(), async {
        let second = call().await;
        assert!(matches!(second, Err(AppendError::Overloaded { .. })));
        assert!(
            read_all(&log, "g").await.is_empty(),
            "not durable, not read"
        );
        fault.store(0, Ordering::SeqCst);
    });
    first.unwrap();
    let room_again = async { while call().await.is_err() {} };
    tokio::time::timeout(LONG, room_again).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_recovered_from_and_a_failed_fsync_poisons_until_reopened() {
    for (plan, poisons) in [
        (FULL_ON_WRITE, false),
        (BROKEN_ON_SYNC, true),
        (BROKEN_ON_WRITE, true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (log, fault) = open_failing(dir.path(), Options::default());
        let append = |topic, value| log.append(topic, vec![record(value)]);
        append(Topic::Activity, "before").await.unwrap();
        fault.store(plan, Ordering::SeqCst);
        let failed = append(Topic::Activity, "failed").await;
        assert!(
            matches!(failed, Err(AppendError::NotDurable(_))),
            "{failed:?}"
        );
        assert_eq!(values(&read_all(&log, "g").await), ["before"]);
        let after = append(Topic::Activity, "after").await;
        assert_eq!(after.is_err(), poisons, "plan {plan}");
        assert_eq!(append(Topic::Incidents, "x").await.is_err(), poisons);
        drop(log);
        let log = open(dir.path()).unwrap();
        let read = values(&read_all(&log, "again").await);
        assert_eq!(read[0], "before");
        assert_eq!(read.contains(&"after".to_owned()), !poisons);
        log.append(Topic::Activity, vec![record("new")])
            .await
            .expect("opened anew, the log takes records");
    }
}

/// What became of the bytes of a group that no fsync had covered.
#[derive(Debug, Clone)]
enum Fate {
    CutAt(prop::sample::Index),
    Flipped(prop::sample::Index),
    Zeroed(prop::sample::Index, prop::sample::Index),
}

fn fate() -> impl Strategy<Value = Fate> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        place().prop_map(Fate::CutAt),
        place().prop_map(Fate::Flipped),
        (place(), place()).prop_map(|(a, b)| Fate::Zeroed(a, b)),
    ]
}

fn befall(group: &mut Vec<u8>, fate: &Fate) {
    match fate {
        Fate::CutAt(at) => group.truncate(at.index(group.len())),
        Fate::Flipped(bit) => {
            let bit = bit.index(group.len() * 8);
            group[bit / 8] ^= 1 << (bit % 8);
        }
        Fate::Zeroed(a, b) => {
            let (a, b) = (a.index(group.len()), b.index(group.len()));
            group[a.min(b)..a.max(b)].fill(0);
        }
    }
}

/// Of calls: a few records stand alone, many are packed.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..4, 5usize..60]
}

fn calls_of(sizes: &[usize], first: usize) -> Vec<Vec<LogRecord>> {
    let mut n = first;
    let mut call = |size: &usize| {
        (0..*size)
            .map(|_| {
                n += 1;
                record(&format!("{}", n - 1))
            })
            .collect()
    };
    sizes.iter().map(&mut call).collect()
}

/// The bytes of one group of calls, as the writer writes them.
fn group_bytes(calls: &[Vec<LogRecord>], first: u64, group_at: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for call in calls {
        bytes.extend(frame::encode_call(call).unwrap());
    }
    frame::stamp(&mut bytes, first, 0, group_at);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The crash model: what was acknowledged is on disk; of the group being written, any bytes.
    #[test]
    fn after_a_crash_everything_acknowledged_is_read_and_nothing_is_invented(
        acknowledged in proptest::collection::vec(sizes(), 1..6),
        unfinished in proptest::collection::vec(sizes(), 1..6),
        fate in fate(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let log = open(dir.path()).unwrap();
            for call in calls_of(&acknowledged, 0) {
                log.append(Topic::Activity, call).await.unwrap();
            }
            drop(log);
            let path = segment(dir.path(), 0);
            let mut bytes = fs::read(&path).unwrap();
            let durable: usize = acknowledged.iter().sum();
            let torn = calls_of(&unfinished, durable);
            let mut group = group_bytes(&torn, durable as u64, bytes.len() as u64);
            befall(&mut group, &fate);
            bytes.extend(group);
            fs::write(&path, bytes).unwrap();

            let log = open(dir.path()).unwrap();
            let read = read_all(&log, "g").await;
            let offsets: Vec<u64> = read.iter().map(|one| one.place.offset).collect();
            prop_assert_eq!(offsets, (0..read.len() as u64).collect::<Vec<_>>());
            let expected: Vec<String> = (0..read.len()).map(|n| n.to_string()).collect();
            prop_assert_eq!(values(&read), expected);
            let whole_calls = unfinished.iter().scan(durable, |sum, size| {
                *sum += size;
                Some(*sum)
            });
            prop_assert!(
                std::iter::once(durable).chain(whole_calls).any(|sum| sum == read.len()),
                "{} records are not a whole number of calls", read.len()
            );
            log.append(Topic::Activity, vec![record("next")]).await.unwrap();
            prop_assert_eq!(read_all(&log, "h").await.len(), read.len() + 1);
            Ok(())
        })?;
    }
}
