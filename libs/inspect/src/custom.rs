//! Detectors that an administrator writes: dictionaries, patterns, exact rows of a table, and
//! documents that something may be a copy of. They are data: they serialise, are checked as a whole
//! when a set is made of them, and no one of them holds a value of the table or a text of a document.

use serde::{Deserialize, Serialize};

use crate::Confidence;

mod compile;
mod dictionary;
mod documents;
mod pattern;
mod problem;
mod rows;
mod scan;

pub(crate) use compile::Compiled;
pub use documents::{DOCUMENTS_MAX, Documents, Sketch};
pub use pattern::Validator;
pub use problem::{CustomError, Problem};
pub use rows::{ROWS_MAX, Rows};

/// Custom detectors that a set may hold.
pub const CUSTOM_MAX: usize = 200;
/// Phrases that one custom detector may have, for and against it together.
pub const PHRASES_MAX: usize = 400;
/// Entries of a dictionary, and bytes of all of them together.
pub const ENTRIES_MAX: usize = 100_000;
/// Bytes of all entries of a dictionary together.
pub const DICTIONARY_BYTES_MAX: usize = 2 << 20;
/// Bytes of a pattern as it is written.
pub const PATTERN_BYTES_MAX: usize = 1_024;

/// A detector that an administrator writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomDetector {
    /// The name that rules use: 2 to 64 lower-case letters, digits and dashes, unlike any other.
    pub name: String,
    /// The name that people read, 1 to 200 characters.
    pub title: String,
    /// The group that counts this detector's values too, named as detectors are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it looks for.
    pub looks_for: LooksFor,
    /// How sure a match is when nothing around it speaks for or against it; `None` when it is nothing
    /// then. A phrase for it makes it high, one against it low.
    #[serde(default = "medium")]
    pub confidence: Option<Confidence>,
    /// Phrases that confirm a match within 300 bytes, in any case; 80 bytes each at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positive: Vec<String>,
    /// Phrases that speak against a match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub negative: Vec<String>,
}

fn medium() -> Option<Confidence> {
    Some(Confidence::Medium)
}

/// What a custom detector looks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LooksFor {
    /// Words and phrases that stand alone. Of several that start at one place the longest counts.
    Dictionary {
        /// 2 to 200 bytes each, [`ENTRIES_MAX`] of them and [`DICTIONARY_BYTES_MAX`] at most.
        entries: Vec<String>,
        /// Whether upper and lower case differ.
        #[serde(default)]
        case_matters: bool,
        /// Whether `é` and `e` differ.
        #[serde(default)]
        accents_matter: bool,
    },
    /// What a regular expression matches, 512 bytes at most. It runs in time linear in the text: there are
    /// no back-references and no look-around.
    Pattern {
        /// [`PATTERN_BYTES_MAX`] at most. It must not match nothing.
        pattern: String,
        /// What the digits of a match must satisfy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        validator: Option<Validator>,
    },
    /// Values of one row of a table, near each other.
    Rows(Rows),
    /// Copies of documents, whole or in large parts.
    Documents(Documents),
}
