//! A remedy that is not carried out: what it would do.

use event_model::{Particulars, RemedyKind, Snapshot};
use schemars::JsonSchema;
use serde::Serialize;

/// What a dry run is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsedRemedy {
    /// What would be done.
    pub kind: RemedyKind,
    /// What it would be told besides.
    pub particulars: Particulars,
}

/// What a remedy would do, as the service is now. Nothing was changed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rehearsal {
    /// What would be done.
    pub kind: RemedyKind,
    /// Why it would be refused; then there is nothing else.
    pub refused: Option<String>,
    /// Whether it is so already; none when that cannot be seen without changing something.
    pub in_effect: Option<bool>,
    /// Whether it could be undone.
    pub can_be_undone: bool,
    /// What would be kept to undo it.
    pub snapshot: Option<Snapshot>,
    /// What would be asked of the service, in order; at most 100.
    pub calls: Vec<RehearsedCall>,
    /// How many more calls there would be.
    pub calls_more: u64,
}

/// One call that would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RehearsedCall {
    /// `DELETE`.
    pub method: String,
    /// Where; what only an earlier answer will tell stands in braces.
    pub address: String,
    /// What of the object it is about, such as a link's address.
    pub about: Option<String>,
    /// Whether it depends on an answer that is not known yet.
    pub depends: bool,
}
