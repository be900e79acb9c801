//! Who asks: told by whoever knows it for sure, never by the caller.

use crate::group::OsType;
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

/// Authorities of Windows itself.
const AUTHORITIES: [&str; 2] = ["NT AUTHORITY", "BUILTIN"];

impl Account {
    /// The account that is written so, asked for on that machine. The system's own accounts are known by
    /// their authority; other names with a place are of a directory, unless the place is the machine.
    pub fn written(text: &str, os: OsType, host: &str) -> Self {
        let (name, place) = match (text.split_once('\\'), text.rsplit_once('@')) {
            (Some((domain, name)), _) => (name, Some(domain)),
            (None, Some((name, place))) => (name, Some(place)),
            (None, None) => (text, None),
        };
        let is_authority = |place: &str| {
            let mut known = AUTHORITIES.iter();
            os == OsType::Windows && known.any(|one| one.eq_ignore_ascii_case(place))
        };
        let realm = match place {
            Some(place) if is_authority(place) => Realm::Authority {
                name: place.to_owned(),
            },
            Some(place) if !place.eq_ignore_ascii_case(host) => Realm::Directory {
                domains: vec![place.to_owned()],
            },
            _ => Realm::Local {
                host: host.to_owned(),
            },
        };
        Account {
            name: name.to_owned(),
            realm,
        }
    }
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
