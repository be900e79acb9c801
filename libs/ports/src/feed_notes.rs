use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ConnectionId, CoverageGap, StreamStanding};

use crate::StoreError;

/// Most gaps kept of one connection: the oldest go first.
pub const GAPS_KEPT_MAX: u32 = 1_000;

/// What is known of how completely the feeds were read, and which services asked for patience.
#[async_trait]
pub trait FeedNotes: Send + Sync {
    /// Notes a gap; the same gap noted again is one.
    async fn note_gap(&self, gap: &CoverageGap) -> Result<(), StoreError>;

    /// A connection's gaps, newest first, at most so many.
    async fn gaps(
        &self,
        connection: ConnectionId,
        at_most: u32,
    ) -> Result<Vec<CoverageGap>, StoreError>;

    /// Notes how far a stream was read. After a gap that may be less far than before.
    async fn note_standing(
        &self,
        connection: ConnectionId,
        standing: &StreamStanding,
    ) -> Result<(), StoreError>;

    /// How far each stream of a connection was read, by name.
    async fn standings(&self, connection: ConnectionId) -> Result<Vec<StreamStanding>, StoreError>;

    /// Notes that the service asked not to be called before that moment. Of two pauses the later
    /// end counts, so that one process does not cut another's short.
    async fn note_pause(
        &self,
        connection: ConnectionId,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// The end of the last pause; it may have passed.
    async fn paused_until(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<DateTime<Utc>>, StoreError>;
}
