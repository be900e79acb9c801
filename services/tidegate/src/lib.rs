//! The one binary: configuration, wiring, command line. The only place where a role meets an adapter.
//!
//! - [`config`] turns a file, the environment and flags into one [`config::Config`], or says every
//!   mistake at once.
//! - [`wiring`] opens the adapters and lists the roles in the order in which an event travels.
//! - [`cli`] is what a person types.

mod bench;
pub mod cli;
pub mod config;
mod dead_letters;
pub mod demo;
pub mod geoip;
mod labelling;
mod mail;
pub mod migrate;
mod output;
mod probes;
pub mod proxies;
mod serve;
mod sign_on;
pub mod wiring;

pub use output::say;
