//! Decisions before the fact: a service asks whether a download, a share or a login may go on.
//!
//! What it promises: a decision is made from memory, by the policies as they are at that moment. A violation is
//! recorded as activity and incident before the answer is given, in either mode, and once however often the same
//! attempt is asked for. Nothing is done in the service: the attempt has not happened.

mod attempt;
mod book;
mod content;
mod decider;
mod directory;
mod incident;
pub mod inspected;
mod let_be;

pub use attempt::{
    Attempt, AttemptMistake, AttemptedActivity, AttemptedContent, AttemptedShare,
    IDEMPOTENCY_KEY_CHARS_MAX, Matches, RequestFacts, UserFacts,
};
pub use book::PolicyBook;
pub use content::CONTENT_BYTES_MAX;
pub use decider::{
    DecideError, Decided, Decider, DeciderOptions, DeciderPorts, Recording, Undecided, Word,
};
