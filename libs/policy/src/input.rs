//! What policies are evaluated on: an activity, where its fields came from, and what is known of its content.

use std::collections::BTreeMap;

use event_model::{Activity, Provenance};
use serde::{Deserialize, Serialize};

/// How sure a detector is of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// It has the form, but something speaks against it.
    Low,
    /// It has the form and its checksum holds.
    Medium,
    /// What stands around it confirms it.
    High,
}

impl Confidence {
    /// Each, from low to high, with its word.
    pub const WORDS: [(&'static str, Confidence); 3] = [
        ("low", Confidence::Low),
        ("medium", Confidence::Medium),
        ("high", Confidence::High),
    ];

    /// What a rule means that names no confidence.
    pub const DEFAULT: Confidence = Confidence::Medium;

    /// The confidence's word.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }

    /// The confidence of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, confidence)| *confidence)
    }
}

/// How much of the content was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// All of it.
    Full,
    /// Some of it: what was found is there, what was not found may be.
    Partial {
        /// Why not the rest, each in a few words; at least one.
        reasons: Vec<String>,
    },
    /// None of it: nothing can be said of what is in it.
    None {
        /// Why, in a few words.
        reason: String,
    },
}

impl Coverage {
    /// The words that `_content.coverage` can be.
    pub const WORDS: &'static [&'static str] = &["full", "partial", "none"];

    /// The coverage's word.
    pub fn word(&self) -> &'static str {
        match self {
            Coverage::Full => "full",
            Coverage::Partial { .. } => "partial",
            Coverage::None { .. } => "none",
        }
    }
}

/// What inspection found in an object's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentFacts {
    /// What it is, by its bytes: `pdf`, `docx` and so on; empty when it could not be told.
    pub kind: String,
    /// How much was read.
    pub coverage: Coverage,
    /// By detector: distinct matches of at least low, medium, high confidence. Not listed is none.
    pub counts: BTreeMap<String, [usize; 3]>,
    /// Classification labels on the object.
    pub labels: Vec<String>,
    /// The document's own properties, name and value: what `_metadata` reads, together with the labels.
    #[serde(default)]
    pub properties: Vec<(String, String)>,
}

impl ContentFacts {
    /// Distinct matches of the detector of at least that confidence.
    pub fn count(&self, detector: &str, at_least: Confidence) -> usize {
        self.counts
            .get(detector)
            .map_or(0, |counts| counts[at_least as usize])
    }
}

/// What is known of the content.
#[derive(Debug, Clone, Copy)]
pub enum ContentState<'a> {
    /// Not asked for yet: it can be fetched if a policy needs it.
    NotFetched,
    /// It cannot be had: a blind spot.
    Unavailable {
        /// Why, in a few words.
        reason: &'a str,
    },
    /// Inspected.
    Known(&'a ContentFacts),
}

/// The attributes of one file, each `set.attribute` with its value.
pub type FileAttributes = Vec<(String, String)>;

/// Why a country is not known where nobody looked it up.
pub const COUNTRY_NOT_LOOKED_UP: &str = "no database of countries by IP address is set up";

/// What is known of an attempt beyond the 24 fields. What is not told is unknown, and decides nothing.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The program that the user acts with, in FileCloud's words: see [`crate::agent_of`].
    pub agent: Option<&'a str>,
    /// Country of the IP address, ISO 3166-1 with two letters; or why it is not known.
    pub country: Result<&'a str, &'static str>,
    /// Every group that the user is a member of.
    pub groups: Option<&'a [String]>,
    /// Every user that may reach what is shared.
    pub shared_with_users: Option<&'a [String]>,
    /// Every group that may reach what is shared.
    pub shared_with_groups: Option<&'a [String]>,
    /// Whether the login is one to administer.
    pub admin_login: Option<bool>,
    /// Whether nobody is logged in.
    pub anonymous: Option<bool>,
    /// Every attribute of each file that is acted upon.
    pub metadata: Option<&'a [FileAttributes]>,
}

impl Default for Circumstances<'_> {
    fn default() -> Self {
        Circumstances {
            agent: None,
            country: Err(COUNTRY_NOT_LOOKED_UP),
            groups: None,
            shared_with_users: None,
            shared_with_groups: None,
            admin_login: None,
            anonymous: None,
            metadata: None,
        }
    }
}

/// What policies are evaluated on.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The 24 fields.
    pub activity: &'a Activity,
    /// Where each came from, or why it is absent.
    pub provenance: &'a Provenance,
    /// The object's content.
    pub content: ContentState<'a>,
    /// What is known beyond that.
    pub circumstances: Circumstances<'a>,
}

impl<'a> Input<'a> {
    /// An activity and what is known of its content; nothing is known beyond that.
    pub fn of(
        activity: &'a Activity,
        provenance: &'a Provenance,
        content: ContentState<'a>,
    ) -> Self {
        Input {
            activity,
            provenance,
            content,
            circumstances: Circumstances::default(),
        }
    }

    /// The same, under these circumstances.
    pub fn under(self, circumstances: Circumstances<'a>) -> Self {
        Input {
            circumstances,
            ..self
        }
    }
}
