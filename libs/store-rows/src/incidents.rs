//! What stands beside the documents of activities and incidents, and how an incident changes.

use event_model::{Activity, Incident, TimelineEntry, TimelineKind};
use ports::{StatusChange, StoreError};

use crate::failure::conflict;
use crate::narrow::searchable;

/// What errors call an incident.
pub const WHAT: &str = "incident";

/// What a text is searched in for an activity.
pub fn activity_search_text(activity: &Activity) -> String {
    searchable([
        activity.event_name.as_deref(),
        activity.actor_name.as_deref(),
        activity.actor_email.as_deref(),
        activity.object_name.as_deref(),
        activity.object_path.as_deref(),
    ])
}

/// What a text is searched in for an incident.
pub fn incident_search_text(incident: &Incident) -> String {
    let activity = &incident.activity;
    searchable([
        Some(incident.number.as_str()),
        Some(incident.policy.name.as_str()),
        activity.actor_name.as_deref(),
        activity.actor_email.as_deref(),
        activity.object_name.as_deref(),
        activity.object_path.as_deref(),
    ])
}

/// Sets the status and says so in the timeline. A step that the status does not have is a `Conflict`
/// too: the incident is not in the state that the caller took it to be in.
///
/// # Errors
/// `Conflict` when the revision is another, or the status has no such step.
pub fn set_status(
    incident: &mut Incident,
    revision: u64,
    change: &StatusChange,
) -> Result<(), StoreError> {
    let refused = || conflict(WHAT, incident.id);
    if incident.revision != revision {
        return Err(refused());
    }
    incident.status = incident.status.set(change.status).map_err(|_| refused())?;
    incident.timeline.push(TimelineEntry {
        at: change.at,
        kind: TimelineKind::Person,
        text: sentence(change),
    });
    Ok(())
}

fn sentence(change: &StatusChange) -> String {
    let StatusChange {
        status,
        by,
        comment,
        at: _,
    } = change;
    match comment {
        Some(comment) => format!("{by} set the status to {status}: {comment}"),
        None => format!("{by} set the status to {status}"),
    }
}
