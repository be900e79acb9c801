//! Content inspection: what kind of file bytes are, what text they hold, and what in that text is
//! sensitive. Pure computation: no I/O, no clock, no randomness.
//!
//! - [`extract`] never fails and never panics. What it could not read is said in
//!   [`Extraction::coverage`], so that empty text never reads as clean.
//! - [`DetectorSet::scan`] counts distinct values with a confidence. A [`Finding`] never carries
//!   the plaintext.
//! - Everything that grows has a bound, named in [`Limits`] or beside the code that it bounds.

mod coverage;
mod custom;
mod detect;
mod detectors;
mod extract;
mod extraction;
mod kind;
mod limits;
mod pictures;
pub mod speed;

use serde::{Deserialize, Serialize};

pub use coverage::{Coverage, Reason, Unread};
pub use custom::{
    CUSTOM_MAX, CustomDetector, CustomError, DICTIONARY_BYTES_MAX, DOCUMENTS_MAX, Documents,
    ENTRIES_MAX, LooksFor, PATTERN_BYTES_MAX, PHRASES_MAX, Problem, ROWS_MAX, Rows, Sketch,
    Validator,
};
pub use detect::{Anchor, Confidence, Detector, DetectorSet, Finding, Findings, GroupLengths};
pub use extract::extract;
pub use extraction::{Extraction, Field, Place, Segment};
pub use kind::FileKind;
pub use limits::Limits;
pub use pictures::{Begun, Picture, PicturesRead, Reading, SURE_FROM, begin};

/// What is known of one object's content after extraction and scanning. It holds no text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// What the bytes are.
    pub kind: FileKind,
    /// How much of it could be read.
    pub coverage: Coverage,
    /// What the detectors found.
    pub findings: Findings,
    /// UTF-8 bytes of text that were scanned.
    pub text_bytes: usize,
    /// Document properties (title, author, custom properties), in document order. Where a
    /// detector finds something in a value, only the masked findings stand in its place.
    pub metadata: Vec<(String, String)>,
    /// What became of the pictures that were collected to be read.
    #[serde(default)]
    pub pictures: PicturesRead,
}

/// Extracts the text of `bytes` within `limits` and scans it with `detectors`.
///
/// `name` is the file's name, a hint that never overrules the content. When the scan had to stop
/// early the coverage says so with [`Reason::Limit`].
pub fn inspect(
    bytes: &[u8],
    name: Option<&str>,
    limits: &Limits,
    detectors: &DetectorSet,
) -> Inspection {
    begin(bytes, name, limits).finish(Vec::new(), detectors)
}

/// What is known of an extraction once it is scanned.
fn inspection(
    extraction: Extraction,
    pictures: PicturesRead,
    detectors: &DetectorSet,
) -> Inspection {
    let findings = detectors.scan(&extraction);
    let text_bytes = extraction.text_bytes();
    let Extraction {
        kind,
        text: _,
        mut coverage,
        metadata,
    } = extraction;
    if findings.truncated() {
        coverage = coverage.but(Reason::Limit {
            name: "findings".to_owned(),
        });
    }
    Inspection {
        kind,
        coverage,
        findings,
        text_bytes,
        metadata: metadata
            .into_iter()
            .map(|(name, value)| (name, storable(value, detectors)))
            .collect(),
        pictures,
    }
}

/// A property's value as it may be stored.
fn storable(value: String, detectors: &DetectorSet) -> String {
    let findings = detectors.scan_text(&value);
    let masked: Vec<&str> = findings.iter().map(|found| found.masked.as_str()).collect();
    if masked.is_empty() {
        value
    } else {
        masked.join(" ")
    }
}
