//! What holds a policy back: numbers within their bounds, and nothing that has no effect.

use event_model::{ApprovalRule, Limit, PolicyDocument, Safeguards};

use super::mistake;
use crate::mistake::{Mistake, MistakeCode};

/// Every mistake in it.
pub(super) fn check(document: &PolicyDocument) -> Vec<Mistake> {
    let asks = document.approval.unwrap_or(ApprovalRule::None) != ApprovalRule::None;
    let idle = document.approvers.filter(|_| !asks).map(|_| {
        let message = "`approvers` has no effect: `approval` asks nobody";
        mistake("/approvers", MistakeCode::Malformed, message)
    });
    let window = Safeguards::UNDO_WINDOW_MINUTES_MAX;
    let limit = document.limit;
    let numbers = [
        within("/approvers", document.approvers, Safeguards::APPROVERS_MAX),
        within("/undo_window_minutes", document.undo_window_minutes, window),
        within(
            "/limit/actions",
            limit.map(|limit| limit.actions),
            Limit::ACTIONS_MAX,
        ),
        within(
            "/limit/per_hours",
            limit.map(|limit| limit.per_hours),
            Limit::PER_HOURS_MAX,
        ),
    ];
    idle.into_iter()
        .chain(numbers.into_iter().flatten())
        .collect()
}

fn within(field: &str, given: Option<u32>, max: u32) -> Option<Mistake> {
    let given = given.filter(|given| !(1..=max).contains(given))?;
    let message = format!("{given}; it may be 1 to {max}");
    Some(mistake(field, MistakeCode::TooLarge, message))
}
