use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use ports::Overview;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Shared;
use crate::problem::Problem;
use crate::query::Query;

/// Counts on the wire.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OverviewItem {
    /// Recorded activities.
    activities: u64,
    /// Incidents by status.
    incidents_by_status: BTreeMap<String, u64>,
    /// Incidents by severity, closed ones included.
    incidents_by_severity: BTreeMap<String, u64>,
    /// Remedies by state.
    remedies_by_state: BTreeMap<String, u64>,
    /// Quarantine items by state.
    quarantine_by_state: BTreeMap<String, u64>,
    /// Connections by state.
    connections_by_state: BTreeMap<String, u64>,
    /// Milliseconds from receiving to effect; absent while there is none.
    received_to_effect_ms: Option<Percentiles>,
}

/// Over the last 1,000 incidents with an effect.
#[derive(Serialize, JsonSchema)]
struct Percentiles {
    p50: i64,
    p99: i64,
}

impl From<Overview> for OverviewItem {
    fn from(overview: Overview) -> Self {
        let Overview {
            activities,
            incidents_by_status,
            incidents_by_severity,
            remedies_by_state,
            quarantine_by_state,
            connections_by_state,
            received_to_effect_ms,
        } = overview;
        OverviewItem {
            activities,
            incidents_by_status,
            incidents_by_severity,
            remedies_by_state,
            quarantine_by_state,
            connections_by_state,
            received_to_effect_ms: received_to_effect_ms.map(|(p50, p99)| Percentiles { p50, p99 }),
        }
    }
}

pub(crate) async fn overview(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<OverviewItem>, Problem> {
    Query::read(&uri, &[]).finish(())?;
    Ok(Json(console.ports.stats.overview().await?.into()))
}
