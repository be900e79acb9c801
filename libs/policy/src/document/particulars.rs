//! What a response is told besides its kind: each word where it belongs, and nowhere else.

use event_model::{AFTER_HOURS_MAX, NO_TOMBSTONE, Response, ResponseKind, TombstoneText};

use super::is_address;
use crate::mistake::MistakeCode;

/// One mistake in what a response is told.
pub(super) struct Wrong {
    pub(super) field: &'static str,
    pub(super) code: MistakeCode,
    pub(super) message: String,
}

/// A word of a response: to which kinds it belongs, and what it says to them.
struct Word {
    field: &'static str,
    kinds: &'static [ResponseKind],
    /// What is missing where it belongs and is not there; none where it may be left out.
    missing: Option<&'static str>,
}

/// Longest label, in characters: a manifest takes no longer one.
const LABEL_CHARS_MAX: usize = 256;

const WORDS: [Word; 7] = [
    Word {
        field: "role",
        kinds: &[ResponseKind::DowngradeRole],
        missing: Some("the lesser role is missing"),
    },
    Word {
        field: "label",
        kinds: &[ResponseKind::ApplyLabel],
        missing: Some("the label is missing"),
    },
    Word {
        field: "after_hours",
        kinds: &[ResponseKind::ExpireLink],
        missing: Some("after how many hours the link ends is missing"),
    },
    Word {
        field: "scope",
        kinds: &[ResponseKind::SetLinkScope],
        missing: Some(
            "whom the link is still for is missing: `people_in_company` or `specific_people`",
        ),
    },
    Word {
        field: "new_owner",
        kinds: &[ResponseKind::TransferOwner],
        missing: Some("the new owner is missing"),
    },
    Word {
        field: "whom",
        kinds: &[ResponseKind::SuspendUser, ResponseKind::EndSessions],
        missing: Some("which user is missing: `actor` or `target`"),
    },
    Word {
        field: "tombstone",
        kinds: &[ResponseKind::QuarantineToVault],
        missing: None,
    },
];

/// Every mistake in what the response is told.
pub(super) fn check(response: &Response) -> Vec<Wrong> {
    let mut found: Vec<Wrong> = WORDS
        .iter()
        .filter_map(|word| misplaced(word, response))
        .collect();
    found.extend(hours(response));
    found.extend(label(response));
    found.extend(owner(response));
    found.extend(tombstone(response));
    found
}

fn misplaced(word: &Word, response: &Response) -> Option<Wrong> {
    let belongs = word.kinds.contains(&response.kind);
    let (code, message) = match (belongs, is_given(word.field, response)) {
        (true, false) => (MistakeCode::Missing, word.missing?.to_owned()),
        (false, true) => (MistakeCode::Malformed, elsewhere(word, response.kind)),
        _ => return None,
    };
    Some(Wrong {
        field: word.field,
        code,
        message,
    })
}

fn elsewhere(word: &Word, kind: ResponseKind) -> String {
    let kinds: Vec<String> = word.kinds.iter().map(|kind| format!("`{kind}`")).collect();
    let (field, kinds) = (word.field, kinds.join(" and "));
    match field {
        "role" => format!("`{kind}` gives no role: `role` belongs to {kinds}"),
        _ => format!("`{kind}` has no `{field}`: it belongs to {kinds}"),
    }
}

fn is_given(field: &str, response: &Response) -> bool {
    let text = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    match field {
        "role" => text(&response.role),
        "label" => text(&response.label),
        "after_hours" => response.after_hours.is_some(),
        "scope" => response.scope.is_some(),
        "new_owner" => text(&response.new_owner),
        "tombstone" => response.tombstone.is_some(),
        _ => response.whom.is_some(),
    }
}

fn label(response: &Response) -> Option<Wrong> {
    let label = response.label.as_deref()?;
    let (code, message) = match label {
        _ if label.chars().count() > LABEL_CHARS_MAX => {
            let message = format!("the label has more than {LABEL_CHARS_MAX} characters");
            (MistakeCode::TooLarge, message)
        }
        _ if label.contains(char::is_control) => {
            let message = "the label has control characters".to_owned();
            (MistakeCode::Malformed, message)
        }
        _ => return None,
    };
    Some(Wrong {
        field: "label",
        code,
        message,
    })
}

fn hours(response: &Response) -> Option<Wrong> {
    let hours = response.after_hours?;
    (!(1..=AFTER_HOURS_MAX).contains(&hours)).then(|| Wrong {
        field: "after_hours",
        code: MistakeCode::TooLarge,
        message: format!("{hours} hours; there may be 1 to {AFTER_HOURS_MAX}"),
    })
}

fn owner(response: &Response) -> Option<Wrong> {
    let address = response.new_owner.as_deref()?.trim();
    (!address.is_empty() && !is_address(address)).then(|| Wrong {
        field: "new_owner",
        code: MistakeCode::Malformed,
        message: format!("`{}` is not an e-mail address", crate::token::cut(address)),
    })
}

fn tombstone(response: &Response) -> Option<Wrong> {
    let text = response.tombstone.as_deref()?;
    if text == NO_TOMBSTONE {
        return None;
    }
    TombstoneText::parse(text).err().map(|what| Wrong {
        field: "tombstone",
        code: MistakeCode::Malformed,
        message: format!("the text that is left in place: {what}"),
    })
}
