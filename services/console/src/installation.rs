//! What an operator decided outside the console, to be shown and not changed.

/// A setting of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its key.
    pub name: String,
    /// Its value as it was written; `None` when it is not set, or is a secret.
    pub value: Option<String>,
    /// Whether it is a secret, whose value is never handed over.
    pub is_secret: bool,
    /// Whether it has a value at all.
    pub is_set: bool,
    /// Where the value was written; `None` when it is the default.
    pub origin: Option<String>,
    /// What it sets, in a sentence.
    pub about: String,
}

/// Whom the installation believes about labels, and what becomes one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSettings {
    /// Keys whose signatures are believed: id, and kind of key.
    pub keys: Vec<(String, String)>,
    /// The id of the key that manifests are signed with here.
    pub signs_with: Option<String>,
    /// Whether manifests that nobody signed are taken.
    pub takes_unsigned: bool,
    /// Whether entries that do not say which content they are about are taken.
    pub takes_without_hash: bool,
    /// Label, detector, least confidence, least number of distinct values.
    pub detected: Vec<(String, String, String, usize)>,
}
