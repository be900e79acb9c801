use async_trait::async_trait;
use event_model::{SinkItem, SinkStanding, SinkTrial};

use crate::StoreError;

/// Most standings that are kept.
pub const SINK_STANDINGS_MAX: u32 = 1_000;

/// How far the sinks have come: noted by who hands on, read by who shows it. It is no promise of what was
/// delivered; that is the place which the log keeps of each.
#[async_trait]
pub trait SinkStandings: Send + Sync {
    /// Notes how far one stream of a sink has come, in place of what was noted before.
    async fn note_sink(&self, standing: &SinkStanding) -> Result<(), StoreError>;

    /// What was noted, by sink and stream; at most [`SINK_STANDINGS_MAX`].
    async fn sink_standings(&self) -> Result<Vec<SinkStanding>, StoreError>;

    /// Forgets what was noted of all sinks but these.
    async fn forget_sinks_but(&self, names: &[String]) -> Result<(), StoreError>;
}

/// The sinks, to be looked at and tried.
#[async_trait]
pub trait SinkDesk: Send + Sync {
    /// Every sink that is set up, in the order of its file.
    async fn sinks(&self) -> Result<Vec<SinkItem>, StoreError>;

    /// Hands one test message to a sink, once, and waits for the outcome; nothing where there is no sink
    /// of that name. No place changes.
    async fn try_sink(&self, name: &str) -> Option<SinkTrial>;
}
