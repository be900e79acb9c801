//! A policy tried on recorded activity: what is asked, and what would have been different.
//!
//! Everything in a report is bounded by name: what does not fit is counted together.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, EventId, IncidentId, PolicyId};
use crate::instant;
use crate::policy::{PolicyDocument, PolicyRef};

/// What a draft is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "with", rename_all = "snake_case")]
pub enum Baseline {
    /// With nothing: every violation is added.
    Nothing,
    /// With the incidents that were recorded of this policy.
    Recorded {
        /// Which policy.
        policy: PolicyId,
    },
    /// With another version, tried on the same activity.
    Version {
        /// Which version.
        policy: PolicyRef,
        /// What it says.
        document: Box<PolicyDocument>,
    },
}

/// What is to be tried on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayAsk {
    /// The policy to try.
    pub document: PolicyDocument,
    /// Which saved version it is, or of which policy a draft; absent for a new policy.
    pub policy: Option<PolicyRef>,
    /// What it is compared with.
    pub baseline: Baseline,
    /// Activity received at or after.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub from: DateTime<Utc>,
    /// Activity received before.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub to: DateTime<Utc>,
    /// Only of this connection.
    pub connection: Option<ConnectionId>,
}

impl ReplayAsk {
    /// Longest range, in days.
    pub const DAYS_MAX: i64 = 400;
}

/// Incidents of a draft beside those it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct IncidentDelta {
    /// That would be there in addition.
    pub added: u64,
    /// That would not be there.
    pub gone: u64,
    /// That would be there as before.
    pub same: u64,
    /// Of which it cannot be told.
    pub undecided: u64,
}

/// Actions of one kind of a draft beside those it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ActionDelta {
    /// That would be done in addition.
    pub added: u64,
    /// That would not be done.
    pub gone: u64,
}

/// One activity on which the draft differs, or cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayExample {
    /// Where it happened.
    pub connection_id: ConnectionId,
    /// Which activity.
    pub event_id: EventId,
    /// When it was received.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub received_at: DateTime<Utc>,
    /// What the service calls it.
    pub event_name: Option<String>,
    /// Who did it: the e-mail address, or the service's id of the actor.
    pub actor: Option<String>,
    /// On what: the path, or the name.
    pub object: Option<String>,
    /// The incident that was recorded.
    pub incident: Option<IncidentId>,
    /// Why, in the words of the rule's trace.
    pub why: String,
}

/// What would have been different.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReplayReport {
    /// Activities looked at.
    pub activities: u64,
    /// Of these, such as the draft watches.
    pub watched: u64,
    /// Incidents.
    pub incidents: IncidentDelta,
    /// Actions, by what they do; notifications are among them.
    pub actions: BTreeMap<String, ActionDelta>,
    /// Why it could not be told, and how often. At most [`Self::REASONS_MAX`], then `other`.
    pub undecided: BTreeMap<String, u64>,
    /// By day of receiving in UTC, like `2026-01-31`.
    pub days: BTreeMap<String, IncidentDelta>,
    /// By who acted. The first [`Self::USERS_MAX`] that are met; the others together in `other_users`.
    pub users: BTreeMap<String, IncidentDelta>,
    /// Those for whom there was no room in `users`.
    pub other_users: IncidentDelta,
    /// Some that would be added, newest first: at most [`Self::EXAMPLES_MAX`].
    pub added: Vec<ReplayExample>,
    /// Some that would be gone, as many.
    pub gone: Vec<ReplayExample>,
    /// Some of which it cannot be told, as many.
    pub untold: Vec<ReplayExample>,
}

impl ReplayReport {
    /// Most examples of each sort.
    pub const EXAMPLES_MAX: usize = 20;
    /// Most users told apart.
    pub const USERS_MAX: usize = 500;
    /// Most reasons told apart.
    pub const REASONS_MAX: usize = 20;
}

/// A trial of a policy on recorded activity, newest received first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// What is asked.
    pub ask: ReplayAsk,
    /// Where it goes on; absent before the first page.
    pub cursor: Option<String>,
    /// How much of the range was looked at, in percent of its time.
    pub percent: u8,
    /// What came of it so far.
    pub report: ReplayReport,
}

impl Replay {
    /// A trial that has not begun.
    pub fn of(ask: ReplayAsk) -> Self {
        Replay {
            ask,
            cursor: None,
            percent: 0,
            report: ReplayReport::default(),
        }
    }
}
