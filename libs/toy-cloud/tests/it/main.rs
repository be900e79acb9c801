//! toy-cloud through its HTTP face: each test starts one on a free port and talks to it as clients, receivers and people do.
#![expect(
    clippy::disallowed_methods,
    reason = "tests are at the edge: they make HTTP clients and read whole bodies of a service they started themselves"
)]
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod control;
mod events;
mod faults;
mod oauth;
mod objects;
mod pages;
mod sharing;
mod webhooks;
mod world;
