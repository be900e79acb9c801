//! Policies and groups as a document. A mistake is told with its line and column, or, where two places do
//! not fit together, with its path; of the latter all are told at once.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::group::{AccessGroup, AccessPolicy, Entity, NAME_CHANCE_BYTES, OsType, POLICIES_MAX};
use crate::name::{AccountName, ProcessName};
use crate::permission::Permission;

/// Largest document read, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// `line 3, column 7` or `groups[0].policies[2]`.
    pub place: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Every mistake of a document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the access policies have {} mistake{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
pub struct AccessDocumentError(pub Vec<Mistake>);

/// Groups by their names, each with its policies linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDocument {
    named: Vec<Arc<AccessPolicy>>,
    groups: Vec<AccessGroup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    policies: Vec<WrittenPolicy>,
    groups: Vec<WrittenGroup>,
}

/// A policy as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPolicy {
    name: Option<String>,
    user: Option<AccountName>,
    group: Option<AccountName>,
    process: Option<ProcessName>,
    #[serde(default)]
    access: Permission,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGroup {
    name: String,
    #[serde(default)]
    os_type: OsType,
    #[serde(default = "yes")]
    encrypt_data: bool,
    #[serde(default)]
    default_access: Permission,
    #[serde(default)]
    policies: Vec<Linked>,
}

const fn yes() -> bool {
    true
}

/// A policy of a group: by its name, or as it is.
#[derive(Debug)]
enum Linked {
    Named(String),
    Here(WrittenPolicy),
}

impl<'de> Deserialize<'de> for Linked {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Linked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a policy, or a policy")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Linked, E> {
                Ok(Linked::Named(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Linked, A::Error> {
                WrittenPolicy::deserialize(MapAccessDeserializer::new(map)).map(Linked::Here)
            }
        }
        d.deserialize_any(Either)
    }
}

/// A document being put together.
struct Reading<'a> {
    chance: &'a mut dyn FnMut(&mut [u8]),
    mistakes: Vec<Mistake>,
}

impl AccessDocument {
    /// Reads a document. Policies without a name get one of that chance.
    ///
    /// # Errors
    /// With its mistakes.
    pub fn read(
        text: &str,
        mut chance: impl FnMut(&mut [u8]),
    ) -> Result<Self, AccessDocumentError> {
        let alone =
            |place: String, message: String| AccessDocumentError(vec![Mistake { place, message }]);
        if text.len() > DOCUMENT_BYTES_MAX {
            let message = format!("a document has at most {DOCUMENT_BYTES_MAX} bytes");
            return Err(alone("the document".into(), message));
        }
        let written: Written = serde_json::from_str(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            let message = error.to_string();
            let end = format!(" at line {} column {}", error.line(), error.column());
            alone(
                place,
                message.strip_suffix(&end).unwrap_or(&message).to_owned(),
            )
        })?;
        let mut reading = Reading {
            chance: &mut chance,
            mistakes: Vec::new(),
        };
        let (named, groups) = reading.groups(written);
        match reading.mistakes.is_empty() {
            true => Ok(AccessDocument { named, groups }),
            false => Err(AccessDocumentError(reading.mistakes)),
        }
    }

    /// The policies that stand by themselves, whether or not a group has them.
    pub fn policies(&self) -> &[Arc<AccessPolicy>] {
        &self.named
    }

    /// Its groups, as they stand in it.
    pub fn groups(&self) -> &[AccessGroup] {
        &self.groups
    }

    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&AccessGroup> {
        self.groups.iter().find(|group| group.name() == name)
    }
}

impl Reading<'_> {
    fn mistake(&mut self, place: &str, message: impl ToString) {
        self.mistakes.push(Mistake {
            place: place.to_owned(),
            message: message.to_string(),
        });
    }

    fn groups(&mut self, written: Written) -> (Vec<Arc<AccessPolicy>>, Vec<AccessGroup>) {
        let mut known: HashMap<String, Arc<AccessPolicy>> = HashMap::new();
        let mut named = Vec::new();
        for (index, policy) in written.policies.into_iter().enumerate() {
            let place = format!("policies[{index}]");
            let Some(policy) = self.policy(&place, policy) else {
                continue;
            };
            let (name, policy) = (policy.name().to_owned(), Arc::new(policy));
            named.push(Arc::clone(&policy));
            if known.insert(name.clone(), policy).is_some() {
                self.mistake(&place, format!("there are two policies `{name}`"));
            }
        }
        let (mut groups, mut names) = (Vec::new(), HashSet::new());
        for (index, group) in written.groups.into_iter().enumerate() {
            let place = format!("groups[{index}]");
            if !names.insert(group.name.clone()) {
                self.mistake(&place, format!("there are two groups `{}`", group.name));
            }
            groups.extend(self.group(&place, group, &known));
        }
        (named, groups)
    }

    fn policy(&mut self, place: &str, written: WrittenPolicy) -> Option<AccessPolicy> {
        let WrittenPolicy {
            name,
            user,
            group,
            process,
            access,
        } = written;
        let policy = Entity::of(user, group, process).and_then(|entity| match name {
            Some(name) => AccessPolicy::new(name, entity, access),
            None => {
                let mut chance = [0; NAME_CHANCE_BYTES];
                (self.chance)(&mut chance);
                Ok(AccessPolicy::unnamed(entity, access, chance))
            }
        });
        policy.map_err(|error| self.mistake(place, error)).ok()
    }

    fn group(
        &mut self,
        place: &str,
        written: WrittenGroup,
        known: &HashMap<String, Arc<AccessPolicy>>,
    ) -> Option<AccessGroup> {
        let WrittenGroup {
            name,
            os_type,
            encrypt_data,
            default_access,
            policies,
        } = written;
        let group = AccessGroup::new(name, os_type, encrypt_data, default_access);
        let mut group = group.map_err(|error| self.mistake(place, error)).ok()?;
        for (index, linked) in policies.into_iter().take(POLICIES_MAX + 1).enumerate() {
            let place = format!("{place}.policies[{index}]");
            let policy = match linked {
                Linked::Here(written) => self.policy(&place, written).map(Arc::new),
                Linked::Named(name) => {
                    let found = known.get(&name).cloned();
                    if found.is_none() {
                        self.mistake(&place, format!("there is no policy `{name}`"));
                    }
                    found
                }
            };
            if let Some(policy) = policy
                && let Err(error) = group.link(policy)
            {
                self.mistake(&place, error);
            }
        }
        Some(group)
    }
}
