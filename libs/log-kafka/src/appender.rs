//! Appends: all records of a call go to the one producer, and the call waits for one answer.
//!
//! What the brokers do not acknowledge in time is unknown: it may be there or not. The producer is
//! idempotent within its life, so its own repetitions neither double nor reorder; a producer that
//! came to its end (a fatal error) is replaced by a new one at the next append.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use ports::{AppendError, LogRecord};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use thiserror::Error;

use crate::delivery::{Call, Deliveries, code_of};
use crate::options::Options;
use crate::report::Reporter;
use crate::room::Room;
use crate::topics::words;

/// When a caller who was turned away shall come again.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why records are not known to be durable.
#[derive(Debug, Error)]
enum Unacknowledged {
    #[error("no acknowledgement within {within:?}: {last}")]
    Late { within: Duration, last: String },
    #[error("the brokers did not take the records: {0}")]
    Refused(String),
    #[error("the producer went away")]
    Gone,
}

/// The producer, and how a new one is made.
pub(crate) struct Appender {
    options: Arc<Options>,
    reporter: Arc<Reporter>,
    producer: RwLock<Arc<ThreadedProducer<Deliveries>>>,
    room: Arc<Room>,
}

impl Appender {
    pub(crate) fn new(options: Arc<Options>, reporter: Arc<Reporter>) -> Result<Self, KafkaError> {
        let producer = producer(&options, &reporter)?;
        let room = Room::new(options.in_flight_bytes_max, options.in_flight_records_max);
        Ok(Appender {
            options,
            reporter,
            producer: RwLock::new(Arc::new(producer)),
            room: Arc::new(room),
        })
    }

    /// Appends to a topic by its name at the brokers.
    pub(crate) async fn append(
        &self,
        topic: &str,
        records: Vec<LogRecord>,
        record_bytes_max: usize,
    ) -> Result<(), AppendError> {
        let sizes = || records.iter().map(LogRecord::size);
        let largest = sizes().max().unwrap_or(0);
        if largest > record_bytes_max {
            return Err(AppendError::TooLarge { bytes: largest });
        }
        let Some(share) = self.room.enter(sizes().sum(), records.len()) else {
            return Err(overloaded());
        };
        let producer = self.usable()?;
        let (call, answered) = Call::new(records.len(), share);
        for (sent, record) in records.iter().enumerate() {
            if let Err(error) = send(&producer, topic, record, &call) {
                call.settle(records.len() - sent, Some(code_of(&error)));
                break;
            }
        }
        drop((records, producer, call));
        match answered.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(code)) => Err(self.not_appended(code, largest)),
            Err(_) => Err(AppendError::NotDurable(Box::new(Unacknowledged::Gone))),
        }
    }

    /// The producer, or a new one when it can go on no more.
    fn usable(&self) -> Result<Arc<ThreadedProducer<Deliveries>>, AppendError> {
        let current = Arc::clone(&self.producer.read().expect("no holder panics"));
        let is_spent =
            |one: &Arc<ThreadedProducer<Deliveries>>| one.client().fatal_error().is_some();
        if !is_spent(&current) {
            return Ok(current);
        }
        let mut place = self.producer.write().expect("no holder panics");
        if is_spent(&place) {
            let made = producer(&self.options, &self.reporter)
                .map_err(|error| AppendError::NotDurable(Box::new(error)))?;
            let spent = std::mem::replace(&mut *place, Arc::new(made));
            drop(current);
            tracing::error!("a Kafka producer could go on no more, there is a new one");
            // Letting go of it waits for its threads.
            tokio::task::spawn_blocking(move || drop(spent));
        }
        Ok(Arc::clone(&place))
    }

    fn not_appended(&self, code: RDKafkaErrorCode, largest: usize) -> AppendError {
        use RDKafkaErrorCode as Code;
        match code {
            Code::QueueFull => overloaded(),
            Code::MessageSizeTooLarge => AppendError::TooLarge { bytes: largest },
            Code::MessageTimedOut => {
                let last = self.reporter.last();
                AppendError::NotDurable(Box::new(Unacknowledged::Late {
                    within: self.options.acknowledged_max,
                    last: last.map_or("no broker said why".into(), |one| one.reason),
                }))
            }
            code => AppendError::NotDurable(Box::new(Unacknowledged::Refused(words(code)))),
        }
    }
}

fn overloaded() -> AppendError {
    AppendError::Overloaded {
        retry_after: OVERLOADED_RETRY_AFTER,
    }
}

fn producer(
    options: &Options,
    reporter: &Arc<Reporter>,
) -> Result<ThreadedProducer<Deliveries>, KafkaError> {
    options
        .producer()
        .create_with_context(Deliveries(Arc::clone(reporter)))
}

fn send(
    producer: &ThreadedProducer<Deliveries>,
    topic: &str,
    record: &LogRecord,
    call: &Arc<Call>,
) -> Result<(), KafkaError> {
    let empty = OwnedHeaders::new_with_capacity(record.headers.len());
    let headers = record.headers.iter().fold(empty, |headers, (key, value)| {
        let value: Option<&str> = Some(value);
        headers.insert(Header { key, value })
    });
    let message = BaseRecord::with_opaque_to(topic, Arc::clone(call))
        .key(record.key.as_str())
        .payload(record.value.as_ref())
        .headers(headers);
    producer.send(message).map_err(|(error, _)| error)
}
