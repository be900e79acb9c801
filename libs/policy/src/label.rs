//! Reads the labels of an object. They count however little of its content could be read: a document
//! that is encrypted may still be marked. A label that is not there is only denied when nobody else
//! could say that it is.

use serde::{Deserialize, Serialize};

use crate::domain::same_letters;
use crate::input::{ContentFacts, ContentState, Coverage, Input};
use crate::value::{Items, Lack, List, Value};

/// Whether an object may have labels besides those that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoreLabels {
    /// No: everybody who could say was asked.
    #[default]
    None,
    /// Who else could say was not asked yet.
    NotAsked,
    /// Who else could say did not, or is not believed.
    Unread {
        /// Why, in a few words.
        reason: String,
    },
}

type Read<'a> = Result<Value<'a>, Lack<'a>>;

/// Whether the object has the label.
pub(crate) fn has<'a>(input: &Input<'a>, label: &str) -> Read<'a> {
    let facts = facts(input)?;
    if facts.labels.iter().any(|known| same_letters(known, label)) {
        return Ok(Value::Flag(true));
    }
    match unread(facts) {
        None => Ok(Value::Flag(false)),
        Some(lack) => Err(lack),
    }
}

/// Every label of the object.
pub(crate) fn all<'a>(input: &Input<'a>) -> Read<'a> {
    let facts = facts(input)?;
    let unread = match (&facts.more_labels, &facts.coverage) {
        (MoreLabels::NotAsked, _) => return Err(Lack::NotFetched),
        (MoreLabels::Unread { reason }, _) | (MoreLabels::None, Coverage::None { reason }) => {
            Some(std::slice::from_ref(reason))
        }
        (MoreLabels::None, Coverage::Full) => None,
        (MoreLabels::None, Coverage::Partial { reasons }) => Some(reasons.as_slice()),
    };
    Ok(Value::List(List {
        items: Items::Many(&facts.labels),
        unread,
    }))
}

fn facts<'a>(input: &Input<'a>) -> Result<&'a ContentFacts, Lack<'a>> {
    match input.content {
        ContentState::NotFetched => Err(Lack::NotFetched),
        ContentState::Unavailable { reason } => Err(Lack::Blind(reason.into())),
        ContentState::Known(facts) => Ok(facts),
    }
}

/// Why there may be more labels; none when there are no more.
pub(crate) fn unread(facts: &ContentFacts) -> Option<Lack<'_>> {
    match (&facts.more_labels, &facts.coverage) {
        (MoreLabels::NotAsked, _) => Some(Lack::NotFetched),
        (MoreLabels::Unread { reason }, _) => Some(Lack::Blind(reason.as_str().into())),
        (MoreLabels::None, Coverage::Full) => None,
        (MoreLabels::None, Coverage::Partial { reasons }) => Some(Lack::InPart(reasons)),
        (MoreLabels::None, Coverage::None { reason }) => Some(Lack::Blind(reason.as_str().into())),
    }
}
