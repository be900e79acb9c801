//! Who asks: told by whoever knows it for sure, never by the caller.

use crate::permission::Allowed;

/// Where an account is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Realm {
    /// On that machine.
    Local {
        /// The machine's name.
        host: String,
    },
    /// In a directory.
    Directory {
        /// Every name of its domain: `example.com`, `EXAMPLE`.
        domains: Vec<String>,
    },
    /// Of the system itself: `NT AUTHORITY`, `BUILTIN`.
    Authority {
        /// Its name.
        name: String,
    },
}

/// A user or a group, as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub realm: Realm,
}

/// A program that runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Process {
    /// The path of its program, links followed.
    pub path: String,
    /// The path by which it was started, where that is a link to the program.
    pub link: Option<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: Account,
    /// The groups that the user is in.
    pub groups: Vec<Account>,
    /// The process and then its parents, the nearest first; empty when it is not known.
    pub processes: Vec<Process>,
    /// What the caller may do without any policy: no policy gives more.
    pub role: Allowed,
}
