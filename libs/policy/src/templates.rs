//! Policies to start from: FileCloud's four common use cases, and what most organisations want first.
//!
//! Data, compiled in. Each has an example that violates it and one that complies, which a test evaluates.

use std::sync::LazyLock;

use event_model::PolicyDocument;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const FILES: [&str; 16] = [
    include_str!("../templates/login-from-outside-the-country.json"),
    include_str!("../templates/login-in-the-browser-by-own-people.json"),
    include_str!("../templates/internal-files-stay-inside.json"),
    include_str!("../templates/downloads-from-known-addresses.json"),
    include_str!("../templates/public-link-on-sensitive-file.json"),
    include_str!("../templates/any-public-link.json"),
    include_str!("../templates/shares-with-known-domains-only.json"),
    include_str!("../templates/shares-with-personal-mail.json"),
    include_str!("../templates/many-personal-records-leave.json"),
    include_str!("../templates/keys-and-secrets-in-files.json"),
    include_str!("../templates/confidential-label-goes-outside.json"),
    include_str!("../templates/admin-login-from-outside.json"),
    include_str!("../templates/downloads-at-night.json"),
    include_str!("../templates/uninspected-file-goes-outside.json"),
    include_str!("../templates/source-code-goes-outside.json"),
    include_str!("../templates/outsiders-delete.json"),
];

/// A policy to start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What it is asked for by: words and hyphens.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it is for, in a sentence or two.
    pub description: String,
    /// Where it comes from; empty when it is ours.
    pub source: String,
    /// Texts of its rule to replace by one's own.
    pub replace: Vec<String>,
    /// The policy, ready to be checked and saved.
    pub policy: PolicyDocument,
    /// An activity that violates it, as the reference of the rule language writes them.
    pub violating: String,
    /// An activity that complies with it.
    pub complying: String,
}

/// Every template.
pub fn templates() -> &'static [Template] {
    static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
        let read = |file: &&str| serde_json::from_str(file).expect("a test reads every template");
        FILES.iter().map(read).collect()
    });
    &TEMPLATES
}
