//! Sinks against receivers of the tests' own: real sockets, real TLS, receivers that die.
#![expect(clippy::unwrap_used, reason = "a failing test is meant to panic")]

mod daemon;
mod dying;
mod formats;
mod kafka;
mod mail;
mod receivers;
mod settings;
mod stage;
mod syslog;
