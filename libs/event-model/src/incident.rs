//! A recorded violation of one policy by one activity.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::{Activity, word_enum};
use crate::case::Case;
use crate::connection::IllegalTransition;
use crate::field::Provenance;
use crate::ids::{ConnectionId, IncidentId};
use crate::instant;
use crate::policy::{Mode, PolicyRef, Severity};
use crate::remedy::Remedy;
use crate::verdict::{BlindSpot, Evidence, TraceNode};

word_enum! {
    /// Where an incident stands.
    IncidentStatus {
        /// Nobody has looked yet.
        New "new",
        /// Someone is at it.
        InProgress "in_progress",
        /// Dealt with.
        Resolved "resolved",
        /// Not a violation after all.
        FalsePositive "false_positive",
        /// Known and accepted.
        Suppressed "suppressed",
        /// Closed before, and open again.
        Reopened "reopened",
    }
}

impl IncidentStatus {
    /// Whether nothing is left to do.
    pub fn is_closed(self) -> bool {
        matches!(
            self,
            IncidentStatus::Resolved | IncidentStatus::FalsePositive | IncidentStatus::Suppressed
        )
    }

    /// The status after a person sets another.
    ///
    /// # Errors
    /// `new` cannot be set; a closed incident can only be reopened; only a closed one can be reopened.
    pub fn set(self, to: IncidentStatus) -> Result<IncidentStatus, IllegalTransition> {
        let allowed = match to {
            IncidentStatus::New => self == IncidentStatus::New,
            IncidentStatus::Reopened => self.is_closed(),
            _ => !self.is_closed() || self == to,
        };
        if allowed {
            Ok(to)
        } else {
            Err(IllegalTransition {
                from: self.word(),
                to: to.word(),
            })
        }
    }
}

word_enum! {
    /// What kind of entry a timeline has.
    TimelineKind {
        /// The user acted in the service.
        Event "event",
        /// The activity reached us.
        Received "received",
        /// A policy was violated.
        Violation "violation",
        /// A remedy changed its state.
        Remedy "remedy",
        /// A person did something to the incident.
        Person "person",
    }
}

/// One entry of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// When.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
    /// What kind of entry.
    pub kind: TimelineKind,
    /// In a sentence.
    pub text: String,
}

/// The moments of one event on its way to its effect: provider's lag and ours, told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// The user acted.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub event_at: Option<DateTime<Utc>>,
    /// The service logged it.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub logged_at: Option<DateTime<Utc>>,
    /// It reached us.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub received_at: Option<DateTime<Utc>>,
    /// It was durable in the activity log.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub appended_at: Option<DateTime<Utc>>,
    /// Policies had decided.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub evaluated_at: Option<DateTime<Utc>>,
    /// The incident was recorded.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub recorded_at: Option<DateTime<Utc>>,
    /// The last remedy was verified in the service.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub effect_at: Option<DateTime<Utc>>,
}

impl Latency {
    /// Milliseconds from our receiving to the effect; absent while there is none.
    pub fn received_to_effect_ms(&self) -> Option<i64> {
        Some((self.effect_at? - self.received_at?).num_milliseconds())
    }

    /// Milliseconds from our receiving to the incident.
    pub fn received_to_incident_ms(&self) -> Option<i64> {
        Some((self.recorded_at? - self.received_at?).num_milliseconds())
    }

    /// Milliseconds from the user's act to our receiving: what the service took.
    pub fn provider_ms(&self) -> Option<i64> {
        Some((self.received_at? - self.event_at?).num_milliseconds())
    }
}

/// A recorded violation, unique by connection, event id and policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// Its identifier.
    pub id: IncidentId,
    /// Readable number: `DLP-12`, `SHR-3`, `ACT-7`.
    pub number: String,
    /// Where it stands.
    pub status: IncidentStatus,
    /// How bad.
    pub severity: Severity,
    /// Which version of which policy was violated.
    pub policy: PolicyRef,
    /// Whether that policy acts.
    pub mode: Mode,
    /// Message for the user, from the policy.
    pub notification: Option<String>,
    /// Where it happened.
    pub connection_id: ConnectionId,
    /// What happened: the 24 fields.
    pub activity: Activity,
    /// Where each field came from.
    pub provenance: Provenance,
    /// What was found in the content, masked.
    pub evidence: Vec<Evidence>,
    /// What could not be inspected.
    pub blind_spots: Vec<BlindSpot>,
    /// Why the policy matched.
    pub trace: TraceNode,
    /// What was, is and will be done.
    pub remedies: Vec<Remedy>,
    /// What happened when, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// The moments on the way.
    pub latency: Latency,
    /// What people made of it, and what it belongs to.
    #[serde(default)]
    pub case: Case,
    /// W3C `traceparent` of the activity's journey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// When it was recorded.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub updated_at: DateTime<Utc>,
    /// Grows by one with every change: the ETag.
    pub revision: u64,
}

#[cfg(test)]
mod tests {
    use super::IncidentStatus::{self, *};

    #[test]
    fn a_closed_incident_can_only_be_reopened() {
        for (from, to, allowed) in [
            (New, InProgress, true),
            (New, Resolved, true),
            (InProgress, FalsePositive, true),
            (Resolved, InProgress, false),
            (Resolved, Resolved, true),
            (Resolved, Reopened, true),
            (New, Reopened, false),
            (Reopened, Suppressed, true),
            (InProgress, New, false),
        ] {
            assert_eq!(
                IncidentStatus::set(from, to).is_ok(),
                allowed,
                "{from} to {to}"
            );
        }
    }
}
