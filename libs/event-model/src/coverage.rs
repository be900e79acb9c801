//! What is known of how completely a feed was read: gaps that will not close, and how far it got.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::word_enum;
use crate::ids::ConnectionId;
use crate::instant;

word_enum! {
    /// Why a stretch of a feed could not be read.
    GapReason {
        /// The service no longer knows the cursor.
        CursorExpired "cursor_expired",
        /// The place was older than what the service keeps.
        RetentionExceeded "retention_exceeded",
        /// What the service listed was no longer there when it was asked for.
        ContentGone "content_gone",
        /// What the service listed is larger than is taken.
        ContentTooLarge "content_too_large",
        /// The service had stopped the stream.
        NotBegun "not_begun",
    }
}

/// A stretch of a feed that was not read, and will not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageGap {
    /// Whose feed.
    pub connection_id: ConnectionId,
    /// The manifest's name of the stream.
    pub stream: String,
    /// Everything before this was read; absent when that is not known.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub from: Option<DateTime<Utc>>,
    /// Where reading goes on; absent when the service does not say.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub to: Option<DateTime<Utc>>,
    /// Why.
    pub reason: GapReason,
    /// When it was noted.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub noted_at: DateTime<Utc>,
}

/// How far a stream was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamStanding {
    /// The manifest's name of the stream.
    pub stream: String,
    /// Everything that the service showed before this was read.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub read_until: DateTime<Utc>,
}

/// How far a stream was read, beside what the service keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamCoverage {
    /// The manifest's name of the stream.
    pub stream: String,
    /// Everything that the service showed before this was read; absent before the first reading.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub read_until: Option<DateTime<Utc>>,
    /// How long ago that is, in seconds.
    pub behind_s: Option<u64>,
    /// How long the service keeps its activity, in seconds; absent when the manifest does not say.
    pub retention_s: Option<u64>,
    /// Whether half of what the service keeps has gone by since: soon there is a gap.
    pub late: bool,
}

/// How completely a connection's feed is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedCoverage {
    /// Each pull stream.
    pub streams: Vec<StreamCoverage>,
    /// What was not read and will not be, newest first, at most a hundred.
    pub gaps: Vec<CoverageGap>,
    /// Until when the service asked not to be called; absent when it did not.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub paused_until: Option<DateTime<Utc>>,
}
