//! The suite of [`ActivityLog`].

use std::time::Duration;

use bytes::Bytes;

use crate::log::{ActivityLog, AppendError, Log, LogRecord, Scan, Topic};

const NO_WAIT: Duration = Duration::from_millis(0);
const LONG: Duration = Duration::from_secs(10);

fn record(key: &str, value: &str) -> LogRecord {
    LogRecord {
        key: key.into(),
        headers: vec![("ce_type".into(), "test".into())],
        value: Bytes::copy_from_slice(value.as_bytes()),
    }
}

/// Everything at once, on an empty log.
pub async fn all(log: &dyn Log) {
    let empty = log.scan(Topic::Incidents).await.expect("a scan");
    assert_eq!(rest_of(empty).await, [], "an empty topic is empty");
    what_is_appended_is_read_in_order(log).await;
    a_group_continues_after_what_it_committed(log).await;
    a_record_that_is_too_large_is_refused_and_nothing_is_appended(log).await;
    a_waiting_reader_is_woken(log).await;
    a_scan_reads_what_is_there_and_ends(log).await;
}

/// A scan gives every record that was there when it began, and then nothing.
pub async fn a_scan_reads_what_is_there_and_ends(log: &dyn Log) {
    let before = rest_of(log.scan(Topic::Incidents).await.expect("a scan")).await;
    let given: Vec<LogRecord> = (0..25)
        .map(|n| record(&format!("k{n}"), &format!("scan-{n:02}")))
        .collect();
    log.append(Topic::Incidents, given.clone())
        .await
        .expect("the log takes 25 records");
    let scan = log.scan(Topic::Incidents).await.expect("a scan");
    log.append(Topic::Incidents, vec![record("k", "later")])
        .await
        .expect("the log takes a record");
    let mut found = rest_of(scan).await;
    let mut expected = [before, given].concat();
    found.sort_by(|a, b| a.value.cmp(&b.value));
    expected.sort_by(|a, b| a.value.cmp(&b.value));
    assert_eq!(found, expected, "the scan reads what was there");
}

async fn rest_of(mut scan: Box<dyn Scan>) -> Vec<LogRecord> {
    let mut found = Vec::new();
    loop {
        let batch = scan.next(7).await.expect("a batch");
        assert!(batch.len() <= 7, "a batch holds at most what was asked for");
        if batch.is_empty() {
            return found;
        }
        found.extend(batch.into_iter().map(|delivered| delivered.record));
    }
}

/// Records come back as they were given, in their order, to each group.
pub async fn what_is_appended_is_read_in_order(log: &dyn ActivityLog) {
    let given: Vec<LogRecord> = (0..100)
        .map(|n| record("k", &format!("order-{n}")))
        .collect();
    log.append(Topic::Incidents, given[..40].to_vec())
        .await
        .expect("the log takes 40 records");
    log.append(Topic::Incidents, given[40..].to_vec())
        .await
        .expect("the log takes 60 records");
    for group in ["order-a", "order-b"] {
        let mut reader = log.reader(Topic::Incidents, group).await.expect("a reader");
        let mut read = Vec::new();
        while read.len() < given.len() {
            let batch = reader.next(7, LONG).await.expect("a batch");
            assert!(
                !batch.is_empty(),
                "{} of {} records came",
                read.len(),
                given.len()
            );
            assert!(batch.len() <= 7, "a batch holds at most what was asked for");
            read.extend(batch.into_iter().map(|delivered| delivered.record));
        }
        assert_eq!(read, given, "group {group} reads everything in order");
    }
}

/// A new reader of the group stands after what was committed, and not after what was only read.
pub async fn a_group_continues_after_what_it_committed(log: &dyn ActivityLog) {
    let given: Vec<LogRecord> = (0..10)
        .map(|n| record("k", &format!("commit-{n}")))
        .collect();
    log.append(Topic::DeadLetter, given.clone())
        .await
        .expect("the log takes 10 records");
    let mut reader = log
        .reader(Topic::DeadLetter, "commit")
        .await
        .expect("a reader");
    let first = reader.next(4, LONG).await.expect("a batch");
    reader.commit(&[first[3].place]).await.expect("a commit");
    let _read_but_not_committed = reader.next(4, LONG).await.expect("a batch");
    assert_eq!(reader.lag().await, 6, "six of ten are not committed");
    drop(reader);
    let mut reader = log
        .reader(Topic::DeadLetter, "commit")
        .await
        .expect("a reader");
    let next = reader.next(100, LONG).await.expect("a batch");
    let values: Vec<_> = next
        .iter()
        .map(|delivered| delivered.record.clone())
        .collect();
    assert_eq!(values, given[4..], "what was not committed comes again");
}

/// One record over the bound refuses the whole call.
pub async fn a_record_that_is_too_large_is_refused_and_nothing_is_appended(log: &dyn ActivityLog) {
    let mut reader = log
        .reader(Topic::Activity, "too-large")
        .await
        .expect("a reader");
    let mut large = record("k", "");
    large.value = Bytes::from(vec![b'x'; LogRecord::BYTES_MAX]);
    let refused = log
        .append(Topic::Activity, vec![record("k", "small"), large])
        .await;
    assert!(
        matches!(refused, Err(AppendError::TooLarge { .. })),
        "{refused:?}"
    );
    assert!(reader.next(10, NO_WAIT).await.expect("a batch").is_empty());
}

/// A reader that waits gets the record as soon as it is durable, not at the end of its wait.
pub async fn a_waiting_reader_is_woken(log: &dyn ActivityLog) {
    let mut reader = log
        .reader(Topic::Activity, "woken")
        .await
        .expect("a reader");
    let (batch, appended) = tokio::join!(
        tokio::time::timeout(LONG, reader.next(10, LONG * 10)),
        log.append(Topic::Activity, vec![record("k", "wake up")]),
    );
    appended.expect("an append");
    assert_eq!(batch.expect("woken in time").expect("a batch").len(), 1);
}
