//! Elements of a list that a condition holds for.
//!
//! A manifest asks the same list of an event again and again, each time for elements of another name:
//! `{pick: /parameters, where: {path: /name, equals: doc_id}}`. So the names of the elements are read
//! once for an event, each becomes the number of a word that the manifest asks for, and what has
//! another name is passed over.
//!
//! INVARIANT: an element that is passed over does not fulfil the condition; every other one is asked.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use event_model::Field;

use super::{Condition, Subject, Test};
use crate::mapping::verb::Verb;
use crate::pointer::Pointer;
use crate::scope::{Ref, Scope};
use crate::view::View;

/// Most columns of a manifest whose names are read once for an event.
pub(super) const COLUMNS_MAX: usize = 4;

/// The number of every name that the manifest does not ask for.
const OTHER: u32 = 0;

/// Which elements of a list.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) condition: Condition,
    named: Option<Named>,
}

/// Only those that have one of these names.
#[derive(Debug, Clone)]
struct Named {
    column: Arc<Column>,
    wanted: Vec<u32>,
}

/// A text of each element of a list of the event.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) number: usize,
    key: Pointer,
    words: HashMap<String, u32>,
}

impl From<Condition> for Filter {
    fn from(condition: Condition) -> Self {
        Filter {
            condition,
            named: None,
        }
    }
}

impl Filter {
    /// The first element of the list that it holds for.
    pub(crate) fn first<'a>(&self, list: View<'a>, scope: &Scope<'a>) -> Option<View<'a>> {
        let mut items = list.items()?;
        let holds = |item: &View<'a>| self.condition.holds(&scope.over(*item));
        let (Some(named), Some(memo)) = (&self.named, scope.memo) else {
            return items.find(holds);
        };
        let names = memo.names(&named.column, list).iter();
        let candidates = names
            .zip(items)
            .filter(|(name, _)| named.wanted.contains(name));
        candidates.map(|(_, item)| item).find(holds)
    }

    /// The place in the element that must have one of these texts.
    fn names(&self) -> Option<(&Pointer, Vec<&str>)> {
        let first = match &self.condition {
            Condition::All(all) => all.first()?,
            one => one,
        };
        let Condition::Test(Subject::Name(Ref::Document(key)), tests) = first else {
            return None;
        };
        tests.iter().find_map(|test| match test {
            Test::Equals(word) => Some((key, vec![word.literal()?])),
            Test::In(words) => {
                let words: Option<Vec<&str>> = words.iter().map(|word| word.literal()).collect();
                Some((key, words?))
            }
            _ => None,
        })
    }
}

impl Column {
    /// The number of each element's name.
    pub(super) fn read(&self, list: View<'_>) -> Box<[u32]> {
        let number = |item: View<'_>| {
            let name = self.key.view(item)?.scalar()?;
            self.words.get(name.as_ref()).copied()
        };
        let items = list.items().into_iter().flatten();
        items.map(|item| number(item).unwrap_or(OTHER)).collect()
    }
}

/// Lets the verbs of a mapping share the names of those lists that they ask most often.
pub(crate) fn share_names(fields: &mut [(Field, Verb)]) {
    let mut asked: BTreeMap<(String, String), (Pointer, Vec<String>)> = BTreeMap::new();
    for (_, verb) in fields.iter_mut() {
        verb.each_filter(&mut |list, filter| {
            let Some((key, words)) = filter.names() else {
                return;
            };
            let place = (list.to_string(), key.to_string());
            let known = asked
                .entry(place)
                .or_insert_with(|| (key.clone(), Vec::new()));
            known.1.extend(words.into_iter().map(str::to_owned));
        });
    }
    let mut most: Vec<_> = asked.into_iter().collect();
    most.sort_by_key(|(_, (_, words))| std::cmp::Reverse(words.len()));
    let shared = most.into_iter().take(COLUMNS_MAX).enumerate();
    let columns: BTreeMap<_, _> = shared
        .map(|(number, (place, (key, mut words)))| {
            words.sort_unstable();
            words.dedup();
            let words = words.into_iter().zip(OTHER + 1..).collect();
            (place, Arc::new(Column { number, key, words }))
        })
        .collect();
    for (_, verb) in fields {
        verb.each_filter(&mut |list, filter| {
            let Some((key, words)) = filter.names() else {
                return;
            };
            let Some(column) = columns.get(&(list.to_string(), key.to_string())) else {
                return;
            };
            let wanted = words
                .iter()
                .filter_map(|word| column.words.get(*word).copied());
            filter.named = Some(Named {
                wanted: wanted.collect(),
                column: Arc::clone(column),
            });
        });
    }
}

impl Condition {
    /// Gives the filters in it that are about a list of the document itself, each with the list.
    pub(crate) fn each_filter(&mut self, give: &mut dyn FnMut(&Pointer, &mut Filter)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter_mut().for_each(|part| part.each_filter(give));
            }
            Condition::Not(part) | Condition::Numbered(_, part) => part.each_filter(give),
            Condition::Test(Subject::Name(Ref::Document(list)), tests) => {
                for test in tests {
                    if let Test::Some(filter) | Test::None(filter) = test {
                        give(list, filter);
                    }
                }
            }
            Condition::Test(..) => {}
        }
    }
}
