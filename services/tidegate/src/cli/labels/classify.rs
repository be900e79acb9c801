use std::path::Path;

use inspect::{Confidence, Coverage, DetectorSet, Limits};
use labels::{Label, Labelling, Md5};

use super::file;

/// What a look at one file came to.
pub(super) struct Classified {
    /// Of the content as it was looked at.
    pub(super) content: Md5,
    pub(super) labels: Vec<Label>,
    /// Why not all of it could be read; nothing when all was.
    pub(super) unread: Vec<String>,
}

/// Reads a file once, and says what its content and its attributes tell of labels.
pub(super) fn classify(path: &Path, labelling: &Labelling) -> anyhow::Result<Classified> {
    let limits = Limits::default();
    let bytes = file::read(path, limits.input_bytes_max)?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let inspection = inspect::inspect(&bytes, name.as_deref(), &limits, DetectorSet::built_in());
    const LEVELS: [Confidence; 3] = [Confidence::Low, Confidence::Medium, Confidence::High];
    let mut labels =
        labelling.of_findings(|detector, level| inspection.findings.count(detector, LEVELS[level]));
    let mut fields = inspection.metadata;
    fields.extend(file::attributes(path));
    labels.extend(labelling.of_document(&fields));
    let unread = match &inspection.coverage {
        Coverage::Full => Vec::new(),
        partly => partly.reasons().iter().map(ToString::to_string).collect(),
    };
    Ok(Classified {
        content: Md5::of(&bytes),
        labels,
        unread,
    })
}
