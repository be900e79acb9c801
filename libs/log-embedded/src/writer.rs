//! The one thread that writes: takes everything that waits, makes it durable, answers.
//!
//! INVARIANT: a call is answered `Ok` only after the `fdatasync` that covers it returned `Ok`, and
//! readers see it only from then on.

use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ports::Clock;
use thiserror::Error;

use crate::Options;
use crate::disk::{Disk, SegmentFile};
use crate::frame;
use crate::queue::{Call, Queue};
use crate::topic::{Segment, TopicFolder};

/// Why a call's records are not durable; shared by the calls of a group.
#[derive(Debug, Clone, Error)]
pub(crate) enum WriteFailure {
    /// The disk refused; what was written is taken back.
    #[error("the disk did not take the records")]
    TakenBack(#[source] Arc<io::Error>),
    /// It is not known what the disk holds: nothing is written until the log is opened anew.
    #[error("the log must be opened anew after a failed write or fsync")]
    Poisoned(#[source] Arc<io::Error>),
}

/// A topic as the writer holds it.
struct Partition {
    folder: Arc<TopicFolder>,
    file: Box<dyn SegmentFile>,
    /// Bytes of the open segment; all of them durable.
    bytes: u64,
    end: u64,
}

/// Writes every topic of a log.
pub(crate) struct Writer {
    disk: Box<dyn Disk>,
    partitions: Vec<Partition>,
    /// Why nothing is written any more.
    poison: Option<Arc<io::Error>>,
    options: Options,
    clock: Arc<dyn Clock>,
    buffer: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(
        disk: Box<dyn Disk>,
        topics: &[Arc<TopicFolder>],
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let partitions = topics
            .iter()
            .map(|folder| {
                let open = folder.last_segment();
                let file = disk.resume(&folder.segment_path(open.base), open.bytes)?;
                Ok(Partition {
                    folder: Arc::clone(folder),
                    file,
                    bytes: open.bytes,
                    end: folder.end(),
                })
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Writer {
            disk,
            partitions,
            poison: None,
            options,
            clock,
            buffer: Vec::new(),
        })
    }

    /// Writes until the queue is closed and drained.
    pub(crate) fn run(mut self, queue: &Queue) {
        let _ended = Ended(queue);
        while let Some(calls) = queue.take_all() {
            let bytes = calls.iter().map(|call| call.frames.len()).sum();
            let records = calls.iter().map(|call| call.records).sum();
            self.write_all_topics(calls);
            queue.written(bytes, records);
        }
    }

    fn write_all_topics(&mut self, calls: Vec<Call>) {
        let now = self.clock.now();
        let mut by_topic: Vec<Vec<Call>> = self.partitions.iter().map(|_| Vec::new()).collect();
        for call in calls {
            by_topic[call.topic].push(call);
        }
        for (topic, calls) in by_topic.into_iter().enumerate() {
            if calls.is_empty() {
                continue;
            }
            let written = self.write_topic(topic, &calls, now);
            for call in calls {
                // A caller who no longer waits does not need the answer.
                let _ = call.answer.send(written.clone());
            }
            let folder = &self.partitions[topic].folder;
            folder.remove_old_segments(&self.options, now);
        }
    }

    fn write_topic(
        &mut self,
        topic: usize,
        calls: &[Call],
        now: DateTime<Utc>,
    ) -> Result<(), WriteFailure> {
        if let Some(cause) = &self.poison {
            return Err(WriteFailure::Poisoned(Arc::clone(cause)));
        }
        let partition = &mut self.partitions[topic];
        let written = partition.write(
            self.disk.as_ref(),
            &self.options,
            now,
            calls,
            &mut self.buffer,
        );
        match &written {
            Ok(()) => {}
            Err(WriteFailure::TakenBack(cause)) => {
                tracing::error!(error = %cause, "the disk does not take the log's records");
            }
            Err(WriteFailure::Poisoned(cause)) => {
                tracing::error!(error = %cause, "the log takes no more records until it is opened anew");
                self.poison = Some(Arc::clone(cause));
            }
        }
        written
    }
}

impl Partition {
    fn write(
        &mut self,
        disk: &dyn Disk,
        options: &Options,
        now: DateTime<Utc>,
        calls: &[Call],
        buffer: &mut Vec<u8>,
    ) -> Result<(), WriteFailure> {
        if self.bytes >= options.segment_bytes_max {
            self.roll(disk, now)?;
        }
        let end = encode_group(calls, self.end, now, self.bytes, buffer);
        if let Err(refused) = self.file.append(buffer) {
            return Err(self.take_back(refused));
        }
        self.file.sync().map_err(poisoned)?;
        self.bytes += buffer.len() as u64;
        self.end = end;
        self.folder.publish(self.bytes, self.end);
        Ok(())
    }

    /// The next segment, durable with its name before anything is written into it.
    fn roll(&mut self, disk: &dyn Disk, now: DateTime<Utc>) -> Result<(), WriteFailure> {
        let path = self.folder.segment_path(self.end);
        let taken_back = |cause| WriteFailure::TakenBack(Arc::new(cause));
        let mut next = disk.create(&path).map_err(taken_back)?;
        next.append(frame::MAGIC).map_err(taken_back)?;
        next.sync()
            .and_then(|()| disk.sync_folder(self.folder.path()))
            .map_err(poisoned)?;
        self.file = next;
        self.bytes = frame::MAGIC.len() as u64;
        self.folder.begin_segment(
            Segment {
                base: self.end,
                bytes: self.bytes,
                closed_at: None,
            },
            now,
        );
        Ok(())
    }

    /// A write failed: cut off what there is of it. Only a disk that had no room is trusted again.
    fn take_back(&mut self, refused: io::Error) -> WriteFailure {
        let full = matches!(
            refused.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        match self.file.cut(self.bytes) {
            Ok(()) if full => WriteFailure::TakenBack(Arc::new(refused)),
            Ok(()) | Err(_) => poisoned(refused),
        }
    }
}

/// However the writer ends, by a panic too, nobody waits for it for ever.
struct Ended<'a>(&'a Queue);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn poisoned(cause: io::Error) -> WriteFailure {
    WriteFailure::Poisoned(Arc::new(cause))
}

/// Puts the frames of a group into the buffer; gives back the offset after the last.
pub(crate) fn encode_group(
    calls: &[Call],
    first: u64,
    now: DateTime<Utc>,
    group_at: u64,
    buffer: &mut Vec<u8>,
) -> u64 {
    buffer.clear();
    for call in calls {
        buffer.extend_from_slice(&call.frames);
    }
    frame::stamp(buffer, first, now.timestamp_micros(), group_at)
}
