//! The pure result of policies on an activity and its content, with reasons.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::word_enum;
use crate::policy::{Mode, PolicyRef, Response, Severity};
use crate::safeguards::Safeguards;

word_enum! {
    /// Three-valued truth: an absent attribute is neither equal nor unequal.
    Truth {
        /// Holds.
        True "true",
        /// Does not hold.
        False "false",
        /// Cannot be told, because something is absent.
        Unknown "unknown",
    }
}

/// One node of the explanation: a part of the rule and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceNode {
    /// The part of the rule, as text.
    pub expression: String,
    /// What it came to: `true`, `false`, `unknown`, or a value as text.
    pub value: String,
    /// Why, when it is not plain: which attribute is absent, for what reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The parts it is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<TraceNode>,
}

word_enum! {
    /// What one policy came to.
    Outcome {
        /// Nothing against it.
        Complied "complied",
        /// Violated.
        Violated "violated",
        /// Could not be told: something the rule asks for is absent.
        Undecided "undecided",
    }
}

/// What one policy came to on one activity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyOutcome {
    /// Which version of which policy.
    pub policy: PolicyRef,
    /// Severity of its incidents.
    pub severity: Severity,
    /// Whether a violation is acted upon.
    pub mode: Mode,
    /// The rule's truth.
    pub truth: Truth,
    /// What it came to.
    pub outcome: Outcome,
    /// Responses, in order.
    pub responses: Vec<Response>,
    /// What holds the responses back.
    #[serde(default, skip_serializing_if = "Safeguards::are_none")]
    pub safeguards: Safeguards,
    /// Message for the user.
    pub notification: Option<String>,
    /// Why, in words: the parts of the rule that decided, the first ones of them.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Why, as the whole tree of the rule.
    pub trace: TraceNode,
}

/// The result of the policies that an activity triggers, in the order of precedence: those that were
/// violated, and those that could not be told. A policy that was complied with leaves no outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Violated and undecided policies: the first violated enforcing one is the winner.
    pub outcomes: Vec<PolicyOutcome>,
}

impl Verdict {
    /// The outcome that decides: the first violated enforcing policy.
    pub fn winner(&self) -> Option<&PolicyOutcome> {
        self.violations()
            .find(|outcome| outcome.mode == Mode::Enforce)
    }

    /// Every violated policy.
    pub fn violations(&self) -> impl Iterator<Item = &PolicyOutcome> {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.outcome == Outcome::Violated)
    }
}

/// Something found in content, masked: the plaintext is never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Which detector found it.
    pub detector: String,
    /// `low`, `medium` or `high`.
    pub confidence: String,
    /// The value with at most its last four characters shown.
    pub masked: String,
    /// Where: page, part, cell, line.
    pub place: String,
    /// How often this value occurs.
    pub occurrences: u32,
    /// Whether it is a publicly known test value.
    pub test_value: bool,
}

/// What could not be inspected, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlindSpot {
    /// `encrypted`, `unsupported`, `malformed`, `limit`, `unreachable`, `too_large` and so on.
    pub reason: String,
    /// In a sentence.
    pub detail: String,
}
