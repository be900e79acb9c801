//! Accounts, as an administrator makes and changes them. A person's own account is in [`super::own`].
//!
//! Promises: an account is never deleted and its name never changes, for the trail and approvals go by it;
//! nobody takes the last administrator away; who is disabled, or loses a role, is without it at once.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::TimeDelta;
use event_model::{
    Account, AccountId, AccountState, ApiToken, ConnectionId, ConnectionScope, Page, PageRequest,
    Role, Secret, TokenId,
};
use ports::{ACCOUNTS_MAX, AccountLink, StoreError};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Console;
use crate::auth::{Actor, draw, tokens};
use crate::problem::{ACCOUNT_MISTAKES, Mistake, Problem};

/// How long a link to set a password is valid.
const LINK_VALID: TimeDelta = TimeDelta::hours(72);

/// An account as an administrator asks for it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// What they sign in with: letters, digits and `. _ - + @`, at most 100. It is never changed.
    pub(crate) name: String,
    /// What they are for.
    pub(crate) roles: BTreeSet<Role>,
    /// The groups that they are in.
    #[serde(default)]
    pub(crate) groups: BTreeSet<String>,
    /// Within which connections; all when absent.
    #[serde(default)]
    pub(crate) connections: Option<BTreeSet<ConnectionId>>,
}

/// What is changed of an account. What is absent stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountChange {
    /// What they are for.
    #[serde(default)]
    pub(crate) roles: Option<BTreeSet<Role>>,
    /// The groups that they are in.
    #[serde(default)]
    pub(crate) groups: Option<BTreeSet<String>>,
    /// Within which connections; see `every_connection`.
    #[serde(default)]
    pub(crate) connections: Option<BTreeSet<ConnectionId>>,
    /// Within all connections.
    #[serde(default)]
    pub(crate) every_connection: bool,
    /// Whether they may sign in.
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
}

impl Console {
    /// The account.
    pub(crate) async fn account(&self, id: AccountId) -> Result<Account, Problem> {
        let found = self.ports.accounts.account(id).await?;
        found.ok_or_else(|| Problem::not_found("account", id))
    }

    /// Makes an account, and the link by which its person sets a password.
    pub(crate) async fn create_account(
        &self,
        by: &Actor,
        new: NewAccount,
    ) -> Result<(Account, Secret<String>), Problem> {
        let now = self.ports.clock.now();
        let account = Account {
            id: AccountId::new(now, self.ports.entropy.draw()),
            name: new.name,
            roles: new.roles,
            groups: new.groups,
            scope: new
                .connections
                .map_or(ConnectionScope::Every, ConnectionScope::Only),
            state: AccountState::Invited,
            subject: None,
            second_factor: false,
            created_at: now,
            signed_in_at: None,
            revision: 1,
        };
        self.refuse_mistakes(&account).await?;
        if self.ports.accounts.account_count().await? >= ACCOUNTS_MAX {
            return Err(Problem::conflict(format!(
                "there are {ACCOUNTS_MAX} accounts already"
            )));
        }
        match self.ports.accounts.add_account(&account).await {
            Err(StoreError::Conflict { .. }) => {
                let message = format!("`{}` is taken", account.name);
                return Err(invalid(vec![Mistake::new("/name", message)]));
            }
            added => added?,
        }
        self.record(by, "account.created", account.id, described(&account))
            .await?;
        let link = self.new_link(&account).await?;
        Ok((account, link))
    }

    /// Changes an account; with `seen`, only if it still has that revision.
    pub(crate) async fn change_account(
        &self,
        by: &Actor,
        id: AccountId,
        seen: Option<u64>,
        change: AccountChange,
    ) -> Result<Account, Problem> {
        let before = self.account(id).await?;
        if seen.is_some_and(|seen| seen != before.revision) {
            return Err(Problem::not_as_it_was("account", before.revision));
        }
        let after = changed(&before, change);
        self.refuse_mistakes(&after).await?;
        let loses = before.is_administrator() && !after.is_administrator();
        if loses && !self.has_administrator_but(Some(id)).await? {
            return Err(Problem::conflict(
                "it is the last administrator: make another one first",
            ));
        }
        if after == before {
            return Ok(before);
        }
        let saved = self.ports.accounts.save_account(&after).await?;
        if saved.state == AccountState::Disabled {
            self.ports.sessions.end_sessions(Some(id), None).await?;
        }
        let action = match (before.state, saved.state) {
            (AccountState::Disabled, state) if state != AccountState::Disabled => "account.enabled",
            (state, AccountState::Disabled) if state != AccountState::Disabled => {
                "account.disabled"
            }
            _ => "account.changed",
        };
        self.record(by, action, id, described(&saved)).await?;
        Ok(saved)
    }

    /// A new link by which the person sets a password. The one before is no longer taken.
    pub(crate) async fn reset_account(
        &self,
        by: &Actor,
        id: AccountId,
    ) -> Result<(Account, Secret<String>), Problem> {
        let account = self.account(id).await?;
        if account.state == AccountState::Disabled {
            return Err(Problem::conflict(
                "the account is disabled: enable it first",
            ));
        }
        let link = self.new_link(&account).await?;
        let detail = format!("{} may set a password by a link", account.name);
        self.record(by, "account.reset", id, detail).await?;
        Ok((account, link))
    }

    /// Ends every session of an account.
    pub(crate) async fn end_sessions(&self, by: &Actor, id: AccountId) -> Result<u64, Problem> {
        let account = self.account(id).await?;
        let ended = self.ports.sessions.end_sessions(Some(id), None).await?;
        let detail = format!("{ended} of {}", account.name);
        self.record(by, "sessions.ended", id, detail).await?;
        Ok(ended)
    }

    /// Takes the second factor of somebody away who lost it; their sessions end.
    pub(crate) async fn remove_second_factor(
        &self,
        by: &Actor,
        id: AccountId,
    ) -> Result<Account, Problem> {
        let account = self.account(id).await?;
        let (mut credentials, version) = self.ports.accounts.credentials(id).await?;
        if credentials.second_factor.take().is_none() {
            return Err(Problem::conflict("there is no second factor"));
        }
        credentials.enrolling = None;
        let accounts = &self.ports.accounts;
        accounts
            .replace_credentials(id, version, &credentials)
            .await?;
        let saved = Account {
            second_factor: false,
            ..account
        };
        let saved = accounts.save_account(&saved).await?;
        self.ports.sessions.end_sessions(Some(id), None).await?;
        let detail = format!("of {}", saved.name);
        self.record(by, "second_factor.removed", id, detail).await?;
        Ok(saved)
    }

    /// The tokens of one account, or of all.
    pub(crate) async fn token_page(
        &self,
        of: Option<AccountId>,
        request: &PageRequest,
    ) -> Result<Page<ApiToken>, Problem> {
        Ok(self.ports.tokens.token_page(of, request).await?)
    }

    /// Revokes a token. Somebody else's is revoked by who manages accounts only: for others there is none.
    pub(crate) async fn revoke_token(&self, by: &Actor, id: TokenId) -> Result<ApiToken, Problem> {
        let token = self.ports.tokens.token(id).await?;
        let may = |token: &ApiToken| {
            Some(token.account) == by.account || by.may(event_model::Permission::AccountsManage)
        };
        let token = token.filter(may);
        let token = token.ok_or_else(|| Problem::not_found("token", id))?;
        let now = self.ports.clock.now();
        let revoked = self.ports.tokens.revoke_token(token.id, now).await?;
        self.record(by, "token.revoked", id, revoked.name.clone())
            .await?;
        Ok(revoked)
    }

    async fn new_link(&self, account: &Account) -> Result<Secret<String>, Problem> {
        let opaque = draw(&*self.ports.entropy);
        let link = AccountLink {
            account: account.id,
            expires_at: self.ports.clock.now() + LINK_VALID,
        };
        self.ports
            .accounts
            .add_link(&tokens::hash(&opaque), &link)
            .await?;
        Ok(Secret::new(format!(
            "{}/welcome/{opaque}",
            self.config.public_url
        )))
    }

    async fn refuse_mistakes(&self, account: &Account) -> Result<(), Problem> {
        let mut mistakes = mistakes(account);
        for id in account.scope.named().into_iter().flatten() {
            if self.ports.connection_store.get(*id).await?.is_none() {
                let message = format!("there is no connection `{id}`");
                mistakes.push(Mistake::new("/connections", message));
            }
        }
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(invalid(mistakes)),
        }
    }
}

fn changed(before: &Account, change: AccountChange) -> Account {
    let AccountChange {
        roles,
        groups,
        connections,
        every_connection,
        enabled,
    } = change;
    let scope = match (every_connection, connections) {
        (true, _) => ConnectionScope::Every,
        (false, Some(some)) => ConnectionScope::Only(some),
        (false, None) => before.scope.clone(),
    };
    let state = match (before.state, enabled) {
        (_, Some(false)) => AccountState::Disabled,
        (AccountState::Disabled, Some(true)) => AccountState::Active,
        (state, _) => state,
    };
    Account {
        roles: roles.unwrap_or_else(|| before.roles.clone()),
        groups: groups.unwrap_or_else(|| before.groups.clone()),
        scope,
        state,
        ..before.clone()
    }
}

/// What is wrong with an account, but for connections that there are not.
fn mistakes(account: &Account) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut add = |field: &str, message: String| mistakes.push(Mistake::new(field, message));
    if !Account::is_name(&account.name) {
        let message =
            "is not 1 to 100 letters, digits and `. _ - + @`, or is a name of the program";
        add("/name", message.to_owned());
    }
    if account.roles.is_empty() {
        add("/roles", "must be at least one".to_owned());
    }
    if account.roles.contains(&Role::Administrator) && !account.scope.is_every() {
        let message = "cannot be bound to some connections: an administrator runs them all";
        add("/connections", message.to_owned());
    }
    if account.groups.len() > Account::GROUPS_MAX {
        add("/groups", format!("are more than {}", Account::GROUPS_MAX));
    }
    let is_group = |group: &String| {
        let bytes = 1..=Account::GROUP_BYTES_MAX;
        bytes.contains(&group.len()) && !group.chars().any(char::is_control)
    };
    if !account.groups.iter().all(is_group) {
        let message = format!(
            "have 1 to {} bytes and no control characters",
            Account::GROUP_BYTES_MAX
        );
        add("/groups", message);
    }
    mistakes
}

/// The refusal of an account with mistakes.
pub(crate) fn invalid(mistakes: Vec<Mistake>) -> Problem {
    let detail = "what was given of the account has mistakes, see `errors`";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        .code(ACCOUNT_MISTAKES)
        .errors(mistakes)
}

/// What the trail says of an account.
fn described(account: &Account) -> String {
    let roles: Vec<&str> = account.roles.iter().map(|role| role.word()).collect();
    let within = match account.scope.named() {
        None => "every connection".to_owned(),
        Some(some) => {
            let ids: Vec<String> = some.iter().map(ToString::to_string).collect();
            format!("connections [{}]", ids.join(", "))
        }
    };
    let groups: Vec<&str> = account.groups.iter().map(String::as_str).collect();
    let (name, state, roles) = (&account.name, account.state, roles.join(", "));
    format!(
        "{name} is {state}, {roles}, within {within}, groups [{}]",
        groups.join(", ")
    )
}
