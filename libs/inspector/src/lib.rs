//! Inspecting content where it can do no harm: in processes of its own that hold nothing, may open
//! nothing, and may die.
//!
//! - A document that ends its process, or takes too long or too much, is a blind spot; the others
//!   are not touched ([`WorkerPool`]).
//! - A worker is confined before it reads the first byte of a document, and says what it found
//!   itself unable to do ([`Isolation`]).
//! - What is written in pictures is read by a program of the system, confined as well ([`PictureOptions`]).
//! - What an administrator looks for besides the built-in detectors ([`CustomSet`]) is changed while documents
//!   are inspected: the next document is looked through with it.
//! - Everything is bounded: processes, memory, time, documents of one process, bytes of an answer.
//!
//! [`InProcess`] is the same without processes, for tests and where there is no program to start.

#[cfg(target_os = "linux")]
mod confine;
#[cfg(not(target_os = "linux"))]
#[path = "confine_nothing.rs"]
mod confine;
#[cfg(target_os = "linux")]
mod confine_reader;
#[cfg(not(target_os = "linux"))]
#[path = "confine_reader_nothing.rs"]
mod confine_reader;
mod custom;
mod in_process;
mod isolation;
mod pictures;
mod pool;
mod process;
mod protocol;
mod worker;

use async_trait::async_trait;
use bytes::Bytes;
use inspect::{Coverage, FileKind, Findings, Inspection, PicturesRead, Reason};
use thiserror::Error;

pub use confine_reader::read_picture;
pub use custom::{CustomSet, DETECTORS_BYTES_MAX};
pub use in_process::InProcess;
pub use isolation::Isolation;
pub use pictures::{NoReader, PictureOptions, PictureReader};
pub use pool::{PoolOptions, WorkerPool};
pub use protocol::Setup;
pub use worker::serve;

/// Where content is inspected.
#[async_trait]
pub trait Inspector: Send + Sync {
    /// Inspects `bytes`; `name` is a hint that never overrules the content. Waits for room.
    ///
    /// What could not be read, for whatever reason, is in the inspection's coverage.
    ///
    /// # Errors
    /// When nothing can be inspected at the moment.
    async fn inspect(&self, bytes: Bytes, name: Option<String>)
    -> Result<Inspection, InspectError>;
}

/// Why nothing was inspected.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InspectError {
    /// No process could be started to do it; a later try may do better.
    #[error("content cannot be inspected at the moment: {reason}")]
    Unavailable {
        /// What stood in the way.
        reason: String,
    },
}

/// What is known of a content of which nothing could be read.
fn blind(reason: Reason) -> Inspection {
    Inspection {
        kind: FileKind::Binary,
        coverage: Coverage::None { reason },
        findings: Findings::default(),
        text_bytes: 0,
        metadata: Vec::new(),
        pictures: PicturesRead::default(),
    }
}

fn over(limit: &str) -> Reason {
    Reason::Limit {
        name: limit.to_owned(),
    }
}
