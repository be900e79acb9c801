//! Groups of access policies: made, changed, removed; policies linked and unlinked.

use access::{AccessGroup, Catalogue};
use event_model::{
    AccessChange, AccessGroupId, AccessGroupRecord, AccessPolicyId, AccessRecords, VAULT_GROUP,
};

use super::{AccessGroupBody, RankedPolicy, class_of, found_group, found_policy, invalid};
use crate::Console;
use crate::auth::Actor;
use crate::problem::{Mistake, Problem};

impl Console {
    /// The group.
    pub(crate) async fn access_group(
        &self,
        id: AccessGroupId,
    ) -> Result<AccessGroupRecord, Problem> {
        let records = self.ports.access.access_records().await?;
        found_group(&records, id).cloned()
    }

    /// Makes a group.
    pub(crate) async fn create_access_group(
        &self,
        by: &Actor,
        body: AccessGroupBody,
    ) -> Result<AccessGroupRecord, Problem> {
        let now = self.ports.clock.now();
        let id = AccessGroupId::new(now, self.ports.entropy.draw());
        let made = self.group_written(by, (id, 1), body, Vec::new())?;
        self.change_access(|_| Ok((put_group(&made), ()))).await?;
        self.record(by, "access_group.created", id, described(&made))
            .await?;
        Ok(made)
    }

    /// Changes a group; with `seen`, only if it still has that version.
    pub(crate) async fn replace_access_group(
        &self,
        by: &Actor,
        id: AccessGroupId,
        seen: Option<u64>,
        body: AccessGroupBody,
    ) -> Result<AccessGroupRecord, Problem> {
        let change = |records: &AccessRecords| {
            let before = seen_group(records, id, seen)?.clone();
            let version = before.version + 1;
            let linked = before.policies.clone();
            let after = self.group_written(by, (id, version), body.clone(), linked)?;
            Ok((put_group(&after), (before, after)))
        };
        let (before, after) = self.change_access(change).await?;
        let detail = format!("{} -> {}", described(&before), described(&after));
        self.record(by, "access_group.changed", id, detail).await?;
        Ok(after)
    }

    /// Removes a group; its policies stay.
    pub(crate) async fn remove_access_group(
        &self,
        by: &Actor,
        id: AccessGroupId,
        seen: Option<u64>,
    ) -> Result<(), Problem> {
        let change = |records: &AccessRecords| {
            let before = seen_group(records, id, seen)?.clone();
            let change = AccessChange {
                removed_groups: vec![id],
                ..AccessChange::default()
            };
            Ok((change, before))
        };
        let before = self.change_access(change).await?;
        self.record(by, "access_group.removed", id, described(&before))
            .await
    }

    /// Links a policy behind those that the group has; once more changes nothing.
    pub(crate) async fn link_access_policy(
        &self,
        by: &Actor,
        id: AccessGroupId,
        policy: AccessPolicyId,
    ) -> Result<AccessGroupRecord, Problem> {
        self.relink(by, (id, policy), true).await
    }

    /// Takes a policy out of a group.
    pub(crate) async fn unlink_access_policy(
        &self,
        by: &Actor,
        id: AccessGroupId,
        policy: AccessPolicyId,
    ) -> Result<AccessGroupRecord, Problem> {
        self.relink(by, (id, policy), false).await
    }

    async fn relink(
        &self,
        by: &Actor,
        (id, policy): (AccessGroupId, AccessPolicyId),
        links: bool,
    ) -> Result<AccessGroupRecord, Problem> {
        let change = |records: &AccessRecords| {
            let mut group = found_group(records, id)?.clone();
            let policy = found_policy(records, policy)?;
            let is_linked = group.policies.contains(&policy.id);
            if is_linked == links {
                return Ok((AccessChange::default(), (group, None)));
            }
            match links {
                true => group.policies.push(policy.id),
                false => group.policies.retain(|one| *one != policy.id),
            }
            group.version += 1;
            group.changed_by = by.name().to_owned();
            group.changed_at = self.ports.clock.now();
            Ok((put_group(&group), (group, Some(policy.name.clone()))))
        };
        let (group, changed) = self.change_access(change).await?;
        if let Some(name) = changed {
            let action = match links {
                true => "access_group.linked",
                false => "access_group.unlinked",
            };
            let detail = format!("`{name}` of `{}`", group.name);
            self.record(by, action, id, detail).await?;
        }
        Ok(group)
    }

    /// What was asked for, as a record.
    fn group_written(
        &self,
        by: &Actor,
        (id, version): (AccessGroupId, u64),
        body: AccessGroupBody,
        linked: Vec<AccessPolicyId>,
    ) -> Result<AccessGroupRecord, Problem> {
        let AccessGroupBody {
            name,
            os_type,
            encrypt_data,
            default_access,
            policies,
        } = body;
        let group = AccessGroup::new(&*name, os_type, encrypt_data, default_access);
        group.map_err(|error| {
            let field = match error {
                access::PolicyError::Name => "/name",
                _ => "/default_access",
            };
            invalid(vec![Mistake::new(field, error.to_string())])
        })?;
        Ok(AccessGroupRecord {
            id,
            name,
            os_type,
            encrypt_data,
            default_access,
            policies: policies.unwrap_or(linked),
            version,
            changed_by: by.name().to_owned(),
            changed_at: self.ports.clock.now(),
        })
    }
}

/// The policies of a group, in the order in which they are looked at.
pub(crate) fn ranked(
    records: &AccessRecords,
    catalogue: &Catalogue,
    id: AccessGroupId,
) -> Vec<RankedPolicy> {
    let group = catalogue.group(id);
    let by_priority = group.map(|group| group.by_priority()).unwrap_or_default();
    let record = |name: &str| records.policy(catalogue.id_of(name)?);
    let found = by_priority.iter().filter_map(|one| record(one.name()));
    let rank = |(place, policy): (usize, &event_model::AccessPolicyRecord)| RankedPolicy {
        rank: place + 1,
        class: class_of(policy),
        policy: policy.clone(),
    };
    found.enumerate().map(rank).collect()
}

fn put_group(record: &AccessGroupRecord) -> AccessChange {
    AccessChange {
        groups: vec![record.clone()],
        ..AccessChange::default()
    }
}

fn seen_group(
    records: &AccessRecords,
    id: AccessGroupId,
    seen: Option<u64>,
) -> Result<&AccessGroupRecord, Problem> {
    let group = found_group(records, id)?;
    match seen {
        Some(seen) if seen != group.version => Err(Problem::not_as_it_was(
            "group of access policies",
            group.version,
        )),
        _ => Ok(group),
    }
}

/// A group in a line.
fn described(group: &AccessGroupRecord) -> String {
    let encrypts = match group.encrypt_data {
        true => "with encryption",
        false => "access control only",
    };
    let holds = match group.name == VAULT_GROUP {
        true => ", holds for the vault",
        false => "",
    };
    format!(
        "`{}`, {:?}, {encrypts}, default {}, {} policies{holds}",
        group.name,
        group.os_type,
        group.default_access,
        group.policies.len()
    )
}
