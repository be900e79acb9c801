//! Groups: members come and go, and nothing is lost and no key out of order.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;

const KEYS: usize = 30;
const RECORDS: usize = 3_000;

/// What the members of a group recorded, in the order in which they did: key and number.
#[derive(Clone)]
struct Recorded {
    all: Arc<Mutex<Vec<(String, usize)>>>,
    count: watch::Sender<usize>,
}

impl Recorded {
    fn new() -> Self {
        Recorded {
            all: Arc::default(),
            count: watch::Sender::new(0),
        }
    }

    fn add(&self, batch: &[ports::Delivered]) {
        let mut all = self.all.lock().unwrap();
        all.extend(batch.iter().map(|one| {
            let number = std::str::from_utf8(&one.record.value).unwrap();
            (one.record.key.clone(), number.parse().unwrap())
        }));
        let distinct: HashSet<&(String, usize)> = all.iter().collect();
        self.count.send_replace(distinct.len());
    }

    async fn reach(&self, count: usize) {
        let mut counted = self.count.subscribe();
        let reached = counted.wait_for(|distinct| *distinct >= count);
        let waited = tokio::time::timeout(LONG, reached).await;
        assert!(waited.is_ok(), "{} of {count} came", *self.count.borrow());
    }
}

/// A member that records and commits until it is told to stop.
struct Worker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    partitions: watch::Receiver<HashSet<u32>>,
}

async fn worker(log: &Arc<KafkaLog>, recorded: &Recorded) -> Worker {
    let (stop, mut stopped) = watch::channel(false);
    let (seen, partitions) = watch::channel(HashSet::new());
    let recorded = recorded.clone();
    let mut reader = log.reader(Topic::Activity, "workers").await.unwrap();
    let task = tokio::spawn(async move {
        loop {
            let batch = tokio::select! {
                batch = reader.next(20, Duration::from_millis(200)) => batch.unwrap(),
                _ = stopped.changed() => return,
            };
            recorded.add(&batch);
            seen.send_modify(|seen| seen.extend(batch.iter().map(|one| one.place.partition)));
            let through: Vec<Place> = batch.iter().map(|one| one.place).collect();
            reader.commit(&through).await.unwrap();
        }
    });
    Worker {
        stop,
        task,
        partitions,
    }
}

async fn write(log: &KafkaLog, numbers: std::ops::Range<usize>) {
    let all: Vec<usize> = numbers.collect();
    for some in all.chunks(50) {
        let records = some
            .iter()
            .map(|number| record(&format!("key-{}", number % KEYS), &number.to_string()));
        log.append(Topic::Activity, records.collect())
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_three_and_two_members_lose_nothing_and_keep_the_order_of_each_key() {
    let Some(options) = options() else { return };
    let log = Arc::new(opened(options).await);
    let recorded = Recorded::new();
    let first = worker(&log, &recorded).await;
    write(&log, 0..RECORDS / 3).await;
    recorded.reach(RECORDS / 3).await;
    let mut second = worker(&log, &recorded).await;
    let mut third = worker(&log, &recorded).await;
    // They write and read until both newcomers had something to do.
    let mut written = RECORDS / 3;
    for newcomer in [&mut second, &mut third] {
        while newcomer.partitions.borrow().is_empty() {
            write(&log, written..written + 50).await;
            written += 50;
            assert!(written < 100 * RECORDS, "a newcomer gets nothing to do");
            let changed = newcomer.partitions.changed();
            let _ = tokio::time::timeout(Duration::from_millis(200), changed).await;
        }
    }
    // One goes in the middle of its work, without a commit.
    second.task.abort();
    write(&log, written..written + RECORDS / 3).await;
    recorded.reach(written + RECORDS / 3).await;
    for worker in [first, third] {
        worker.stop.send_replace(true);
        worker.task.await.unwrap();
    }
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = HashSet::new();
    for (key, number) in recorded.all.lock().unwrap().iter() {
        if seen.insert(*number) {
            let before = last.insert(key.clone(), *number);
            assert!(before < Some(*number), "{key}: {number} after {before:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_is_of_what_is_not_committed_and_a_second_group_reads_for_itself() {
    let Some(options) = options() else { return };
    let log = opened(options).await;
    write(&log, 0..100).await;
    for group in ["one", "two"] {
        let mut reader = log.reader(Topic::Activity, group).await.unwrap();
        let mut read = 0;
        let mut through = Vec::new();
        while read < 100 {
            let batch = reader.next(100, LONG).await.unwrap();
            read += batch.len();
            through.extend(batch.iter().map(|one| one.place));
        }
        assert_eq!(reader.lag().await, 100, "{group} has committed nothing");
        reader.commit(&through).await.unwrap();
        assert_eq!(reader.lag().await, 0, "{group} has committed all");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_log_is_gone_says_so() {
    let Some(options) = options() else { return };
    let log = opened(options).await;
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    drop(log);
    let read = tokio::time::timeout(LONG, reader.next(1, LONG)).await;
    assert!(read.expect("at once").is_err());
}
