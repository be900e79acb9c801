//! Whole-system tests, and the rules of the repository that a machine can hold.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

mod deploy;
mod generated;
mod geoip;
mod tidy;
mod world;
