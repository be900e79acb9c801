//! The folder of one topic: its segments, its durable end, and the groups that read it.
//!
//! INVARIANT: `bytes` of a segment and the topic's end never pass what is durable, so who reads
//! below them never sees what may yet be taken back.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::Options;
use crate::group::Group;

/// One file of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Offset of its first record.
    pub(crate) base: u64,
    /// Durable bytes.
    pub(crate) bytes: u64,
    /// Since when nothing is added; none for the open one.
    pub(crate) closed_at: Option<DateTime<Utc>>,
}

/// A topic's folder, shared by its writer and readers.
pub(crate) struct TopicFolder {
    path: PathBuf,
    /// Oldest first; never empty.
    segments: Mutex<VecDeque<Segment>>,
    end: watch::Sender<u64>,
    groups: Mutex<HashMap<String, Arc<Group>>>,
    /// Held as long as anyone can write here.
    _lock: Arc<File>,
}

impl TopicFolder {
    pub(crate) fn new(
        path: PathBuf,
        segments: VecDeque<Segment>,
        end: u64,
        groups: HashMap<String, Arc<Group>>,
        lock: Arc<File>,
    ) -> Self {
        TopicFolder {
            path,
            segments: Mutex::new(segments),
            end: watch::Sender::new(end),
            groups: Mutex::new(groups),
            _lock: lock,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the segment that starts at that offset.
    pub(crate) fn segment_path(&self, base: u64) -> PathBuf {
        segment_path(&self.path, base)
    }

    /// The offset after the last durable record.
    pub(crate) fn end(&self) -> u64 {
        *self.end.borrow()
    }

    /// Follows [`Self::end`].
    pub(crate) fn watch_end(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    /// The segment that is being written.
    pub(crate) fn last_segment(&self) -> Segment {
        self.with_segments(|segments| *segments.back().expect("a topic has a segment"))
    }

    /// The segment that holds the offset, or would hold it; the oldest one when it is gone.
    pub(crate) fn segment_of(&self, offset: u64) -> Segment {
        self.with_segments(|segments| {
            let after = segments.partition_point(|segment| segment.base <= offset);
            segments[after.saturating_sub(1)]
        })
    }

    /// So much of the open segment is durable.
    pub(crate) fn publish(&self, bytes: u64, end: u64) {
        self.with_segments(|segments| {
            if let Some(open) = segments.back_mut() {
                open.bytes = bytes;
            }
        });
        self.end.send_replace(end);
    }

    /// Closes the open segment and begins another.
    pub(crate) fn begin_segment(&self, next: Segment, now: DateTime<Utc>) {
        self.with_segments(|segments| {
            if let Some(open) = segments.back_mut() {
                open.closed_at = Some(now);
            }
            segments.push_back(next);
        });
    }

    /// The group of that name, known from now on.
    pub(crate) fn group(&self, name: &str) -> io::Result<Arc<Group>> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get(name) {
            return Ok(Arc::clone(group));
        }
        let group = Arc::new(Group::create(&self.path, name)?);
        groups.insert(name.to_owned(), Arc::clone(&group));
        Ok(group)
    }

    /// Removes closed segments beyond the bounds, oldest first.
    pub(crate) fn remove_old_segments(&self, options: &Options, now: DateTime<Utc>) {
        while let Some(base) = self.drop_oldest(options, now) {
            if let Err(error) = std::fs::remove_file(self.segment_path(base)) {
                tracing::warn!(%error, segment = base, "an old segment could not be removed");
            }
        }
    }

    /// Takes the oldest segment out of the list if it is beyond the bounds.
    fn drop_oldest(&self, options: &Options, now: DateTime<Utc>) -> Option<u64> {
        let committed = self.least_committed();
        self.with_segments(|segments| {
            let oldest = *segments.front()?;
            let closed_at = oldest.closed_at?;
            let next_base = segments.get(1)?.base;
            let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
            let age_max = TimeDelta::from_std(options.retained_age_max).unwrap_or(TimeDelta::MAX);
            let beyond = bytes > options.retained_bytes_max || now - closed_at > age_max;
            let committed_by_all = committed.is_none_or(|committed| committed >= next_base);
            let hard = bytes > options.retained_bytes_hard_max;
            if hard && !committed_by_all {
                tracing::error!(
                    folder = %self.path.display(),
                    bytes,
                    first = oldest.base,
                    last = next_base - 1,
                    "the log removes records that were not read by every group: it is over its hard bound"
                );
            }
            (hard || (beyond && committed_by_all)).then(|| {
                segments.pop_front();
                oldest.base
            })
        })
    }

    /// How far the slowest known group has come; none when no group is known.
    fn least_committed(&self) -> Option<u64> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.values().map(|group| group.committed()).min()
    }

    fn with_segments<T>(&self, act: impl FnOnce(&mut VecDeque<Segment>) -> T) -> T {
        act(&mut self.segments.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The file in a topic's folder of the segment that starts at that offset.
pub(crate) fn segment_path(folder: &Path, base: u64) -> PathBuf {
    folder.join(format!("{base:020}.log"))
}
