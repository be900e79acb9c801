//! One response action to carry out, its state machine, and what is needed to undo it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::activity::word_enum;
use crate::connection::IllegalTransition;
use crate::ids::{ConnectionId, IncidentId, QuarantineId, RemedyId, VaultId};
use crate::instant;
use crate::policy::ResponseKind;
use crate::response::Particulars;
use crate::safeguards::Limit;
use crate::vault::Vaulted;

word_enum! {
    /// What a remedy does.
    RemedyKind {
        /// Sends an e-mail.
        Notify "notify",
        /// Sets content aside.
        Quarantine "quarantine",
        /// Takes content into the vault, out of the service.
        QuarantineToVault "quarantine_to_vault",
        /// Deletes content.
        Delete "delete",
        /// Removes a shared link.
        RemoveLink "remove_link",
        /// Removes the user shared with.
        RemoveCollaborator "remove_collaborator",
        /// Gives the user shared with a lesser role.
        DowngradeRole "downgrade_role",
        /// Gives the object a classification label.
        ApplyLabel "apply_label",
        /// Makes the shared link end after a time.
        ExpireLink "expire_link",
        /// Leaves the shared link to the organisation, or to people named.
        SetLinkScope "set_link_scope",
        /// Removes everyone from outside whom the object is shared with.
        RemoveExternalCollaborators "remove_external_collaborators",
        /// Leaves the object to its owner: no links, no shares.
        MakePrivate "make_private",
        /// Gives the object to another owner.
        TransferOwner "transfer_owner",
        /// Keeps a user from signing in.
        SuspendUser "suspend_user",
        /// Signs a user out everywhere.
        EndSessions "end_sessions",
        /// Undoes another remedy.
        Restore "restore",
        /// Deletes for good what was quarantined.
        Purge "purge",
    }
}

impl RemedyKind {
    /// The remedy that a response asks for; none for the incident itself.
    pub fn of(response: ResponseKind) -> Option<Self> {
        match response {
            ResponseKind::Incident => None,
            ResponseKind::Notify => Some(RemedyKind::Notify),
            ResponseKind::Quarantine => Some(RemedyKind::Quarantine),
            ResponseKind::QuarantineToVault => Some(RemedyKind::QuarantineToVault),
            ResponseKind::Delete => Some(RemedyKind::Delete),
            ResponseKind::RemoveLink => Some(RemedyKind::RemoveLink),
            ResponseKind::RemoveCollaborator => Some(RemedyKind::RemoveCollaborator),
            ResponseKind::DowngradeRole => Some(RemedyKind::DowngradeRole),
            ResponseKind::ApplyLabel => Some(RemedyKind::ApplyLabel),
            ResponseKind::ExpireLink => Some(RemedyKind::ExpireLink),
            ResponseKind::SetLinkScope => Some(RemedyKind::SetLinkScope),
            ResponseKind::RemoveExternalCollaborators => {
                Some(RemedyKind::RemoveExternalCollaborators)
            }
            ResponseKind::MakePrivate => Some(RemedyKind::MakePrivate),
            ResponseKind::TransferOwner => Some(RemedyKind::TransferOwner),
            ResponseKind::SuspendUser => Some(RemedyKind::SuspendUser),
            ResponseKind::EndSessions => Some(RemedyKind::EndSessions),
        }
    }

    /// Whether it calls the service: an e-mail does not.
    pub fn acts_in_service(self) -> bool {
        self != RemedyKind::Notify
    }

    /// Whether it sets content aside, to be restored or deleted by a person.
    pub fn sets_aside(self) -> bool {
        matches!(self, RemedyKind::Quarantine | RemedyKind::QuarantineToVault)
    }
}

word_enum! {
    /// Where a remedy stands.
    RemedyState {
        /// To be done.
        Planned "planned",
        /// Waits for a person.
        NeedsApproval "needs_approval",
        /// What is needed to undo it is recorded.
        SnapshotTaken "snapshot_taken",
        /// Being done, or interrupted while being done.
        Executing "executing",
        /// Done, and seen to be done.
        Done "done",
        /// Failed; will be tried again.
        Failed "failed",
        /// Failed for good; a person can retry it.
        GivenUp "given_up",
        /// Stands still, because its policy did as much as it may; a person continues or cancels.
        Held "held",
        /// Left out, because something stronger was done to the same; a person can ask for it anew.
        Superseded "superseded",
        /// A person said no.
        Cancelled "cancelled",
    }
}

impl RemedyState {
    /// Whether nothing is left to do without a person.
    pub fn is_final(self) -> bool {
        use RemedyState::{Cancelled, Done, GivenUp, Superseded};
        matches!(self, Done | GivenUp | Superseded | Cancelled)
    }

    /// The state after the next step.
    ///
    /// # Errors
    /// When the machine has no such step.
    pub fn step(self, to: RemedyState) -> Result<RemedyState, IllegalTransition> {
        use RemedyState::{
            Cancelled, Done, Executing, Failed, GivenUp, Held, NeedsApproval, Planned,
            SnapshotTaken, Superseded,
        };
        let allowed = matches!(
            (self, to),
            (
                Planned,
                NeedsApproval
                    | SnapshotTaken
                    | Executing
                    | Failed
                    | GivenUp
                    | Held
                    | Superseded
                    | Cancelled
            ) | (NeedsApproval, Planned | GivenUp | Cancelled)
                | (Held, Planned | Cancelled)
                | (
                    SnapshotTaken,
                    Executing | Failed | GivenUp | Held | Superseded
                )
                | (Executing, Executing | Done | Failed | GivenUp)
                | (
                    Failed,
                    SnapshotTaken | Executing | Failed | GivenUp | Planned | Held | Superseded
                )
                | (GivenUp, Planned)
        );
        if allowed {
            Ok(to)
        } else {
            Err(IllegalTransition {
                from: self.word(),
                to: to.word(),
            })
        }
    }
}

/// What an object was like before a remedy: shares, links, path, owner, hash, version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// When it was taken.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub taken_at: DateTime<Utc>,
    /// Values by the names that the manifest gives them.
    pub values: Map<String, Value>,
}

/// What an undo brought back, and what it could not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Restoration {
    /// What is as before: `path`, `shares` and so on.
    pub restored: Vec<String>,
    /// What is not, each with why.
    pub not_restored: Vec<String>,
}

/// A person's yes to a remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub at: DateTime<Utc>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// One response action to carry out for an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// Its identifier.
    pub id: RemedyId,
    /// For which incident.
    pub incident_id: IncidentId,
    /// Where.
    pub connection_id: ConnectionId,
    /// What it does.
    pub kind: RemedyKind,
    /// Its place among the incident's remedies: a later one waits for an earlier one.
    pub ordinal: u32,
    /// `notify` only: who is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// What it was told besides its kind.
    #[serde(flatten)]
    pub particulars: Particulars,
    /// `restore` and `purge` only: the remedy it undoes or completes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<RemedyId>,
    /// Where it stands.
    pub state: RemedyState,
    /// Who asked for it, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// How many people must approve it before it is carried out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub approvals_needed: u32,
    /// Who has approved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// How much its policy may do of its own accord; counted when it is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// Why it stands still or was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What the object was like before.
    pub snapshot: Option<Snapshot>,
    /// `quarantine_to_vault` only: what the vault has of it, and what is left in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vaulted: Option<Vaulted>,
    /// What an undo brought back.
    pub restoration: Option<Restoration>,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong last, in a sentence.
    pub last_error: Option<String>,
    /// Not before this.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub next_attempt_at: DateTime<Utc>,
    /// When it was planned.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub updated_at: DateTime<Utc>,
    /// When it was seen to be done.
    #[serde(with = "instant::optional", default)]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub done_at: Option<DateTime<Utc>>,
}

impl Remedy {
    /// Takes a person's approval; when it is the last that is needed, the remedy goes on. The one who
    /// asked for it does not count, nor does anybody twice.
    ///
    /// # Errors
    /// Why this approval does not count; nothing is changed then.
    pub fn approve(&mut self, by: &str, now: DateTime<Utc>) -> Result<(), String> {
        if self.state != RemedyState::NeedsApproval {
            return Err(format!(
                "a remedy that is `{}` cannot be approved",
                self.state
            ));
        }
        if self.requested_by.as_deref() == Some(by) {
            return Err("who asked for it cannot approve it: somebody else must".to_owned());
        }
        if self.approvals.iter().any(|given| given.by == by) {
            return Err("it needs somebody else's approval too".to_owned());
        }
        self.approvals.push(Approval {
            by: by.to_owned(),
            at: now,
        });
        self.updated_at = now;
        if self.approvals.len() >= self.approvals_needed as usize {
            self.step(RemedyState::Planned, now)
                .map_err(|error| error.to_string())?;
            self.next_attempt_at = self.next_attempt_at.max(now);
        }
        Ok(())
    }

    /// Moves to another state.
    ///
    /// # Errors
    /// When the state machine has no such step; nothing is changed then.
    pub fn step(&mut self, to: RemedyState, now: DateTime<Utc>) -> Result<(), IllegalTransition> {
        self.state = self.state.step(to)?;
        self.updated_at = now;
        if to == RemedyState::Done {
            self.done_at = Some(now);
            self.last_error = None;
            self.because = None;
        }
        Ok(())
    }
}

word_enum! {
    /// Where a quarantined object stands.
    QuarantineState {
        /// Set aside; waits for a person.
        Held "held",
        /// Being put back.
        Restoring "restoring",
        /// Put back.
        Restored "restored",
        /// Being deleted for good.
        Deleting "deleting",
        /// Deleted for good.
        Deleted "deleted",
    }
}

/// Content held aside, with the snapshot needed to restore it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineItem {
    /// Its identifier.
    pub id: QuarantineId,
    /// Where it came from.
    pub connection_id: ConnectionId,
    /// Why it is held.
    pub incident_id: IncidentId,
    /// What set it aside.
    pub remedy_id: RemedyId,
    /// The object, in the service's words.
    pub object_id: String,
    /// What it was called.
    pub object_name: Option<String>,
    /// Where it was.
    pub object_path: Option<String>,
    /// Where it stands.
    pub state: QuarantineState,
    /// What it was like before.
    pub snapshot: Option<Snapshot>,
    /// The items of the vault that hold it, oldest version first; none when it is held in the service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vault_items: Vec<VaultId>,
    /// What came of putting it back.
    pub restoration: Option<Restoration>,
    /// Since when it is held.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub held_at: DateTime<Utc>,
    /// When it last changed.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::RemedyState::{self, *};

    #[test]
    fn a_remedy_takes_only_the_steps_it_has() {
        let steps = [
            (Planned, SnapshotTaken),
            (Planned, Executing),
            (SnapshotTaken, Executing),
            (Executing, Done),
            (Executing, Failed),
            (Failed, Executing),
            (GivenUp, Planned),
            (NeedsApproval, Planned),
        ];
        for (from, to) in steps {
            assert_eq!(from.step(to), Ok(to));
        }
        for to in RemedyState::ALL {
            assert!(
                Cancelled.step(*to).is_err(),
                "cancelled is the end, not {to}"
            );
            assert!(Done.step(*to).is_err(), "done is the end, not {to}");
        }
        assert!(
            Planned.step(Done).is_err(),
            "nothing is done that was not executed"
        );
        assert!(SnapshotTaken.step(Done).is_err());
        assert!(NeedsApproval.step(Executing).is_err());
        assert!(Held.step(Executing).is_err(), "a person says when");
        assert!(Cancelled.step(Planned).is_err(), "no means no");
        assert!(Superseded.step(Planned).is_err());
    }
}
