use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Coverage, FileKind};

/// What could be read out of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Extraction {
    /// What the bytes are.
    pub kind: FileKind,
    /// The text, in document order.
    pub text: Vec<Segment>,
    /// How much of the object the text stands for.
    pub coverage: Coverage,
    /// Document properties (title, author, custom properties), in document order.
    pub metadata: Vec<(String, String)>,
}

impl Extraction {
    /// UTF-8 bytes of text over all segments.
    pub fn text_bytes(&self) -> usize {
        self.text.iter().map(|segment| segment.text.len()).sum()
    }
}

/// Text that belongs together: a page, a part, a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Where in the object it stands.
    pub place: Place,
    /// The text; never larger than `text_bytes_max`.
    pub text: String,
    /// Stretches of the text that carry a name of their own, ascending and disjoint.
    pub fields: Vec<Field>,
}

/// A stretch of text that the document itself names: a table's cell, a form's field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// First byte in the segment's text.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
    /// The column's header or the form field's name; empty when unknown.
    pub name: Arc<str>,
    /// Row and column counted from 1, when it is a cell.
    pub cell: Option<(u32, u32)>,
}

/// Where text stands: the path of parts from the object inward, e.g. `inner.zip`, `a.csv`,
/// `row 3, column 2 (ssn)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place {
    parts: Vec<Arc<str>>,
}

impl Place {
    /// The object itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// A part within this place. Control characters and anything past 200 characters are dropped:
    /// names come from hostile files.
    #[must_use]
    pub fn within(&self, part: &str) -> Self {
        const PART_CHARS_MAX: usize = 200;
        let clean: String = part
            .chars()
            .filter(|c| !c.is_control())
            .take(PART_CHARS_MAX)
            .collect();
        let mut parts = self.parts.clone();
        parts.push(clean.into());
        Self { parts }
    }

    /// The parts, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(AsRef::as_ref)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in self.parts.iter().enumerate() {
            if position > 0 {
                f.write_str("/")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}
