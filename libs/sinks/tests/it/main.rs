//! Sinks against receivers of the tests' own: real sockets, real TLS, receivers that die.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

mod formats;
mod receivers;
mod settings;
mod stage;
mod syslog;
