use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use event_model::{Field, Incident, Page, PageRequest, rfc3339};
use ports::{IncidentFilter, StoreError};

use super::{Exported, Format, file};
use crate::Shared;
use crate::api::incidents::{FILTERS, filter};
use crate::problem::Problem;
use crate::query::Query;

/// The columns before the 24 fields.
const COLUMNS: [&str; 10] = [
    "number",
    "id",
    "status",
    "severity",
    "policy",
    "policy_version",
    "mode",
    "connection_id",
    "created_at",
    "remedies",
];

pub(crate) async fn export(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[&FILTERS[..], &["format"]].concat());
    let incidents = Incidents(filter(&mut query));
    let format = Format::asked(&mut query);
    query.finish(())?;
    Ok(file(console, incidents, format))
}

struct Incidents(IncidentFilter);

impl Exported for Incidents {
    const NAME: &'static str = "incidents";
    type Item = Incident;

    async fn page(
        &self,
        console: &Shared,
        request: &PageRequest,
    ) -> Result<Page<Incident>, StoreError> {
        let incidents = &console.ports.incidents;
        incidents.incident_page(&self.0, request).await
    }

    fn columns() -> Vec<&'static str> {
        let fields = Field::ALL.into_iter().map(Field::name);
        COLUMNS.into_iter().chain(fields).collect()
    }

    fn cells(incident: &Incident) -> Vec<String> {
        let remedies: Vec<String> = incident
            .remedies
            .iter()
            .map(|remedy| format!("{} {}", remedy.kind, remedy.state))
            .collect();
        let own = [
            incident.number.clone(),
            incident.id.to_string(),
            incident.status.to_string(),
            incident.severity.to_string(),
            incident.policy.name.clone(),
            incident.policy.version.to_string(),
            incident.mode.to_string(),
            incident.connection_id.to_string(),
            rfc3339(incident.created_at),
            remedies.join("; "),
        ];
        let fields = Field::ALL.into_iter().map(|field| {
            let value = incident.activity.text(field);
            value.unwrap_or_default().into_owned()
        });
        own.into_iter().chain(fields).collect()
    }
}
