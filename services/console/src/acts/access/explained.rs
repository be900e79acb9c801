//! What a group gives somebody, and why: which policy won, and which lost.

use access::{Account, Allowed, Caller, Class, Operation, Process, Standing, Winner};
use event_model::{AccessGroupId, AccessPermission, OsType, QuarantineId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::found_group;
use crate::Console;
use crate::acts::vaulted::CONSOLE_HOST;
use crate::problem::{Mistake, Problem};

/// Most groups, and most parents, of a question.
const NAMES_MAX: usize = 200;

/// Who is asked about.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessQuestion {
    /// The user, as `ada`, `ada@example.com` or `DOMAIN\ada`.
    pub(crate) user: String,
    /// The groups that the user is in, written likewise.
    #[serde(default)]
    pub(crate) member_of: Vec<String>,
    /// The whole path of the process.
    #[serde(default)]
    pub(crate) process: Option<String>,
    /// What started the process, the nearest first.
    #[serde(default)]
    pub(crate) parents: Vec<String>,
    /// The machine, for `user@HOST`; `tidegate` when absent, which is the console.
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// What the user may do without any policy; `ReadWrite` when absent.
    #[serde(default)]
    pub(crate) role: Option<AccessPermission>,
    /// An item of the quarantine that it is about.
    #[serde(default)]
    pub(crate) item: Option<QuarantineId>,
}

/// What a group gives, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AccessAnswer {
    /// The group.
    pub(crate) group: String,
    /// The policy that won; null when it was the default.
    pub(crate) policy: Option<String>,
    /// What the group gives.
    pub(crate) granted: AccessPermission,
    /// What may be done, as far as the role goes.
    pub(crate) permitted: Vec<String>,
    /// Every policy in the order of its priority.
    pub(crate) considered: Vec<ConsideredPolicy>,
    /// The same in words.
    pub(crate) explanation: Vec<String>,
}

/// A policy, and what came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConsideredPolicy {
    /// Its name.
    pub(crate) policy: String,
    /// Whom it is about.
    pub(crate) entity: String,
    /// By what it ranks.
    pub(crate) class: &'static str,
    /// What it gives.
    pub(crate) access: AccessPermission,
    /// `wins`, `loses`, or `no` when it is not about them.
    pub(crate) standing: &'static str,
    /// Why.
    pub(crate) why: String,
}

impl Console {
    /// What a group gives somebody, and why.
    pub(crate) async fn explain_access(
        &self,
        id: AccessGroupId,
        question: &AccessQuestion,
    ) -> Result<AccessAnswer, Problem> {
        let (records, catalogue) = self.access().await?;
        found_group(&records, id)?;
        let group = catalogue.group(id).expect("what is a record is a group");
        refuse_mistakes(question)?;
        if let Some(item) = question.item {
            self.is_of_the_vault(item).await?;
        }
        let caller = caller(question, group.os());
        let decision = group.decide(&caller);
        let permitted = Operation::ALL.iter().filter(|one| decision.permits(**one));
        let considered = decision.considered().into_iter();
        Ok(AccessAnswer {
            group: group.name().to_owned(),
            policy: match decision.winner {
                Winner::Policy(policy) => Some(policy.name().to_owned()),
                Winner::Default => None,
            },
            granted: decision.granted,
            permitted: permitted.map(|one| format!("{one:?}")).collect(),
            considered: considered.map(shown).collect(),
            explanation: decision.explain(),
        })
    }

    async fn is_of_the_vault(&self, item: QuarantineId) -> Result<(), Problem> {
        let held = self.held(item).await?;
        let remedy = self.remedy(held.remedy_id).await?;
        match remedy.vaulted {
            Some(_) => Ok(()),
            None => {
                let message = "is held in its service, not in the vault: no access policy is asked";
                Err(Problem::bad_request(vec![Mistake::new("/item", message)]))
            }
        }
    }
}

fn shown(considered: access::Considered<'_>) -> ConsideredPolicy {
    let policy = considered.policy;
    ConsideredPolicy {
        policy: policy.name().to_owned(),
        entity: policy.entity().to_string(),
        class: Class::of(policy.entity()).word(),
        access: policy.access(),
        standing: match considered.standing {
            Standing::Wins => "wins",
            Standing::Loses => "loses",
            Standing::No => "no",
        },
        why: considered.why,
    }
}

fn refuse_mistakes(question: &AccessQuestion) -> Result<(), Problem> {
    let mut mistakes = Vec::new();
    if question.user.trim().is_empty() {
        mistakes.push(Mistake::new("/user", "name who asks"));
    }
    let lists = [
        ("/member_of", &question.member_of),
        ("/parents", &question.parents),
    ];
    for (field, list) in lists {
        if list.len() > NAMES_MAX {
            mistakes.push(Mistake::new(
                field,
                format!("has more than {NAMES_MAX} names"),
            ));
        }
    }
    if question.process.is_none() && !question.parents.is_empty() {
        mistakes.push(Mistake::new(
            "/process",
            "name the process that they started",
        ));
    }
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(Problem::bad_request(mistakes)),
    }
}

fn caller(question: &AccessQuestion, os: OsType) -> Caller {
    let host = question.host.as_deref().unwrap_or(CONSOLE_HOST);
    let account = |text: &String| Account::written(text, os, host);
    let processes = question.process.iter().chain(&question.parents);
    let process = |path: &String| Process {
        path: path.clone(),
        link: None,
    };
    let role = question.role.unwrap_or(AccessPermission::ReadWrite);
    Caller {
        user: account(&question.user),
        groups: question.member_of.iter().map(account).collect(),
        processes: processes.map(process).collect(),
        role: Allowed::of(role),
    }
}
