//! What holds for a caller, and why.

use serde::Serialize;

use crate::caller::{Account, Caller, Process};
use crate::group::{AccessGroup, AccessPolicy, Entity, OsType};
use crate::name::{AccountName, ProcessName};
use crate::permission::{Allowed, Operation, Permission};

/// The classes of policies, the highest priority first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A user or a group, with a process.
    WithProcess,
    /// A process.
    Process,
    /// A user or a group.
    Account,
}

impl Class {
    /// What it is called.
    pub const fn word(self) -> &'static str {
        match self {
            Class::WithProcess => "user or group with process",
            Class::Process => "process",
            Class::Account => "user or group",
        }
    }

    /// The class of a policy about that.
    pub const fn of(entity: &Entity) -> Self {
        match entity {
            Entity::UserAndProcess(..) | Entity::GroupAndProcess(..) => Class::WithProcess,
            Entity::Process(_) => Class::Process,
            Entity::User(_) | Entity::Group(_) => Class::Account,
        }
    }
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Winner<'a> {
    /// A policy: the first by priority that is about the caller.
    Policy(&'a AccessPolicy),
    /// The group's default: no policy is.
    Default,
}

/// What came of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It decided.
    Wins,
    /// It is about the caller, and another comes before it.
    Loses,
    /// It is not about the caller.
    No,
}

/// A policy, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered<'a> {
    /// Which.
    pub policy: &'a AccessPolicy,
    /// What came of it.
    pub standing: Standing,
    /// In words: why it is about the caller, or why not.
    pub why: String,
}

/// What holds for a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// What decided.
    pub winner: Winner<'a>,
    /// What the group gives.
    pub granted: Permission,
    /// What the caller may do: what the group gives, as far as the caller's role goes.
    pub allowed: Allowed,
    group: &'a AccessGroup,
    caller: &'a Caller,
}

impl AccessGroup {
    /// Goes through the policies from top to bottom; the first that is about the caller wins.
    pub fn decide<'a>(&'a self, caller: &'a Caller) -> Decision<'a> {
        let mut by_priority = self.by_priority().into_iter();
        let winner = by_priority.find(|policy| self.is_about(policy.entity(), caller).is_ok());
        let winner = winner.map_or(Winner::Default, Winner::Policy);
        let granted = match winner {
            Winner::Policy(policy) => policy.access(),
            Winner::Default => self.default_access(),
        };
        Decision {
            winner,
            granted,
            // INVARIANT: what a policy gives is cut to what the caller may do without it.
            allowed: Allowed::of(granted).and(caller.role),
            group: self,
            caller,
        }
    }

    /// Why that is about the caller, or why not.
    fn is_about(&self, entity: &Entity, caller: &Caller) -> Result<String, String> {
        let mut reasons = Vec::new();
        if let Some(user) = entity.user() {
            reasons.push(self.is_user(user, &caller.user)?);
        }
        if let Some(group) = entity.group() {
            reasons.push(self.is_member(group, &caller.groups)?);
        }
        if let Some(process) = entity.process() {
            reasons.push(self.is_in(process, &caller.processes)?);
        }
        Ok(reasons.join(", "))
    }

    fn is_user(&self, user: &AccountName, caller: &Account) -> Result<String, String> {
        match user.means(caller, self.os()) {
            true => Ok(format!("the user is `{user}`")),
            false => Err(format!("the user is not `{user}`")),
        }
    }

    fn is_member(&self, group: &AccountName, groups: &[Account]) -> Result<String, String> {
        match groups.iter().any(|one| group.means(one, self.os())) {
            true => Ok(format!("the user is in `{group}`")),
            false => Err(format!("the user is not in `{group}`")),
        }
    }

    /// A process is what it is, and on Linux what any of its parents is.
    fn is_in(&self, name: &ProcessName, processes: &[Process]) -> Result<String, String> {
        let inherits = match self.os() {
            OsType::Linux => processes.len(),
            OsType::Windows => processes.len().min(1),
        };
        let found = processes[..inherits]
            .iter()
            .position(|one| self.is_named(name, one));
        match found {
            Some(0) => Ok(format!("the process is `{name}`")),
            Some(_) => Ok(format!("the process was started by `{name}`")),
            None => Err(format!(
                "neither the process nor what started it is `{name}`"
            )),
        }
    }

    /// A program that was started by a link is meant only where both paths are in the group.
    fn is_named(&self, name: &ProcessName, process: &Process) -> bool {
        let Some(link) = &process.link else {
            return name.means(&process.path);
        };
        let is_listed = |path: &str| {
            let mut names = self.linked().filter_map(|policy| policy.entity().process());
            names.any(|name| name.means(path))
        };
        let is_one = name.means(&process.path) || name.means(link);
        is_one && is_listed(&process.path) && is_listed(link)
    }
}

impl<'a> Decision<'a> {
    /// Whether that may be done; if not, the caller is told `Permission denied`.
    pub fn permits(&self, operation: Operation) -> bool {
        self.allowed.permits(operation)
    }

    /// Every policy in the order of its priority: which won, which lost, and why.
    pub fn considered(&self) -> Vec<Considered<'a>> {
        let consider = |policy: &'a AccessPolicy| {
            let about = self.group.is_about(policy.entity(), self.caller);
            let standing = match (&about, self.winner == Winner::Policy(policy)) {
                (_, true) => Standing::Wins,
                (Ok(_), false) => Standing::Loses,
                (Err(_), false) => Standing::No,
            };
            let why = about.unwrap_or_else(|why_not| why_not);
            Considered {
                policy,
                standing,
                why,
            }
        };
        self.group.by_priority().into_iter().map(consider).collect()
    }

    /// Which policies there are in which order, which won and why, and what the caller may do.
    pub fn explain(&self) -> Vec<String> {
        let considered = self.considered();
        let mut lines: Vec<String> = considered.iter().enumerate().map(line).collect();
        if self.winner == Winner::Default {
            lines.push(format!(
                "default: {}: wins, no policy is about the caller",
                self.granted
            ));
        }
        if !Allowed::of(self.granted).is_within(self.caller.role) {
            lines.push(format!(
                "the caller's role {}: no policy gives more",
                self.caller.role
            ));
        }
        lines.push(format!("the caller {}", self.allowed));
        lines
    }
}

fn line((index, considered): (usize, &Considered<'_>)) -> String {
    let Considered {
        policy,
        standing,
        why,
    } = considered;
    let (name, entity, access) = (policy.name(), policy.entity(), policy.access());
    let verdict = match standing {
        Standing::Wins => "wins",
        Standing::Loses => "loses to one that comes before it",
        Standing::No => "no",
    };
    let place = index + 1;
    format!("{place}. `{name}`, {entity}: {access}: {verdict}, {why}")
}
