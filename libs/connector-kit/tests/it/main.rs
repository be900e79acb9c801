//! The kit against toy-cloud and against the connectors that come with Tidegate.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod conformance;
mod connectors;
mod hostile;
mod reference;
mod world;
