//! What a remedy means for the quarantine.

use chrono::{DateTime, Utc};
use event_model::{QuarantineItem, QuarantineState, Remedy, RemedyKind};
use ports::ClaimedRemedy;

/// The quarantine item as it stands after this remedy; none when the remedy does not touch it.
pub(crate) fn item(
    claimed: &ClaimedRemedy,
    of: Option<&Remedy>,
    now: DateTime<Utc>,
) -> Option<QuarantineItem> {
    let remedy = &claimed.remedy;
    match (remedy.kind, of) {
        // Without a snapshot it was set aside by an earlier remedy, which has the item.
        (RemedyKind::Quarantine, _) if remedy.snapshot.is_some() => held(claimed, now),
        (RemedyKind::Restore, Some(of)) if of.kind == RemedyKind::Quarantine => {
            changed(claimed, QuarantineState::Restored, now)
        }
        (RemedyKind::Purge, Some(_)) => changed(claimed, QuarantineState::Deleted, now),
        _ => None,
    }
}

fn held(claimed: &ClaimedRemedy, now: DateTime<Utc>) -> Option<QuarantineItem> {
    let remedy = &claimed.remedy;
    Some(QuarantineItem {
        id: event_model::QuarantineId::for_remedy(remedy.id),
        connection_id: remedy.connection_id,
        incident_id: remedy.incident_id,
        remedy_id: remedy.id,
        object_id: claimed.activity.object_id.clone()?,
        object_name: claimed.activity.object_name.clone(),
        object_path: claimed.activity.object_path.clone(),
        state: QuarantineState::Held,
        snapshot: remedy.snapshot.clone(),
        restoration: None,
        held_at: now,
        updated_at: now,
    })
}

fn changed(
    claimed: &ClaimedRemedy,
    state: QuarantineState,
    now: DateTime<Utc>,
) -> Option<QuarantineItem> {
    let mut item = claimed.quarantine.clone()?;
    item.state = state;
    item.restoration = claimed.remedy.restoration.clone();
    item.updated_at = now;
    Some(item)
}
