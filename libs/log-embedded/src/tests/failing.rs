//! A disk that fails by plan.

use super::*;

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
