//! Every policy in use, indexed by the action, the connection and the field that it depends on, in the order of
//! precedence.
//!
//! Precedence is a total order: the more severe policy first, and among equally severe ones the older.
//! A verdict's outcomes come in that order, so its winner is the first violated enforcing policy.

use std::cmp::Reverse;
use std::collections::HashMap;

use event_model::{
    ConnectionId, Field, Mode, Outcome, PolicyId, PolicyVersion, TriggerAction, Verdict,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compiled::CompiledPolicy;
use crate::index::{Index, Key, Left};
use crate::input::Input;
use crate::mistake::Mistake;
use crate::shared::{self, Memo};

/// How far the policies are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// After the fact: every policy that the activity triggers.
    Whole,
    /// Before the fact: up to the first enforcing policy that is violated. Permissive ones never stop it.
    StopAtFirstBlock,
}

/// What would have to be known to decide more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Needs {
    /// Some policy is undecided that the content, once fetched, could decide.
    pub content: bool,
    /// Absent fields that leave some policy undecided: enrichment may bring them.
    pub fields: Vec<Field>,
}

/// What the policies came to on one activity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluation {
    /// The policies that are violated or undecided, each with its trace. The others complied.
    pub verdict: Verdict,
    /// What would have to be known to decide more; nothing once an inline check is blocked.
    pub needs: Needs,
    /// How many policies were evaluated, those that complied included. Who was ruled out by one look at a field
    /// complied, too, and is not counted.
    pub evaluated: usize,
}

/// The policies in use. Cheap to evaluate: nothing is compiled, indexed or explained for those that comply.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    /// In the order of precedence.
    policies: Vec<CompiledPolicy>,
    /// Who watches each action.
    by_action: [Watchers; TriggerAction::ALL.len()],
    asks_for_country: bool,
}

/// The policies that watch an action; each stands in one index or in those of its connections. An activity
/// costs nothing for policies of other connections, nor for those that one look at a field rules out.
#[derive(Debug, Clone, Default)]
struct Watchers {
    of_all: Index,
    of_one: HashMap<ConnectionId, Index>,
}

impl Watchers {
    fn add(&mut self, place: usize, connections: &[ConnectionId], key: Option<&Key>) {
        if connections.is_empty() {
            self.of_all.add(place, key);
        }
        for connection in connections {
            let own = self.of_one.entry(*connection).or_default();
            own.add(place, key);
        }
    }

    /// Makes the indexes ready, after the last policy.
    fn finish(&mut self) {
        self.of_all.finish();
        self.of_one.values_mut().for_each(Index::finish);
    }

    /// Those that watch that connection, ascending; with an input, those that it can concern.
    fn of(&self, connection: ConnectionId, input: Option<&Input<'_>>) -> Left<'_> {
        Left::of([Some(&self.of_all), self.of_one.get(&connection)], input)
    }
}

impl PolicySet {
    /// Compiles the enabled versions. Those that do not compile are left out and returned with their mistakes.
    pub fn compile(versions: &[PolicyVersion]) -> (PolicySet, Vec<(PolicyId, Vec<Mistake>)>) {
        let mut set = PolicySet::default();
        let mut refused = Vec::new();
        for version in versions.iter().filter(|version| version.enabled) {
            match CompiledPolicy::compile(version) {
                Ok(policy) => set.policies.push(policy),
                Err(mistakes) => refused.push((version.id, mistakes)),
            }
        }
        set.policies.sort_by_key(|policy| {
            let named = policy.policy();
            (Reverse(policy.severity()), named.id, named.version)
        });
        shared::mark(&mut set.policies);
        for (place, policy) in set.policies.iter().enumerate() {
            let key = policy.key();
            set.asks_for_country |= policy.asks_for_country();
            for action in TriggerAction::ALL {
                if policy.actions().contains(action) {
                    let watchers = &mut set.by_action[*action as usize];
                    watchers.add(place, policy.connections(), key.as_ref());
                }
            }
        }
        for watchers in &mut set.by_action {
            watchers.finish();
        }
        (set, refused)
    }

    /// How many policies are in use.
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether no policy is in use.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// The policies that look at such an activity, in the order of precedence.
    pub fn triggered_by(
        &self,
        connection: ConnectionId,
        action: TriggerAction,
    ) -> impl Iterator<Item = &CompiledPolicy> {
        let places = self.by_action[action as usize].of(connection, None);
        places.map(|place| &self.policies[place])
    }

    /// Whether some policy asks for the country of the IP address: otherwise nobody need look it up.
    pub fn asks_for_country(&self) -> bool {
        self.asks_for_country
    }

    /// What the policies come to on an activity of that connection. An activity of no action triggers none.
    pub fn evaluate(
        &self,
        connection: ConnectionId,
        input: &Input<'_>,
        chain: Chain,
    ) -> Evaluation {
        let mut evaluation = Evaluation::default();
        let Some(action) = TriggerAction::of(input.activity.event_type) else {
            return evaluation;
        };
        let memo = Memo::new();
        let watchers = &self.by_action[action as usize];
        for place in watchers.of(connection, Some(input)) {
            let policy = &self.policies[place];
            evaluation.evaluated += 1;
            let outcome = evaluation.add(policy, input, &memo);
            let blocks = outcome == Outcome::Violated && policy.mode() == Mode::Enforce;
            if blocks && chain == Chain::StopAtFirstBlock {
                evaluation.needs = Needs::default();
                break;
            }
        }
        evaluation
    }
}

impl Evaluation {
    fn add(&mut self, policy: &CompiledPolicy, input: &Input<'_>, memo: &Memo) -> Outcome {
        let standing = policy.judge(input, memo);
        let outcome = policy.outcome(standing.truth());
        if outcome == Outcome::Undecided {
            self.needs.content |= standing.awaits_content();
            policy.add_absent_fields(input, &mut self.needs.fields);
        }
        if outcome != Outcome::Complied {
            self.verdict.outcomes.push(policy.explain(input));
        }
        outcome
    }
}
