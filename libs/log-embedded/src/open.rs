//! Opening: one process only, a torn tail cut off, damage before it refused.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::disk;
use crate::frame;
use crate::group::{self, Group};
use crate::topic::{Segment, TopicFolder, segment_path};

/// Why a log was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the log in `{}` is open in another process", .0.display())]
    InUse(PathBuf),
    /// A file cannot be read or written.
    #[error("`{}` cannot be opened", .path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Bytes that were durable once are no longer what they were.
    #[error("`{}` is damaged at byte {at}, before records that are whole", .path.display())]
    Damaged {
        /// Which segment.
        path: PathBuf,
        /// Where, in bytes from its start.
        at: u64,
    },
    /// A segment of another format or version.
    #[error("`{}` is not a segment that this program reads", .0.display())]
    UnknownFormat(PathBuf),
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
        let path = path.to_owned();
        |source| OpenError::Io { path, source }
    }
}

/// Makes the folder when missing, and locks it for this process.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    fs::create_dir_all(dir).map_err(OpenError::io(dir))?;
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(OpenError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
    }
}

/// Opens the folder of one topic.
pub(crate) fn topic(path: &Path, lock: &Arc<File>) -> Result<TopicFolder, OpenError> {
    fs::create_dir_all(path).map_err(OpenError::io(path))?;
    let mut segments = closed_segments(path)?;
    let base = segments.pop_back().map_or(0, |last| last.base);
    let (bytes, end) = recover(&segment_path(path, base), base)?;
    segments.push_back(Segment {
        base,
        bytes,
        closed_at: None,
    });
    disk::sync_folder(path).map_err(OpenError::io(path))?;
    if let Some(parent) = path.parent() {
        disk::sync_folder(parent).map_err(OpenError::io(parent))?;
    }
    let groups = known_groups(path)?;
    groups.values().for_each(|group| group.not_beyond(end));
    Ok(TopicFolder::new(
        path.to_owned(),
        segments,
        end,
        groups,
        Arc::clone(lock),
    ))
}

fn closed_segments(folder: &Path) -> Result<VecDeque<Segment>, OpenError> {
    let mut segments = Vec::new();
    for path in files_with(folder, "log")? {
        let base = stem(&path).and_then(|stem| stem.parse().ok());
        let base = base.ok_or_else(|| OpenError::UnknownFormat(path.clone()))?;
        let metadata = fs::metadata(&path).map_err(OpenError::io(&path))?;
        let closed_at = metadata.modified().map_err(OpenError::io(&path))?;
        segments.push(Segment {
            base,
            bytes: metadata.len(),
            closed_at: Some(DateTime::<Utc>::from(closed_at)),
        });
    }
    segments.sort_by_key(|segment| segment.base);
    Ok(segments.into())
}

fn known_groups(folder: &Path) -> Result<HashMap<String, Arc<Group>>, OpenError> {
    files_with(folder, group::SUFFIX)?
        .into_iter()
        .filter_map(|path| Some((stem(&path)?.to_owned(), path)))
        .map(|(name, path)| {
            let group = Group::open(&path).map_err(OpenError::io(&path))?;
            Ok((name, Arc::new(group)))
        })
        .collect()
}

fn files_with(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, OpenError> {
    let entries = fs::read_dir(folder).map_err(OpenError::io(folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(OpenError::io(folder))?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn stem(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()
}

/// Makes the last segment end after its last whole call; gives back its bytes and the next offset.
fn recover(path: &Path, base: u64) -> Result<(u64, u64), OpenError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(OpenError::io(path)(source)),
    };
    if bytes.len() < frame::MAGIC.len() || bytes.iter().all(|byte| *byte == 0) {
        return begin(path, base);
    }
    if !bytes.starts_with(frame::MAGIC) {
        return Err(OpenError::UnknownFormat(path.to_owned()));
    }
    let tail = scan(&bytes, base).map_err(|at| OpenError::Damaged {
        path: path.to_owned(),
        at,
    })?;
    if tail.whole < bytes.len() as u64 {
        tracing::warn!(
            segment = %path.display(),
            cut_bytes = bytes.len() as u64 - tail.whole,
            "the log cut off what a crash had left unfinished"
        );
        cut(path, tail.whole).map_err(OpenError::io(path))?;
    }
    Ok((tail.whole, tail.next))
}

/// A segment whose first bytes were never durable held no record yet.
fn begin(path: &Path, base: u64) -> Result<(u64, u64), OpenError> {
    fs::write(path, frame::MAGIC).map_err(OpenError::io(path))?;
    cut(path, frame::MAGIC.len() as u64).map_err(OpenError::io(path))?;
    Ok((frame::MAGIC.len() as u64, base))
}

fn cut(path: &Path, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(bytes)?;
    file.sync_all()
}

/// How much of a segment is whole calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tail {
    whole: u64,
    next: u64,
}

/// Walks the frames of a segment. `Err` is where it is damaged though later groups are whole.
fn scan(bytes: &[u8], base: u64) -> Result<Tail, u64> {
    let mut at = frame::MAGIC.len();
    let mut offset = base;
    let mut tail = Tail {
        whole: at as u64,
        next: base,
    };
    while let Some(head) = frame::checked(&bytes[at..]).filter(|head| head.offset == offset) {
        at += head.bytes;
        offset += head.records;
        if head.last_of_call {
            tail = Tail {
                whole: at as u64,
                next: offset,
            };
        }
    }
    if was_durable(bytes, at) {
        return Err(at as u64);
    }
    Ok(tail)
}

/// Whether a later, whole frame bears witness that the bytes at `at` were durable before it was
/// written: its group starts after them.
fn was_durable(bytes: &[u8], at: usize) -> bool {
    (at + 1..bytes.len()).any(|later| {
        frame::head(&bytes[later..]).is_some_and(|head| {
            head.group_at > at as u64
                && head.group_at <= later as u64
                && frame::checked(&bytes[later..]).is_some()
        })
    })
}
