//! The recorded activity: the 24 fields at top level, and what the service sent byte for byte.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use event_model::{
    Activity, Arrival, BlindSpot, ConnectionId, ConnectionScope, EventType, Field, Provenance,
    rfc3339,
};
use ports::{ActivityDetails, ActivityFilter, BlindSpots, StoredActivity};
use schemars::JsonSchema;
use serde::Serialize;

use super::id;
use crate::Shared;
use crate::problem::Problem;
use crate::query::Query;

/// What narrows a list of activities.
pub(crate) const NARROWING: [&str; 12] = [
    "connection",
    "event_type",
    "event_id",
    "actor_email",
    "actor",
    "address",
    "object_id",
    "object",
    "blind_spot",
    "q",
    "from",
    "to",
];

/// What a list of activities takes.
pub(crate) const FILTERS: [&str; 14] = [
    "connection",
    "event_type",
    "event_id",
    "actor_email",
    "actor",
    "address",
    "object_id",
    "object",
    "blind_spot",
    "q",
    "from",
    "to",
    "limit",
    "cursor",
];

/// An activity on the wire.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ActivityItem {
    /// Whose it is.
    connection_id: ConnectionId,
    /// The service's id in the catalogue.
    service: String,
    /// How it reached us first.
    arrival: Arrival,
    /// When it reached us first, RFC 3339.
    received_at: String,
    /// When it was durable in the activity log, RFC 3339.
    appended_at: Option<String>,
    /// When policies had first decided, RFC 3339.
    evaluated_at: Option<String>,
    /// W3C `traceparent` of its journey.
    traceparent: Option<String>,
    /// Whether Tidegate itself caused it.
    own: bool,
    #[serde(flatten)]
    activity: Activity,
    /// Where each field came from.
    provenance: Provenance,
    /// What could not be inspected.
    blind_spots: Vec<BlindSpot>,
}

impl ActivityItem {
    /// Its line in a file.
    pub(super) fn cells(&self) -> Vec<String> {
        let spots = self.blind_spots.iter().map(|spot| spot.reason.as_str());
        let spots: Vec<&str> = spots.collect();
        let own = [
            self.connection_id.to_string(),
            self.service.clone(),
            self.arrival.to_string(),
            self.received_at.clone(),
            self.own.to_string(),
            spots.join("; "),
        ];
        let fields = Field::ALL.into_iter().map(|field| {
            let value = self.activity.text(field);
            value.unwrap_or_default().into_owned()
        });
        own.into_iter().chain(fields).collect()
    }
}

impl From<StoredActivity> for ActivityItem {
    fn from(stored: StoredActivity) -> Self {
        ActivityItem {
            connection_id: stored.connection_id,
            service: stored.service,
            arrival: stored.arrival,
            received_at: rfc3339(stored.received_at),
            appended_at: stored.appended_at.map(rfc3339),
            evaluated_at: stored.evaluated_at.map(rfc3339),
            traceparent: stored.traceparent,
            own: stored.own,
            activity: stored.activity,
            provenance: stored.provenance,
            blind_spots: stored.blind_spots,
        }
    }
}

/// Reads the filter that [`NARROWING`] names.
pub(crate) fn filter(query: &mut Query) -> ActivityFilter {
    ActivityFilter {
        connection: query.parsed("connection"),
        within: ConnectionScope::Every,
        event_type: query.word("event_type", EventType::ALL, EventType::word),
        event_id: query.text("event_id"),
        actor_email: query.text("actor_email"),
        object_id: query.text("object_id"),
        text: query.text("q"),
        from: query.instant("from"),
        to: query.instant("to"),
        details: ActivityDetails {
            actor: query.text("actor"),
            address: query.text("address"),
            object: query.text("object"),
            blind_spots: match query.text("blind_spot").as_deref() {
                None => BlindSpots::Whatever,
                Some("any") => BlindSpots::Some,
                Some(reason) => BlindSpots::Of(reason.to_owned()),
            },
        },
    }
}

pub(crate) async fn list(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &FILTERS);
    let filter = filter(&mut query);
    let request = query.page();
    query.finish(())?;
    let page = console
        .ports
        .activities
        .activity_page(&filter, &request)
        .await?;
    Ok(Json(page.map(ActivityItem::from)).into_response())
}

pub(crate) async fn raw(
    State(console): State<Shared>,
    Path((connection, event_id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let connection: ConnectionId = id(&connection)?;
    let activities = &console.ports.activities;
    let found = activities.raw_activity(connection, &event_id).await?;
    let shown: String = event_id.chars().take(200).collect();
    let raw = found.ok_or_else(|| Problem::not_found("activity", shown))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], raw).into_response())
}
