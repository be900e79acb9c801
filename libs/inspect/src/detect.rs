//! Finding sensitive values in text. One pass over each segment hands every anchor (the start of a
//! digit group, an `@`, a known prefix) to the detectors that start there; each verifies anchored
//! at that place and looks at a bounded number of bytes, so no input is slow. Context then decides
//! the confidence. A set counts work in bytes looked at and stops at [`WORK_PER_BYTE_MAX`].
//!
//! Many identifiers share a form. Of those that stand at one place exactly one is reported: the one
//! with the higher confidence, then with the nearer phrase, then the longer, then the one that comes
//! first in the list of detectors. What an earlier place, a secret or a detector with a verifier of
//! its own has claimed at medium confidence or more is taken only by a higher one.

mod assignment;
mod blocks;
mod checksum;
mod findings;
mod forms;
mod lexicon;
mod normalise;
mod phrases;
mod scan;
mod words;

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::custom::Compiled;
use crate::{CustomDetector, CustomError, Extraction, Field, Place, Segment, detectors};

pub(crate) use assignment::Assignment;
pub(crate) use checksum::{base62_crc32, luhn, mod97};
pub(crate) use findings::mask;
pub use findings::{Finding, Findings};
pub(crate) use normalise::Normalised;
pub(crate) use phrases::{PHRASE_BYTES_MAX, Phrases, Surroundings, Verdict};
use scan::Engine;
pub(crate) use scan::{Named, Tally, field_at, place_of};
pub(crate) use words::{spelled, starts_with};

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
    /// At every word of digits alone that is as long as this.
    Number(GroupLengths),
    /// At the digits of every word that starts with two letters and at least two digits.
    Account,
    /// At the first digit of every word of four hexadecimal digits at most that touches a sign of
    /// addresses.
    Address,
    /// At every one of this sign.
    Sign(u8),
    /// At the value of every assignment to a name that the detector wants.
    Assigned,
    /// Wherever a word begins with one of these, as written; `[a-f0-9]` stands for one of those
    /// characters. Each has three characters at least.
    Words(&'static [&'static str]),
    /// At every word with a digit that has one of these forms: `9` is a digit, `A` a letter, `H` a
    /// hexadecimal digit, `X` a letter or digit, `{n}` and `{n,m}` repeat. A form with a `!` in
    /// front is telling by itself.
    Forms(&'static [&'static str]),
}

/// How many digits the first group of a number may have: one bit for each length, up to 31.
#[derive(Clone, Copy, Debug)]
pub struct GroupLengths {
    /// Of a group that nothing joins to another.
    pub alone: u32,
    /// Of one behind which a space, a line break or one of `-./()` stands.
    pub joined: u32,
}

impl GroupLengths {
    /// These bounds and all lengths between them.
    pub(crate) const fn bits(least: u32, most: u32) -> u32 {
        (1 << (most + 1)) - (1 << least)
    }
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

impl Detector {
    /// How sure its values are, in words.
    pub fn how_sure(&self) -> &'static str {
        match self.verify {
            Verify::Code {
                strength: Strength::NeedsContext,
                ..
            } => "nothing without a phrase near; medium with one, high in a field named so",
            Verify::Code {
                strength: Strength::Checked,
                ..
            } => "check digits; nothing without a phrase near, high with one",
            Verify::Code { .. } => "check digits; medium, high with a phrase near, low against one",
            Verify::Token { .. } => "prefix, length and randomness; high",
            Verify::Assigned {
                value: Value::Form { .. },
                ..
            } => "the service's name before it, length and randomness; high",
            Verify::Assigned { .. } => "its name before it; low to high by its randomness",
            Verify::At(_) if self.positive.is_empty() => "its structure; low to high",
            Verify::At(_) => "its structure; a phrase near raises it, one against lowers it",
        }
    }
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
    /// The value that a name with one of these words is given, letters and digits in lower case.
    Assigned {
        names: &'static [&'static str],
        value: Value,
    },
    /// A word anchor and a random rest of these characters, this long.
    Token {
        body: fn(&u8) -> bool,
        chars: (usize, usize),
        strength: Strength,
    },
}

/// What an assigned value must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    /// These characters, this many, at random.
    Form {
        body: fn(&u8) -> bool,
        chars: (usize, usize),
    },
    /// What this says.
    Check(fn(&Assignment<'_>) -> Option<Strength>),
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
    /// Where a verifier says that no value starts before, when it finds none.
    pub(crate) dead_until: &'t Cell<usize>,
    /// The run of text that this detector met last: several candidates may stand in one.
    pub(crate) run: &'t Cell<Run>,
}

/// A run of characters that a verifier has read, so that it need not be read anew.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Candidates in it that were looked at closely.
    pub(crate) tried: u32,
}

impl<'t> Candidate<'t> {
    pub(crate) fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    /// Where the run of `allowed` characters ends that `from` stands in, read once however many
    /// candidates stand in it; and how many of them asked before.
    pub(crate) fn run_end(&self, from: usize, allowed: impl Fn(&u8) -> bool) -> (usize, u32) {
        let mut run = self.run.get();
        if !(run.start..run.end).contains(&from) {
            let length = self.bytes()[from..].iter().take_while(|byte| allowed(byte));
            run = Run {
                start: from,
                end: from + length.count(),
                tried: 0,
            };
        }
        let asked = run.tried;
        run.tried = run.tried.saturating_add(1);
        self.run.set(run);
        (run.end, asked)
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
    engine: Arc<Engine>,
    custom: Option<Arc<Compiled>>,
}

impl DetectorSet {
    /// The detectors that come with Tidegate.
    pub fn built_in() -> &'static DetectorSet {
        static SET: OnceLock<DetectorSet> = OnceLock::new();
        SET.get_or_init(|| {
            let detectors = detectors::built_in();
            DetectorSet::of(detectors)
        })
    }

    fn of(detectors: Vec<&'static Detector>) -> Self {
        Self {
            engine: Arc::new(Engine::new(&detectors)),
            detectors,
            custom: None,
        }
    }

    /// This set's built-in detectors, and these of an administrator beside them.
    ///
    /// # Errors
    /// Every mistake in them, when there is any.
    pub fn with(&self, custom: &[CustomDetector]) -> Result<Self, Vec<CustomError>> {
        let compiled = Compiled::of(custom, self.built_in_names())?;
        Ok(Self {
            detectors: self.detectors.clone(),
            engine: self.engine.clone(),
            custom: (!custom.is_empty()).then(|| Arc::new(compiled)),
        })
    }

    /// The names that rules can count: detectors, then groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let custom = self.custom.iter().flat_map(|custom| custom.names());
        self.built_in_names()
            .map(|name| -> &str { name })
            .chain(custom)
    }

    pub(crate) fn built_in_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let mut groups: Vec<&'static str> = self.detectors.iter().filter_map(|d| d.group).collect();
        groups.sort_unstable();
        groups.dedup();
        self.detectors
            .iter()
            .map(|detector| detector.name)
            .chain(groups)
    }

    /// The name that people read, of the detector of that name.
    pub fn title(&self, name: &str) -> Option<&str> {
        let built_in = self.describe(name).map(|detector| detector.title);
        built_in.or_else(|| self.custom.as_ref()?.title(name))
    }

    /// The built-in detector of that name; `None` for any other name.
    pub fn describe(&self, name: &str) -> Option<&Detector> {
        self.detectors
            .iter()
            .copied()
            .find(|detector| detector.name == name)
    }

    /// A set for each detector, with nothing else in it.
    pub(crate) fn each_alone(&self) -> Vec<DetectorSet> {
        let alone = |detector: &&'static Detector| DetectorSet::of(vec![*detector]);
        self.detectors.iter().map(alone).collect()
    }

    /// Scans all text of `extraction`.
    pub fn scan(&self, extraction: &Extraction) -> Findings {
        self.scan_pieces(extraction.text.iter().map(Piece::of))
    }

    /// Scans one piece of text.
    pub fn scan_text(&self, text: &str) -> Findings {
        self.scan_pieces(std::iter::once(Piece {
            place: &Place::root(),
            text,
            fields: &[],
        }))
    }

    fn scan_pieces<'t>(&self, pieces: impl Iterator<Item = Piece<'t>> + Clone) -> Findings {
        let mut tally = Tally::of(pieces.clone().map(|piece| piece.text.len()).sum());
        self.engine.scan(pieces.clone(), &mut tally);
        if let Some(custom) = &self.custom {
            custom.scan(pieces, self.detectors.len(), &mut tally);
        }
        tally.findings()
    }
}

/// A segment of text, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'t> {
    pub(crate) place: &'t Place,
    pub(crate) text: &'t str,
    pub(crate) fields: &'t [Field],
}

impl<'t> Piece<'t> {
    fn of(segment: &'t Segment) -> Self {
        Self {
            place: &segment.place,
            text: &segment.text,
            fields: &segment.fields,
        }
    }
}
