//! What can come of a call to a service, and what a caller does about it.

use std::time::Duration;

use event_model::{GapReason, Position};
use thiserror::Error;

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The same again, not before this long.
    Retry(Duration),
    /// It will not succeed.
    GiveUp,
    /// It will not succeed until an administrator did something.
    AskAdmin,
}

/// How long to leave a service alone that does not answer.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(5);

/// Why a call to a service did not do what it was made for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// Too many requests, by the service's word or by the manifest's budget.
    #[error("the service asks for {}s of patience", retry_after.as_secs_f32().ceil())]
    Throttled {
        /// Not before this long.
        retry_after: Duration,
    },
    /// It does not answer, or says that it cannot.
    #[error("the service is not available: {detail}")]
    Unavailable {
        /// What was seen.
        detail: String,
    },
    /// The service no longer takes the grant.
    #[error("the service no longer takes the grant: {reason}")]
    GrantDead {
        /// What it said.
        reason: String,
    },
    /// The grant does not reach that far.
    #[error("the grant does not allow it: {detail}")]
    Forbidden {
        /// What it said.
        detail: String,
    },
    /// There is no such thing.
    #[error("the service has no such object")]
    NotFound,
    /// The object was changed since it was looked at.
    #[error("the object was changed meanwhile")]
    VersionMismatch,
    /// Another answer that is not success.
    #[error("the service refused with status {status}: {detail}")]
    Refused {
        /// Its status.
        status: u16,
        /// What it said, cut short.
        detail: String,
    },
    /// The address is not one that the manifest allows.
    #[error("`{host}` is not a host that the connector may call")]
    OutsideAllowList {
        /// The host.
        host: String,
    },
    /// The answer is larger than was asked for.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// The bound, in bytes.
        limit: usize,
    },
    /// The answer is not what the manifest says.
    #[error("the answer is not in its form: {detail}")]
    Malformed {
        /// What is wrong.
        detail: String,
    },
    /// The place in the feed is gone: events between it and the resumption may be lost.
    #[error("the service no longer knows this place in its feed")]
    CursorExpired {
        /// Where it can be resumed, if the service says.
        resume: Option<Position>,
        /// Why it is gone.
        reason: GapReason,
    },
    /// The service has not begun the stream, or has stopped it.
    #[error("the service has not begun this stream")]
    NotBegun,
    /// The manifest does not have it, or the activity does not name what it needs.
    #[error("not possible here: {what}")]
    NotSupported {
        /// What is missing.
        what: String,
    },
}

impl CallError {
    /// What to do about it.
    pub fn disposition(&self) -> Disposition {
        match self {
            CallError::Throttled { retry_after } => Disposition::Retry(*retry_after),
            CallError::Unavailable { .. } | CallError::NotBegun => {
                Disposition::Retry(UNAVAILABLE_RETRY)
            }
            CallError::GrantDead { .. } | CallError::Forbidden { .. } => Disposition::AskAdmin,
            CallError::NotFound
            | CallError::VersionMismatch
            | CallError::Refused { .. }
            | CallError::OutsideAllowList { .. }
            | CallError::TooLarge { .. }
            | CallError::Malformed { .. }
            | CallError::CursorExpired { .. }
            | CallError::NotSupported { .. } => Disposition::GiveUp,
        }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        CallError::Malformed {
            detail: detail.into(),
        }
    }
}

impl From<crate::template::Missing> for CallError {
    fn from(missing: crate::template::Missing) -> Self {
        CallError::NotSupported {
            what: missing.to_string(),
        }
    }
}
