//! The console through its router, on SQLite in memory. Only the cloud service is played.
#![expect(
    clippy::unwrap_used,
    reason = "a failing helper of a test is a failing test"
)]

mod access;
mod administration;
mod api;
mod approvals;
mod authorisation;
mod browser;
mod cases;
mod detectors;
mod hostile;
mod incidents;
mod once;
mod pages;
mod people;
mod policies;
mod replays;
mod scans;
mod scoped;
mod second_factor;
mod sections;
mod sign_in;
mod sinks;
mod sso;
mod stream;
mod trail;
mod world;
