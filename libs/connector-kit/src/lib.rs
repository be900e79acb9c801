//! The kit of whoever writes a connector: what is wrong with it, what its samples become, how much of
//! the 24 fields they have, how fast it maps, a first draft of it, and whether the service itself is
//! as Tidegate needs it.
//!
//! - [`Folder`]: a connector where it lies: manifest, samples, expected events. From any path.
//! - [`Sampled`]: one sample with what it became, beside what was expected.
//! - [`CrawledSample`]: the same of what exists already, when it is listed.
//! - [`Coverage`]: where each of the 24 fields comes from, over the samples.
//! - [`draft`]: a manifest from answers or from an OpenAPI document, its open places marked.
//! - [`conformance`]: the prerequisites of a service, row by row, with evidence.
//! - [`speed`]: how long mapping takes, beside parsing alone.

pub mod conformance;
mod coverage;
mod crawled;
mod difference;
pub mod draft;
mod folder;
mod html;
mod samples;
pub mod speed;

pub use coverage::{Coverage, Shortfall};
pub use crawled::CrawledSample;
pub use folder::{Folder, FolderError, MANIFEST_NAME, SAMPLE_BYTES_MAX, SAMPLES_MAX};
pub use samples::Sampled;
