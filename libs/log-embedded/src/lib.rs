//! The activity log on local disk: what `append` acknowledged survives the death of every process
//! and of the machine.
//!
//! - One folder per topic, one partition, segment files named by their first offset.
//! - **Group commit.** Callers enqueue; one writer thread takes everything that waits, writes it
//!   with one write and one `fdatasync` per topic, and then answers each call once.
//! - **Pages are packed.** Records of one call stand in compressed blocks when they are many.
//! - **A failed `fdatasync` poisons the log**: the kernel may have dropped the dirty pages and
//!   report success next time, so every later append is `NotDurable` until the log is opened anew.
//!   So does a failed write that cannot be taken back. A full disk does not: what was written is
//!   cut off again, and the next append is tried on its own merits.
//! - **Opening** cuts off a torn tail (what no call was answered for) to the end of the last whole
//!   call, and refuses damage before it. The limit of the promise: damage within the very last
//!   group cannot be told from a torn tail, and is cut off as one.
//! - One process at a time, by a lock on the file `lock`, kept until the last reader is dropped.

mod disk;
mod frame;
mod group;
mod open;
mod queue;
mod reader;
mod topic;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use ports::{
    ActivityLog, AppendError, Clock, LogError, LogReader, LogRecord, LogScan, Scan, Topic,
};
use tokio::sync::oneshot;

use crate::disk::Disk;
use crate::queue::{Call, Queue, Refused};
use crate::reader::{EmbeddedReader, EmbeddedScan};
use crate::topic::TopicFolder;

pub use open::OpenError;

/// When a caller who was turned away shall come again.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_millis(500);

/// The bounds of an embedded log.
///
/// A group is known from its first reader on: one that is no longer used holds old segments back
/// until the hard bound, unless its file `<topic>/<group>.group` is removed while the log is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A segment of at least so many bytes is closed before the next group is written.
    pub segment_bytes_max: u64,
    /// Beyond so many bytes, the oldest segments of a topic are removed once every known group has
    /// committed them.
    pub retained_bytes_max: u64,
    /// Beyond so many bytes, they are removed even so, and an error is logged.
    pub retained_bytes_hard_max: u64,
    /// Segments closed longer ago are removed once every known group has committed them.
    pub retained_age_max: Duration,
    /// So many bytes wait for the disk at most; a call beyond them is `Overloaded`.
    pub queue_bytes_max: usize,
    /// So many records wait for the disk at most; a call beyond them is `Overloaded`.
    pub queue_records_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Options {
            segment_bytes_max: 64 * MIB,
            retained_bytes_max: 4 * 1024 * MIB,
            retained_bytes_hard_max: 16 * 1024 * MIB,
            retained_age_max: Duration::from_secs(7 * 24 * 60 * 60),
            queue_bytes_max: 64 * MIB as usize,
            queue_records_max: 100_000,
        }
    }
}

/// The log on local disk.
pub struct EmbeddedLog {
    topics: Vec<Arc<TopicFolder>>,
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
}

impl EmbeddedLog {
    /// Opens the log in a folder, which is made when missing; takes back what a crash left torn.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(dir: &Path, options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_on(Box::new(disk::LocalDisk), dir, options, clock)
    }

    fn open_on(
        disk: Box<dyn Disk>,
        dir: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let lock = Arc::new(open::lock(dir)?);
        let topics = Topic::ALL
            .iter()
            .map(|topic| open::topic(&dir.join(topic.name()), &lock).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let queue = Arc::new(Queue::new(
            options.queue_bytes_max,
            options.queue_records_max,
        ));
        let writer =
            writer::Writer::new(disk, &topics, options, clock).map_err(OpenError::io(dir))?;
        let thread = std::thread::Builder::new()
            .name("log-writer".into())
            .spawn({
                let queue = Arc::clone(&queue);
                move || writer.run(&queue)
            })
            .map_err(OpenError::io(dir))?;
        Ok(EmbeddedLog {
            topics,
            queue,
            writer: Some(thread),
        })
    }

    fn folder(&self, topic: Topic) -> &Arc<TopicFolder> {
        &self.topics[place_of(topic)]
    }
}

/// The topic's place in the lists that have one entry per topic.
fn place_of(topic: Topic) -> usize {
    Topic::ALL
        .iter()
        .position(|one| *one == topic)
        .expect("every topic is one of all")
}

impl Drop for EmbeddedLog {
    /// What was enqueued is still written.
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the log's writer had panicked");
        }
    }
}

#[async_trait]
impl ActivityLog for EmbeddedLog {
    async fn append(&self, topic: Topic, records: Vec<LogRecord>) -> Result<(), AppendError> {
        if records.is_empty() {
            return Ok(());
        }
        let frames = frame::encode_call(&records)?;
        let (answer, answered) = oneshot::channel();
        let call = Call {
            topic: place_of(topic),
            records: records.len(),
            frames,
            answer,
        };
        drop(records);
        match self.queue.push(call) {
            Ok(()) => {}
            Err(Refused::Full) => {
                return Err(AppendError::Overloaded {
                    retry_after: OVERLOADED_RETRY_AFTER,
                });
            }
            Err(closed) => return Err(AppendError::NotDurable(Box::new(closed))),
        }
        match answered.await {
            Ok(answer) => answer.map_err(|failure| AppendError::NotDurable(Box::new(failure))),
            Err(gone) => Err(AppendError::NotDurable(Box::new(gone))),
        }
    }

    async fn reader(&self, topic: Topic, group: &str) -> Result<Box<dyn LogReader>, LogError> {
        let folder = Arc::clone(self.folder(topic));
        let group = group.to_owned();
        let reader = reader::blocking("opened for reading", move || {
            EmbeddedReader::open(folder, &group)
        });
        Ok(Box::new(reader.await?))
    }
}

#[async_trait]
impl LogScan for EmbeddedLog {
    async fn scan(&self, topic: Topic) -> Result<Box<dyn Scan>, LogError> {
        let folder = Arc::clone(self.folder(topic));
        Ok(Box::new(EmbeddedScan::new(folder)))
    }
}
