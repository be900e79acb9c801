//! Access policies as they are stored: whom each names, in the words of who wrote it, and in which groups
//! it is linked. What the words mean, and what fits together, is decided by the crate `access`.
//!
//! Promises: a record that was changed has a greater version; a group lists its policies in the order in
//! which they were added.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{AccessGroupId, AccessPolicyId};
use crate::instant;

/// Most access policies of an installation.
pub const ACCESS_POLICIES_MAX: usize = 10_000;
/// Most groups of access policies of an installation.
pub const ACCESS_GROUPS_MAX: usize = 1_000;
/// Most links of policies to groups of an installation.
pub const ACCESS_LINKS_MAX: usize = 50_000;
/// The group that holds for everything that the vault holds.
pub const VAULT_GROUP: &str = "vault";

/// What a policy gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AccessPermission {
    /// Nothing: whoever tries is told `Permission denied`.
    #[default]
    NoAccess,
    /// Plaintext may be read, and nothing be written.
    Read,
    /// Plaintext may be written, created and deleted, and nothing be read.
    Write,
    /// Plaintext may be read and written.
    ReadWrite,
    /// Ciphertext may be read, for backups.
    ReadCipher,
    /// Ciphertext may be read and written, for backups and their return.
    ReadWriteCipher,
}

impl AccessPermission {
    /// Every permission.
    pub const ALL: [AccessPermission; 6] = [
        AccessPermission::NoAccess,
        AccessPermission::Read,
        AccessPermission::Write,
        AccessPermission::ReadWrite,
        AccessPermission::ReadCipher,
        AccessPermission::ReadWriteCipher,
    ];

    /// Whether it is about ciphertext.
    pub const fn is_cipher(self) -> bool {
        matches!(
            self,
            AccessPermission::ReadCipher | AccessPermission::ReadWriteCipher
        )
    }
}

impl std::fmt::Display for AccessPermission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// The operating system that a group is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum OsType {
    /// Names have no case; a process is only what it is.
    #[default]
    Windows,
    /// Names have case; a process has the policies of its parents, too.
    Linux,
}

/// An access policy, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessPolicyRecord {
    /// Its identifier.
    pub id: AccessPolicyId,
    /// What it is called; no other policy is.
    pub name: String,
    /// The user that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The group that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The process that it is about, alone or with the user or the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// What it gives them.
    pub access: AccessPermission,
    /// Grows with every change, from 1.
    pub version: u64,
    /// Who changed it last.
    pub changed_by: String,
    /// When.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub changed_at: DateTime<Utc>,
}

/// A group of access policies, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessGroupRecord {
    /// Its identifier.
    pub id: AccessGroupId,
    /// What it is called; no other group is. The one called [`VAULT_GROUP`] holds for the vault.
    pub name: String,
    /// What its names are of.
    pub os_type: OsType,
    /// Whether there is ciphertext to permit.
    pub encrypt_data: bool,
    /// What holds for whom no policy is about.
    pub default_access: AccessPermission,
    /// Its policies, in the order in which they were added.
    pub policies: Vec<AccessPolicyId>,
    /// Grows with every change, from 1.
    pub version: u64,
    /// Who changed it last.
    pub changed_by: String,
    /// When.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub changed_at: DateTime<Utc>,
}

/// Every access policy and every group, of one moment; the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRecords {
    /// Grows with every change of any of them.
    pub revision: u64,
    /// The policies.
    pub policies: Vec<AccessPolicyRecord>,
    /// The groups.
    pub groups: Vec<AccessGroupRecord>,
}

/// What is to be other than it was: all of it, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessChange {
    /// Policies that are new, or other than they were.
    pub policies: Vec<AccessPolicyRecord>,
    /// Groups that are new, or other than they were.
    pub groups: Vec<AccessGroupRecord>,
    /// Policies that are no more.
    pub removed_policies: Vec<AccessPolicyId>,
    /// Groups that are no more.
    pub removed_groups: Vec<AccessGroupId>,
}

impl AccessRecords {
    /// The policy of that id.
    pub fn policy(&self, id: AccessPolicyId) -> Option<&AccessPolicyRecord> {
        self.policies.iter().find(|one| one.id == id)
    }

    /// The group of that id.
    pub fn group(&self, id: AccessGroupId) -> Option<&AccessGroupRecord> {
        self.groups.iter().find(|one| one.id == id)
    }

    /// As they are once that was done.
    pub fn with(&self, change: &AccessChange) -> Self {
        let mut after = self.clone();
        let AccessChange {
            policies,
            groups,
            removed_policies,
            removed_groups,
        } = change;
        let is_kept = |id: &AccessPolicyId| {
            !removed_policies.contains(id) && policies.iter().all(|one| one.id != *id)
        };
        after.policies.retain(|one| is_kept(&one.id));
        after.policies.extend(policies.iter().cloned());
        after.policies.sort_by_key(|one| one.id);
        let is_kept = |id: &AccessGroupId| {
            !removed_groups.contains(id) && groups.iter().all(|one| one.id != *id)
        };
        after.groups.retain(|one| is_kept(&one.id));
        after.groups.extend(groups.iter().cloned());
        after.groups.sort_by_key(|one| one.id);
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stored forms. A new field must read what was written before it.
    #[test]
    fn records_are_stored_as_they_were_promised() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let policy = AccessPolicyRecord {
            id: AccessPolicyId::new(at, 7),
            name: "backup".into(),
            user: Some("backup@<localhost>".into()),
            group: None,
            process: None,
            access: AccessPermission::ReadCipher,
            version: 1,
            changed_by: "grace".into(),
            changed_at: at,
        };
        let group = AccessGroupRecord {
            id: AccessGroupId::new(at, 7),
            name: "vault".into(),
            os_type: OsType::Linux,
            encrypt_data: true,
            default_access: AccessPermission::NoAccess,
            policies: vec![policy.id],
            version: 2,
            changed_by: "grace".into(),
            changed_at: at,
        };
        let written = serde_json::to_string(&policy).unwrap();
        let promised = format!(
            "{{\"id\":\"{}\",\"name\":\"backup\",\"user\":\"backup@<localhost>\",\
             \"access\":\"ReadCipher\",\"version\":1,\"changed_by\":\"grace\",\
             \"changed_at\":\"2023-11-14T22:13:20.000Z\"}}",
            policy.id
        );
        assert_eq!(written, promised);
        let read: AccessPolicyRecord = serde_json::from_str(&written).unwrap();
        assert_eq!(read, policy);
        let written = serde_json::to_string(&group).unwrap();
        let promised = format!(
            "{{\"id\":\"{}\",\"name\":\"vault\",\"os_type\":\"Linux\",\"encrypt_data\":true,\
             \"default_access\":\"NoAccess\",\"policies\":[\"{}\"],\"version\":2,\
             \"changed_by\":\"grace\",\"changed_at\":\"2023-11-14T22:13:20.000Z\"}}",
            group.id, policy.id
        );
        assert_eq!(written, promised);
        let read: AccessGroupRecord = serde_json::from_str(&written).unwrap();
        assert_eq!(read, group);
    }
}
