//! Documents that something may be a copy of. Of each only a sample of hashes over five words in a
//! row is kept: enough to tell how much of the document a text holds, not what it says.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::Problem;

/// Documents that one detector may know.
pub const DOCUMENTS_MAX: usize = 1_000;
/// Words in a row that are hashed together.
const SHINGLE_WORDS: usize = 5;
/// Hashes kept of one document: the smallest.
const HASHES_MAX: usize = 256;
/// A shorter document is told by too little.
const HASHES_MIN: usize = 8;

/// Documents, and how much of one a text must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Percent of a document that a text must hold, 10 to 100.
    pub at_least: usize,
    /// [`DOCUMENTS_MAX`] at most.
    pub sketches: Vec<Sketch>,
}

/// What is kept of one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sketch {
    /// What the document is called, 1 to 200 characters.
    pub name: String,
    /// The smallest of its hashes, ascending.
    pub hashes: Vec<u64>,
}

impl Sketch {
    /// The sketch of a document's text.
    ///
    /// # Errors
    /// [`Problem::Nothing`] when it has fewer than twelve words.
    pub fn of(name: &str, text: &str) -> Result<Self, Problem> {
        let mut all: HashSet<u64> = HashSet::new();
        Shingles::default().add(text, |hash| {
            all.insert(hash);
        });
        if all.len() < HASHES_MIN {
            return Err(Problem::Nothing {
                what: "document of twelve different words or more",
            });
        }
        let mut hashes: Vec<u64> = all.into_iter().collect();
        hashes.sort_unstable();
        hashes.truncate(HASHES_MAX);
        Ok(Self {
            name: name.to_owned(),
            hashes,
        })
    }
}

/// Documents, ready to be looked for.
#[derive(Debug)]
pub(crate) struct Library {
    at_least: usize,
    /// How many hashes each document has.
    sizes: Vec<usize>,
    /// The documents that have each hash.
    owners: HashMap<u64, Vec<usize>>,
    /// No document has a larger hash.
    largest: u64,
}

/// Which hashes of a library one object has shown so far.
#[derive(Default)]
pub(crate) struct Reading {
    shingles: Shingles,
    seen: HashSet<u64>,
}

impl Library {
    pub(crate) fn of(documents: &Documents) -> Result<Self, Problem> {
        if documents.sketches.is_empty() {
            return Err(Problem::Nothing { what: "document" });
        }
        if documents.sketches.len() > DOCUMENTS_MAX {
            return Err(Problem::TooMany {
                what: "documents",
                max: DOCUMENTS_MAX,
            });
        }
        if !(10..=100).contains(&documents.at_least) {
            return Err(Problem::Number {
                what: "the share in percent",
                min: 10,
                max: 100,
            });
        }
        let mut owners: HashMap<u64, Vec<usize>> = HashMap::new();
        for (index, sketch) in documents.sketches.iter().enumerate() {
            let ascending = sketch.hashes.windows(2).all(|pair| pair[0] < pair[1]);
            let fits = (HASHES_MIN..=HASHES_MAX).contains(&sketch.hashes.len());
            if !ascending || !fits || !(1..=200).contains(&sketch.name.chars().count()) {
                return Err(Problem::Line { number: index + 1 });
            }
            for hash in &sketch.hashes {
                owners.entry(*hash).or_default().push(index);
            }
        }
        Ok(Self {
            at_least: documents.at_least,
            sizes: documents
                .sketches
                .iter()
                .map(|one| one.hashes.len())
                .collect(),
            largest: owners.keys().copied().max().unwrap_or_default(),
            owners,
        })
    }

    /// Reads on in an object.
    pub(crate) fn read(&self, reading: &mut Reading, text: &str) {
        let Reading { shingles, seen } = reading;
        shingles.add(text, |hash| {
            if hash <= self.largest && self.owners.contains_key(&hash) {
                seen.insert(hash);
            }
        });
    }

    /// The documents of which enough was read, each with its share in percent.
    pub(crate) fn met(&self, reading: &Reading) -> Vec<(usize, usize)> {
        let mut there = vec![0; self.sizes.len()];
        for owner in reading
            .seen
            .iter()
            .filter_map(|hash| self.owners.get(hash))
            .flatten()
        {
            there[*owner] += 1;
        }
        let share = |(index, size): (usize, &usize)| (index, 100 * there[index] / size);
        let shares = self.sizes.iter().enumerate().map(share);
        shares
            .filter(|(_, share)| *share >= self.at_least)
            .collect()
    }
}

/// Hashes of words in a row.
#[derive(Default)]
struct Shingles {
    words: [u64; SHINGLE_WORDS],
    count: usize,
}

impl Shingles {
    fn add(&mut self, text: &str, mut hash: impl FnMut(u64)) {
        let mut word = 0u64;
        for character in text.chars().chain([' ']) {
            if character.is_alphanumeric() {
                for lower in character.to_lowercase() {
                    word = mixed(word ^ u64::from(u32::from(lower)));
                }
            } else if word != 0 {
                self.words.rotate_left(1);
                self.words[SHINGLE_WORDS - 1] = word;
                self.count += 1;
                word = 0;
                if self.count >= SHINGLE_WORDS {
                    let all = self.words.iter();
                    hash(all.fold(0, |all, word| mixed(all ^ word)));
                }
            }
        }
    }
}

/// A step of SplitMix64: every bit of what goes in touches every bit of what comes out.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ number >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ number >> 31
}
