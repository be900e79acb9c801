//! How much of a content was read, and why not the rest: empty text never reads as clean.

use serde::{Deserialize, Serialize};

/// How much of an object could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "coverage", rename_all = "snake_case")]
pub enum Coverage {
    /// Everything that holds text was read.
    Full,
    /// Some text was read; the rest is a blind spot for these reasons.
    Partial {
        /// Distinct reasons, in the order met; never empty.
        reasons: Vec<Reason>,
    },
    /// Nothing could be read.
    None {
        /// The first reason met.
        reason: Reason,
    },
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// It needs a password or a key.
    Encrypted,
    /// Nothing here reads this kind of content.
    Unsupported {
        /// A media type, or words for what it is.
        kind: String,
    },
    /// It breaks the rules of its own format.
    Malformed {
        /// What broke.
        what: String,
    },
    /// It shows pictures, and what is written in them was not read.
    ImageOnly {
        /// Why not.
        #[serde(default)]
        why: Unread,
    },
    /// Pictures were read, and who read them is not sure of it.
    Unsure,
    /// A bound of [`crate::Limits`] was reached.
    Limit {
        /// The bound's name.
        name: String,
    },
}

/// Why what is written in a picture was not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unread {
    /// Nobody was asked to.
    #[default]
    NotRead,
    /// The program that would read it is not installed.
    NoProgram,
    /// The program that would read it cannot be confined here, or does not work.
    NoUse,
    /// Its format is none that is read.
    Format,
    /// Only the first of its frames was read.
    Frames,
    /// The program that was to read it failed.
    Failed,
    /// It was read, and no writing was seen in it.
    NoText,
}

impl Unread {
    /// Why, in words.
    pub fn words(self) -> &'static str {
        match self {
            Unread::NotRead => "what is written in them is not read",
            Unread::NoProgram => "no tesseract is installed",
            Unread::NoUse => "tesseract cannot be used",
            Unread::Format => "of a format that is not read",
            Unread::Frames => "moving, of which the first frame is read",
            Unread::Failed => "tesseract could not read them",
            Unread::NoText => "no writing was seen in them",
        }
    }
}

impl From<Unread> for Reason {
    fn from(why: Unread) -> Self {
        Reason::ImageOnly { why }
    }
}

impl Coverage {
    /// The coverage of something read `with_text` that met `reasons`.
    pub(crate) fn of(reasons: Vec<Reason>, with_text: bool) -> Self {
        match (reasons.first(), with_text) {
            (None, _) => Coverage::Full,
            (Some(_), true) => Coverage::Partial { reasons },
            (Some(first), false) => Coverage::None {
                reason: first.clone(),
            },
        }
    }

    /// This coverage with one more reason.
    #[must_use]
    pub(crate) fn but(self, reason: Reason) -> Self {
        match self {
            Coverage::Full => Coverage::Partial {
                reasons: vec![reason],
            },
            Coverage::Partial { mut reasons } => {
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
                Coverage::Partial { reasons }
            }
            none @ Coverage::None { .. } => none,
        }
    }

    /// Whether everything was read.
    pub fn is_full(&self) -> bool {
        matches!(self, Coverage::Full)
    }

    /// Why this coverage is not full; empty when it is.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Coverage::Full => &[],
            Coverage::Partial { reasons } => reasons,
            Coverage::None { reason } => std::slice::from_ref(reason),
        }
    }
}

impl Reason {
    /// One word, for counting: `encrypted`, `unsupported`, `malformed`, `image_only`, `unsure` or `limit`.
    pub fn word(&self) -> &'static str {
        match self {
            Reason::Encrypted => "encrypted",
            Reason::Unsupported { .. } => "unsupported",
            Reason::Malformed { .. } => "malformed",
            Reason::ImageOnly { .. } => "image_only",
            Reason::Unsure => "unsure",
            Reason::Limit { .. } => "limit",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Encrypted => write!(f, "encrypted"),
            Reason::Unsupported { kind } => write!(f, "unsupported: {kind}"),
            Reason::Malformed { what } => write!(f, "malformed: {what}"),
            Reason::ImageOnly { why } => write!(f, "only pictures: {}", why.words()),
            Reason::Unsure => write!(f, "pictures that are hard to read"),
            Reason::Limit { name } => write!(f, "limit reached: {name}"),
        }
    }
}
