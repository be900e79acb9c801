//! One recorded activity: its 24 fields, where each came from, its way through us, and what stands around it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use event_model::{BlindSpot, ConnectionId, Latency, PageRequest, Permission};
use ports::{ActivityFilter, IncidentFilter, StoredActivity};

use super::around::Doings;
use super::fields::{self, FieldRow};
use super::links::{encode, link};
use super::waterfall::{Stretch, waterfall};
use super::{Frame, Page, render, wording};
use crate::api::id;
use crate::auth::Session;
use crate::problem::Problem;
use crate::{Console, Shared};

/// Incidents that the page names.
const INCIDENTS_SHOWN: u32 = 20;

struct Violation {
    number: String,
    href: String,
    severity: &'static str,
    policy: String,
    status: &'static str,
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage {
    frame: Frame,
    sentence: String,
    kind: String,
    own: bool,
    at: String,
    ago: String,
    connection: String,
    connection_href: String,
    arrival: &'static str,
    trace: Option<String>,
    raw_href: Option<String>,
    violations: Vec<Violation>,
    blind_spots: Vec<BlindSpot>,
    stretches: Vec<Stretch>,
    height: String,
    fields: Vec<FieldRow>,
    doings: Vec<Doings>,
}

/// Where an activity is shown.
pub(super) fn href(connection: ConnectionId, event_id: &str) -> String {
    format!("/activity/{connection}/{}", encode(event_id))
}

/// Where its incidents are listed, closed ones, too.
pub(super) fn incidents_href(event_id: &str) -> String {
    let every = "new,in_progress,reopened,resolved,false_positive,suppressed";
    link("/", [("event_id", event_id), ("status", every)])
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
    Path((connection, event_id)): Path<(String, String)>,
) -> Page {
    let connection: ConnectionId = id(&connection)?;
    let stored = console.activity(connection, &event_id).await?;
    let activity = &stored.activity;
    let around = console.doings_around(activity, stored.received_at).await?;
    let violations = console.violations(&stored).await?;
    let (stretches, height) = waterfall(&latency(&stored));
    let named = console.connection(connection).await?;
    let now = console.ports.clock.now();
    let raw = format!("/api/v1/activities/{connection}/{}/raw", encode(&event_id));
    let may_see_raw = session.actor.may(Permission::ActivitiesRaw);
    Ok(render(&EventPage {
        frame: Frame::new("Activity", "activity", &session),
        sentence: wording::sentence(activity),
        kind: super::activity::said(activity.event_type),
        own: stored.own,
        at: wording::precise(stored.received_at),
        ago: wording::ago(stored.received_at, now),
        connection: named.name,
        connection_href: format!("/connections/{connection}"),
        arrival: stored.arrival.word(),
        trace: stored.traceparent.clone(),
        raw_href: may_see_raw.then_some(raw),
        violations,
        stretches,
        height,
        fields: fields::rows(activity, &stored.provenance),
        doings: around,
        blind_spots: stored.blind_spots,
    }))
}

/// The moments that are known of it.
fn latency(stored: &StoredActivity) -> Latency {
    Latency {
        event_at: stored.activity.event_timestamp,
        logged_at: stored.activity.log_timestamp,
        received_at: Some(stored.received_at),
        appended_at: stored.appended_at,
        evaluated_at: stored.evaluated_at,
        recorded_at: None,
        effect_at: None,
    }
}

impl Console {
    /// The activity.
    async fn activity(
        &self,
        connection: ConnectionId,
        event_id: &str,
    ) -> Result<StoredActivity, Problem> {
        let filter = ActivityFilter {
            connection: Some(connection),
            event_id: Some(event_id.to_owned()),
            ..ActivityFilter::default()
        };
        let one = PageRequest::first(1);
        let page = self.ports.activities.activity_page(&filter, &one).await?;
        let shown: String = event_id.chars().take(200).collect();
        let mut items = page.items.into_iter();
        items
            .next()
            .ok_or_else(|| Problem::not_found("activity", shown))
    }

    /// The incidents that it caused.
    async fn violations(&self, stored: &StoredActivity) -> Result<Vec<Violation>, Problem> {
        let filter = IncidentFilter {
            event_id: Some(stored.activity.event_id.as_str().to_owned()),
            connection: Some(stored.connection_id),
            ..IncidentFilter::default()
        };
        let some = PageRequest::first(INCIDENTS_SHOWN);
        let page = self.ports.incidents.incident_page(&filter, &some).await?;
        let found = page.items.iter();
        Ok(found
            .map(|incident| Violation {
                number: incident.number.clone(),
                href: format!("/incidents/{}", incident.id),
                severity: incident.severity.word(),
                policy: incident.policy.name.clone(),
                status: wording::status(incident.status),
            })
            .collect())
    }
}
