//! Counts for a first look, and what people concluded of each policy.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use event_model::{CaseVerdict, Page, PolicyId};
use ports::{CaseTimes, Overview, PolicyVerdicts};
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
    /// How fast people work.
    case_times: CaseTimes,
}

/// What people concluded of a policy's incidents.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PolicyVerdictsItem {
    policy_id: PolicyId,
    /// How many incidents came to which verdict.
    verdicts: BTreeMap<CaseVerdict, u64>,
    /// Of a hundred that were true positives, benign or false positives, how many were true positives.
    precision_percent: Option<u64>,
}

impl From<(PolicyId, PolicyVerdicts)> for PolicyVerdictsItem {
    fn from((policy_id, verdicts): (PolicyId, PolicyVerdicts)) -> Self {
        PolicyVerdictsItem {
            policy_id,
            precision_percent: verdicts.precision_percent(),
            verdicts: verdicts.0,
        }
    }
}

/// Over the last 1,000 incidents with an effect.
#[derive(Serialize, JsonSchema)]
struct Percentiles {
    p50: i64,
    p99: i64,
}

impl From<(Overview, CaseTimes)> for OverviewItem {
    fn from((overview, case_times): (Overview, CaseTimes)) -> Self {
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
            case_times,
        }
    }
}

pub(crate) async fn overview(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<OverviewItem>, Problem> {
    Query::read(&uri, &[]).finish(())?;
    let stats = &console.ports.stats;
    let counted = (stats.overview().await?, stats.case_times().await?);
    Ok(Json(counted.into()))
}

pub(crate) async fn policy_verdicts(
    State(console): State<Shared>,
) -> Result<Json<Page<PolicyVerdictsItem>>, Problem> {
    let verdicts = console.ports.stats.policy_verdicts().await?;
    Ok(Json(Page {
        items: verdicts.into_iter().map(PolicyVerdictsItem::from).collect(),
        next: None,
    }))
}
