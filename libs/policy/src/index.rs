//! The policies of one trigger, by what a field must be for each to matter: a policy whose rule needs
//! `_share.public`, or a certain path or extension of an address, costs nothing for activities that are otherwise.
//!
//! What is ruled out would have complied: the key is a condition without which the rule cannot violate the policy,
//! and cannot leave it undecided either. A field that is absent rules nothing out.

use std::collections::HashMap;

use event_model::{Activity, Field};

use crate::expression::Operator;
use crate::program::{Comparison, Part, Term};
use crate::reader::Reader;

/// Most lists that are looked through for one activity: those of no field, and one of each field.
const LISTS_MAX: usize = Field::ALL.len() + 1;

/// What a field must be, unless it is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    field: Field,
    values: Vec<u64>,
}

/// The key of a part: where the field is otherwise, the part is the opposite of `wanted`, whatever else is known.
pub(crate) fn key_of(part: &Part, wanted: bool) -> Option<Key> {
    match &part.term {
        Term::Not(part) => key_of(part, !wanted),
        Term::All(parts) if wanted => narrowest(parts, wanted),
        Term::Any(parts) if !wanted => narrowest(parts, wanted),
        Term::All(parts) | Term::Any(parts) => {
            let mut keys = parts.iter().map(|part| key_of(part, wanted));
            let mut whole = keys.next()??;
            for key in keys {
                let key = key.filter(|key| key.field == whole.field)?;
                whole.values.extend(key.values);
            }
            Some(whole)
        }
        Term::Compare(comparison) => of_comparison(comparison, wanted),
        Term::Read(Reader::Public) if wanted => Some(Key {
            field: Field::Visibility,
            values: vec![folded("public")],
        }),
        _ => None,
    }
}

/// Any part's key will do: one of a field with many values rules more out than one of a few words.
fn narrowest(parts: &[Part], wanted: bool) -> Option<Key> {
    let keys = parts.iter().filter_map(|part| key_of(part, wanted));
    keys.min_by_key(|key| {
        matches!(
            key.field,
            Field::EventType | Field::ActorType | Field::TargetUserType | Field::Visibility
        )
    })
}

fn of_comparison(comparison: &Comparison, wanted: bool) -> Option<Key> {
    let equal = match comparison.operator {
        Operator::Equal | Operator::In => true,
        Operator::NotEqual | Operator::NotIn => false,
        _ => return None,
    };
    if equal != wanted {
        return None;
    }
    let (left, right) = (&comparison.left.term, &comparison.right.term);
    let (field, values) = match (left, right) {
        (Term::Read(Reader::Field(field)), Term::Text(text))
        | (Term::Text(text), Term::Read(Reader::Field(field))) => (*field, vec![folded(text)]),
        (Term::Read(Reader::Field(field)), Term::List(texts)) => {
            (*field, texts.iter().map(|text| folded(text)).collect())
        }
        _ => return None,
    };
    // An instant would have to be written out for each activity.
    let is_text = !matches!(field, Field::EventTimestamp | Field::LogTimestamp);
    is_text.then_some(Key { field, values })
}

/// A number for a text, the same whatever its case (FNV-1a over its letters). Two texts may share one: then a
/// policy is looked at in vain.
fn folded(text: &str) -> u64 {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const FACTOR: u64 = 0x0100_0000_01b3;
    let add = |number: u64, letter: u32| (number ^ u64::from(letter)).wrapping_mul(FACTOR);
    if text.is_ascii() {
        let bytes = text.bytes();
        bytes.fold(START, |number, byte| {
            add(number, u32::from(byte.to_ascii_lowercase()))
        })
    } else {
        let letters = text.chars().flat_map(char::to_lowercase);
        letters.fold(START, |number, letter| add(number, letter.into()))
    }
}

/// Policies as places in the order of precedence, ascending in each list; each stands under one field or none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    always: Vec<usize>,
    keyed: Vec<Keyed>,
}

#[derive(Debug, Clone)]
struct Keyed {
    field: Field,
    all: Vec<usize>,
    by_value: HashMap<u64, Vec<usize>>,
}

impl Index {
    /// Adds a policy; places come ascending.
    pub(crate) fn add(&mut self, place: usize, key: Option<&Key>) {
        let Some(key) = key else {
            self.always.push(place);
            return;
        };
        let known = self.keyed.iter().position(|keyed| keyed.field == key.field);
        let at = known.unwrap_or_else(|| {
            self.keyed.push(Keyed {
                field: key.field,
                all: Vec::new(),
                by_value: HashMap::new(),
            });
            self.keyed.len() - 1
        });
        let keyed = &mut self.keyed[at];
        keyed.all.push(place);
        for value in &key.values {
            let places = keyed.by_value.entry(*value).or_default();
            // The same value may be named twice.
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }

    /// Whether nothing was added.
    fn is_empty(&self) -> bool {
        self.always.is_empty() && self.keyed.is_empty()
    }
}

/// The places that the indexes leave for an activity, ascending; all places, without one.
pub(crate) struct Left<'i> {
    lists: [&'i [usize]; LISTS_MAX * 2],
    used: usize,
}

impl<'i> Left<'i> {
    /// What at most two indexes leave.
    pub(crate) fn of(indexes: [Option<&'i Index>; 2], activity: Option<&Activity>) -> Self {
        let mut left = Left {
            lists: [&[]; LISTS_MAX * 2],
            used: 0,
        };
        for index in indexes.into_iter().flatten() {
            if index.is_empty() {
                continue;
            }
            left.look_through(&index.always);
            for keyed in &index.keyed {
                let value = activity.and_then(|activity| activity.text(keyed.field));
                match value {
                    None => left.look_through(&keyed.all),
                    Some(value) => {
                        if let Some(places) = keyed.by_value.get(&folded(&value)) {
                            left.look_through(places);
                        }
                    }
                }
            }
        }
        left
    }

    fn look_through(&mut self, places: &'i [usize]) {
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
