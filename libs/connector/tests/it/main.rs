//! The connector engine against services over real HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests may unwrap, and make a plain client that plays the browser"
)]

mod auth;
mod crawling;
mod guarded;
mod hostile;
mod paging;
mod simulator;
mod throttled;
mod toy_cloud;
mod world;
