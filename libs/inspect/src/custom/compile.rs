//! Custom detectors made ready: checked as a whole, every mistake reported at once.

use std::collections::HashSet;

use regex::Regex;

use super::dictionary::Dictionary;
use super::documents::Library;
use super::pattern::{self, Validator};
use super::rows::Table;
use super::{CUSTOM_MAX, CustomDetector, CustomError, LooksFor, PHRASES_MAX, Problem};
use crate::Confidence;
use crate::detect::{PHRASE_BYTES_MAX, Phrases};

/// Custom detectors, ready to scan.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(super) detectors: Vec<Ready>,
    pub(super) phrases: Phrases,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) group: Option<String>,
    pub(super) confidence: Option<Confidence>,
    pub(super) search: Search,
}

#[derive(Debug)]
pub(super) enum Search {
    Dictionary(Dictionary),
    Pattern(Regex, Option<Validator>),
    Rows(Table),
    Documents(Library),
}

impl Compiled {
    /// Makes detectors ready; `taken` are the names that there are already.
    pub(crate) fn of<'n>(
        detectors: &[CustomDetector],
        taken: impl Iterator<Item = &'n str>,
    ) -> Result<Self, Vec<CustomError>> {
        let taken: HashSet<&str> = taken.collect();
        let mut names: HashSet<&str> = HashSet::new();
        let mut ready = Vec::new();
        let mut wrong = Vec::new();
        if detectors.len() > CUSTOM_MAX {
            let problem = Problem::TooMany {
                what: "custom detectors",
                max: CUSTOM_MAX,
            };
            return Err(vec![CustomError::of(&detectors[CUSTOM_MAX].name, problem)]);
        }
        for detector in detectors {
            let group_is_ours = |name: &str| {
                detectors
                    .iter()
                    .any(|other| other.group.as_deref() == Some(name))
            };
            let name = detector.name.as_str();
            if taken.contains(name) || group_is_ours(name) || !names.insert(name) {
                wrong.push(CustomError::of(name, Problem::NameTaken));
            }
            wrong.extend(described(detector).map(|problem| CustomError::of(name, problem)));
            match Search::of(&detector.looks_for) {
                Ok(search) => ready.push(Ready {
                    name: detector.name.clone(),
                    title: detector.title.clone(),
                    group: detector.group.clone(),
                    confidence: detector.confidence,
                    search,
                }),
                Err(problem) => wrong.push(CustomError::of(name, problem)),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let phrases = detectors
            .iter()
            .map(|one| (one.positive.as_slice(), one.negative.as_slice()));
        Ok(Self {
            phrases: Phrases::of(phrases),
            detectors: ready,
        })
    }

    /// Names of the detectors and of their groups, each once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let mut groups: Vec<&str> = self
            .detectors
            .iter()
            .filter_map(|d| d.group.as_deref())
            .collect();
        groups.sort_unstable();
        groups.dedup();
        self.detectors
            .iter()
            .map(|one| one.name.as_str())
            .chain(groups)
    }

    /// The name that people read.
    pub(crate) fn title(&self, name: &str) -> Option<&str> {
        let named = self.detectors.iter().find(|one| one.name == name);
        named.map(|one| one.title.as_str())
    }
}

/// What is wrong with how a detector is described, whatever it looks for.
fn described(detector: &CustomDetector) -> impl Iterator<Item = Problem> {
    let mut names = std::iter::once(&detector.name).chain(&detector.group);
    let name = (!names.all(|name| is_name(name))).then_some(Problem::Name);
    let title = !(1..=200).contains(&detector.title.trim().chars().count());
    let phrases = || detector.positive.iter().chain(&detector.negative);
    let many = (phrases().count() > PHRASES_MAX).then_some(Problem::TooMany {
        what: "phrases",
        max: PHRASES_MAX,
    });
    let sized = |phrase: &String| {
        (2..=PHRASE_BYTES_MAX).contains(&phrase.len())
            && phrase.trim() == phrase
            && phrase.starts_with(char::is_alphanumeric)
    };
    let phrase = phrases().position(|phrase| !sized(phrase));
    let phrase = phrase.map(|at| Problem::Entry {
        list: "phrases",
        number: at + 1,
        min: 2,
        max: PHRASE_BYTES_MAX,
    });
    let title = title.then_some(Problem::Title);
    [name, title, many, phrase].into_iter().flatten()
}

fn is_name(name: &str) -> bool {
    let letters = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    (2..=64).contains(&name.len())
        && letters
        && name.starts_with(|first: char| first.is_ascii_lowercase())
}

impl Search {
    fn of(looks_for: &LooksFor) -> Result<Self, Problem> {
        Ok(match looks_for {
            LooksFor::Dictionary {
                entries,
                case_matters,
                accents_matter,
            } => Search::Dictionary(Dictionary::of(entries, *case_matters, *accents_matter)?),
            LooksFor::Pattern { pattern, validator } => {
                Search::Pattern(pattern::compile(pattern)?, *validator)
            }
            LooksFor::Rows(rows) => Search::Rows(Table::of(rows)?),
            LooksFor::Documents(documents) => Search::Documents(Library::of(documents)?),
        })
    }
}
