//! Where the words that start secrets stand. Vectorised search takes few words at once, so they are
//! searched in groups; that is several times faster than one automaton over all of them.

use std::collections::BTreeMap;

use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{AhoCorasick, MatchKind as AutomatonMatchKind};

use super::{Anchor, Detector};

/// Words searched at once.
const GROUP_WORDS_MAX: usize = 60;

#[derive(Debug)]
pub(crate) struct Words {
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    search: Search,
    /// The detectors that start at each word.
    owners: Vec<Vec<usize>>,
}

#[derive(Debug)]
enum Search {
    Packed(Searcher),
    /// Where the processor has no vectors to speak of.
    Automaton(AhoCorasick),
}

impl Words {
    pub(crate) fn of(detectors: &[&'static Detector]) -> Self {
        let mut owners: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, detector) in detectors.iter().enumerate() {
            for word in spellings(detector.anchor) {
                owners.entry(word).or_default().push(index);
            }
        }
        // Neighbours in the alphabet share a group: the search tells words by their first bytes.
        let all: Vec<(String, Vec<usize>)> = owners.into_iter().collect();
        let groups = all.chunks(GROUP_WORDS_MAX).filter_map(Group::of).collect();
        Self { groups }
    }

    /// Calls `at` with every detector and place where one of its words starts.
    pub(crate) fn each(&self, bytes: &[u8], mut at: impl FnMut(usize, usize)) {
        for group in &self.groups {
            let mut tell = |word: usize, start: usize| {
                group.owners[word]
                    .iter()
                    .for_each(|owner| at(*owner, start));
            };
            match &group.search {
                Search::Packed(searcher) => searcher
                    .find_iter(bytes)
                    .for_each(|found| tell(found.pattern().as_usize(), found.start())),
                Search::Automaton(automaton) => automaton
                    .find_iter(bytes)
                    .for_each(|found| tell(found.pattern().as_usize(), found.start())),
            }
        }
    }
}

impl Group {
    fn of(words: &[(String, Vec<usize>)]) -> Option<Self> {
        let texts = || words.iter().map(|(word, _)| word);
        let packed = Config::new()
            .match_kind(MatchKind::LeftmostLongest)
            .builder()
            .extend(texts())
            .build();
        let search = match packed {
            Some(searcher) => Search::Packed(searcher),
            None => AhoCorasick::builder()
                .match_kind(AutomatonMatchKind::LeftmostLongest)
                .build(texts())
                .ok()
                .map(Search::Automaton)?,
        };
        Some(Self {
            search,
            owners: words.iter().map(|(_, owners)| owners.clone()).collect(),
        })
    }
}

fn spellings(anchor: Anchor) -> Vec<String> {
    match anchor {
        Anchor::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        Anchor::Digits | Anchor::At | Anchor::Forms(_) => Vec::new(),
    }
}
