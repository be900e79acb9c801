use event_model::RemedyKind;

use super::action::REMEDIES;
use crate::mistake::did_you_mean;
use crate::node::Node;

/// Shortest and longest reason, in characters: it stands in one line of a matrix, and in a refusal.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 8..=300;

/// Reads `cannot`: what the service does not let anybody do, and why.
pub(crate) fn read(node: &Node<'_>) -> Option<Vec<(RemedyKind, String)>> {
    let read: Vec<_> = node
        .entries()?
        .iter()
        .map(|(name, node)| {
            let Some(kind) = REMEDIES.iter().find(|kind| kind.word() == name) else {
                let hint = did_you_mean(name, REMEDIES.iter().map(|kind| kind.word()));
                return node.wrong_with(format!("`{name}` is not an action"), hint);
            };
            let why = node.text()?;
            match REASON_CHARS.contains(&why.trim().chars().count()) {
                true => Some((*kind, why.trim().to_owned())),
                false => node.wrong("`cannot` says why, in 8 to 300 characters"),
            }
        })
        .collect();
    read.into_iter().collect()
}
