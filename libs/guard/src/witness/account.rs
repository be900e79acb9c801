//! Names of users and groups, as this machine's directories have them (passwd, LDAP, SSSD). A number that
//! has no name is called `uid:1000` or `gid:1000`, which no policy can name.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{Account, Realm};
use nix::unistd::{Gid, Group, Uid, User};
use ports::Clock;

/// How long a name is kept before it is asked for again.
const KEPT: Duration = Duration::from_secs(60);
/// Most names that are kept.
const KEPT_MAX: usize = 4_096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Number {
    User(u32),
    Group(u32),
}

pub(super) struct Accounts {
    host: String,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<Number, (Duration, Account)>>,
}

impl Accounts {
    pub(super) fn new(host: String, clock: Arc<dyn Clock>) -> Self {
        Accounts {
            host,
            clock,
            kept: Mutex::default(),
        }
    }

    pub(super) fn user(&self, uid: u32) -> Account {
        self.named(Number::User(uid))
    }

    pub(super) fn groups(&self, gids: Vec<u32>) -> Vec<Account> {
        let accounts = gids.into_iter().map(|gid| self.named(Number::Group(gid)));
        accounts.collect()
    }

    fn named(&self, number: Number) -> Account {
        let now = self.clock.monotonic();
        let mut kept = self.kept.lock().expect("no holder panics");
        if let Some((since, account)) = kept.get(&number)
            && now.saturating_sub(*since) < KEPT
        {
            return account.clone();
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        let account = account(&self.host, number.name());
        kept.insert(number, (now, account.clone()));
        account
    }
}

impl Number {
    fn name(self) -> String {
        match self {
            Number::User(uid) => {
                let found = User::from_uid(Uid::from_raw(uid)).ok().flatten();
                found.map_or_else(|| format!("uid:{uid}"), |user| user.name)
            }
            Number::Group(gid) => {
                let found = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
                found.map_or_else(|| format!("gid:{gid}"), |group| group.name)
            }
        }
    }
}

/// Directories name their accounts `name@domain` or `DOMAIN\name`.
fn account(host: &str, name: String) -> Account {
    let split = match name.split_once('\\') {
        Some((domain, name)) => Some((name, domain)),
        None => name.rsplit_once('@'),
    };
    match split {
        Some((name, domain)) => Account {
            name: name.to_owned(),
            realm: Realm::Directory {
                domains: vec![domain.to_owned()],
            },
        },
        None => Account {
            realm: Realm::Local {
                host: host.to_owned(),
            },
            name,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_of_the_machine_or_of_the_directory_that_its_name_has() {
        // as the machine names it => its name, its domain
        let rows = [
            ("ada", "ada", None),
            ("ada@example.com", "ada", Some("example.com")),
            ("EXAMPLE\\ada", "ada", Some("EXAMPLE")),
            ("EXAMPLE\\a@b", "a@b", Some("EXAMPLE")),
        ];
        for (told, name, domain) in rows {
            let found = account("h", told.to_owned());
            let realm = match domain {
                Some(domain) => Realm::Directory {
                    domains: vec![domain.to_owned()],
                },
                None => Realm::Local { host: "h".into() },
            };
            assert_eq!((found.name.as_str(), found.realm), (name, realm), "{told}");
        }
    }

    #[test]
    fn a_number_without_a_name_is_one_that_no_policy_names() {
        let name = Number::User(4_000_000_123).name();
        assert_eq!(name, "uid:4000000123");
        assert_eq!(Number::User(0).name(), "root");
    }
}
