//! What follows from the remedies that an incident has: what may be planned, what was done.

use chrono::{DateTime, Utc};
use event_model::{QuarantineItem, QuarantineState, Remedy, RemedyKind, RemedyState};
use ports::{BreakerRuling, StoreError};

use crate::failure::conflict;

/// What errors call a remedy.
pub const WHAT: &str = "remedy";

/// Moves the item to where the planned remedy takes it.
///
/// # Errors
/// `Conflict` when the item is not held, or the remedy neither restores nor purges.
pub fn begin_quarantine_step(item: &mut QuarantineItem, remedy: &Remedy) -> Result<(), StoreError> {
    item.state = match (item.state, remedy.kind) {
        (QuarantineState::Held, RemedyKind::Restore) => QuarantineState::Restoring,
        (QuarantineState::Held, RemedyKind::Purge) => QuarantineState::Deleting,
        _ => return Err(conflict("quarantine item", item.id)),
    };
    item.updated_at = remedy.created_at;
    Ok(())
}

/// Whether it is done and can be undone.
pub fn is_undoable(remedy: &Remedy) -> bool {
    remedy.state == RemedyState::Done && remedy.snapshot.is_some()
}

/// Makes a remedy due again that was given up, failed, or waited for approval.
///
/// # Errors
/// `Conflict` when it is in another state.
pub fn make_due_again(remedy: &mut Remedy, now: DateTime<Utc>) -> Result<(), StoreError> {
    let waits = match remedy.state {
        RemedyState::GivenUp | RemedyState::Failed => true,
        RemedyState::NeedsApproval => remedy.approvals_needed == 0,
        _ => false,
    };
    if !waits {
        return Err(conflict(WHAT, remedy.id));
    }
    let step = remedy.step(RemedyState::Planned, now);
    step.map_err(|_| conflict(WHAT, remedy.id))?;
    remedy.next_attempt_at = now;
    Ok(())
}

/// Takes a person's approval.
///
/// # Errors
/// `Conflict` when it does not count.
pub fn approve(remedy: &mut Remedy, by: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let taken = remedy.approve(by, now);
    taken.map_err(|_| conflict(WHAT, remedy.id))
}

/// Takes back a remedy that was not begun.
///
/// # Errors
/// `Conflict` when it was.
pub fn cancel(remedy: &mut Remedy, now: DateTime<Utc>) -> Result<(), StoreError> {
    let step = remedy.step(RemedyState::Cancelled, now);
    step.map_err(|_| conflict(WHAT, remedy.id))
}

/// The item as it is when what was to be done with it is taken back.
pub fn held_again(mut item: QuarantineItem, now: DateTime<Utc>) -> QuarantineItem {
    let under_way = [QuarantineState::Restoring, QuarantineState::Deleting];
    if under_way.contains(&item.state) {
        item.state = QuarantineState::Held;
        item.updated_at = now;
    }
    item
}

/// What a person's ruling makes of a remedy that stands still; false when it does not stand still any more.
pub fn ruled(remedy: &mut Remedy, ruling: BreakerRuling, now: DateTime<Utc>) -> bool {
    let to = match ruling {
        BreakerRuling::Continue => RemedyState::Planned,
        BreakerRuling::Cancel => RemedyState::Cancelled,
    };
    if remedy.state != RemedyState::Held || remedy.step(to, now).is_err() {
        return false;
    }
    // A person has looked: it is not counted again.
    remedy.limit = None;
    remedy.because = None;
    remedy.next_attempt_at = now;
    true
}

/// Whether claiming the remedy needs what its incident had done before `of`: a restore from
/// quarantine puts that back, too.
pub fn restores_quarantine(remedy: &Remedy, of: Option<&Remedy>) -> bool {
    remedy.kind == RemedyKind::Restore && of.is_some_and(|of| of.kind.sets_aside())
}

/// Of remedies that are done, those that a policy asked for and that can be undone.
pub fn undoable_responses(done: Vec<Remedy>) -> Vec<Remedy> {
    let undoable = |one: &Remedy| one.of.is_none() && one.snapshot.is_some();
    done.into_iter().filter(undoable).collect()
}

/// When the last response of the policy was seen to be done. What a person asked for later, a
/// restore or purge, is not part of the way from the event to its effect.
pub fn last_effect(done: &[Remedy]) -> Option<DateTime<Utc>> {
    let responses = done.iter().filter(|one| one.of.is_none());
    responses.filter_map(|one| one.done_at).max()
}
