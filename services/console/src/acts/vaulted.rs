//! Reading and moving what the vault holds, as far as access policies go.
//!
//! Promises: whoever asks is first let in by their role, and what the group called `vault` gives only takes
//! away from that; where there is no such group, the role alone holds. A refusal is in the trail.
//!
//! To the policies, a person is an account (one named `ada@example.com` is of that domain, any other is of the
//! host `tidegate`), in the groups of the account, and the process is the console or the token: a browser is
//! `/tidegate/console`, a token `/tidegate/api/OWNER/NAME` started by `/tidegate/api`, the
//! administrator's token `/tidegate/administrator`.

use access::{Account, Allowed, Caller, Decision, Operation, Process, View, Winner};
use axum::http::StatusCode;
use event_model::{
    CameBy, OsType, Permission, QuarantineId, QuarantineState, VAULT_GROUP, VaultedContent,
};
use vault::{Act, Content, SealedContent, Vault, VaultError};

use crate::Console;
use crate::auth::Actor;
use crate::problem::{ACCESS_REFUSED, Mistake, Problem};

/// The machine that accounts of the console are on, to policies.
pub(crate) const CONSOLE_HOST: &str = "tidegate";
/// A browser, to policies.
const BROWSER: &str = "/tidegate/console";
/// What started every token's process, to policies.
const API: &str = "/tidegate/api";
/// The administrator's token, and sessions opened with it, to policies.
const ADMINISTRATOR: &str = "/tidegate/administrator";

/// A content of the vault, as who asks may see it.
pub(crate) enum Seen {
    /// As it is.
    Plaintext(Box<Content>),
    /// As it is stored.
    Ciphertext(Box<SealedContent>),
}

impl Console {
    /// Opens a content of a quarantine item, the newest unless another is named (from 1, the oldest first).
    pub(crate) async fn open_held(
        &self,
        by: &Actor,
        id: QuarantineId,
        version: Option<usize>,
    ) -> Result<Seen, Problem> {
        let content = self.vaulted_content(id, version).await?;
        let vault = self.ports.vault.as_ref().ok_or_else(no_vault)?;
        let may = |allowed: Allowed| allowed.read != View::Nothing;
        let allowed = self.allowed_in_vault(by, id, "reading", may).await?;
        let seen = opened(vault, &content, &by.signature(), allowed.read).await;
        seen.map_err(told)
    }

    async fn vaulted_content(
        &self,
        id: QuarantineId,
        version: Option<usize>,
    ) -> Result<VaultedContent, Problem> {
        let item = self.held(id).await?;
        let remedy = self.remedy(item.remedy_id).await?;
        let vaulted = remedy
            .vaulted
            .filter(|_| item.state == QuarantineState::Held);
        let contents = vaulted.map(|one| one.contents).unwrap_or_default();
        let place = match version {
            None => contents.len().checked_sub(1),
            Some(version) => version.checked_sub(1),
        };
        let found = place.and_then(|place| contents.get(place)).cloned();
        match (found, version) {
            (Some(found), _) => Ok(found),
            (None, Some(_)) if !contents.is_empty() => {
                let message = format!("is 1 to {}", contents.len());
                Err(Problem::bad_request(vec![Mistake::new("version", message)]))
            }
            (None, _) => Err(Problem::conflict(
                "the vault does not hold it: look for it in its service",
            )),
        }
    }

    /// Refuses who may not put back what the vault holds: that is bringing back what was stored.
    pub(crate) async fn refuse_restoring(
        &self,
        by: &Actor,
        id: QuarantineId,
    ) -> Result<(), Problem> {
        let may = |allowed: Allowed| allowed.write != View::Nothing;
        self.allowed_in_vault(by, id, "restoring", may)
            .await
            .map(drop)
    }

    /// Refuses who may not delete what the vault holds.
    pub(crate) async fn refuse_deleting(
        &self,
        by: &Actor,
        id: QuarantineId,
    ) -> Result<(), Problem> {
        let may = |allowed: Allowed| allowed.permits(Operation::Delete);
        self.allowed_in_vault(by, id, "deleting", may)
            .await
            .map(drop)
    }

    /// What who asks may do, if it is enough.
    async fn allowed_in_vault(
        &self,
        by: &Actor,
        id: QuarantineId,
        what: &str,
        is_enough: impl Fn(Allowed) -> bool,
    ) -> Result<Allowed, Problem> {
        let (_, catalogue) = self.access().await?;
        let Some(group) = catalogue.named(VAULT_GROUP) else {
            return Ok(role(by));
        };
        let caller = caller(by, group.os());
        let decision = group.decide(&caller);
        if is_enough(decision.allowed) {
            return Ok(decision.allowed);
        }
        let detail = format!("{what}: {}", because(&decision));
        self.record(by, "access.refuse", id, detail).await?;
        Err(Problem::new(StatusCode::FORBIDDEN, "Permission denied").code(ACCESS_REFUSED))
    }
}

/// What somebody's permissions are, to policies: these give no more.
fn role(by: &Actor) -> Allowed {
    let view = |may| match may {
        true => View::Plaintext,
        false => View::Nothing,
    };
    let moves = by.may(Permission::QuarantineRestore) || by.may(Permission::QuarantineDelete);
    Allowed {
        read: view(by.may(Permission::QuarantineContent)),
        write: view(moves),
    }
}

fn caller(by: &Actor, os: OsType) -> Caller {
    let account = |name: &str| Account::written(name, os, CONSOLE_HOST);
    let process = |path: String| Process { path, link: None };
    let processes = match &by.came_by {
        CameBy::Session => vec![process(BROWSER.to_owned())],
        CameBy::MachineToken => vec![process(ADMINISTRATOR.to_owned())],
        CameBy::Token { name, .. } => vec![
            process(format!("{API}/{}/{name}", by.name())),
            process(API.to_owned()),
        ],
    };
    Caller {
        user: account(by.name()),
        groups: by.groups.iter().map(|name| account(name)).collect(),
        processes,
        role: role(by),
    }
}

fn because(decision: &Decision<'_>) -> String {
    match decision.winner {
        Winner::Policy(policy) => format!("policy `{}`: {}", policy.name(), policy.access()),
        Winner::Default => format!("the default of `{VAULT_GROUP}`: {}", decision.granted),
    }
}

async fn opened(
    vault: &Vault,
    content: &VaultedContent,
    by: &str,
    view: View,
) -> Result<Seen, VaultError> {
    match view {
        View::Plaintext => {
            let content = vault.open(content.item, by, Act::Read).await?;
            Ok(Seen::Plaintext(Box::new(content)))
        }
        View::Ciphertext | View::Nothing => {
            let content = vault.open_sealed(content.item, by).await?;
            Ok(Seen::Ciphertext(Box::new(content)))
        }
    }
}

fn no_vault() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "this console does not reach the vault",
    )
}

fn told(error: VaultError) -> Problem {
    match error {
        VaultError::NotFound(_) | VaultError::State { .. } | VaultError::NoKey(_) => {
            Problem::conflict("the vault does not hold it any more")
        }
        VaultError::Store(error) => error.into(),
        error => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "an item of the vault"
            );
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the content cannot be had from the vault, see the log",
            )
        }
    }
}
