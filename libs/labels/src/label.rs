//! One model for every way in which an object comes by a label.

use serde::{Deserialize, Serialize};

/// A classification of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// What people call it, and rules.
    pub name: String,
    /// What its own system calls it, when that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it was found.
    pub source: Source,
    /// What speaks for it.
    pub assurance: Assurance,
}

/// Where a label was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Our own detectors found what stands for it.
    Detector,
    /// The `.ip-labels` manifest of its folder.
    Manifest,
    /// The document says so in the form of Microsoft Information Protection.
    Document,
    /// A field of the document's metadata, by a rule of the administrator.
    Field,
    /// A classifying system said so when it was asked.
    Api,
}

/// What speaks for a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// Our own look at the content.
    Seen,
    /// A signature by the key of that id.
    Signed(String),
    /// Somebody who may write there says so.
    Said,
}

/// A label that does not count, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// The names of the labels.
    pub names: Vec<String>,
    /// Why they do not count.
    pub why: Why,
}

/// Why a label of a manifest does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The content was changed since: its hash is another.
    Stale,
    /// There is no hash, and without one none counts.
    WithoutHash,
    /// There is a hash, but the content to compare it with could not be had.
    ContentUnknown,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Why::Stale => "the content is another since: its hash differs",
            Why::WithoutHash => "there is no hash that tells whether they are current",
            Why::ContentUnknown => "the content to compare the hash with could not be had",
        })
    }
}

/// What a manifest says of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Those that count.
    pub labels: Vec<Label>,
    /// Those that do not.
    pub ignored: Vec<Ignored>,
}
