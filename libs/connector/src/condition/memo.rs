//! A condition that stands in several places of a manifest is judged once for an event.
//!
//! INVARIANT: what is remembered was judged over the same document: in a list, where every element is a
//! document of its own, nothing is.

use std::collections::BTreeMap;
use std::slice;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use event_model::Field;

use super::Condition;
use super::filter::{COLUMNS_MAX, Column};
use crate::mapping::verb::Verb;
use crate::view::View;

/// Most conditions of a manifest that are remembered: one bit each.
const REMEMBERED_MAX: usize = u64::BITS as usize;

/// What was judged of one event already. Atomic only because whoever awaits something may hold a scope.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    judged: AtomicU64,
    held: AtomicU64,
    names: [OnceLock<Box<[u32]>>; COLUMNS_MAX],
}

impl Memo {
    /// The numbers of the names of a list's elements.
    pub(super) fn names(&self, column: &Column, list: View<'_>) -> &[u32] {
        self.names[column.number].get_or_init(|| column.read(list))
    }

    pub(super) fn judge(&self, number: u8, holds: impl FnOnce() -> bool) -> bool {
        let bit = 1 << number;
        if self.judged.load(Relaxed) & bit == 0 {
            // One thread maps an event, and what is judged may judge others: what they wrote stays.
            let held = if holds() { bit } else { 0 };
            self.held.store(self.held.load(Relaxed) | held, Relaxed);
            self.judged.store(self.judged.load(Relaxed) | bit, Relaxed);
        }
        self.held.load(Relaxed) & bit != 0
    }
}

/// Gives a number to each condition that the verbs of a mapping have more than once.
pub(crate) fn number_repeated(fields: &mut [(Field, Verb)]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (_, verb) in fields.iter_mut() {
        verb.each_condition(&mut |condition| condition.count(&mut seen));
    }
    let repeated = seen.into_iter().filter(|(_, times)| *times > 1);
    let named = repeated.take(REMEMBERED_MAX).map(|(name, _)| name);
    let numbers: BTreeMap<String, u8> = named.zip(0..).collect();
    for (_, verb) in fields {
        verb.each_condition(&mut |condition| condition.number(&numbers));
    }
}

impl Condition {
    /// The same for conditions that ask the same.
    fn name(&self) -> String {
        format!("{self:?}")
    }

    fn count(&self, seen: &mut BTreeMap<String, usize>) {
        *seen.entry(self.name()).or_default() += 1;
        let parts = match self {
            Condition::All(parts) | Condition::Any(parts) => parts.as_slice(),
            Condition::Not(part) | Condition::Numbered(_, part) => slice::from_ref(&**part),
            Condition::Test(..) => &[],
        };
        parts.iter().for_each(|part| part.count(seen));
    }

    fn number(&mut self, numbers: &BTreeMap<String, u8>) {
        let number = numbers.get(&self.name()).copied();
        let parts = match self {
            Condition::All(parts) | Condition::Any(parts) => parts.as_mut_slice(),
            Condition::Not(part) | Condition::Numbered(_, part) => slice::from_mut(&mut **part),
            Condition::Test(..) => &mut [],
        };
        parts.iter_mut().for_each(|part| part.number(numbers));
        if let Some(number) = number {
            let judged = std::mem::replace(self, Condition::All(Vec::new()));
            *self = Condition::Numbered(number, Box::new(judged));
        }
    }
}
