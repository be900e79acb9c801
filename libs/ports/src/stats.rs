use std::collections::BTreeMap;

use async_trait::async_trait;
use event_model::ConnectionScope;
use serde::{Deserialize, Serialize};

use crate::StoreError;

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

/// Counts over everything recorded.
#[async_trait]
pub trait StatsStore: Send + Sync {
    /// The counts now.
    async fn overview(&self) -> Result<Overview, StoreError> {
        self.overview_within(&ConnectionScope::Every).await
    }

    /// The counts now, of what is of connections within the scope.
    async fn overview_within(&self, within: &ConnectionScope) -> Result<Overview, StoreError>;

    /// Whether the store answers, asked in the cheapest way.
    async fn answers(&self) -> Result<(), StoreError>;
}
