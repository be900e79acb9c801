//! What is decided of an attempt, in words and as a tree.
//!
//! Source: FileCloud's algorithm (row F13 of the requirements). Every policy that the attempt triggers is looked at in
//! the order of precedence; a violated enforcing one denies and ends the chain; a violated permissive one is recorded
//! and the chain goes on. What is undecided denies nothing by accident: it is told, for whoever asks to decide.

use event_model::{Mode, Outcome, PolicyOutcome, TriggerAction};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::notification::{self, Message};
use crate::set::{Evaluation, Needs};

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
    /// Policies that could not be told.
    pub undecided: Vec<PolicyOutcome>,
    /// What would have to be known to decide these.
    pub needs: Needs,
    /// How many policies were evaluated.
    pub evaluated: usize,
}

impl Decision {
    /// The decision that an evaluation of the chain comes to.
    pub fn of(evaluation: Evaluation, action: TriggerAction) -> Self {
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
            undecided: Vec::new(),
            needs,
            evaluated,
        };
        for outcome in verdict.outcomes {
            match (outcome.outcome, outcome.mode) {
                (Outcome::Undecided, _) => decision.undecided.push(outcome),
                (Outcome::Violated, Mode::Enforce) if decision.winner.is_none() => {
                    decision.winner = Some(outcome);
                }
                (Outcome::Violated, _) => decision.losers.push(outcome),
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
            None if self.losers.is_empty() => parts.push("no policy is violated".to_owned()),
            None => parts.push("no enforcing policy is violated".to_owned()),
        }
        if !self.losers.is_empty() {
            parts.push(format!("only recorded: {}", names(&self.losers)));
        }
        if !self.undecided.is_empty() {
            parts.push(format!("could not be told: {}", names(&self.undecided)));
        }
        parts.join(". ")
    }
}

fn named(outcome: &PolicyOutcome) -> String {
    format!(
        "`{}` (version {})",
        outcome.policy.name, outcome.policy.version
    )
}
