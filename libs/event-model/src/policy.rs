//! What a policy says: the document that an administrator writes and saves, version by version.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::{EventType, word_enum};
use crate::ids::{ConnectionId, PolicyId};
use crate::instant;
use crate::response::{LinkScope, Whom};
use crate::safeguards::{ApprovalRule, Limit};

word_enum! {
    /// How bad a violation is.
    Severity {
        /// Worth knowing.
        Info "info",
        /// Look at it some day.
        Low "low",
        /// Look at it this week.
        Medium "medium",
        /// Look at it today.
        High "high",
        /// Look at it now.
        Critical "critical",
    }
}

word_enum! {
    /// What user action a policy watches.
    TriggerAction {
        /// Content was read or downloaded.
        Download "download",
        /// Who may reach an object was changed.
        Share "share",
        /// Someone logged in.
        Login "login",
        /// An object was made.
        Upload "upload",
        /// An object was changed.
        Update "update",
        /// An object was deleted.
        Delete "delete",
        /// Something was administered.
        Admin "admin",
    }
}

impl TriggerAction {
    /// The action that an event type stands for; none for `other`.
    pub fn of(event_type: EventType) -> Option<Self> {
        match event_type {
            EventType::DataCreation => Some(TriggerAction::Upload),
            EventType::DataUpdate => Some(TriggerAction::Update),
            EventType::DataAccess => Some(TriggerAction::Download),
            EventType::DataDeletion => Some(TriggerAction::Delete),
            EventType::Sharing => Some(TriggerAction::Share),
            EventType::Authentication => Some(TriggerAction::Login),
            EventType::Administration => Some(TriggerAction::Admin),
            EventType::Other => None,
        }
    }
}

/// Which activities a policy looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Only these connections; all when empty.
    #[serde(default)]
    pub connections: Vec<ConnectionId>,
    /// These actions; at least one.
    pub actions: Vec<TriggerAction>,
}

/// Whether a true rule forbids or allows. `DENY(e)` is `ALLOW(not e)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Effect {
    /// A true rule is a violation.
    Deny,
    /// A false rule is a violation.
    Allow,
}

word_enum! {
    /// Whether a violation is acted upon.
    Mode {
        /// Recorded, and the responses are carried out.
        Enforce "enforce",
        /// Recorded only; the responses are shown as what would have been done.
        Permissive "permissive",
    }
}

word_enum! {
    /// What can be done about a violation.
    ResponseKind {
        /// Record an incident: always done, whether listed or not.
        Incident "incident",
        /// Send an e-mail.
        Notify "notify",
        /// Set the content aside where only an administrator can read it.
        Quarantine "quarantine",
        /// Take the content into the vault, out of the service.
        QuarantineToVault "quarantine_to_vault",
        /// Delete the content.
        Delete "delete",
        /// Remove the shared link.
        RemoveLink "remove_link",
        /// Remove the user shared with.
        RemoveCollaborator "remove_collaborator",
        /// Give the user shared with a lesser role.
        DowngradeRole "downgrade_role",
        /// Give the object a classification label, in its folder's manifest.
        ApplyLabel "apply_label",
        /// Make the shared link end after a time.
        ExpireLink "expire_link",
        /// Leave the shared link to the organisation, or to people named.
        SetLinkScope "set_link_scope",
        /// Remove everyone from outside whom the object is shared with.
        RemoveExternalCollaborators "remove_external_collaborators",
        /// Leave the object to its owner: no links, no shares.
        MakePrivate "make_private",
        /// Give the object to another owner.
        TransferOwner "transfer_owner",
        /// Keep a user from signing in.
        SuspendUser "suspend_user",
        /// Sign a user out everywhere.
        EndSessions "end_sessions",
    }
}

/// One response action of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// What to do.
    pub kind: ResponseKind,
    /// `notify` only: e-mail addresses, or the words `actor` and `owner`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// `downgrade_role` only: the lesser role, in the service's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `apply_label` only: the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `expire_link` only: how long the link stays open, in hours: 1 to 8,760.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_hours: Option<u32>,
    /// `set_link_scope` only: whom the link is still for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<LinkScope>,
    /// `transfer_owner` only: the e-mail address of the new owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_owner: Option<String>,
    /// `suspend_user` and `end_sessions` only: which user of the activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whom: Option<Whom>,
    /// `quarantine_to_vault` only: what is left in the object's place, or `none`; the setting
    /// `vault_tombstone` where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<String>,
}

impl Response {
    /// A response without parameters.
    pub fn plain(kind: ResponseKind) -> Self {
        Response {
            kind,
            to: Vec::new(),
            role: None,
            label: None,
            after_hours: None,
            scope: None,
            new_owner: None,
            whom: None,
            tombstone: None,
        }
    }
}

/// A policy as an administrator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// What it is called, unique among the policies in use.
    pub name: String,
    /// Severity of its incidents.
    #[serde(default = "PolicyDocument::default_severity")]
    pub severity: Severity,
    /// Which activities it looks at.
    pub trigger: Trigger,
    /// The rule expression.
    pub rule: String,
    /// Whether a true rule forbids or allows.
    #[serde(default = "PolicyDocument::default_effect")]
    pub effect: Effect,
    /// Whether a violation is acted upon.
    #[serde(default = "PolicyDocument::default_mode")]
    pub mode: Mode,
    /// Message shown to the user and put into notifications.
    #[serde(default)]
    pub notification: Option<String>,
    /// What to do, in order.
    #[serde(default)]
    pub responses: Vec<Response>,
    /// Which responses wait until a person approved them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
    /// How many different people must approve: 1 or 2; 1 when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvers: Option<u32>,
    /// How long what cannot be undone still waits after it was decided, so that it can be cancelled: in
    /// minutes, at most 10,080.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_window_minutes: Option<u32>,
    /// Beyond this the responses stand still until a person has looked; no bound when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

impl PolicyDocument {
    /// Longest name, in bytes.
    pub const NAME_BYTES_MAX: usize = 200;
    /// Longest rule, in bytes.
    pub const RULE_BYTES_MAX: usize = 16 * 1024;
    /// Longest notification, in bytes.
    pub const NOTIFICATION_BYTES_MAX: usize = 4 * 1024;
    /// Most responses of one policy.
    pub const RESPONSES_MAX: usize = 16;

    fn default_severity() -> Severity {
        Severity::Medium
    }

    fn default_effect() -> Effect {
        Effect::Deny
    }

    fn default_mode() -> Mode {
        Mode::Enforce
    }
}

/// Names one version of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRef {
    /// Which policy.
    pub id: PolicyId,
    /// What that version was called.
    pub name: String,
    /// Which version, from 1.
    pub version: u32,
}

/// One saved version of a policy: immutable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyVersion {
    /// Which policy.
    pub id: PolicyId,
    /// Which version, from 1.
    pub version: u32,
    /// Whether it is in use: at most one version of a policy is.
    pub enabled: bool,
    /// When this version was saved.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub saved_at: DateTime<Utc>,
    /// What it says.
    #[serde(flatten)]
    pub document: PolicyDocument,
}

impl PolicyVersion {
    /// The short form that incidents carry.
    pub fn reference(&self) -> PolicyRef {
        PolicyRef {
            id: self.id,
            name: self.document.name.clone(),
            version: self.version,
        }
    }
}
