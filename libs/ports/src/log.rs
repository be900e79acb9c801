//! The activity log: what is appended is durable, and is read in order by groups.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use thiserror::Error;

pub use header::{Header, HeaderText};

mod header;

/// A topic of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Normalised activity.
    Activity,
    /// Incidents.
    Incidents,
    /// What remedies came to.
    Remedies,
    /// What could not be mapped or read.
    DeadLetter,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Topic; 4] = [
        Topic::Activity,
        Topic::Incidents,
        Topic::Remedies,
        Topic::DeadLetter,
    ];

    /// The topic's name in Kafka, and the folder's in the embedded log.
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Activity => "tidegate.activity",
            Topic::Incidents => "tidegate.incidents",
            Topic::Remedies => "tidegate.remedies",
            Topic::DeadLetter => "tidegate.dead-letter",
        }
    }
}

/// One record to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Records of one key stay in order.
    pub key: String,
    /// CloudEvents attributes and trace context.
    pub headers: Vec<Header>,
    /// The record itself.
    pub value: Bytes,
}

impl LogRecord {
    /// Largest record taken, in bytes of key, headers and value together.
    pub const BYTES_MAX: usize = 8 * 1024 * 1024;

    /// The record's size in bytes, as [`Self::BYTES_MAX`] counts it.
    pub fn size(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.key.len() + headers + self.value.len()
    }
}

/// Where a record stands. Offsets grow within a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Which partition.
    pub partition: u32,
    /// Which record of it, from 0.
    pub offset: u64,
}

/// A record as a reader gets it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Where it stands.
    pub place: Place,
    /// When it was appended.
    pub appended_at: DateTime<Utc>,
    /// The record.
    pub record: LogRecord,
}

/// Why records were not appended.
#[derive(Debug, Error)]
pub enum AppendError {
    /// More is waiting than the log takes: try again after that long.
    #[error("the log has more waiting than it takes")]
    Overloaded {
        /// When to come again.
        retry_after: Duration,
    },
    /// It is not known to be durable: it may be there or not. Append it again; ids make that harmless.
    #[error("the log could not make it durable")]
    NotDurable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// One record is larger than [`LogRecord::BYTES_MAX`]: none was appended.
    #[error("a record of {bytes} bytes is larger than the log takes")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Why the log could not be read or a place not be committed.
#[derive(Debug, Error)]
#[error("the log could not be {doing}")]
pub struct LogError {
    /// `read`, `committed` and so on.
    pub doing: &'static str,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// An append-only log with topics, read by consumer groups.
#[async_trait]
pub trait ActivityLog: Send + Sync {
    /// Appends the records in order. When it returns `Ok`, all of them survive the death of every
    /// process; after `Overloaded` and `TooLarge` none is there; after `NotDurable` some may be.
    ///
    /// # Errors
    /// See [`AppendError`]: only `NotDurable` leaves it open whether they are there.
    async fn append(&self, topic: Topic, records: Vec<LogRecord>) -> Result<(), AppendError>;

    /// A reader of the group, standing after what the group committed. Members of one group share
    /// the partitions; another group reads everything for itself.
    ///
    /// # Errors
    /// When the log cannot be reached.
    async fn reader(&self, topic: Topic, group: &str) -> Result<Box<dyn LogReader>, LogError>;
}

/// Reading a whole topic, outside of any group: for looking through it, and for moving it.
#[async_trait]
pub trait LogScan: Send + Sync {
    /// What the topic holds at this moment, each partition from its oldest record on.
    ///
    /// # Errors
    /// When the log cannot be reached.
    async fn scan(&self, topic: Topic) -> Result<Box<dyn Scan>, LogError>;
}

/// A log that can be looked through.
pub trait Log: ActivityLog + LogScan {}

impl<T: ActivityLog + LogScan> Log for T {}

/// A look through a topic.
#[async_trait]
pub trait Scan: Send {
    /// The next records, at most so many; none at the end of what was there when the scan began.
    ///
    /// # Errors
    /// When the log cannot be read.
    async fn next(&mut self, records_max: usize) -> Result<Vec<Delivered>, LogError>;
}

/// One member of a consumer group.
#[async_trait]
pub trait LogReader: Send {
    /// The next records, at most so many; waits up to `wait` when there is none and then gives an
    /// empty batch. Reading does not commit.
    ///
    /// # Errors
    /// When the log cannot be read; the place is kept.
    async fn next(
        &mut self,
        records_max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivered>, LogError>;

    /// Everything up to and including these places is done with: a reader of the same group that
    /// starts later stands after them. Places of a partition that went to another member meanwhile
    /// are left out: that member does their records again.
    ///
    /// # Errors
    /// When that is not known to be durable.
    async fn commit(&mut self, through: &[Place]) -> Result<(), LogError>;

    /// How many records of this reader's partitions are not yet committed.
    async fn lag(&self) -> u64;
}
