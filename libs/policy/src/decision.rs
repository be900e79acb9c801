//! What is decided of an attempt, in words and as a tree.
//!
//! Source: FileCloud's algorithm (row F13 of the requirements). Every policy that the attempt triggers is looked at in
//! the order of precedence; a violated enforcing one denies and ends the chain; a violated permissive one is recorded
//! and the chain goes on. What is undecided denies nothing by accident: it is told, for whoever asks to decide.
//! A violation that an exception lets be denies nothing either: the chain goes on, and the answer says which exception.

use event_model::{Exception, ExceptionId, Mode, Outcome, PolicyOutcome, TriggerAction};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::notification::{self, Message};
use crate::set::{Evaluation, Needs};

/// A violation that an exception lets be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excepted {
    /// The violated policy.
    pub outcome: PolicyOutcome,
    /// The exception.
    pub exception: ExceptionId,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
}

/// The decision on one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Whether the attempt may go on.
    pub allow: bool,
    /// Why, in a sentence.
    pub sentence: String,
    /// What to show to the user: the winner's message. Only for what has something to show it on, so never for a login.
    pub message: Option<Message>,
    /// The policy that denies: the first violated enforcing one.
    pub winner: Option<PolicyOutcome>,
    /// Violated policies that do not decide, because they are permissive: recorded all the same.
    pub losers: Vec<PolicyOutcome>,
    /// Violated policies that an exception lets be: they deny nothing, and are recorded all the same.
    pub excepted: Vec<Excepted>,
    /// Policies that could not be told.
    pub undecided: Vec<PolicyOutcome>,
    /// What would have to be known to decide these.
    pub needs: Needs,
    /// How many policies were evaluated.
    pub evaluated: usize,
}

impl Decision {
    /// The decision that an evaluation of the chain comes to, when nothing is let be.
    pub fn of(evaluation: Evaluation, action: TriggerAction) -> Self {
        Decision::excepting(evaluation, action, |_| None)
    }

    /// The decision that an evaluation of the chain comes to. `covering` gives the exception that lets a violation be:
    /// the chain goes on after it, so the evaluation must be one of the whole chain when an enforcing policy is covered.
    pub fn excepting<'e>(
        evaluation: Evaluation,
        action: TriggerAction,
        covering: impl Fn(&PolicyOutcome) -> Option<&'e Exception>,
    ) -> Self {
        let Evaluation {
            verdict,
            needs,
            evaluated,
        } = evaluation;
        let mut decision = Decision {
            allow: true,
            sentence: String::new(),
            message: None,
            winner: None,
            losers: Vec::new(),
            excepted: Vec::new(),
            undecided: Vec::new(),
            needs,
            evaluated,
        };
        for outcome in verdict.outcomes {
            let exception = match outcome.outcome {
                Outcome::Violated => covering(&outcome),
                _ => None,
            };
            match (outcome.outcome, outcome.mode) {
                (Outcome::Undecided, _) => decision.undecided.push(outcome),
                (Outcome::Violated, _) if exception.is_some() => {
                    let excepted = exception.map(|exception| Excepted::by(exception, outcome));
                    decision.excepted.extend(excepted);
                }
                (Outcome::Violated, Mode::Enforce) => {
                    decision.winner = Some(outcome);
                    break;
                }
                (Outcome::Violated, Mode::Permissive) => decision.losers.push(outcome),
                (Outcome::Complied, _) => {}
            }
        }
        decision.allow = decision.winner.is_none();
        decision.message = decision.shown(action);
        decision.sentence = decision.said();
        decision
    }

    fn shown(&self, action: TriggerAction) -> Option<Message> {
        let text = self.winner.as_ref()?.notification.as_deref()?;
        (action != TriggerAction::Login).then(|| notification::message(text))
    }

    fn said(&self) -> String {
        let names = |outcomes: &[PolicyOutcome]| {
            let names: Vec<String> = outcomes.iter().map(named).collect();
            names.join(", ")
        };
        let mut parts = Vec::new();
        match &self.winner {
            Some(winner) => parts.push(format!(
                "{} is violated and enforced: {}",
                named(winner),
                winner.reasons.join("; ")
            )),
            None if self.losers.is_empty() && self.excepted.is_empty() => {
                parts.push("no policy is violated".to_owned());
            }
            None => parts.push("no enforcing policy is violated".to_owned()),
        }
        if !self.losers.is_empty() {
            parts.push(format!("only recorded: {}", names(&self.losers)));
        }
        for excepted in &self.excepted {
            parts.push(format!(
                "{} is let be by the exception {} of {}: {}",
                named(&excepted.outcome),
                excepted.exception,
                excepted.owner,
                excepted.reason
            ));
        }
        if !self.undecided.is_empty() {
            parts.push(format!("could not be told: {}", names(&self.undecided)));
        }
        parts.join(". ")
    }
}

impl Excepted {
    fn by(exception: &Exception, outcome: PolicyOutcome) -> Self {
        Excepted {
            outcome,
            exception: exception.id,
            owner: exception.owner.clone(),
            reason: exception.reason.clone(),
        }
    }
}

fn named(outcome: &PolicyOutcome) -> String {
    format!(
        "`{}` (version {})",
        outcome.policy.name, outcome.policy.version
    )
}
