//! What a scan found. The plaintext of a value never leaves the scan: a [`Finding`] carries its
//! last four characters at most.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Confidence, DetectorSet};
use crate::Place;

/// A detector's or a group's name: borrowed when it is built in.
type Name = Cow<'static, str>;

/// One distinct value of one detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The detector's name.
    #[serde(deserialize_with = "known_name")]
    pub detector: Name,
    /// The group that counts it too.
    #[serde(
        default,
        deserialize_with = "known_group",
        skip_serializing_if = "Option::is_none"
    )]
    pub group: Option<Name>,
    /// How sure: the surest of its occurrences.
    pub confidence: Confidence,
    /// The value with all but its last characters, four at most, replaced by `*`.
    pub masked: String,
    /// Where the surest occurrence stands.
    pub place: Place,
    /// Byte offset of that occurrence in its segment's text.
    pub offset: usize,
    /// How many times the value occurs.
    pub occurrences: u32,
    /// Whether the value is known from documentation and test systems. It counts all the same.
    pub test_value: bool,
}

/// The findings of one scan, in the order met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    pub(super) items: Vec<Finding>,
    pub(super) truncated: bool,
    pub(super) work: u64,
}

impl Findings {
    /// Distinct values of a detector, or of all detectors of a group, at least this sure.
    pub fn count(&self, detector: &str, at_least: Confidence) -> usize {
        self.items
            .iter()
            .filter(|found| found.detector == detector || found.group.as_deref() == Some(detector))
            .filter(|found| found.confidence >= at_least)
            .count()
    }

    /// Whether there is any such value.
    pub fn has(&self, detector: &str, at_least: Confidence) -> bool {
        self.count(detector, at_least) > 0
    }

    /// All findings, in the order met.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.items.iter()
    }

    /// Whether the scan stopped before the end, because there were too many findings or the work
    /// ran out: then counts are lower bounds.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Units of work spent, about one byte looked at each.
    pub fn work(&self) -> u64 {
        self.work
    }
}

/// The value with all but its last characters replaced: four remain of eight or more, a quarter of
/// less.
pub(crate) fn mask(value: &str) -> String {
    const STARS_MAX: usize = 12;
    let characters = value.chars().count();
    let shown = if characters >= 8 { 4 } else { characters / 4 };
    let hidden = characters - shown;
    "*".repeat(hidden.min(STARS_MAX))
        .chars()
        .chain(value.chars().skip(hidden))
        .collect()
}

fn known_name<'de, D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
    Ok(interned(String::deserialize(from)?))
}

fn known_group<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Name>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(interned))
}

fn interned(name: String) -> Name {
    let mut known = DetectorSet::built_in().built_in_names();
    known
        .find(|known| *known == name)
        .map_or(Cow::Owned(name), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_four_characters_at_most() {
        let rows = [
            ("4111111111111111", "************1111"),
            ("123456789", "*****6789"),
            ("12345678901234567890123", "************0123"),
            ("secret", "*****t"),
            ("abc", "***"),
            ("", ""),
        ];
        for (value, masked) in rows {
            assert_eq!(mask(value), masked);
        }
    }
}
