//! Who acts, and what they may: roles, permissions, and the connections within which they hold.
//!
//! A role is a fixed set of permissions. A token narrows what its owner may and never widens it: what
//! somebody may is asked of [`Identity::may`] alone.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::word_enum;
use crate::ids::{AccountId, ConnectionId, TokenId};

word_enum! {
    /// What somebody is for.
    Role {
        /// Runs the installation: everything.
        Administrator "administrator",
        /// Works on incidents and asks for remedies.
        Analyst "analyst",
        /// Decides about what others asked for, and about what is held aside.
        Reviewer "reviewer",
        /// Sees everything that was done, and does nothing.
        Auditor "auditor",
    }
}

word_enum! {
    /// One thing that somebody may.
    Permission {
        /// See connections, their health and coverage.
        ConnectionsRead "connections_read",
        /// Add, authorize, enable and disable connections.
        ConnectionsManage "connections_manage",
        /// See recorded activity.
        ActivitiesRead "activities_read",
        /// See what a service sent, byte for byte.
        ActivitiesRaw "activities_raw",
        /// See policies and check drafts.
        PoliciesRead "policies_read",
        /// Try policies on recorded activity.
        PoliciesTry "policies_try",
        /// Save policies and switch them.
        PoliciesManage "policies_manage",
        /// See incidents.
        IncidentsRead "incidents_read",
        /// Set status, owner and so on of incidents.
        IncidentsWork "incidents_work",
        /// Take incidents out as a file.
        IncidentsExport "incidents_export",
        /// See more of the evidence than its masked form.
        EvidenceReveal "evidence_reveal",
        /// See remedies.
        RemediesRead "remedies_read",
        /// Ask for remedies, retry and undo them.
        RemediesAsk "remedies_ask",
        /// Take back remedies that were not begun.
        RemediesCancel "remedies_cancel",
        /// Approve remedies that others asked for, and rule on what stands still.
        RemediesApprove "remedies_approve",
        /// See what is held aside.
        QuarantineRead "quarantine_read",
        /// Read the content of what is held aside, as far as access policies go.
        QuarantineContent "quarantine_content",
        /// Put back what is held aside.
        QuarantineRestore "quarantine_restore",
        /// Delete for good what is held aside.
        QuarantineDelete "quarantine_delete",
        /// Have attempts decided before the fact.
        DecisionsAsk "decisions_ask",
        /// See access policies, and what they give whom.
        AccessRead "access_read",
        /// Change access policies.
        AccessManage "access_manage",
        /// See counts.
        StatsRead "stats_read",
        /// See the audit trail.
        AuditRead "audit_read",
        /// See accounts and tokens of everybody.
        AccountsRead "accounts_read",
        /// Make, change and disable accounts; end sessions; revoke tokens.
        AccountsManage "accounts_manage",
        /// See and test where incidents are handed on to, and other settings.
        SettingsManage "settings_manage",
    }
}

impl Permission {
    /// Whether it concerns the installation as a whole, so that nobody has it within some connections only.
    pub fn is_whole(self) -> bool {
        use Permission::*;
        matches!(
            self,
            ConnectionsManage
                | PoliciesManage
                | AccessRead
                | AccessManage
                | AuditRead
                | AccountsRead
                | AccountsManage
                | SettingsManage
        )
    }
}

impl Role {
    /// Whether the role has the permission.
    pub fn has(self, permission: Permission) -> bool {
        use Permission::*;
        match self {
            Role::Administrator => true,
            Role::Analyst => match permission {
                ConnectionsRead | ActivitiesRead | ActivitiesRaw | PoliciesRead | PoliciesTry
                | IncidentsRead | IncidentsWork | IncidentsExport | EvidenceReveal
                | RemediesRead | RemediesAsk | RemediesCancel | QuarantineRead
                | QuarantineRestore | StatsRead => true,
                ConnectionsManage | PoliciesManage | RemediesApprove | QuarantineContent
                | QuarantineDelete | DecisionsAsk | AccessRead | AccessManage | AuditRead
                | AccountsRead | AccountsManage | SettingsManage => false,
            },
            Role::Reviewer => match permission {
                ConnectionsRead | ActivitiesRead | PoliciesRead | IncidentsRead
                | EvidenceReveal | RemediesRead | RemediesApprove | RemediesCancel
                | QuarantineRead | QuarantineContent | QuarantineRestore | QuarantineDelete
                | AccessRead | StatsRead => true,
                ConnectionsManage | ActivitiesRaw | PoliciesTry | PoliciesManage
                | IncidentsWork | IncidentsExport | RemediesAsk | DecisionsAsk | AccessManage
                | AuditRead | AccountsRead | AccountsManage | SettingsManage => false,
            },
            Role::Auditor => match permission {
                ConnectionsRead | ActivitiesRead | PoliciesRead | IncidentsRead
                | IncidentsExport | RemediesRead | QuarantineRead | AccessRead | StatsRead
                | AuditRead | AccountsRead => true,
                ConnectionsManage | ActivitiesRaw | PoliciesTry | PoliciesManage
                | IncidentsWork | EvidenceReveal | RemediesAsk | RemediesApprove
                | RemediesCancel | QuarantineContent | QuarantineRestore | QuarantineDelete
                | DecisionsAsk | AccessManage | AccountsManage | SettingsManage => false,
            },
        }
    }
}

/// Within which connections somebody sees and does anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionScope {
    /// Within all of them, those to come included.
    #[default]
    Every,
    /// Within these only.
    Only(BTreeSet<ConnectionId>),
}

impl ConnectionScope {
    /// Within none.
    pub fn nothing() -> Self {
        ConnectionScope::Only(BTreeSet::new())
    }

    /// Whether it is without bounds.
    pub fn is_every(&self) -> bool {
        *self == ConnectionScope::Every
    }

    /// Whether the connection is within it.
    pub fn has(&self, connection: ConnectionId) -> bool {
        match self {
            ConnectionScope::Every => true,
            ConnectionScope::Only(some) => some.contains(&connection),
        }
    }

    /// What is within both.
    pub fn and(&self, other: &ConnectionScope) -> ConnectionScope {
        match (self, other) {
            (ConnectionScope::Every, other) => other.clone(),
            (one, ConnectionScope::Every) => one.clone(),
            (ConnectionScope::Only(one), ConnectionScope::Only(other)) => {
                ConnectionScope::Only(one & other)
            }
        }
    }

    /// The connections, where they are named.
    pub fn named(&self) -> Option<&BTreeSet<ConnectionId>> {
        match self {
            ConnectionScope::Every => None,
            ConnectionScope::Only(some) => Some(some),
        }
    }
}

/// By what somebody was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameBy {
    /// A session of a browser.
    Session,
    /// A token that an account made.
    Token {
        /// Which.
        id: TokenId,
        /// What its owner calls it.
        name: String,
        /// What it is for.
        permissions: BTreeSet<Permission>,
    },
    /// The administrator's token of the configuration, or a session opened with it.
    MachineToken,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Their account; absent for the administrator's token.
    pub account: Option<AccountId>,
    /// Their name: unique, and never another's.
    pub name: String,
    /// What they are for.
    pub roles: BTreeSet<Role>,
    /// The groups that they are in, by the names that access policies and a provider use.
    pub groups: BTreeSet<String>,
    /// Within which connections.
    pub scope: ConnectionScope,
    /// By what they were known.
    pub came_by: CameBy,
}

impl Identity {
    /// What the trail calls who has the administrator's token. No account may have the name.
    pub const MACHINE: &'static str = "administrator";

    /// Who has the administrator's token.
    pub fn machine() -> Self {
        Identity {
            account: None,
            name: Self::MACHINE.to_owned(),
            roles: BTreeSet::from([Role::Administrator]),
            groups: BTreeSet::new(),
            scope: ConnectionScope::Every,
            came_by: CameBy::MachineToken,
        }
    }

    /// Whether they may.
    pub fn may(&self, permission: Permission) -> bool {
        let by_role = self.roles.iter().any(|role| role.has(permission));
        let by_scope = self.scope.is_every() || !permission.is_whole();
        let by_token = match &self.came_by {
            CameBy::Token { permissions, .. } => permissions.contains(&permission),
            CameBy::Session | CameBy::MachineToken => true,
        };
        by_role && by_scope && by_token
    }

    /// What the audit trail says of them: the name, and the token if it was one.
    pub fn signature(&self) -> String {
        match &self.came_by {
            CameBy::Token { name, .. } => format!("{} (token {name})", self.name),
            CameBy::Session | CameBy::MachineToken => self.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn connection(n: u128) -> ConnectionId {
        ConnectionId::new(DateTime::UNIX_EPOCH, n)
    }

    fn somebody(role: Role) -> Identity {
        Identity {
            roles: BTreeSet::from([role]),
            came_by: CameBy::Session,
            ..Identity::machine()
        }
    }

    #[test]
    fn only_an_administrator_changes_the_installation() {
        for permission in Permission::ALL {
            assert!(somebody(Role::Administrator).may(*permission));
            let manages = permission.word().ends_with("_manage");
            for role in [Role::Analyst, Role::Reviewer, Role::Auditor] {
                assert!(
                    !(manages && somebody(role).may(*permission)),
                    "{role} {permission}"
                );
            }
        }
    }

    #[test]
    fn nobody_who_asks_for_remedies_by_role_approves_them_by_the_same() {
        for role in [Role::Analyst, Role::Reviewer, Role::Auditor] {
            let both = role.has(Permission::RemediesAsk) && role.has(Permission::RemediesApprove);
            assert!(!both, "{role}");
        }
    }

    #[test]
    fn a_token_narrows_its_owner_and_never_widens() {
        let mut by_token = somebody(Role::Auditor);
        by_token.came_by = CameBy::Token {
            id: TokenId::new(DateTime::UNIX_EPOCH, 1),
            name: "ci".into(),
            permissions: BTreeSet::from([Permission::AuditRead, Permission::AccountsManage]),
        };
        assert!(by_token.may(Permission::AuditRead));
        assert!(
            !by_token.may(Permission::AccountsManage),
            "the role has it not"
        );
        assert!(!by_token.may(Permission::StatsRead), "the token has it not");
        assert_eq!(by_token.signature(), "administrator (token ci)");
    }

    #[test]
    fn who_is_bound_to_some_connections_does_nothing_to_the_whole() {
        let mut bound = somebody(Role::Auditor);
        bound.scope = ConnectionScope::Only(BTreeSet::from([connection(1)]));
        assert!(bound.may(Permission::IncidentsRead));
        assert!(!bound.may(Permission::AuditRead));
        assert!(!bound.may(Permission::AccountsRead));
    }

    #[test]
    fn what_is_within_two_scopes_is_within_both() {
        let only =
            |ids: &[u128]| ConnectionScope::Only(ids.iter().map(|id| connection(*id)).collect());
        for (one, other, both) in [
            (ConnectionScope::Every, only(&[1]), only(&[1])),
            (only(&[1]), ConnectionScope::Every, only(&[1])),
            (only(&[1, 2]), only(&[2, 3]), only(&[2])),
            (only(&[1]), only(&[2]), ConnectionScope::nothing()),
        ] {
            assert_eq!(one.and(&other), both);
            assert_eq!(
                both.has(connection(2)),
                one.has(connection(2)) && other.has(connection(2))
            );
        }
    }
}
