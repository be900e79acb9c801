//! A look through a topic, without a group: every partition from its oldest record to the end that it
//! had when the look began. It commits nothing and takes part in no rebalance.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ports::{Clock, Delivered, LogError, Scan, Topic};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use thiserror::Error;

use crate::member::{Hearing, delivered};
use crate::options::Options;
use crate::report::Reporter;

/// How long one question to the brokers may take.
const ASK_MAX: Duration = Duration::from_secs(10);
/// How long a record that must be there is waited for.
const RECORD_MAX: Duration = Duration::from_secs(30);
/// A batch ends after so many bytes, however many records were asked for.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The brokers fell silent in the middle.
#[derive(Debug, Error)]
#[error("no record within {0:?}, though there are more")]
struct Silent(Duration);

/// A look through a topic; its client blocks, and is lent to a thread that may.
pub(crate) struct KafkaScan(Option<Look>);

struct Look {
    consumer: BaseConsumer<Hearing>,
    /// The end of each partition that was not reached yet.
    ends: HashMap<i32, i64>,
    clock: Arc<dyn Clock>,
}

impl KafkaScan {
    pub(crate) async fn begin(
        options: Arc<Options>,
        topic: Topic,
        reporter: Arc<Reporter>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        blocking(move || Look::begin(&options, topic, reporter, clock))
            .await
            .map(|look| KafkaScan(Some(look)))
    }
}

#[async_trait]
impl Scan for KafkaScan {
    async fn next(&mut self, records_max: usize) -> Result<Vec<Delivered>, LogError> {
        // A call that was given up or failed ends the look: its place is not known any more.
        let Some(mut look) = self.0.take() else {
            return Err(failed("the scan was interrupted"));
        };
        let (batch, look) = blocking(move || Ok((look.next(records_max)?, look))).await?;
        self.0 = Some(look);
        Ok(batch)
    }
}

impl Look {
    fn begin(
        options: &Options,
        topic: Topic,
        reporter: Arc<Reporter>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let name = options.topic(topic);
        // A group's name makes the queue of records; nothing joins it and nothing is committed.
        let consumer: BaseConsumer<Hearing> = options
            .member(&options.group(topic, "scan"))
            .create_with_context(Hearing::new(reporter))
            .map_err(failed)?;
        let metadata = consumer
            .fetch_metadata(Some(&name), ASK_MAX)
            .map_err(failed)?;
        let mut places = TopicPartitionList::new();
        let mut ends = HashMap::new();
        for partition in metadata.topics().iter().flat_map(|one| one.partitions()) {
            let partition = partition.id();
            let (oldest, end) = consumer
                .fetch_watermarks(&name, partition, ASK_MAX)
                .map_err(failed)?;
            if oldest < end {
                ends.insert(partition, end);
                places
                    .add_partition_offset(&name, partition, Offset::Offset(oldest))
                    .map_err(failed)?;
            }
        }
        consumer.assign(&places).map_err(failed)?;
        Ok(Look {
            consumer,
            ends,
            clock,
        })
    }

    fn next(&mut self, records_max: usize) -> Result<Vec<Delivered>, LogError> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut heard = self.clock.monotonic();
        while !self.ends.is_empty() && batch.len() < records_max && bytes < BATCH_BYTES_MAX {
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    heard = self.clock.monotonic();
                    if let Some(one) = self.within(delivered(&message)) {
                        bytes += one.record.size();
                        batch.push(one);
                    }
                }
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    return Err(failed(KafkaError::MessageConsumptionFatal(code)));
                }
                // Other complaints pass, or end in silence.
                Some(Err(_)) | None => {
                    if self.clock.monotonic().saturating_sub(heard) > RECORD_MAX {
                        return Err(failed(Silent(RECORD_MAX)));
                    }
                }
            }
        }
        Ok(batch)
    }

    /// The record, if it was there when the look began; notes where its partition ends.
    fn within(&mut self, one: Delivered) -> Option<Delivered> {
        let partition = one.place.partition as i32;
        let offset = one.place.offset as i64;
        let end = *self.ends.get(&partition)?;
        if offset + 1 >= end {
            self.ends.remove(&partition);
        }
        (offset < end).then_some(one)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LogError {
    LogError {
        doing: "read",
        source: error.into(),
    }
}
