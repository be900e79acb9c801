//! Names of users, groups and processes, in every form in which they are written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::caller::{Account, Realm};
use crate::group::OsType;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 1_024;
/// What stands for whatever machine it is.
const ANY_HOST: &str = "<localhost>";

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Not a user's or group's name.
    #[error(
        "`{0}` is not the name of a user or group: write `name`, `name@domain`, `name@<localhost>`, \
         `name@HOST` or `DOMAIN\\name`"
    )]
    Account(String),
    /// Not the name of a process.
    #[error(
        "`{0}` is not the name of a process: write its whole path, `/path/to/process` or \
         `C:\\Path\\To\\Process.exe`"
    )]
    Process(String),
}

/// Where an account of a policy is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Where {
    /// On whatever machine it is: the name alone, or `@<localhost>`.
    AnyHost,
    /// `@…`: a host, a domain, or an authority as `NT AUTHORITY`.
    At(String),
    /// `…\`: a domain of a directory.
    Domain(String),
}

/// The name of a user or a group, as a policy has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountName {
    written: String,
    name: String,
    place: Where,
}

fn is_fit(part: &str) -> bool {
    !part.is_empty() && part.trim() == part && !part.contains(|c: char| c.is_control())
}

impl FromStr for AccountName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Account(text.chars().take(64).collect());
        if text.len() > NAME_BYTES_MAX {
            return Err(wrong());
        }
        let (name, place) = if let Some((domain, name)) = text.split_once('\\') {
            if name.contains(['\\', '@']) {
                return Err(wrong());
            }
            (name, Where::Domain(domain.to_owned()))
        } else if let Some((name, place)) = text.rsplit_once('@') {
            match place {
                ANY_HOST => (name, Where::AnyHost),
                place => (name, Where::At(place.to_owned())),
            }
        } else {
            (text, Where::AnyHost)
        };
        let place_is_fit = match &place {
            Where::AnyHost => true,
            Where::At(place) | Where::Domain(place) => {
                is_fit(place) && !place.contains(['<', '>', '/'])
            }
        };
        if !is_fit(name) || !place_is_fit || name.contains('/') {
            return Err(wrong());
        }
        Ok(AccountName {
            written: text.to_owned(),
            name: name.to_owned(),
            place,
        })
    }
}

impl AccountName {
    /// Whether that account is meant. Names of Windows and of domains have no case.
    pub fn means(&self, account: &Account, os: OsType) -> bool {
        same(&self.name, &account.name, os) && self.is_at(&account.realm)
    }

    fn is_at(&self, realm: &Realm) -> bool {
        let is = |place: &str, named: &str| same(place, named, OsType::Windows);
        match (&self.place, realm) {
            (Where::AnyHost, Realm::Local { .. }) => true,
            (Where::At(place), Realm::Local { host }) => is(place, host),
            (Where::At(place), Realm::Authority { name }) => is(place, name),
            (Where::Domain(domain) | Where::At(domain), Realm::Directory { domains }) => {
                domains.iter().any(|known| is(domain, known))
            }
            _ => false,
        }
    }
}

/// A process, by the whole path of its program.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProcessName {
    written: String,
    os: OsType,
}

impl FromStr for ProcessName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Process(text.chars().take(64).collect());
        let is_plain = !text.contains(|c: char| c.is_control()) && text.len() <= NAME_BYTES_MAX;
        let os = match text.as_bytes() {
            [b'/', rest @ ..] => rest
                .last()
                .is_some_and(|last| *last != b'/')
                .then_some(OsType::Linux),
            [drive, b':', b'\\', _, ..] if drive.is_ascii_alphabetic() => Some(OsType::Windows),
            [b'\\', b'\\', first, ..] if *first != b'\\' => Some(OsType::Windows),
            _ => None,
        };
        let os = os.filter(|_| is_plain && !text.ends_with('\\'));
        Ok(ProcessName {
            os: os.ok_or_else(wrong)?,
            written: text.to_owned(),
        })
    }
}

impl ProcessName {
    /// The operating system whose paths look like that.
    pub fn os(&self) -> OsType {
        self.os
    }

    /// Whether the program at that path is meant.
    pub fn means(&self, path: &str) -> bool {
        same(&self.written, path, self.os)
    }
}

fn same(a: &str, b: &str, os: OsType) -> bool {
    match os {
        OsType::Linux => a == b,
        OsType::Windows => a == b || a.to_lowercase() == b.to_lowercase(),
    }
}

macro_rules! as_written {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.written)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.written)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_written!(AccountName);
as_written!(ProcessName);
