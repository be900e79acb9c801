//! The activity log on Kafka: what `append` acknowledged is on every in-sync replica, and groups
//! share the reading.
//!
//! - **Appending.** One idempotent producer with `acks=all`. A call waits for one answer, however
//!   many records it has. What is not acknowledged in time is `NotDurable`: it may be there or not.
//!   A call is not a transaction: after `NotDurable` some of its records may be there. Appending them
//!   again is harmless, because activities are unique by their ids.
//! - **Bounds.** What waits for acknowledgement is bounded in bytes and records; a call beyond them
//!   is `Overloaded` at once. Nothing sleeps before a full queue.
//! - **Order.** A record's partition is the murmur2 hash of its key, as the Java clients compute it:
//!   records of one key stay in one partition and in order. Changing the number of partitions of a
//!   topic in use moves keys, and breaks the order of what is under way then.
//! - **Reading.** Groups rebalance cooperatively; see `member`.
//! - **Loss and return of brokers** need no restart. Their complaints are logged seldom; see `report`.

mod appender;
mod delivery;
mod member;
mod options;
mod reader;
mod report;
mod room;
mod scan;
mod topics;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ports::{
    ActivityLog, AppendError, Clock, LogError, LogReader, LogRecord, LogScan, Scan, Topic,
};

use crate::appender::Appender;
use crate::reader::{KafkaReader, Membership};
use crate::report::Reporter;
use crate::scan::KafkaScan;

pub use options::{Login, Mechanism, Options, Tls};
pub use topics::OpenError;

/// How long the log waits, when dropped, for its readers to leave their groups.
const LEAVE_MAX: Duration = Duration::from_secs(3);

/// The log on Kafka.
pub struct KafkaLog {
    options: Arc<Options>,
    appender: Appender,
    record_bytes_max: usize,
    reporter: Arc<Reporter>,
    clock: Arc<dyn Clock>,
    members: Mutex<Vec<Membership>>,
}

impl KafkaLog {
    /// Reaches the brokers, and makes the topics that are missing.
    ///
    /// # Errors
    /// Within seconds, when no broker answers, it does not let us in, or a topic cannot be had.
    pub async fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        if options.sends_password_in_the_clear() {
            tracing::warn!(
                "the password for Kafka goes over the network in the clear: use TLS or SCRAM"
            );
        }
        let options = Arc::new(options);
        let reporter = Arc::new(Reporter::new(Arc::clone(&clock)));
        let record_bytes_max = topics::prepare(&options, &reporter, &clock).await?;
        let appender = Appender::new(Arc::clone(&options), Arc::clone(&reporter))
            .map_err(OpenError::Settings)?;
        Ok(KafkaLog {
            options,
            appender,
            record_bytes_max,
            reporter,
            clock,
            members: Mutex::default(),
        })
    }
}

#[async_trait]
impl ActivityLog for KafkaLog {
    async fn append(&self, topic: Topic, records: Vec<LogRecord>) -> Result<(), AppendError> {
        if records.is_empty() {
            return Ok(());
        }
        let name = self.options.topic(topic);
        self.appender
            .append(&name, records, self.record_bytes_max)
            .await
    }

    async fn reader(&self, topic: Topic, group: &str) -> Result<Box<dyn LogReader>, LogError> {
        let (reader, membership) = KafkaReader::join(
            &self.options,
            self.options.topic(topic),
            &self.options.group(topic, group),
            Arc::clone(&self.reporter),
            Arc::clone(&self.clock),
        )?;
        let mut members = self.members.lock().expect("no holder panics");
        members.retain(|one| !one.is_over());
        members.push(membership);
        Ok(Box::new(reader))
    }
}

#[async_trait]
impl LogScan for KafkaLog {
    async fn scan(&self, topic: Topic) -> Result<Box<dyn Scan>, LogError> {
        let options = Arc::clone(&self.options);
        let reporter = Arc::clone(&self.reporter);
        let scan = KafkaScan::begin(options, topic, reporter, Arc::clone(&self.clock));
        Ok(Box::new(scan.await?))
    }
}

impl Drop for KafkaLog {
    /// Members leave their groups, so that the others need not wait until they are taken for dead.
    fn drop(&mut self) {
        let members = std::mem::take(&mut *self.members.lock().expect("no holder panics"));
        members.iter().for_each(Membership::end);
        let began = self.clock.monotonic();
        let waited = || self.clock.monotonic().saturating_sub(began);
        while !members.iter().all(Membership::is_over) && waited() < LEAVE_MAX {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests;
