//! Policies and the groups that they are linked to. What would not hold together cannot be linked.

use std::fmt;
use std::sync::Arc;

pub use event_model::OsType;
use thiserror::Error;

use crate::decision::Class;
use crate::name::{AccountName, ProcessName};
use crate::permission::Permission;

/// Most policies of a group.
pub const POLICIES_MAX: usize = 10_000;
/// Bytes of chance that a policy takes that has no name.
pub const NAME_CHANCE_BYTES: usize = 19;

const NAME_PREFIX: &str = "Access-Policy-";
const NAME_BYTES_MAX: usize = 256;
/// As many as a byte has room for without preferring some: no letter that looks like another.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a group can be associated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupType {
    /// Rules that encrypt: every permission.
    AccessControlAndEncryption,
    /// Rules that do not encrypt: there is no ciphertext to permit.
    AccessControlOnly,
}

/// Whom a policy is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A user, whatever the process.
    User(AccountName),
    /// Everybody in a group, whatever the process.
    Group(AccountName),
    /// A process, whoever runs it.
    Process(ProcessName),
    /// A user in a process.
    UserAndProcess(AccountName, ProcessName),
    /// Everybody of a group in a process.
    GroupAndProcess(AccountName, ProcessName),
}

impl Entity {
    /// # Errors
    /// When nobody is named, or both a user and a group.
    pub fn of(
        user: Option<AccountName>,
        group: Option<AccountName>,
        process: Option<ProcessName>,
    ) -> Result<Self, PolicyError> {
        match (user, group, process) {
            (Some(_), Some(_), _) => Err(PolicyError::UserAndGroup),
            (Some(user), None, Some(process)) => Ok(Entity::UserAndProcess(user, process)),
            (None, Some(group), Some(process)) => Ok(Entity::GroupAndProcess(group, process)),
            (Some(user), None, None) => Ok(Entity::User(user)),
            (None, Some(group), None) => Ok(Entity::Group(group)),
            (None, None, Some(process)) => Ok(Entity::Process(process)),
            (None, None, None) => Err(PolicyError::Nobody),
        }
    }

    /// The user, if it names one.
    pub fn user(&self) -> Option<&AccountName> {
        match self {
            Entity::User(user) | Entity::UserAndProcess(user, _) => Some(user),
            _ => None,
        }
    }

    /// The group, if it names one.
    pub fn group(&self) -> Option<&AccountName> {
        match self {
            Entity::Group(group) | Entity::GroupAndProcess(group, _) => Some(group),
            _ => None,
        }
    }

    /// The process, if it names one.
    pub fn process(&self) -> Option<&ProcessName> {
        match self {
            Entity::Process(process)
            | Entity::UserAndProcess(_, process)
            | Entity::GroupAndProcess(_, process) => Some(process),
            _ => None,
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.user().map(|user| format!("user `{user}`")),
            self.group().map(|group| format!("group `{group}`")),
            self.process().map(|process| format!("process `{process}`")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(" and "))
    }
}

/// Why there is no such policy or group.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Nobody is named.
    #[error("a policy names a user, a group, a process, or one of the first two with the third")]
    Nobody,
    /// A user and a group are named.
    #[error("a policy names a user or a group, not both")]
    UserAndGroup,
    /// The name is missing, or not fit for a line.
    #[error("a name has 1 to {NAME_BYTES_MAX} bytes and no control characters")]
    Name,
    /// The default of a group that only controls access is about ciphertext.
    #[error("`{0}` is about ciphertext, and the group does not encrypt data")]
    CipherDefault(Permission),
}

/// Whom a policy is about, and what it gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPolicy {
    name: String,
    entity: Entity,
    access: Permission,
}

impl AccessPolicy {
    /// A policy of that name.
    ///
    /// # Errors
    /// When the name is not fit.
    pub fn new(
        name: impl Into<String>,
        entity: Entity,
        access: Permission,
    ) -> Result<Self, PolicyError> {
        Ok(AccessPolicy {
            name: fit(name.into())?,
            entity,
            access,
        })
    }

    /// A policy that is named by chance: `Access-Policy-` and 19 characters.
    pub fn unnamed(entity: Entity, access: Permission, chance: [u8; NAME_CHANCE_BYTES]) -> Self {
        AccessPolicy {
            name: name_by_chance(chance),
            entity,
            access,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whom it is about.
    pub fn entity(&self) -> &Entity {
        &self.entity
    }

    /// What it gives them.
    pub fn access(&self) -> Permission {
        self.access
    }
}

/// What a policy is called that was given no name: `Access-Policy-` and 19 characters.
pub fn name_by_chance(chance: [u8; NAME_CHANCE_BYTES]) -> String {
    let letters = chance.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    NAME_PREFIX.chars().chain(letters).collect()
}

fn fit(name: String) -> Result<String, PolicyError> {
    let is_fit = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.trim() == name
        && !name.contains(|c: char| c.is_control());
    is_fit.then_some(name).ok_or(PolicyError::Name)
}

/// Why a policy was not linked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// It is about ciphertext, and the group does not encrypt.
    #[error("`{access}` is about ciphertext, and the group `{group}` does not encrypt data")]
    Cipher {
        /// What it gives.
        access: Permission,
        /// The group.
        group: String,
    },
    /// One of that name is linked already.
    #[error("the policy `{0}` is linked already")]
    Twice(String),
    /// Its process is one of another operating system.
    #[error("the process `{process}` is not of {os:?}, which the group `{group}` is for")]
    System {
        /// The process.
        process: String,
        /// What the group is for.
        os: OsType,
        /// The group.
        group: String,
    },
    /// There are too many.
    #[error("a group has at most {POLICIES_MAX} policies")]
    Full,
}

/// Policies in their order, and what holds for everybody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGroup {
    name: String,
    os: OsType,
    encrypts_data: bool,
    default_access: Permission,
    linked: Vec<Arc<AccessPolicy>>,
}

impl AccessGroup {
    /// A group without policies: its default holds for everybody.
    ///
    /// # Errors
    /// When the name is not fit, or the default is about ciphertext that there is none of.
    pub fn new(
        name: impl Into<String>,
        os: OsType,
        encrypts_data: bool,
        default_access: Permission,
    ) -> Result<Self, PolicyError> {
        if default_access.is_cipher() && !encrypts_data {
            return Err(PolicyError::CipherDefault(default_access));
        }
        Ok(AccessGroup {
            name: fit(name.into())?,
            os,
            encrypts_data,
            default_access,
            linked: Vec::new(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// When the name is not fit.
    pub fn rename(&mut self, name: impl Into<String>) -> Result<(), PolicyError> {
        self.name = fit(name.into())?;
        Ok(())
    }

    /// What it is for.
    pub fn os(&self) -> OsType {
        self.os
    }

    /// What it can be associated with.
    pub fn group_type(&self) -> GroupType {
        match self.encrypts_data {
            true => GroupType::AccessControlAndEncryption,
            false => GroupType::AccessControlOnly,
        }
    }

    /// What holds for whom no policy is about.
    pub fn default_access(&self) -> Permission {
        self.default_access
    }

    /// Adds a policy behind those that are there.
    ///
    /// # Errors
    /// See [`LinkError`]; nothing is changed then.
    pub fn link(&mut self, policy: Arc<AccessPolicy>) -> Result<(), LinkError> {
        let group = || self.name.clone();
        if policy.access.is_cipher() && self.group_type() == GroupType::AccessControlOnly {
            let (access, group) = (policy.access, group());
            return Err(LinkError::Cipher { access, group });
        }
        if let Some(process) = policy.entity.process().filter(|one| one.os() != self.os) {
            let (process, os, group) = (process.to_string(), self.os, group());
            return Err(LinkError::System { process, os, group });
        }
        if self.linked.iter().any(|linked| linked.name == policy.name) {
            return Err(LinkError::Twice(policy.name.clone()));
        }
        if self.linked.len() >= POLICIES_MAX {
            return Err(LinkError::Full);
        }
        self.linked.push(policy);
        Ok(())
    }

    /// Takes a policy out, and gives it back if it was linked.
    pub fn unlink(&mut self, name: &str) -> Option<Arc<AccessPolicy>> {
        let place = self.linked.iter().position(|linked| linked.name == name)?;
        Some(self.linked.remove(place))
    }

    /// Its policies in the order in which they were added.
    pub fn linked(&self) -> impl ExactSizeIterator<Item = &AccessPolicy> {
        self.linked.iter().map(AsRef::as_ref)
    }

    /// Its policies in the order of their priority: by class, and within one in the order added.
    pub fn by_priority(&self) -> Vec<&AccessPolicy> {
        let mut policies: Vec<&AccessPolicy> = self.linked().collect();
        policies.sort_by_key(|policy| Class::of(&policy.entity));
        policies
    }
}
