//! One member of a consumer group: reads from files through its own handle, never past what is
//! durable, and is woken when more is.
//!
//! Dropping the future of `next` loses nothing: the place moves only when the batch is handed over.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use ports::{Delivered, LogError, LogReader, LogRecord, Place, Scan};
use thiserror::Error;
use tokio::sync::{OwnedMutexGuard, watch};

use crate::frame::{self, Head};
use crate::group::Group;
use crate::topic::{Segment, TopicFolder};

/// Bytes read from a file at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// A batch ends after so many bytes, however many records were asked for.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A segment cannot be read on.
#[derive(Debug, Error)]
#[error("the segment of offset {base} is damaged at byte {at}")]
struct Damaged {
    base: u64,
    at: u64,
}

/// Where a reader stands in a file.
struct Cursor {
    file: File,
    base: u64,
    /// Byte of the next frame.
    at: u64,
    /// Its offset.
    offset: u64,
}

/// A reader of an embedded log.
pub(crate) struct EmbeddedReader {
    folder: Arc<TopicFolder>,
    end: watch::Receiver<u64>,
    group: Arc<Group>,
    /// Held by the member whose turn it is; the others wait for it.
    partition: Option<OwnedMutexGuard<()>>,
    /// The offset of the next record to hand out.
    next: u64,
    cursor: Option<Cursor>,
}

/// Runs file work off the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, LogError> {
    let failed = |source| LogError { doing, source };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failed(error.into())),
        Err(stopped) => Err(failed(stopped.into())),
    }
}

impl EmbeddedReader {
    pub(crate) fn open(folder: Arc<TopicFolder>, group: &str) -> io::Result<Self> {
        let group = folder.group(group)?;
        let partition = Arc::clone(&group.partition).try_lock_owned().ok();
        Ok(EmbeddedReader {
            end: folder.watch_end(),
            next: group.committed(),
            partition,
            group,
            folder,
            cursor: None,
        })
    }

    /// Waits for its turn and then for a record.
    async fn wait_for_more(&mut self) -> Result<(), LogError> {
        if self.partition.is_none() {
            self.partition = Some(Arc::clone(&self.group.partition).lock_owned().await);
            self.next = self.group.committed();
            self.cursor = None;
        }
        let next = self.next;
        match self.end.wait_for(|end| *end > next).await {
            Ok(_) => Ok(()),
            Err(closed) => Err(LogError {
                doing: "read",
                source: closed.into(),
            }),
        }
    }

    /// What was removed before this group had read it is gone: it goes on with what there is.
    fn note_loss(&self, found: u64) {
        if found > self.next {
            tracing::error!(
                lost_records = found - self.next,
                folder = %self.folder.path().display(),
                "records were removed from the log before a group had read them"
            );
        }
    }

    async fn take(&mut self, records_max: usize) -> Result<Vec<Delivered>, LogError> {
        let (folder, next, cursor) = (Arc::clone(&self.folder), self.next, self.cursor.take());
        let end = *self.end.borrow();
        let read = blocking("read", move || {
            read_batch(&folder, cursor, next, end, records_max)
        });
        let (batch, cursor) = read.await?;
        let first = batch.records.first().map(|one| one.place.offset);
        self.note_loss(first.unwrap_or(cursor.offset));
        self.next = batch.next.max(cursor.offset);
        self.cursor = Some(cursor);
        Ok(batch.records)
    }
}

#[async_trait]
impl LogReader for EmbeddedReader {
    async fn next(
        &mut self,
        records_max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivered>, LogError> {
        match tokio::time::timeout(wait, self.wait_for_more()).await {
            Err(_) => return Ok(Vec::new()),
            Ok(came) => came?,
        };
        self.take(records_max).await
    }

    async fn commit(&mut self, through: &[Place]) -> Result<(), LogError> {
        let Some(last) = through.iter().map(|place| place.offset).max() else {
            return Ok(());
        };
        if self.partition.is_none() || last >= self.next {
            return Err(LogError {
                doing: "committed",
                source: "the place was not handed out by this reader".into(),
            });
        }
        let group = Arc::clone(&self.group);
        let folder = Arc::clone(&self.folder);
        blocking("committed", move || {
            let committed = group.commit(last + 1);
            drop(folder);
            committed
        })
        .await
    }

    async fn lag(&self) -> u64 {
        match self.partition {
            Some(_) => self.folder.end().saturating_sub(self.group.committed()),
            None => 0,
        }
    }
}

/// A look through a topic, from its oldest record to the end that it had when the look began.
pub(crate) struct EmbeddedScan {
    folder: Arc<TopicFolder>,
    next: u64,
    end: u64,
    cursor: Option<Cursor>,
}

impl EmbeddedScan {
    pub(crate) fn new(folder: Arc<TopicFolder>) -> Self {
        EmbeddedScan {
            next: 0,
            end: folder.end(),
            folder,
            cursor: None,
        }
    }
}

#[async_trait]
impl Scan for EmbeddedScan {
    async fn next(&mut self, records_max: usize) -> Result<Vec<Delivered>, LogError> {
        if self.next >= self.end {
            return Ok(Vec::new());
        }
        let (folder, next, end) = (Arc::clone(&self.folder), self.next, self.end);
        let cursor = self.cursor.take();
        let read = blocking("read", move || {
            read_batch(&folder, cursor, next, end, records_max)
        });
        let (batch, cursor) = read.await?;
        self.next = batch.next.max(cursor.offset);
        self.cursor = Some(cursor);
        Ok(batch.records)
    }
}

/// Reads records from `next` on and before `end`, at most so many, at least one if there is one.
fn read_batch(
    folder: &TopicFolder,
    cursor: Option<Cursor>,
    next: u64,
    end: u64,
    records_max: usize,
) -> io::Result<(Batch, Cursor)> {
    let mut batch = Batch {
        records: Vec::new(),
        bytes: 0,
        records_max,
        next,
        end,
    };
    let mut cursor = match cursor {
        Some(cursor) => cursor,
        None => open_segment(folder, next)?,
    };
    let mut chunk = Vec::new();
    while !batch.is_full() && cursor.offset < end {
        let segment = folder.segment_of(cursor.offset);
        if segment.base != cursor.base {
            cursor = open_segment(folder, cursor.offset)?;
        }
        cursor.read_on(&segment, &mut chunk, &mut batch)?;
    }
    Ok((batch, cursor))
}

/// The segment of the offset, at its start; the oldest one when that is gone.
fn open_segment(folder: &TopicFolder, offset: u64) -> io::Result<Cursor> {
    loop {
        let base = folder.segment_of(offset).base;
        match File::open(folder.segment_path(base)) {
            Ok(file) => {
                return Ok(Cursor {
                    file,
                    base,
                    at: frame::MAGIC.len() as u64,
                    offset: base,
                });
            }
            // It was removed as too old meanwhile: take the one that is now the oldest.
            Err(_) if folder.segment_of(offset).base != base => {}
            Err(error) => return Err(error),
        }
    }
}

/// What is collected for one call of `next`.
struct Batch {
    records: Vec<Delivered>,
    bytes: usize,
    records_max: usize,
    /// The offset of the next record to be taken.
    next: u64,
    end: u64,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.next >= self.end
            || self.records.len() >= self.records_max
            || self.bytes >= BATCH_BYTES_MAX
    }

    /// Takes of a frame's records what comes next, until it is full.
    fn take(&mut self, head: &Head, records: Vec<LogRecord>) {
        for (offset, record) in (head.offset..).zip(records) {
            if offset < self.next || self.is_full() {
                continue;
            }
            self.next = offset + 1;
            self.bytes += record.size();
            self.records.push(Delivered {
                place: Place {
                    partition: 0,
                    offset,
                },
                appended_at: DateTime::from_timestamp_micros(head.appended_at_us)
                    .unwrap_or_default(),
                record,
            });
        }
    }
}

impl Cursor {
    /// Reads one chunk of the segment and takes the whole frames in it.
    fn read_on(
        &mut self,
        segment: &Segment,
        chunk: &mut Vec<u8>,
        batch: &mut Batch,
    ) -> io::Result<()> {
        let left = segment.bytes.saturating_sub(self.at);
        self.fill(chunk, left.min(CHUNK_BYTES as u64))?;
        // A record larger than a chunk is read whole.
        if let Some(frame) = frame::frame_bytes(chunk)
            && frame > chunk.len()
        {
            self.fill(chunk, left.min(frame as u64))?;
        }
        let before = (self.offset, batch.next);
        let mut rest = &chunk[..];
        while !batch.is_full() && frame::frame_bytes(rest).is_some_and(|frame| frame <= rest.len())
        {
            rest = self.take(rest, batch)?;
        }
        if (self.offset, batch.next) == before {
            return Err(self.damaged());
        }
        Ok(())
    }

    fn fill(&mut self, chunk: &mut Vec<u8>, bytes: u64) -> io::Result<()> {
        chunk.clear();
        self.file.seek(SeekFrom::Start(self.at))?;
        self.file.by_ref().take(bytes).read_to_end(chunk).map(drop)
    }

    /// Takes one frame; gives back what follows it. A block of which only a part was taken is read again.
    fn take<'a>(&mut self, bytes: &'a [u8], batch: &mut Batch) -> io::Result<&'a [u8]> {
        let head = frame::checked(bytes)
            .filter(|head| head.offset == self.offset)
            .ok_or_else(|| self.damaged())?;
        let (frame, rest) = bytes.split_at(head.bytes);
        let after = head.offset + head.records;
        if after > batch.next {
            let records = frame::records(frame).ok_or_else(|| self.damaged())?;
            batch.take(&head, records);
        }
        if batch.next >= after {
            self.at += head.bytes as u64;
            self.offset = after;
        }
        Ok(rest)
    }

    fn damaged(&self) -> io::Error {
        let (base, at) = (self.base, self.at);
        io::Error::new(io::ErrorKind::InvalidData, Damaged { base, at })
    }
}
