//! The ingest role: deliveries and handshakes of push feeds.
//!
//! What it promises: a delivery is verified over its raw bytes before anything is parsed, and is
//! answered 2xx only after the log has made every one of its events durable. It only appends: it
//! sees no grant, no policy and no incident. When the log cannot take it, the answer is 503, so
//! that the service delivers again; what cannot be mapped goes to the dead-letter topic and is
//! answered as accepted, so that a poison payload never blocks a feed.

mod answer;
mod directory;
mod receive;

pub use directory::{Directory, DirectoryPorts};
pub use receive::{Ingest, IngestOptions, IngestPorts, router};
