//! Access policies and their groups, as an administrator makes and changes them.
//!
//! Promises: what would stand afterwards is put together first, and what does not fit is never stored; of
//! two people who change something at once, one is told; every act is audited with what was and what is.

use access::{AccessDocumentError, Catalogue, Class, policy_of};
use axum::http::StatusCode;
use event_model::{
    AccessChange, AccessGroupId, AccessGroupRecord, AccessPermission, AccessPolicyId,
    AccessPolicyRecord, AccessRecords, OsType,
};
use ports::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::auth::Actor;
use crate::problem::{Mistake, Problem};

pub(crate) mod explained;
pub(crate) mod groups;

/// A change is tried so often when others change something at the same moment.
const TRIES_MAX: u32 = 5;

/// An access policy that is asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessPolicyBody {
    /// What it is called; without it, `Access-Policy-` and 19 characters, or what it was called before.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Whom it is about: a user, as `ada`, `ada@example.com`, `ada@<localhost>`, `DOMAIN\ada`.
    #[serde(default)]
    pub(crate) user: Option<String>,
    /// Or everybody of a group, written likewise.
    #[serde(default)]
    pub(crate) group: Option<String>,
    /// A process by its whole path, alone or with a user or a group.
    #[serde(default)]
    pub(crate) process: Option<String>,
    /// What it gives them; `NoAccess` when absent.
    #[serde(default)]
    pub(crate) access: AccessPermission,
}

/// A group of access policies that is asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessGroupBody {
    /// What it is called. The group called `vault` holds for everything that the vault holds.
    pub(crate) name: String,
    /// What its names are of; `Windows` when absent.
    #[serde(default)]
    pub(crate) os_type: OsType,
    /// Whether there is ciphertext to permit; `true` when absent.
    #[serde(default = "yes")]
    pub(crate) encrypt_data: bool,
    /// What holds for whom no policy is about; `NoAccess` when absent.
    #[serde(default)]
    pub(crate) default_access: AccessPermission,
    /// Its policies, in the order added. When absent: none for a new group, and for another those that it has.
    #[serde(default)]
    pub(crate) policies: Option<Vec<AccessPolicyId>>,
}

const fn yes() -> bool {
    true
}

/// A policy of a group, where it stands in it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RankedPolicy {
    /// From 1: the first that is about somebody decides.
    pub(crate) rank: usize,
    /// By what it ranks: `user or group with process`, `process`, `user or group`.
    pub(crate) class: &'static str,
    /// The policy.
    pub(crate) policy: AccessPolicyRecord,
}

impl Console {
    /// Everything, and put together.
    pub(crate) async fn access(&self) -> Result<(AccessRecords, Catalogue), Problem> {
        let records = self.ports.access.access_records().await?;
        let catalogue =
            Catalogue::of(&records).map_err(|error| Problem::from(unreadable(error)))?;
        Ok((records, catalogue))
    }

    /// The policy.
    pub(crate) async fn access_policy(
        &self,
        id: AccessPolicyId,
    ) -> Result<AccessPolicyRecord, Problem> {
        let records = self.ports.access.access_records().await?;
        found_policy(&records, id).cloned()
    }

    /// Makes a policy.
    pub(crate) async fn create_access_policy(
        &self,
        by: &Actor,
        body: AccessPolicyBody,
    ) -> Result<AccessPolicyRecord, Problem> {
        let now = self.ports.clock.now();
        let id = AccessPolicyId::new(now, self.ports.entropy.draw());
        let mut chance = [0; access::NAME_CHANCE_BYTES];
        self.ports.entropy.fill(&mut chance);
        let name = body.name.clone();
        let name = name.unwrap_or_else(|| access::name_by_chance(chance));
        let made = self.record_of(by, (id, name, 1), body)?;
        self.change_access(|_| Ok((put_policy(&made), made.clone())))
            .await?;
        self.record(by, "access_policy.created", id, described(&made)?)
            .await?;
        Ok(made)
    }

    /// Changes a policy; with `seen`, only if it still has that version.
    pub(crate) async fn replace_access_policy(
        &self,
        by: &Actor,
        id: AccessPolicyId,
        seen: Option<u64>,
        body: AccessPolicyBody,
    ) -> Result<AccessPolicyRecord, Problem> {
        let change = |records: &AccessRecords| {
            let before = found_policy(records, id)?.clone();
            if seen.is_some_and(|seen| seen != before.version) {
                return Err(Problem::not_as_it_was("access policy", before.version));
            }
            let name = body.name.clone().unwrap_or_else(|| before.name.clone());
            let after = self.record_of(by, (id, name, before.version + 1), body.clone())?;
            Ok((put_policy(&after), (before, after)))
        };
        let (before, after) = self.change_access(change).await?;
        let detail = format!("{} -> {}", described(&before)?, described(&after)?);
        self.record(by, "access_policy.changed", id, detail).await?;
        Ok(after)
    }

    /// Removes a policy that no group has; with `seen`, only if it still has that version.
    pub(crate) async fn remove_access_policy(
        &self,
        by: &Actor,
        id: AccessPolicyId,
        seen: Option<u64>,
    ) -> Result<(), Problem> {
        let change = |records: &AccessRecords| {
            let before = found_policy(records, id)?.clone();
            if seen.is_some_and(|seen| seen != before.version) {
                return Err(Problem::not_as_it_was("access policy", before.version));
            }
            let linked = records
                .groups
                .iter()
                .filter(|one| one.policies.contains(&id));
            let linked: Vec<String> = linked.map(|one| format!("`{}`", one.name)).collect();
            if !linked.is_empty() {
                let detail = format!("unlink it first: it is linked to {}", linked.join(", "));
                return Err(Problem::conflict(detail));
            }
            let change = AccessChange {
                removed_policies: vec![id],
                ..AccessChange::default()
            };
            Ok((change, before))
        };
        let before = self.change_access(change).await?;
        self.record(by, "access_policy.removed", id, described(&before)?)
            .await
    }

    /// What was asked for, as a record; every mistake at once.
    fn record_of(
        &self,
        by: &Actor,
        (id, name, version): (AccessPolicyId, String, u64),
        body: AccessPolicyBody,
    ) -> Result<AccessPolicyRecord, Problem> {
        let AccessPolicyBody {
            user,
            group,
            process,
            access,
            ..
        } = body;
        let record = AccessPolicyRecord {
            id,
            name,
            user,
            group,
            process,
            access,
            version,
            changed_by: by.name().to_owned(),
            changed_at: self.ports.clock.now(),
        };
        described(&record)?;
        Ok(record)
    }

    /// Does what is made of the records as they are: again, when they were changed meanwhile.
    async fn change_access<T>(
        &self,
        change: impl Fn(&AccessRecords) -> Result<(AccessChange, T), Problem>,
    ) -> Result<T, Problem> {
        for _ in 1..TRIES_MAX {
            match self.try_to_change_access(&change).await {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                Err(problem) => return Err(problem),
            }
        }
        let done = self.try_to_change_access(&change).await?;
        done.ok_or_else(|| {
            Problem::conflict("others change access policies all the time: try again")
        })
    }

    async fn try_to_change_access<T>(
        &self,
        change: &impl Fn(&AccessRecords) -> Result<(AccessChange, T), Problem>,
    ) -> Result<Option<T>, Problem> {
        let records = self.ports.access.access_records().await?;
        let (change, done) = change(&records)?;
        Catalogue::of(&records.with(&change)).map_err(misfits)?;
        match self
            .ports
            .access
            .change_access(records.revision, &change)
            .await
        {
            Ok(_) => Ok(Some(done)),
            Err(StoreError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn put_policy(record: &AccessPolicyRecord) -> AccessChange {
    AccessChange {
        policies: vec![record.clone()],
        ..AccessChange::default()
    }
}

fn found_policy(
    records: &AccessRecords,
    id: AccessPolicyId,
) -> Result<&AccessPolicyRecord, Problem> {
    let found = records.policy(id);
    found.ok_or_else(|| Problem::not_found("access policy", id))
}

fn found_group(records: &AccessRecords, id: AccessGroupId) -> Result<&AccessGroupRecord, Problem> {
    let found = records.group(id);
    found.ok_or_else(|| Problem::not_found("group of access policies", id))
}

/// A policy in a line; or its mistakes.
fn described(record: &AccessPolicyRecord) -> Result<String, Problem> {
    let policy = policy_of(record).map_err(|mistakes| {
        let mistakes = mistakes.into_iter().map(|one| {
            let field = match one.field {
                "" => String::new(),
                field => format!("/{field}"),
            };
            Mistake::new(field, one.message)
        });
        invalid(mistakes.collect())
    })?;
    let (entity, access) = (policy.entity(), policy.access());
    Ok(format!("`{}`, {entity}: {access}", record.name))
}

/// By what a policy ranks.
pub(crate) fn class_of(record: &AccessPolicyRecord) -> &'static str {
    policy_of(record).map_or("", |policy| Class::of(policy.entity()).word())
}

fn invalid(mistakes: Vec<Mistake>) -> Problem {
    let detail = "the access policies have mistakes, see `errors`";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).errors(mistakes)
}

/// What would not fit together.
fn misfits(error: AccessDocumentError) -> Problem {
    let mistakes = error.0.iter();
    invalid(
        mistakes
            .map(|one| Mistake::new("", one.to_string()))
            .collect(),
    )
}

/// What is stored does not fit together: it was not stored by this program.
fn unreadable(error: AccessDocumentError) -> StoreError {
    StoreError::Corrupt {
        what: "access policies",
        source: error.into(),
    }
}
