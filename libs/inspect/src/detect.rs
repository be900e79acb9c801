//! Finding sensitive values in text. One pass over each segment hands every anchor (the start of a
//! digit group, an `@`, a known prefix) to the detectors that start there; each verifies anchored
//! at that place and looks at a bounded number of bytes, so no input is slow. Context then decides
//! the confidence. A set counts work in bytes looked at and stops at [`WORK_PER_BYTE_MAX`].
//!
//! Many identifiers share a form. Of those that stand at one place exactly one is reported: the one
//! with the higher confidence, then with the nearer phrase, then the longer, then the one that comes
//! first in the list of detectors. What an earlier place, a secret or a detector with a verifier of
//! its own has claimed at medium confidence or more is taken only by a higher one.

mod checksum;
mod findings;
mod forms;
mod normalise;
mod phrases;
mod scan;
mod words;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::{Extraction, Place, Segment, detectors};

pub(crate) use checksum::{base62_crc32, luhn, mod97};
pub use findings::{Finding, Findings};
use scan::Engine;

/// Units of work that a scan may spend per byte of text, above a base of [`WORK_BASE`].
pub(crate) const WORK_PER_BYTE_MAX: u64 = 256;
/// Units of work that every scan may spend.
pub(crate) const WORK_BASE: u64 = 1 << 20;

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The form fits, the surroundings speak against it.
    Low,
    /// The form fits and is verified as far as it can be.
    Medium,
    /// The surroundings, or a strong check, confirm it.
    High,
}

impl Confidence {
    /// `low`, `medium` or `high`.
    pub fn word(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

/// Where a detector starts to look.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// At the first digit of every group of digits.
    Digits,
    /// At every `@`.
    At,
    /// At every occurrence of these words, as written.
    Words(&'static [&'static str]),
    /// At every word with a digit that has one of these forms: `9` is a digit, `A` a letter, `H` a
    /// hexadecimal digit, `X` a letter or digit, `{n}` and `{n,m}` repeat. A form with a `!` in
    /// front is telling by itself.
    Forms(&'static [&'static str]),
}

/// A detector: data, and one function that verifies a candidate.
#[derive(Debug)]
pub struct Detector {
    /// The name that rules use, e.g. `credit-card`.
    pub name: &'static str,
    /// The name that people read.
    pub title: &'static str,
    /// The group that counts this detector's values too, e.g. `cloud-access-key`.
    pub group: Option<&'static str>,
    /// Where it starts to look.
    pub anchor: Anchor,
    /// Bytes that verifying one candidate looks at, at most.
    pub reach: usize,
    /// Phrases, in lower case and several languages, that confirm a value nearby.
    pub positive: &'static [&'static str],
    /// Phrases that speak against a value nearby.
    pub negative: &'static [&'static str],
    /// Decides whether a value stands at the anchor.
    pub(crate) verify: Verify,
}

/// How a candidate is verified.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verify {
    /// By looking at the text around the anchor.
    At(fn(&Candidate<'_>) -> Option<Hit>),
    /// By what is left of a form without its signs, in upper case unless `cased`.
    Code {
        check: fn(&[u8]) -> bool,
        cased: bool,
        strength: Strength,
    },
    /// A word anchor and a random rest of these characters, this long.
    Token {
        body: fn(&u8) -> bool,
        chars: (usize, usize),
        strength: Strength,
    },
}

/// An anchor in normalised text.
#[derive(Debug)]
pub(crate) struct Candidate<'t> {
    /// Normalised text of the segment: digits are ASCII, invisible characters are gone.
    pub(crate) text: &'t str,
    /// Where the anchor starts.
    pub(crate) at: usize,
    /// Where this detector's last hit ended.
    pub(crate) free_from: usize,
}

impl<'t> Candidate<'t> {
    pub(crate) fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    /// What starts at the anchor, at most `bytes_max` long.
    pub(crate) fn ahead(&self, bytes_max: usize) -> &'t [u8] {
        let end = self.text.len().min(self.at + bytes_max);
        &self.bytes()[self.at..end]
    }

    /// The byte before the anchor, a space at the start of the text.
    pub(crate) fn before(&self) -> u8 {
        self.at
            .checked_sub(1)
            .map_or(b' ', |before| self.bytes()[before])
    }
}

/// What a verified value is worth before its context is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    /// Only a name or phrase nearby makes it a finding.
    NeedsContext,
    /// Its check digits fit, as those of one number in ten or more do: a name or phrase nearby
    /// makes it a finding, and a sure one.
    Checked,
    /// The form fits, but so do many other things.
    Doubtful,
    /// Medium, raised or lowered by context.
    Plain,
    /// High, whatever stands around it.
    Certain,
}

/// A verified value.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The value without its separators: what makes it distinct.
    pub(crate) value: String,
    pub(crate) strength: Strength,
    /// A value known from documentation and test systems.
    pub(crate) test_value: bool,
}

/// A set of detectors, ready to scan.
#[derive(Debug)]
pub struct DetectorSet {
    detectors: Vec<&'static Detector>,
    engine: Engine,
}

impl DetectorSet {
    /// The detectors that come with Tidegate.
    pub fn built_in() -> &'static DetectorSet {
        static SET: OnceLock<DetectorSet> = OnceLock::new();
        SET.get_or_init(|| {
            let detectors = detectors::built_in();
            DetectorSet {
                engine: Engine::new(&detectors),
                detectors,
            }
        })
    }

    /// The names that rules can count: detectors, then groups.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let mut groups: Vec<&'static str> = self.detectors.iter().filter_map(|d| d.group).collect();
        groups.sort_unstable();
        groups.dedup();
        self.detectors
            .iter()
            .map(|detector| detector.name)
            .chain(groups)
    }

    /// The detector of that name; `None` for a group or an unknown name.
    pub fn describe(&self, name: &str) -> Option<&Detector> {
        self.detectors
            .iter()
            .copied()
            .find(|detector| detector.name == name)
    }

    /// Scans all text of `extraction`.
    pub fn scan(&self, extraction: &Extraction) -> Findings {
        self.engine.scan(&extraction.text)
    }

    /// Scans one piece of text.
    pub fn scan_text(&self, text: &str) -> Findings {
        let segment = Segment {
            place: Place::root(),
            text: text.to_owned(),
            fields: Vec::new(),
        };
        self.engine.scan(std::slice::from_ref(&segment))
    }
}
