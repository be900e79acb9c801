//! What extraction gives: text in segments, each with the place it stands at.

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
    /// Properties of the document and of documents within it, in the order met.
    ///
    /// Names are those of the document: Office core, application and custom properties by local name
    /// (`title`, `MSIP_Label_<guid>_Name`), keys of a PDF's information dictionary (`Title`), XMP
    /// properties by local name, headers of mail (`Subject`, `msip_labels`). `mip-label:<guid>` is a
    /// label of `docMetadata/LabelInfo.xml`: `enabled=1;removed=0;method=Standard;siteId={..};contentBits=2`,
    /// what it has of these. Prefixed are `exif:`, `iptc:` and `png:`. `macros` is `vba`, `xlm` or
    /// `basic`. The whole table is in `docs/inspection.md`.
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

    /// A part within this place. Names come from hostile files and places are stored: control
    /// characters and anything past 200 characters are dropped, and a name with as many digits as
    /// an identity number keeps only the last four of them.
    #[must_use]
    pub fn within(&self, part: &str) -> Self {
        self.with(masked(part))
    }

    /// The cell or form field within this place.
    #[must_use]
    pub(crate) fn within_field(&self, field: &Field) -> Self {
        let name = masked(&field.name);
        self.with(match field.cell {
            Some((row, column)) if name.is_empty() => format!("row {row}, column {column}"),
            Some((row, column)) => format!("row {row}, column {column} ({name})"),
            None => format!("field {name}"),
        })
    }

    fn with(&self, part: String) -> Self {
        let mut parts = self.parts.clone();
        parts.push(part.into());
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

/// A name that can be stored, whatever it was taken from.
fn masked(name: &str) -> String {
    const NAME_CHARS_MAX: usize = 200;
    const DIGITS_MAX: usize = 8;
    const DIGITS_SHOWN: usize = 4;
    let clean = name
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_CHARS_MAX);
    let digits = clean.clone().filter(|c| c.is_numeric()).count();
    if digits <= DIGITS_MAX {
        return clean.collect();
    }
    let mut left = digits;
    clean
        .map(|character| {
            let digit = character.is_numeric();
            left -= usize::from(digit);
            if digit && left >= DIGITS_SHOWN {
                '*'
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_never_shows_a_number_that_could_identify() {
        let rows = [
            ("page 12", "page 12"),
            ("2026-03 report.csv", "2026-03 report.csv"),
            ("4539578763621486.txt", "************1486.txt"),
            ("ssn 536-22-8145", "ssn ***-**-8145"),
            ("a\u{7}b", "ab"),
        ];
        for (name, shown) in rows {
            assert_eq!(Place::root().within(name).to_string(), shown);
        }
    }
}
