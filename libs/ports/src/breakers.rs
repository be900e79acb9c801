//! The breakers: how much a policy did on a connection of its own accord, and what stands still since.

use chrono::{DateTime, Utc};
use event_model::{ConnectionId, PolicyId};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Whether a remedy may be carried out, as its policy's limit has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It may.
    GoesOn,
    /// It stands still until a person has looked.
    StandsStill,
}

/// A policy that did as much on a connection as it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Breaker {
    /// Which policy.
    pub policy_id: PolicyId,
    /// On which connection.
    pub connection_id: ConnectionId,
    /// So many actions went ahead since the count began.
    pub admitted: u64,
    /// So many stand still.
    pub held: u64,
    /// Since when.
    #[serde(serialize_with = "written")]
    #[schemars(with = "DateTime<Utc>")]
    pub since: DateTime<Utc>,
}

fn written<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&event_model::rfc3339(*at))
}

/// What a person decides about what stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerRuling {
    /// It is done after all, and counting begins anew.
    Continue,
    /// It is not done, and counting begins anew.
    Cancel,
}
