//! Counts over everything recorded, what is open and goes on now, and how people work.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use event_model::{CaseVerdict, ConnectionId, ConnectionScope, EventType, PolicyId, Severity};
use serde::{Deserialize, Serialize};

use crate::{BlindSpotAsk, BlindSpotCount, FoundInIncidents, StoreError};

/// Counts for a first look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Recorded activities.
    pub activities: u64,
    /// Incidents by status.
    pub incidents_by_status: BTreeMap<String, u64>,
    /// Incidents by severity, closed ones included.
    pub incidents_by_severity: BTreeMap<String, u64>,
    /// Remedies by state.
    pub remedies_by_state: BTreeMap<String, u64>,
    /// Quarantine items by state.
    pub quarantine_by_state: BTreeMap<String, u64>,
    /// Connections by state.
    pub connections_by_state: BTreeMap<String, u64>,
    /// Median and 99th percentile of milliseconds from receiving to effect, over the last 1,000
    /// incidents with an effect; absent while there is none.
    pub received_to_effect_ms: Option<(i64, i64)>,
}

/// Median and 90th percentile of a time that people took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Spread {
    /// Half took no longer.
    pub p50: i64,
    /// Nine of ten took no longer.
    pub p90: i64,
}

/// How fast people work, over the last [`CLOSED_MAX`] incidents that were closed. Absent while nothing
/// is known. The definitions are those of TheHive.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct CaseTimes {
    /// TTD: from the event to the incident.
    pub to_detect_ms: Option<Spread>,
    /// TTT: from the incident to someone's beginning.
    pub to_triage_ms: Option<Spread>,
    /// TTA: from the event to someone's beginning.
    pub to_acknowledge_ms: Option<Spread>,
    /// TTQ: from the incident to the verdict.
    pub to_qualify_ms: Option<Spread>,
    /// TTR: from the incident to its end.
    pub to_resolve_ms: Option<Spread>,
}

/// Closed incidents that [`CaseTimes`] are computed over.
pub const CLOSED_MAX: u32 = 1_000;

/// What happens now, and what is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board {
    /// Activities received since the moment asked for, by kind.
    pub activity: BTreeMap<EventType, u64>,
    /// People who did them.
    pub actors: u64,
    /// Incidents recorded since.
    pub violations: u64,
    /// Open incidents that repeat none, by severity.
    pub open_by_severity: BTreeMap<Severity, u64>,
    /// The same by policy.
    pub open_by_policy: BTreeMap<PolicyId, u64>,
    /// Incidents recorded on each day in UTC, since the first day asked for.
    pub by_day: BTreeMap<(NaiveDate, Severity), u64>,
    /// When each connection's last activity was received, of at most [`CONNECTIONS_ASKED_MAX`].
    pub last_received: BTreeMap<ConnectionId, DateTime<Utc>>,
}

/// Most connections that a [`Board`] tells the last activity of.
pub const CONNECTIONS_ASKED_MAX: u32 = 200;

/// What people concluded of a policy's incidents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyVerdicts(pub BTreeMap<CaseVerdict, u64>);

impl PolicyVerdicts {
    /// Of a hundred incidents that were right, allowed or wrong, how many were right; absent while there
    /// is none. Duplicates, and what cannot be told, say nothing of the policy.
    pub fn precision_percent(&self) -> Option<u64> {
        let of = |verdict| self.0.get(&verdict).copied().unwrap_or_default();
        let right = of(CaseVerdict::TruePositive);
        let all = right + of(CaseVerdict::Benign) + of(CaseVerdict::FalsePositive);
        (right * 100 + all / 2).checked_div(all)
    }
}

/// Counts over everything recorded.
#[async_trait]
pub trait StatsStore: Send + Sync {
    /// The counts now.
    async fn overview(&self) -> Result<Overview, StoreError> {
        self.overview_within(&ConnectionScope::Every).await
    }

    /// The counts now, of what is of connections within the scope.
    async fn overview_within(&self, within: &ConnectionScope) -> Result<Overview, StoreError>;

    /// What happened since a moment, what is open, and what each day since another brought.
    async fn board(
        &self,
        active_since: DateTime<Utc>,
        days_since: DateTime<Utc>,
    ) -> Result<Board, StoreError>;

    /// How fast people work.
    async fn case_times(&self) -> Result<CaseTimes, StoreError>;

    /// What people concluded, by policy.
    async fn policy_verdicts(&self) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError>;

    /// What happened, what is open and what each day brought, of what is of connections within the scope.
    async fn board_within(
        &self,
        within: &ConnectionScope,
        active_since: DateTime<Utc>,
        days_since: DateTime<Utc>,
    ) -> Result<Board, StoreError>;

    /// How fast people work on incidents of connections within the scope.
    async fn case_times_within(&self, within: &ConnectionScope) -> Result<CaseTimes, StoreError>;

    /// What people concluded of incidents of connections within the scope, by policy.
    async fn policy_verdicts_within(
        &self,
        within: &ConnectionScope,
    ) -> Result<BTreeMap<PolicyId, PolicyVerdicts>, StoreError>;

    /// What was found in the content of incidents of connections within the scope, the most first, at most
    /// [`crate::FOUND_GROUPS_MAX`] groups.
    async fn found_in_incidents(
        &self,
        within: &ConnectionScope,
    ) -> Result<Vec<FoundInIncidents>, StoreError>;

    /// Activities with a blind spot, counted, at most [`crate::BLIND_SPOT_COUNTS_MAX`] counts.
    async fn blind_spot_counts(
        &self,
        ask: &BlindSpotAsk,
    ) -> Result<Vec<BlindSpotCount>, StoreError>;

    /// Whether the store answers, asked in the cheapest way.
    async fn answers(&self) -> Result<(), StoreError>;
}
