//! Incidents, activities and remedies in the words of the Open Cybersecurity Schema Framework 1.7.0: pure, one
//! version of an incident makes one event, and the same version always the same one; so do one activity and one
//! end of a remedy.
//!
//! - An incident about content is a Data Security Finding (2006), any other a Detection Finding (2004).
//! - `finding_info.uid` is the incident, `metadata.uid` its version: who has seen a `metadata.uid` may
//!   drop whatever comes with it again.
//! - Values found in content stand there masked, as the incident has them. Shared links are left out:
//!   who reads one can use it.
//! - Texts are cut at [`TEXT_BYTES_MAX`], lists at [`LIST_ITEMS_MAX`]: an event fits into a log record.

mod activity;
mod class;
mod finding;
mod observables;
mod parties;
mod remedy;
mod texts;
mod words;

pub use activity::{activity, activity_uid};
pub use finding::{Context, finding, version_uid};
pub use remedy::{remedy, remedy_uid};

/// The version of the schema that the events hold. Source: <https://schema.ocsf.io/1.7.0>.
pub const SCHEMA_VERSION: &str = "1.7.0";
/// The name of our log of activities.
const LOG_PRODUCT: &str = "tidegate.activity";
/// Longest text, in bytes; the rest is cut.
pub const TEXT_BYTES_MAX: usize = 4 * 1024;
/// Most items of a list.
pub const LIST_ITEMS_MAX: usize = 100;

#[cfg(test)]
mod tests;
