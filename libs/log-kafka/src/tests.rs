use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event_model::Secret;
use ports::contract::servers::{fresh_name, server};
use ports::{ActivityLog, Clock, LogRecord, Place, SystemClock, Topic};

use super::*;

mod entrance;
mod groups;
mod simulated;

const LONG: Duration = Duration::from_secs(60);

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// Topics of this test alone, on the server that runs.
fn options() -> Option<Options> {
    Some(options_at(server("TIDEGATE_TEST_KAFKA")?))
}

fn options_at(address: String) -> Options {
    let mut options = Options::at(vec![address]);
    options.prefix = format!("{}.", fresh_name());
    options.partitions = 3;
    options
}

async fn opened(options: Options) -> KafkaLog {
    KafkaLog::open(options, clock()).await.expect("a log")
}

fn record(key: &str, value: &str) -> LogRecord {
    LogRecord {
        key: key.into(),
        headers: vec![
            ("ce_specversion".into(), "1.0".into()),
            ("traceparent".into(), "00-1-2-01".into()),
        ],
        value: Bytes::copy_from_slice(value.as_bytes()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kafka_log_holds_the_contract() {
    let Some(options) = options() else { return };
    let log = opened(options).await;
    ports::contract::log::all(&log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_back_with_headers_and_the_brokers_time() {
    let Some(options) = options() else { return };
    let log = opened(options).await;
    let before = clock().now();
    log.append(Topic::Activity, vec![record("k", "v")])
        .await
        .unwrap();
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    let read = reader.next(1, LONG).await.unwrap();
    assert_eq!(read[0].record, record("k", "v"));
    let lag_ms = (read[0].appended_at - before).num_milliseconds().abs();
    assert!(lag_ms < 60_000, "appended at {}", read[0].appended_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_up_question_loses_no_record() {
    let Some(options) = options() else { return };
    let log = opened(options).await;
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    // The question is given up while its answer is on the way.
    let given_up = tokio::time::timeout(Duration::from_millis(1), reader.next(10, LONG)).await;
    assert!(given_up.is_err());
    for value in ["a", "b", "c"] {
        log.append(Topic::Activity, vec![record("k", value)])
            .await
            .unwrap();
    }
    let mut read = Vec::new();
    while read.len() < 3 {
        let batch = reader.next(1, LONG).await.unwrap();
        assert!(batch.len() <= 1);
        read.extend(batch.into_iter().map(|one| one.record.value));
    }
    assert_eq!(read, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_record_fits_and_one_byte_more_does_not() {
    let Some(options) = options() else { return };
    let log = opened(options).await;
    let mut largest = record("k", "");
    largest.value = vec![b'x'; LogRecord::BYTES_MAX - largest.size()].into();
    log.append(Topic::Activity, vec![largest.clone()])
        .await
        .unwrap();
    let mut reader = log.reader(Topic::Activity, "g").await.unwrap();
    assert_eq!(reader.next(1, LONG).await.unwrap()[0].record, largest);
    largest.value = vec![b'x'; largest.value.len() + 1].into();
    let refused = log.append(Topic::Activity, vec![largest]).await;
    assert!(
        matches!(refused, Err(AppendError::TooLarge { .. })),
        "{refused:?}"
    );
}
