//! What a remedy means for the quarantine.

use chrono::{DateTime, Utc};
use event_model::{QuarantineItem, QuarantineState, Remedy, RemedyKind, VaultId};
use ports::ClaimedRemedy;

use crate::vaulting;

/// The quarantine item as it stands after this remedy; none when the remedy does not touch it.
pub(crate) fn item(
    claimed: &ClaimedRemedy,
    of: Option<&Remedy>,
    now: DateTime<Utc>,
) -> Option<QuarantineItem> {
    let remedy = &claimed.remedy;
    match (remedy.kind, of) {
        // Without a snapshot it was set aside by an earlier remedy, which has the item.
        (kind, _) if kind.sets_aside() && remedy.snapshot.is_some() => held(claimed, now),
        (RemedyKind::Restore, Some(of)) if of.kind.sets_aside() => {
            let restoration = remedy.restoration.as_ref();
            // What is not back in the service is held in the vault yet.
            let is_back =
                of.vaulted.is_none() || restoration.is_some_and(vaulting::is_content_back);
            let state = match is_back {
                true => QuarantineState::Restored,
                false => QuarantineState::Held,
            };
            changed(claimed, state, now)
        }
        (RemedyKind::Purge, Some(_)) => changed(claimed, QuarantineState::Deleted, now),
        _ => None,
    }
}

/// What the vault must keep is held on when deleting it was given up.
pub(crate) fn held_on(claimed: &ClaimedRemedy, now: DateTime<Utc>) -> Option<QuarantineItem> {
    let of = claimed.of.as_ref()?;
    let is_vaults = claimed.remedy.kind == RemedyKind::Purge && of.vaulted.is_some();
    is_vaults
        .then(|| changed(claimed, QuarantineState::Held, now))
        .flatten()
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
        vault_items: vault_items(remedy),
        restoration: None,
        held_at: now,
        updated_at: now,
    })
}

fn vault_items(remedy: &Remedy) -> Vec<VaultId> {
    let vaulted = remedy.vaulted.iter();
    vaulted
        .flat_map(|vaulted| vaulted.contents.iter().map(|content| content.item))
        .collect()
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
