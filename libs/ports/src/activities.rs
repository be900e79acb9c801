//! The recorded activity: what was done, found by what is asked of it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{
    Activity, Arrival, BlindSpot, ConnectionId, ConnectionScope, EventType, Page, PageRequest,
    Provenance,
};
use serde::Serialize;

use crate::StoreError;

/// Which activities a list shows. Absent values do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Of this connection.
    pub connection: Option<ConnectionId>,
    /// Of connections within this.
    pub within: ConnectionScope,
    /// Of this kind.
    pub event_type: Option<EventType>,
    /// With this event id.
    pub event_id: Option<String>,
    /// By this actor's e-mail address, in any case.
    pub actor_email: Option<String>,
    /// On this object.
    pub object_id: Option<String>,
    /// Containing this text in name, actor, object or path, in any case.
    pub text: Option<String>,
    /// Received at or after.
    pub from: Option<DateTime<Utc>>,
    /// Received before.
    pub to: Option<DateTime<Utc>>,
    /// What one part of it says.
    pub details: ActivityDetails,
}

/// What one part of an activity says. Absent values do not narrow a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityDetails {
    /// Containing this text in the id, name or address of who acted, in any case.
    pub actor: Option<String>,
    /// From exactly this IP address.
    pub address: Option<String>,
    /// Containing this text in the object's name or path, in any case.
    pub object: Option<String>,
    /// Whether something could not be inspected.
    pub blind_spots: BlindSpots,
}

/// Which activities a list shows by what could not be inspected of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BlindSpots {
    /// All of them.
    #[default]
    Whatever,
    /// Those with some blind spot.
    Some,
    /// Those with a blind spot of this reason.
    Of(String),
}

/// An activity as it was recorded. On the wire the 24 fields stand at top level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredActivity {
    /// Whose it is.
    pub connection_id: ConnectionId,
    /// The service's id in the catalogue.
    pub service: String,
    /// How it reached us first.
    pub arrival: Arrival,
    /// When it reached us first.
    pub received_at: DateTime<Utc>,
    /// When it was durable in the activity log.
    pub appended_at: Option<DateTime<Utc>>,
    /// When policies had first decided.
    pub evaluated_at: Option<DateTime<Utc>>,
    /// W3C `traceparent` of its journey.
    pub traceparent: Option<String>,
    /// Whether Tidegate itself caused it.
    pub own: bool,
    /// The 24 fields.
    #[serde(flatten)]
    pub activity: Activity,
    /// Where each came from.
    pub provenance: Provenance,
    /// What could not be inspected.
    pub blind_spots: Vec<BlindSpot>,
}

/// The recorded activity.
#[async_trait]
pub trait ActivityStore: Send + Sync {
    /// A page of activities, newest received first.
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        request: &PageRequest,
    ) -> Result<Page<StoredActivity>, StoreError>;

    /// What the service sent for that event, byte for byte.
    async fn raw_activity(
        &self,
        connection: ConnectionId,
        event_id: &str,
    ) -> Result<Option<String>, StoreError>;

    /// Forgets activities received before that moment, oldest first, at most so many one by one, and
    /// gives their number. A store that keeps them in parts drops a part as a whole, whatever its size.
    /// When the number is less than the limit, nothing is left to forget. Incidents keep their own copy. What is forgotten would be new if it came again: keep
    /// activities longer than any service can repeat them.
    async fn forget_activities(&self, before: DateTime<Utc>, limit: u32)
    -> Result<u64, StoreError>;
}
