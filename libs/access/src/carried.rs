//! A document carried into the store, and the store as a document. Both say the same: what was exported and
//! is imported again changes nothing.

use std::collections::HashMap;

use event_model::{
    AccessChange, AccessGroupId, AccessGroupRecord, AccessPolicyId, AccessPolicyRecord,
    AccessRecords,
};
use serde_json::{Value, json};
use thiserror::Error;

use crate::document::AccessDocument;
use crate::group::{AccessGroup, AccessPolicy, GroupType};

/// Why a document cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    /// Two policies that are not the same have one name.
    #[error("two policies are called `{0}`, and they are not the same")]
    TwoOfAName(String),
}

/// The change after which the store has what the document says, and nothing else. Ids stay with the names
/// that they had; new ones, and who changed what when, come with `made`.
///
/// # Errors
/// When two policies that differ have one name.
pub fn imported(
    document: &AccessDocument,
    before: &AccessRecords,
    made: &mut impl FnMut() -> (AccessPolicyRecord, AccessGroupRecord),
) -> Result<AccessChange, ImportError> {
    let mut importing = Importing {
        before,
        change: AccessChange::default(),
        ids: HashMap::new(),
    };
    let inline = document.groups().iter().flat_map(AccessGroup::linked);
    let named = document.policies().iter().map(AsRef::as_ref);
    for policy in named.chain(inline) {
        importing.policy(policy, made)?;
    }
    for group in document.groups() {
        importing.group(group, made);
    }
    let Importing {
        mut change, ids, ..
    } = importing;
    let kept: Vec<AccessPolicyId> = ids.values().map(|(id, _)| *id).collect();
    let gone = before.policies.iter().map(|one| one.id);
    change.removed_policies = gone.filter(|id| !kept.contains(id)).collect();
    let gone = before.groups.iter();
    let gone = gone.filter(|one| document.group(&one.name).is_none());
    change.removed_groups = gone.map(|one| one.id).collect::<Vec<AccessGroupId>>();
    Ok(change)
}

struct Importing<'a> {
    before: &'a AccessRecords,
    change: AccessChange,
    ids: HashMap<String, (AccessPolicyId, AccessPolicy)>,
}

impl Importing<'_> {
    fn policy(
        &mut self,
        policy: &AccessPolicy,
        made: &mut impl FnMut() -> (AccessPolicyRecord, AccessGroupRecord),
    ) -> Result<(), ImportError> {
        if let Some((_, known)) = self.ids.get(policy.name()) {
            return match known == policy {
                true => Ok(()),
                false => Err(ImportError::TwoOfAName(policy.name().to_owned())),
            };
        }
        let mut former = self.before.policies.iter();
        let former = former.find(|one| one.name == policy.name());
        let (fresh, _) = made();
        let entity = policy.entity();
        let record = AccessPolicyRecord {
            id: former.map_or(fresh.id, |one| one.id),
            name: policy.name().to_owned(),
            user: entity.user().map(ToString::to_string),
            group: entity.group().map(ToString::to_string),
            process: entity.process().map(ToString::to_string),
            access: policy.access(),
            version: former.map_or(1, |one| one.version + 1),
            ..fresh
        };
        let (id, name) = (record.id, record.name.clone());
        self.ids.insert(name, (id, policy.clone()));
        let is_same = former.is_some_and(|one| {
            *one == AccessPolicyRecord {
                version: one.version,
                changed_by: one.changed_by.clone(),
                changed_at: one.changed_at,
                ..record.clone()
            }
        });
        if !is_same {
            self.change.policies.push(record);
        }
        Ok(())
    }

    fn group(
        &mut self,
        group: &AccessGroup,
        made: &mut impl FnMut() -> (AccessPolicyRecord, AccessGroupRecord),
    ) {
        let mut former = self.before.groups.iter();
        let former = former.find(|one| one.name == group.name());
        let (_, fresh) = made();
        let linked = group.linked().filter_map(|one| self.ids.get(one.name()));
        let record = AccessGroupRecord {
            id: former.map_or(fresh.id, |one| one.id),
            name: group.name().to_owned(),
            os_type: group.os(),
            encrypt_data: group.group_type() == GroupType::AccessControlAndEncryption,
            default_access: group.default_access(),
            policies: linked.map(|(id, _)| *id).collect(),
            version: former.map_or(1, |one| one.version + 1),
            ..fresh
        };
        let is_same = former.is_some_and(|one| {
            *one == AccessGroupRecord {
                version: one.version,
                changed_by: one.changed_by.clone(),
                changed_at: one.changed_at,
                ..record.clone()
            }
        });
        if !is_same {
            self.change.groups.push(record);
        }
    }
}

/// The records as a document.
pub fn exported(records: &AccessRecords) -> Value {
    let name_of = |id: &AccessPolicyId| records.policy(*id).map(|one| one.name.as_str());
    let policy = |one: &AccessPolicyRecord| {
        let mut written = json!({ "name": one.name, "access": one.access });
        let entity = [
            ("user", &one.user),
            ("group", &one.group),
            ("process", &one.process),
        ];
        for (key, value) in entity {
            if let Some(value) = value {
                written[key] = value.as_str().into();
            }
        }
        written
    };
    let group = |one: &AccessGroupRecord| {
        let linked: Vec<&str> = one.policies.iter().filter_map(name_of).collect();
        json!({
            "name": one.name,
            "os_type": one.os_type,
            "encrypt_data": one.encrypt_data,
            "default_access": one.default_access,
            "policies": linked,
        })
    };
    json!({
        "policies": records.policies.iter().map(policy).collect::<Vec<Value>>(),
        "groups": records.groups.iter().map(group).collect::<Vec<Value>>(),
    })
}
