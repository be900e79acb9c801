//! Pictures, and somebody who reads what is written in them. Reading them takes a program that is not ours, so it
//! is not done here: [`begin`] reads everything else and hands the pictures out, [`Begun::finish`] takes what was
//! read back and scans all of it as one document.
//!
//! A picture that nobody read, or in which nothing was seen, stays a reason in the coverage: empty text never reads
//! as clean.

use crate::extract::harvest::Harvest;
use crate::{
    Coverage, DetectorSet, Extraction, FileKind, Inspection, Limits, Place, Reason, Unread,
};

/// A reader less sure than this of what it read, of 100, may have misread it.
pub const SURE_FROM: u8 = 60;

/// A picture of a content that may hold writing, as the bytes of a file: PNG, JPEG, JPEG 2000, TIFF, GIF, BMP or
/// WebP, at most `picture_pixels_max` large by what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Where in the object it stands.
    pub place: Place,
    /// The file.
    pub bytes: Vec<u8>,
    /// Whether it stands beside text that was read: then it need not have any of its own.
    pub(crate) beside_text: bool,
}

/// What became of one picture.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// What was seen in it; perhaps nothing.
    Text {
        /// The words, line by line.
        text: String,
        /// How sure the reader is of them, 0 to 100.
        confidence: u8,
    },
    /// It was not read.
    Unread(Reason),
}

/// How many pictures were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PicturesRead {
    /// Those in which writing was seen.
    pub with_text: u32,
    /// Those in which none was seen.
    pub without_text: u32,
    /// Those that could not be read.
    pub unread: u32,
}

impl PicturesRead {
    /// Each count with its word, for metrics.
    pub fn by_outcome(&self) -> [(&'static str, u32); 3] {
        [
            ("text", self.with_text),
            ("no_text", self.without_text),
            ("unread", self.unread),
        ]
    }
}

/// A content that is read but for its pictures.
pub struct Begun<'l> {
    harvest: Harvest<'l>,
    kind: FileKind,
    pictures: Vec<Picture>,
}

/// Reads `bytes` within `limits`, and collects its pictures; `name` is a hint that never overrules the content.
pub fn begin<'l>(bytes: &[u8], name: Option<&str>, limits: &'l Limits) -> Begun<'l> {
    let (mut harvest, kind) = crate::extract::harvested(bytes, name, limits);
    let pictures = harvest.take_pictures();
    Begun {
        harvest,
        kind,
        pictures,
    }
}

impl Begun<'_> {
    /// The pictures to be read, in document order; none unless [`Limits::pictures_max`] lets them be collected.
    pub fn pictures(&self) -> &[Picture] {
        &self.pictures
    }

    /// Gives up the pictures' bytes, once they were handed to who reads them.
    pub fn forget_bytes(&mut self) {
        for picture in &mut self.pictures {
            picture.bytes = Vec::new();
        }
    }

    /// The whole inspection. `readings` stand for the pictures in their order; one without a reading was not read.
    pub fn finish(self, readings: Vec<Reading>, detectors: &DetectorSet) -> Inspection {
        let (extraction, pictures) = self.extraction(readings);
        crate::inspection(extraction, pictures, detectors)
    }

    /// What was extracted, the pictures' text last, and how many pictures were read.
    pub(crate) fn extraction(mut self, readings: Vec<Reading>) -> (Extraction, PicturesRead) {
        let mut read = PicturesRead::default();
        let mut readings = readings.into_iter();
        for picture in std::mem::take(&mut self.pictures) {
            let not_read = || Reading::Unread(Unread::NotRead.into());
            let reading = readings.next().unwrap_or_else(not_read);
            take(&mut self.harvest, &mut read, picture, reading);
        }
        (self.harvest.into_extraction(self.kind), read)
    }
}

fn take(harvest: &mut Harvest<'_>, read: &mut PicturesRead, picture: Picture, reading: Reading) {
    match reading {
        Reading::Unread(reason) => {
            read.unread += 1;
            harvest.note(reason);
        }
        Reading::Text { text, .. } if text.trim().is_empty() => {
            read.without_text += 1;
            if !picture.beside_text {
                harvest.note(Unread::NoText.into());
            }
        }
        Reading::Text { text, confidence } => {
            read.with_text += 1;
            if confidence < SURE_FROM {
                harvest.note(Reason::Unsure);
            }
            harvest.push(picture.place, text);
        }
    }
}

impl Inspection {
    /// The same, with a better reason where pictures were not read: why nobody reads them here.
    #[must_use]
    pub fn with_pictures_unread(mut self, why: Unread) -> Self {
        let told = |reason: Reason| match reason {
            Reason::ImageOnly {
                why: Unread::NotRead,
            } => why.into(),
            other => other,
        };
        self.coverage = match self.coverage {
            Coverage::Full => Coverage::Full,
            Coverage::Partial { reasons } => Coverage::Partial {
                reasons: reasons.into_iter().map(told).collect(),
            },
            Coverage::None { reason } => Coverage::None {
                reason: told(reason),
            },
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png() -> Vec<u8> {
        crate::extract::raster::png(8, 8, 1, &[0xFF; 8])
    }

    fn limits() -> Limits {
        Limits {
            pictures_max: 4,
            ..Limits::default()
        }
    }

    fn text(text: &str, confidence: u8) -> Reading {
        Reading::Text {
            text: text.into(),
            confidence,
        }
    }

    #[test]
    fn coverage_says_what_became_of_a_picture() {
        let none = |reason: Reason| Coverage::None { reason };
        let limit = || Reason::Limit {
            name: "pictures_seconds_max".into(),
        };
        let rows = [
            (vec![text("card 4539 5787 6362 1486", 90)], Coverage::Full),
            (
                vec![text("card 4539 5787 6362 1486", 30)],
                Coverage::Partial {
                    reasons: vec![Reason::Unsure],
                },
            ),
            (vec![text(" \n", 95)], none(Unread::NoText.into())),
            (vec![Reading::Unread(limit())], none(limit())),
            (vec![], none(Unread::NotRead.into())),
        ];
        let limits = limits();
        for (readings, coverage) in rows {
            let begun = begin(&png(), Some("a.png"), &limits);
            assert_eq!(begun.pictures().len(), 1);
            let found = matches!(readings.first(), Some(Reading::Text { text, .. }) if text.contains("card"));
            let told = format!("{readings:?}");
            let inspection = begun.finish(readings, DetectorSet::built_in());
            assert_eq!(inspection.coverage, coverage, "{told}");
            assert_eq!(inspection.findings.iter().next().is_some(), found, "{told}");
        }
    }

    #[test]
    fn pictures_are_not_collected_unless_somebody_reads_them() {
        let limits = Limits::default();
        let begun = begin(&png(), None, &limits);
        assert!(begun.pictures().is_empty());
        let inspection = begun
            .finish(Vec::new(), DetectorSet::built_in())
            .with_pictures_unread(Unread::NoProgram);
        assert_eq!(
            inspection.coverage.reasons(),
            [Reason::from(Unread::NoProgram)]
        );
    }
}
