//! Conditions that several policies have in common, each judged once for an input.

use std::cell::Cell;
use std::collections::HashMap;

use crate::compiled::CompiledPolicy;
use crate::value::Standing;

/// Conditions that are remembered: those that most policies have.
const SHARED_MAX: usize = 64;

/// Which of the shared conditions a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shared(usize);

/// What the shared conditions came to on one input, as far as they were asked for.
#[derive(Debug)]
pub(crate) struct Memo([Cell<Option<Standing>>; SHARED_MAX]);

impl Memo {
    /// Nothing asked yet.
    pub(crate) fn new() -> Self {
        Memo([const { Cell::new(None) }; SHARED_MAX])
    }

    /// What the condition came to; what `judge` says is remembered.
    pub(crate) fn of(&self, shared: Shared, judge: impl FnOnce() -> Standing) -> Standing {
        let cell = &self.0[shared.0];
        cell.get().unwrap_or_else(|| {
            let standing = judge();
            cell.set(Some(standing));
            standing
        })
    }
}

/// Finds the conditions that are written alike in two policies or more, and marks them.
pub(crate) fn mark(policies: &mut [CompiledPolicy]) {
    let mut written: HashMap<String, usize> = HashMap::new();
    for policy in policies.iter_mut() {
        policy.each_condition(|text, _| *written.entry(text.to_owned()).or_default() += 1);
    }
    let mut often: Vec<(String, usize)> = written.into_iter().filter(|(_, n)| *n > 1).collect();
    often.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| one.cmp(other)));
    let places: HashMap<String, Shared> = often
        .into_iter()
        .take(SHARED_MAX)
        .enumerate()
        .map(|(place, (text, _))| (text, Shared(place)))
        .collect();
    for policy in policies {
        policy.each_condition(|text, shared| *shared = places.get(text).copied());
    }
}
