//! Classification labels: read, trusted or refused, and written. Pure: no input or output, no
//! clock, no chance.
//!
//! - [`Manifest`] is an `.ip-labels` file, read strictly: whatever is wrong has a line and a column.
//! - Only [`Manifest::judge`] makes a [`TrustedManifest`], and only that one has labels. An entry
//!   whose hash is not that of the content has none.
//! - [`document`] finds labels in what documents say of themselves, [`Labelling`] holds what an
//!   administrator configured, and every way ends in one [`Label`].
//!
//! The format stands in `docs/labels.md`, byte for byte.

mod canonical;
pub mod document;
mod edit;
mod json;
mod key;
mod label;
mod manifest;
mod md5;
mod reader;
mod settings;
mod signature;
mod trust;

pub use edit::ManifestDraft;
pub use json::Malformed;
pub use key::{Curve, KeyError, PublicKey, SigningKey};
pub use label::{Assurance, Ignored, Label, Labels, Source, Why};
pub use manifest::{Entry, Flaw, MANIFEST_BYTES_MAX, MANIFEST_NAME, Manifest, NameMatch};
pub use md5::Md5;
pub use settings::{
    Detection, Fields, Labelling, LabellingMistake, Settings, WhenAbsent, default_detections,
};
pub use trust::{Distrust, Seal, Trust, TrustedManifest};
