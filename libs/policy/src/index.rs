//! The policies of one trigger, by what an activity must be for each to matter: a policy whose rule needs
//! `_share.public`, or a certain path, extension, domain or network of an address, or a text within a field, costs
//! nothing for activities that are otherwise.
//!
//! What is ruled out would have complied: the key is a condition without which the rule cannot violate the policy,
//! and cannot leave it undecided either. A field that is absent rules nothing out.

use std::collections::HashMap;

use event_model::Field;

use crate::input::Input;
use crate::program::{Part, Term};

mod look;
mod within;

use look::{Look, Seen, of_comparison, of_reader, of_test};
use within::Within;

/// Looks that one index takes at an activity, at most. A policy that would need one more is looked at each time.
const LOOKS_MAX: usize = 40;
/// Lists that are gone through for one activity: of two indexes those of no look, one of each look, and those of the
/// texts found.
const LISTS_MAX: usize = 2 * (LOOKS_MAX + 1 + within::FIELDS_MAX * within::HITS_MAX);

/// Of these clues an activity must have one at least, unless what they look at is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(Vec<Clue>);

/// What an activity must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Clue {
    /// A look shows this.
    Value(Look, u64),
    /// The field has this of ASCII letters somewhere, in whatever case.
    Within(Field, String),
}

impl Clue {
    /// How little it rules out, by rank: the one with the least is the best.
    fn rank(&self) -> usize {
        const LONG: usize = 4;
        match self {
            Clue::Value(look, _) => look.rank(),
            Clue::Within(_, text) if text.len() >= LONG => 1,
            Clue::Within(..) => 3,
        }
    }
}

impl Key {
    /// How little it rules out.
    fn rank(&self) -> usize {
        let ranks = self.0.iter().map(Clue::rank);
        ranks.max().unwrap_or_default()
    }
}

/// The key of a part: where the looks show otherwise, the part is the opposite of `wanted`, whatever else is known.
pub(crate) fn key_of(part: &Part, wanted: bool) -> Option<Key> {
    match &part.term {
        Term::Not(part) => key_of(part, !wanted),
        Term::All(parts) if wanted => narrowest(parts, wanted),
        Term::Any(parts) if !wanted => narrowest(parts, wanted),
        Term::All(parts) | Term::Any(parts) => {
            let keys = parts.iter().map(|part| key_of(part, wanted));
            let keys: Option<Vec<Key>> = keys.collect();
            Some(Key(keys?.into_iter().flat_map(|key| key.0).collect()))
        }
        Term::Compare(comparison) => of_comparison(comparison, wanted).map(Key),
        Term::Test(part, test) if wanted => of_test(part, test).map(Key),
        Term::Read(reader) if wanted => of_reader(reader).map(Key),
        _ => None,
    }
}

/// Any part's key will do: the one that rules most out.
fn narrowest(parts: &[Part], wanted: bool) -> Option<Key> {
    let keys = parts.iter().filter_map(|part| key_of(part, wanted));
    keys.min_by_key(Key::rank)
}

/// Policies as places in the order of precedence, ascending in each list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    always: Vec<usize>,
    keyed: Vec<Keyed>,
    within: Vec<Within>,
}

#[derive(Debug, Clone)]
struct Keyed {
    look: Look,
    all: Vec<usize>,
    by_value: HashMap<u64, Vec<usize>>,
}

impl Index {
    /// Adds a policy; places come ascending.
    pub(crate) fn add(&mut self, place: usize, key: Option<&Key>) {
        match key {
            Some(key) if self.has_room(key) => {
                for clue in &key.0 {
                    match clue {
                        Clue::Value(look, value) => self.add_under(*look, *value, place),
                        Clue::Within(field, text) => self.add_within(*field, text, place),
                    }
                }
            }
            _ => self.always.push(place),
        }
    }

    fn has_room(&self, key: &Key) -> bool {
        let mut new: Vec<Look> = Vec::new();
        let mut fields: Vec<Field> = Vec::new();
        for clue in &key.0 {
            match clue {
                Clue::Value(look, _) => {
                    let known = self.keyed.iter().any(|keyed| keyed.look == *look);
                    if !known && !new.contains(look) {
                        new.push(*look);
                    }
                }
                Clue::Within(field, text) => {
                    match self.within.iter().find(|within| within.is_of(*field)) {
                        Some(within) if !within.has_room(text) => return false,
                        Some(_) => {}
                        None if fields.contains(field) => {}
                        None => fields.push(*field),
                    }
                }
            }
        }
        self.keyed.len() + new.len() <= LOOKS_MAX
            && self.within.len() + fields.len() <= within::FIELDS_MAX
    }

    fn add_within(&mut self, field: Field, text: &str, place: usize) {
        let known = self.within.iter().position(|within| within.is_of(field));
        let at = known.unwrap_or_else(|| {
            self.within.push(Within::of(field));
            self.within.len() - 1
        });
        self.within[at].add(text, place);
    }

    /// Makes it ready to be asked, after the last policy.
    pub(crate) fn finish(&mut self) {
        for within in &mut self.within {
            within.finish();
        }
    }

    fn add_under(&mut self, look: Look, value: u64, place: usize) {
        let known = self.keyed.iter().position(|keyed| keyed.look == look);
        let at = known.unwrap_or_else(|| {
            self.keyed.push(Keyed {
                look,
                all: Vec::new(),
                by_value: HashMap::new(),
            });
            self.keyed.len() - 1
        });
        let keyed = &mut self.keyed[at];
        // A rule may name the same look, and the same value, twice.
        for places in [&mut keyed.all, keyed.by_value.entry(value).or_default()] {
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }

    /// Whether nothing was added.
    fn is_empty(&self) -> bool {
        self.always.is_empty() && self.keyed.is_empty() && self.within.is_empty()
    }
}

/// The places that the indexes leave for an input, ascending; all places, without one.
pub(crate) struct Left<'i> {
    lists: [&'i [usize]; LISTS_MAX],
    used: usize,
}

impl<'i> Left<'i> {
    /// What at most two indexes leave.
    pub(crate) fn of(indexes: [Option<&'i Index>; 2], input: Option<&Input<'_>>) -> Self {
        let mut left = Left {
            lists: [&[]; LISTS_MAX],
            used: 0,
        };
        for index in indexes.into_iter().flatten() {
            if index.is_empty() {
                continue;
            }
            left.go_through(&index.always);
            for keyed in &index.keyed {
                match input.map_or(Seen::Nothing, |input| keyed.look.at(input)) {
                    Seen::Nothing => left.go_through(&keyed.all),
                    Seen::Otherwise => {}
                    Seen::Value(value) => {
                        if let Some(places) = keyed.by_value.get(&value) {
                            left.go_through(places);
                        }
                    }
                }
            }
            for within in &index.within {
                within.leave(input, &mut left);
            }
        }
        left
    }

    fn go_through(&mut self, places: &'i [usize]) {
        if !places.is_empty() {
            self.lists[self.used] = places;
            self.used += 1;
        }
    }
}

impl Iterator for Left<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let lists = &mut self.lists[..self.used];
        let next = lists
            .iter()
            .filter_map(|list| list.first())
            .min()
            .copied()?;
        for list in lists {
            if list.first() == Some(&next) {
                *list = &list[1..];
            }
        }
        Some(next)
    }
}
