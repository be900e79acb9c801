//! One version of a policy, compiled once and evaluated many times.

use event_model::{
    ConnectionId, Effect, Field, Mode, Outcome, PolicyOutcome, PolicyRef, PolicyVersion, Response,
    Safeguards, Severity, TriggerAction, Truth,
};

use crate::checker::check;
use crate::explain::explain;
use crate::index::{Key, key_of};
use crate::input::Input;
use crate::mistake::{Mistake, mistakes};
use crate::program::{Part, each_condition, lacks, reads};
use crate::reader::Reader;
use crate::reasons::reasons;
use crate::shared::{Memo, Shared};
use crate::value::{Lack, Standing};

/// A policy whose rule was read, checked and compiled.
#[derive(Debug, Clone)]
pub struct CompiledPolicy {
    policy: PolicyRef,
    severity: Severity,
    mode: Mode,
    effect: Effect,
    actions: Vec<TriggerAction>,
    /// Sorted; every connection when empty.
    connections: Vec<ConnectionId>,
    responses: Vec<Response>,
    safeguards: Safeguards,
    notification: Option<String>,
    rule: String,
    root: Part,
}

impl CompiledPolicy {
    /// Compiles the rule for the version's trigger and effect.
    ///
    /// # Errors
    /// Every mistake of the rule. Other parts of the document are looked at by [`crate::check`].
    pub fn compile(version: &PolicyVersion) -> Result<Self, Vec<Mistake>> {
        let document = &version.document;
        let checked = check(&document.rule, &document.trigger.actions, document.effect);
        let Some(root) = checked.root else {
            return Err(mistakes(checked.faults, &document.rule));
        };
        let mut connections = document.trigger.connections.clone();
        connections.sort_unstable();
        connections.dedup();
        Ok(CompiledPolicy {
            policy: version.reference(),
            severity: document.severity,
            mode: document.mode,
            effect: document.effect,
            actions: document.trigger.actions.clone(),
            connections,
            responses: document.responses.clone(),
            safeguards: document.safeguards(),
            notification: document.notification.clone(),
            rule: document.rule.clone(),
            root,
        })
    }

    /// Which version of which policy it is.
    pub fn policy(&self) -> &PolicyRef {
        &self.policy
    }

    /// Severity of its incidents.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Whether a violation is acted upon.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The actions that it watches.
    pub fn actions(&self) -> &[TriggerAction] {
        &self.actions
    }

    /// The connections that it watches, sorted; all when there are none.
    pub(crate) fn connections(&self) -> &[ConnectionId] {
        &self.connections
    }

    /// What the policy comes to, with its trace, whatever the outcome.
    pub fn explain(&self, input: &Input<'_>) -> PolicyOutcome {
        let truth = self.root.judge(input).truth();
        PolicyOutcome {
            policy: self.policy.clone(),
            severity: self.severity,
            mode: self.mode,
            truth,
            outcome: self.outcome(truth),
            responses: self.responses.clone(),
            safeguards: self.safeguards,
            notification: self.notification.clone(),
            reasons: reasons(&self.rule, &self.root, input),
            trace: explain(&self.rule, &self.root, input),
        }
    }

    pub(crate) fn judge(&self, input: &Input<'_>, memo: &Memo) -> Standing {
        self.root.judge_once(input, Some(memo))
    }

    /// DENY is violated by a true rule, ALLOW by a false one; unknown is undecided, never silent.
    pub(crate) fn outcome(&self, truth: Truth) -> Outcome {
        match (self.effect, truth) {
            (_, Truth::Unknown) => Outcome::Undecided,
            (Effect::Deny, Truth::True) | (Effect::Allow, Truth::False) => Outcome::Violated,
            (Effect::Deny, Truth::False) | (Effect::Allow, Truth::True) => Outcome::Complied,
        }
    }

    /// Calls `found` with every condition of the rule as it is written.
    pub(crate) fn each_condition(&mut self, mut found: impl FnMut(&str, &mut Option<Shared>)) {
        let rule = &self.rule;
        each_condition(&mut self.root, &mut |span, shared| {
            found(&rule[span.start..span.end], shared);
        });
    }

    /// Whether the rule asks for the country of the IP address.
    pub(crate) fn asks_for_country(&self) -> bool {
        reads(&self.root, &|reader| matches!(reader, Reader::Country))
    }

    /// What a field must be for the policy to come to anything but complied.
    pub(crate) fn key(&self) -> Option<Key> {
        key_of(&self.root, self.effect == Effect::Deny)
    }

    /// Adds the absent fields that leave the rule undecided.
    pub(crate) fn add_absent_fields(&self, input: &Input<'_>, fields: &mut Vec<Field>) {
        lacks(&self.root, input, &mut |lack| match lack {
            Lack::Absent(field) if !fields.contains(&field) => fields.push(field),
            _ => {}
        });
    }
}
