//! Measurements that print figures and ratios, each beside a floor of the same run where there is one.
//!
//! They run the real binary as a child process, so that its CPU time and memory are its own; what moves
//! files runs in this one.

pub(crate) mod child;
pub(crate) mod console;
pub(crate) mod decide;
pub(crate) mod evaluate;
pub(crate) mod extract;
pub(crate) mod ingest;
pub(crate) mod latency;
pub(crate) mod live;
pub(crate) mod load;
mod mounted;
pub(crate) mod poll;
pub(crate) mod poll_side;
pub(crate) mod quarantine;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod scan;
pub(crate) mod server;
pub(crate) mod sharing;
pub(crate) mod start;
pub(crate) mod vault;
