//! What was found in content, and what could not be looked into, counted over everything recorded.

use chrono::{DateTime, Utc};
use event_model::{ConnectionId, ConnectionScope, EventType, IncidentLink};

/// Most groups of incidents that are told, those with the most incidents: see [`FoundInIncidents`].
pub const FOUND_GROUPS_MAX: u32 = 1_000;
/// Most counts that are told: see [`BlindSpotCount`].
pub const BLIND_SPOT_COUNTS_MAX: u32 = 20_000;

/// One thing that was found in the content of an incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Something that this detector looks for.
    Detector(String),
    /// This label: a rule asked for it, and the object had it.
    Label(String),
}

/// Incidents in which the same was found. An incident is in one such group, or in none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundInIncidents {
    /// What was found, all of it.
    pub what: Vec<What>,
    /// In how many incidents.
    pub incidents: u64,
    /// The last of them, and when it was recorded.
    pub last: Option<(IncidentLink, DateTime<Utc>)>,
}

/// Which blind spots are counted. Absent values do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlindSpotAsk {
    /// Of connections within this.
    pub within: ConnectionScope,
    /// Received on this day, in UTC, or later.
    pub since: DateTime<Utc>,
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// Of activities of this kind.
    pub event_type: Option<EventType>,
}

/// How many activities of a kind on a connection had a blind spot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlindSpotCount {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// Which kind.
    pub event_type: EventType,
    /// With a blind spot of this reason; with any when absent. An activity may have several.
    pub reason: Option<String>,
    /// How many.
    pub activities: u64,
}
