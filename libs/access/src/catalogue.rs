//! The policies and groups of the store, put together. Whoever changes a record makes the catalogue of
//! what would stand afterwards first: what does not fit together there is told, and never stored.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use event_model::{
    ACCESS_GROUPS_MAX, ACCESS_LINKS_MAX, ACCESS_POLICIES_MAX, AccessGroupId, AccessGroupRecord,
    AccessPolicyId, AccessPolicyRecord, AccessRecords,
};

use crate::document::{AccessDocumentError, Mistake};
use crate::group::{AccessGroup, AccessPolicy, Entity, POLICIES_MAX, PolicyError};
use crate::name::NameError;

/// What is wrong with a policy, by the field that it is wrong in; empty when it is the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftMistake {
    /// `name`, `user`, `group`, `process` or nothing.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

/// What a record says, as a policy.
///
/// # Errors
/// With every mistake, each by its field.
pub fn policy_of(record: &AccessPolicyRecord) -> Result<AccessPolicy, Vec<DraftMistake>> {
    let mut mistakes = Vec::new();
    let user = read("user", record.user.as_deref(), &mut mistakes);
    let group = read("group", record.group.as_deref(), &mut mistakes);
    let process = read("process", record.process.as_deref(), &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let policy = Entity::of(user, group, process)
        .and_then(|entity| AccessPolicy::new(&*record.name, entity, record.access));
    policy.map_err(|error| {
        let field = match error {
            PolicyError::Name => "name",
            _ => "",
        };
        let message = error.to_string();
        vec![DraftMistake { field, message }]
    })
}

fn read<T: std::str::FromStr<Err = NameError>>(
    field: &'static str,
    text: Option<&str>,
    mistakes: &mut Vec<DraftMistake>,
) -> Option<T> {
    match text?.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            let message = error.to_string();
            mistakes.push(DraftMistake { field, message });
            None
        }
    }
}

/// Every group of the store, with its policies linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    groups: BTreeMap<AccessGroupId, Arc<AccessGroup>>,
    ids: HashMap<String, AccessPolicyId>,
}

impl Catalogue {
    /// Puts records together.
    ///
    /// # Errors
    /// With everything that does not fit.
    pub fn of(records: &AccessRecords) -> Result<Self, AccessDocumentError> {
        let mut putting = Putting::default();
        putting.bounds(records);
        let mut ids = HashMap::new();
        for record in &records.policies {
            putting.policy(record);
            if ids.insert(record.name.clone(), record.id).is_some() {
                putting.mistake(record.name.clone(), "is the name of two policies");
            }
        }
        let (mut groups, mut names) = (BTreeMap::new(), HashSet::new());
        for record in &records.groups {
            if !names.insert(&record.name) {
                putting.mistake(record.name.clone(), "is the name of two groups");
            }
            if let Some(group) = putting.group(record) {
                groups.insert(record.id, Arc::new(group));
            }
        }
        match putting.mistakes.is_empty() {
            true => Ok(Catalogue { groups, ids }),
            false => Err(AccessDocumentError(putting.mistakes)),
        }
    }

    /// The group of that id.
    pub fn group(&self, id: AccessGroupId) -> Option<&Arc<AccessGroup>> {
        self.groups.get(&id)
    }

    /// The group of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<AccessGroup>> {
        self.groups.values().find(|group| group.name() == name)
    }

    /// Every group, the oldest first.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Arc<AccessGroup>> {
        self.groups.values()
    }

    /// The id of the policy of that name.
    pub fn id_of(&self, policy: &str) -> Option<AccessPolicyId> {
        self.ids.get(policy).copied()
    }
}

#[derive(Default)]
struct Putting {
    policies: HashMap<AccessPolicyId, Arc<AccessPolicy>>,
    mistakes: Vec<Mistake>,
}

impl Putting {
    fn mistake(&mut self, place: String, message: impl ToString) {
        self.mistakes.push(Mistake {
            place,
            message: message.to_string(),
        });
    }

    fn bounds(&mut self, records: &AccessRecords) {
        let links = records.groups.iter().map(|group| group.policies.len());
        let bounds = [
            (records.policies.len(), ACCESS_POLICIES_MAX, "policies"),
            (records.groups.len(), ACCESS_GROUPS_MAX, "groups"),
            (links.sum(), ACCESS_LINKS_MAX, "policies linked to groups"),
        ];
        for (count, most, what) in bounds {
            if count > most {
                self.mistake(what.to_owned(), format!("there are at most {most}"));
            }
        }
    }

    fn policy(&mut self, record: &AccessPolicyRecord) {
        match policy_of(record) {
            Ok(policy) => drop(self.policies.insert(record.id, Arc::new(policy))),
            Err(mistakes) => {
                for DraftMistake { message, .. } in mistakes {
                    self.mistake(record.name.clone(), message);
                }
            }
        }
    }

    fn group(&mut self, record: &AccessGroupRecord) -> Option<AccessGroup> {
        let AccessGroupRecord {
            name,
            os_type,
            encrypt_data,
            default_access,
            policies,
            ..
        } = record;
        let group = AccessGroup::new(&**name, *os_type, *encrypt_data, *default_access);
        let mut group = match group {
            Ok(group) => group,
            Err(error) => {
                self.mistake(name.clone(), error);
                return None;
            }
        };
        for id in policies.iter().take(POLICIES_MAX + 1) {
            let Some(policy) = self.policies.get(id) else {
                self.mistake(name.clone(), format!("there is no policy `{id}`"));
                continue;
            };
            if let Err(error) = group.link(Arc::clone(policy)) {
                self.mistake(name.clone(), error);
            }
        }
        Some(group)
    }
}
