//! What holds a policy back: who must approve, how long it can be cancelled, how much it may do.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::word_enum;
use crate::policy::PolicyDocument;

word_enum! {
    /// Which responses of a policy wait until a person approved them.
    ApprovalRule {
        /// None: they are carried out at once.
        None "none",
        /// Those that the service cannot undo.
        Irreversible "irreversible",
        /// All that act in the service.
        Required "required",
    }
}

/// How much of its own accord a policy may do on one connection before a person has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// So many actions in the service: 1 to 1,000,000.
    pub actions: u32,
    /// In so many hours: 1 to 720.
    pub per_hours: u32,
}

impl Limit {
    /// Most actions of a limit.
    pub const ACTIONS_MAX: u32 = 1_000_000;
    /// Longest span of a limit, in hours: 30 days.
    pub const PER_HOURS_MAX: u32 = 720;

    /// What was done before this is not counted any more.
    pub fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::hours(i64::from(self.per_hours.min(Limit::PER_HOURS_MAX)))
    }
}

/// The part of a policy that holds its responses back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Safeguards {
    /// Which responses wait until a person approved them; none when absent.
    pub approval: Option<ApprovalRule>,
    /// How many different people must approve; one when absent.
    pub approvers: Option<u32>,
    /// How long what cannot be undone can still be cancelled, in minutes.
    pub undo_window_minutes: Option<u32>,
    /// How much it may do of its own accord.
    pub limit: Option<Limit>,
}

impl Safeguards {
    /// Most people who must approve.
    pub const APPROVERS_MAX: u32 = 2;
    /// Longest window in which something can still be cancelled, in minutes: a week.
    pub const UNDO_WINDOW_MINUTES_MAX: u32 = 7 * 24 * 60;

    /// Whether nothing is held back.
    pub fn are_none(&self) -> bool {
        *self == Safeguards::default()
    }

    /// How many people must approve an action in the service.
    pub fn approvals_needed(&self, irreversible: bool) -> u32 {
        let asked = match self.approval {
            Some(ApprovalRule::Required) => true,
            Some(ApprovalRule::Irreversible) => irreversible,
            Some(ApprovalRule::None) | None => false,
        };
        if asked {
            self.approvers.unwrap_or(1)
        } else {
            0
        }
    }

    /// Not before this an action that was decided now is carried out.
    pub fn not_before(&self, irreversible: bool, now: DateTime<Utc>) -> DateTime<Utc> {
        let minutes = self.undo_window_minutes.filter(|_| irreversible);
        now + TimeDelta::minutes(i64::from(minutes.unwrap_or(0)))
    }
}

impl PolicyDocument {
    /// What holds its responses back.
    pub fn safeguards(&self) -> Safeguards {
        Safeguards {
            approval: self.approval,
            approvers: self.approvers,
            undo_window_minutes: self.undo_window_minutes,
            limit: self.limit,
        }
    }
}
