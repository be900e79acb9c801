//! What a policy's response is told besides its kind, and what a remedy keeps of that.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::word_enum;
use crate::policy::{Response, ResponseKind};

word_enum! {
    /// Whom a link is still for, when it is not for everybody.
    LinkScope {
        /// Everybody of the organisation.
        PeopleInCompany "people_in_company",
        /// Those only who were given access by name.
        SpecificPeople "specific_people",
    }
}

word_enum! {
    /// The user of an activity that a response acts upon.
    Whom {
        /// Who did it.
        Actor "actor",
        /// Whom it was done to.
        Target "target",
    }
}

/// Longest time that a link may still be open by `expire_link`, in hours: a year.
pub const AFTER_HOURS_MAX: u32 = 8_760;

/// What a response is told besides its kind. Each belongs to one kind, or to a few.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Particulars {
    /// `downgrade_role` only: the lesser role, in the service's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `apply_label` only: the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `expire_link` only: how long the link stays open, in hours from when the remedy was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_hours: Option<u32>,
    /// `set_link_scope` only: whom the link is still for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<LinkScope>,
    /// `transfer_owner` only: the e-mail address of who owns the object from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_owner: Option<String>,
    /// `suspend_user` and `end_sessions` only: which user of the activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whom: Option<Whom>,
    /// `quarantine_to_vault` only: what is left in the object's place, or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<String>,
}

impl Particulars {
    /// When a link expires by a remedy that was planned at that time; none where nothing expires.
    pub fn expires_at(&self, planned_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours = self.after_hours?.min(AFTER_HOURS_MAX);
        planned_at.checked_add_signed(TimeDelta::hours(i64::from(hours)))
    }
}

impl Response {
    /// What it is told besides its kind.
    pub fn particulars(&self) -> Particulars {
        Particulars {
            role: self.role.clone(),
            label: self.label.clone(),
            after_hours: self.after_hours,
            scope: self.scope,
            new_owner: self.new_owner.clone(),
            whom: self.whom,
            tombstone: self.tombstone.clone(),
        }
    }
}

impl ResponseKind {
    /// Whether it acts on a user, and not on the object of the activity.
    pub fn is_about_user(self) -> bool {
        matches!(self, ResponseKind::SuspendUser | ResponseKind::EndSessions)
    }
}
