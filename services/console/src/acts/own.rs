//! A person's own account: password, second factor, sessions, tokens.
//!
//! Promises: a password is changed by who knows the old one or has a link, and every other session ends;
//! a second factor is used only when a code of it was shown; what is shown once is kept as a hash.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::TimeDelta;
use event_model::{
    Account, AccountState, ApiToken, CameBy, ConnectionId, ConnectionScope, PAGE_ITEMS_MAX,
    PageRequest, Permission, Secret, SessionId, TokenId,
};
use ports::{Credentials, SecondFactor, StoreError, TOKENS_MAX};
use schemars::JsonSchema;
use serde::Deserialize;

use super::accounts::invalid;
use super::sign_in::{busy, ended, tries};
use crate::Console;
use crate::auth::passwords::Checked;
use crate::auth::{Actor, Session, Visitor, codes, passwords, tokens};
use crate::problem::{Mistake, Problem};

/// Days for which a token may be valid.
const TOKEN_DAYS_MAX: u32 = 366;
/// Days for which it is unless asked otherwise.
const TOKEN_DAYS: u32 = 90;
/// Longest name of a token, in characters.
const TOKEN_NAME_MAX: usize = 100;

/// A token as its owner asks for it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// What the owner calls it.
    pub(crate) name: String,
    /// What it is for: some of what the owner may.
    pub(crate) permissions: BTreeSet<Permission>,
    /// Within which connections; those of the owner when absent.
    #[serde(default)]
    pub(crate) connections: Option<BTreeSet<ConnectionId>>,
    /// For how many days, from 1 to 366; 90 when absent.
    #[serde(default)]
    pub(crate) days: Option<u32>,
}

/// A second factor that is about to be used: shown until a code of it was typed.
pub(crate) struct Enrolment {
    /// For an authenticator app.
    pub(crate) address: String,
    /// The same to be typed.
    pub(crate) typed: String,
}

impl Console {
    /// Whose link it is, if it is valid.
    pub(crate) async fn account_of_link(&self, link: &str) -> Result<Account, Problem> {
        let now = self.ports.clock.now();
        let found = self.ports.accounts.link(&tokens::hash(link), now).await?;
        let account = match found {
            Some(link) => self.ports.accounts.account(link.account).await?,
            None => None,
        };
        let usable = |one: &Account| one.state != AccountState::Disabled;
        account.filter(usable).ok_or_else(no_link)
    }

    /// Sets the password of whose link it is. The link is used up, and every session ends.
    pub(crate) async fn set_password_by_link(
        &self,
        link: &str,
        password: &Secret<String>,
    ) -> Result<Account, Problem> {
        let account = self.account_of_link(link).await?;
        refuse_password(&account, password)?;
        let hash = self.hashed(password).await?;
        let now = self.ports.clock.now();
        let accounts = &self.ports.accounts;
        let taken = accounts.take_link(&tokens::hash(link), now).await?;
        taken.ok_or_else(no_link)?;
        let (credentials, version) = accounts.credentials(account.id).await?;
        let credentials = Credentials {
            password: Some(hash),
            ..credentials
        };
        accounts
            .replace_credentials(account.id, version, &credentials)
            .await?;
        let active = Account {
            state: AccountState::Active,
            ..account
        };
        let saved = accounts.save_account(&active).await?;
        self.ports
            .sessions
            .end_sessions(Some(saved.id), None)
            .await?;
        if saved.is_administrator() {
            // From now on the administrator's token is for programs.
            self.ports.sessions.end_sessions(None, None).await?;
        }
        let by = Actor::new(saved.identity(CameBy::Session));
        self.record(&by, "password.set", saved.id, "by a link")
            .await?;
        Ok(saved)
    }

    /// Changes the password of who knows it.
    pub(crate) async fn change_password(
        &self,
        session: &Session,
        visitor: &Visitor,
        old: &Secret<String>,
        new: &Secret<String>,
    ) -> Result<(), Problem> {
        let account = own(session)?;
        let (credentials, version) = self.proved(account, visitor, old).await?;
        refuse_password(account, new)?;
        let credentials = Credentials {
            password: Some(self.hashed(new).await?),
            ..credentials
        };
        let accounts = &self.ports.accounts;
        accounts
            .replace_credentials(account.id, version, &credentials)
            .await?;
        let but = Some(session.record.id);
        self.ports
            .sessions
            .end_sessions(Some(account.id), but)
            .await?;
        self.record(&session.actor, "password.set", account.id, "by its owner")
            .await
    }

    /// The second factor that is about to be used; made when there is none.
    pub(crate) async fn enrolment(&self, session: &Session) -> Result<Enrolment, Problem> {
        let account = own(session)?;
        let (mut credentials, version) = self.ports.accounts.credentials(account.id).await?;
        if credentials.second_factor.is_some() {
            return Err(Problem::conflict(
                "there is a second factor already: remove it first",
            ));
        }
        let secret = match credentials.enrolling.clone() {
            Some(secret) => secret,
            None => {
                let secret = codes::new_secret(&*self.ports.entropy);
                credentials.enrolling = Some(secret.clone());
                let accounts = &self.ports.accounts;
                accounts
                    .replace_credentials(account.id, version, &credentials)
                    .await?;
                secret
            }
        };
        Ok(Enrolment {
            address: codes::address(&account.name, &secret),
            typed: codes::base32(secret.expose()),
        })
    }

    /// Uses the second factor from now on, if the code is of it. Gives the codes to recover by.
    pub(crate) async fn enrol(
        &self,
        session: &Session,
        visitor: &Visitor,
        code: &str,
    ) -> Result<Vec<Secret<String>>, Problem> {
        let account = own(session)?;
        let tried = tries(&format!("code of {}", account.id), visitor);
        self.may_try(&tried)?;
        let (credentials, version) = self.ports.accounts.credentials(account.id).await?;
        let secret = credentials.enrolling.clone().ok_or_else(nothing_to_enrol)?;
        let now = self.ports.clock.now();
        let Some(step) = codes::step_of(&secret, code, 0, now) else {
            self.failed(&tried, &account.name).await?;
            let message = "is not the code that the app shows now";
            return Err(invalid(vec![Mistake::new("code", message)]));
        };
        let recovery = codes::new_recovery(&*self.ports.entropy);
        let credentials = Credentials {
            second_factor: Some(SecondFactor {
                secret,
                step,
                recovery: codes::hashes(&recovery),
            }),
            enrolling: None,
            ..credentials
        };
        let accounts = &self.ports.accounts;
        accounts
            .replace_credentials(account.id, version, &credentials)
            .await?;
        self.note_second_factor(account, true).await?;
        let by = &session.actor;
        self.record(by, "second_factor.added", account.id, "")
            .await?;
        Ok(recovery)
    }

    /// Removes one's own second factor, with the password.
    pub(crate) async fn remove_own_second_factor(
        &self,
        session: &Session,
        visitor: &Visitor,
        password: &Secret<String>,
    ) -> Result<(), Problem> {
        let account = own(session)?;
        if self.needs_second_factor(account) {
            return Err(Problem::conflict("your role asks for a second factor"));
        }
        let (mut credentials, version) = self.proved(account, visitor, password).await?;
        credentials.second_factor = None;
        let accounts = &self.ports.accounts;
        accounts
            .replace_credentials(account.id, version, &credentials)
            .await?;
        self.note_second_factor(account, false).await?;
        self.record(
            &session.actor,
            "second_factor.removed",
            account.id,
            "by its owner",
        )
        .await
    }

    /// Ends one of one's own sessions, or with none named all of them.
    pub(crate) async fn end_own(
        &self,
        session: &Session,
        one: Option<SessionId>,
    ) -> Result<(), Problem> {
        let account = session.record.account;
        let Some(id) = one else {
            self.ports.sessions.end_sessions(account, None).await?;
            let by = &session.actor;
            return self
                .record(by, "sessions.ended", by.name(), "all of one's own")
                .await;
        };
        let now = self.ports.clock.now();
        let own = self.ports.sessions.sessions_of(account, now).await?;
        if !own.iter().any(|session| session.id == id) {
            return Err(Problem::not_found("session", id));
        }
        self.ports.sessions.end_session(id).await?;
        self.record(&session.actor, "session.ended", id, "").await
    }

    /// Makes a token. Its text is shown this once.
    pub(crate) async fn create_token(
        &self,
        by: &Actor,
        new: NewToken,
    ) -> Result<(ApiToken, Secret<String>), Problem> {
        let (Some(account), CameBy::Session) = (by.account, &by.came_by) else {
            let detail = "a token is made by who is signed in with an account, in a browser";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        };
        let mistakes = token_mistakes(by, &new);
        if !mistakes.is_empty() {
            return Err(invalid(mistakes));
        }
        let all = PageRequest::first(PAGE_ITEMS_MAX);
        let now = self.ports.clock.now();
        let there = self.ports.tokens.token_page(Some(account), &all).await?;
        let valid = there.items.iter().filter(|token| token.is_valid(now));
        if valid.count() >= TOKENS_MAX as usize || there.next.is_some() {
            let detail = format!("there are {TOKENS_MAX} tokens already: revoke some");
            return Err(Problem::conflict(detail));
        }
        let text = tokens::new_text(&*self.ports.entropy);
        let token = ApiToken {
            id: TokenId::new(now, self.ports.entropy.draw()),
            account,
            name: new.name.trim().to_owned(),
            permissions: new.permissions,
            scope: new
                .connections
                .map_or(ConnectionScope::Every, ConnectionScope::Only),
            created_at: now,
            expires_at: now + TimeDelta::days(i64::from(new.days.unwrap_or(TOKEN_DAYS))),
            used_at: None,
            revoked_at: None,
        };
        self.ports
            .tokens
            .add_token(&tokens::hash(text.expose()), &token)
            .await?;
        let words: Vec<&str> = token.permissions.iter().map(|one| one.word()).collect();
        let detail = format!("{} for {}", token.name, words.join(", "));
        self.record(by, "token.created", token.id, detail).await?;
        Ok((token, text))
    }

    /// The credentials of who knows the password; a wrong one counts as a try to sign in.
    async fn proved(
        &self,
        account: &Account,
        visitor: &Visitor,
        password: &Secret<String>,
    ) -> Result<(Credentials, u64), Problem> {
        let tried = tries(&Account::key(&account.name), visitor);
        self.may_try(&tried)?;
        let (credentials, version) = self.ports.accounts.credentials(account.id).await?;
        let kept = credentials.password.as_ref();
        let checked = self.gatekeeper.passwords.check(kept, password).await;
        if checked.map_err(|_| busy())? == Checked::Wrong {
            self.failed(&tried, &account.name).await?;
            return Err(invalid(vec![Mistake::new(
                "password",
                "is not your password",
            )]));
        }
        self.gatekeeper.attempts.succeeded(&tried[0]);
        Ok((credentials, version))
    }

    async fn hashed(&self, password: &Secret<String>) -> Result<Secret<String>, Problem> {
        let hash = self
            .gatekeeper
            .passwords
            .hash(password, &*self.ports.entropy);
        hash.await.map_err(|_| busy())
    }

    async fn note_second_factor(&self, account: &Account, there: bool) -> Result<(), Problem> {
        let noted = Account {
            second_factor: there,
            ..self.account(account.id).await?
        };
        match self.ports.accounts.save_account(&noted).await {
            // It says so for lists only; the credentials decide.
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The account of a session; the administrator's token has none.
fn own(session: &Session) -> Result<&Account, Problem> {
    session.account.as_ref().ok_or_else(ended)
}

fn refuse_password(account: &Account, password: &Secret<String>) -> Result<(), Problem> {
    match passwords::mistake(&account.name, password.expose()) {
        None => Ok(()),
        Some(message) => Err(invalid(vec![Mistake::new("password", message)])),
    }
}

fn token_mistakes(by: &Actor, new: &NewToken) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut add = |field: &str, message: String| mistakes.push(Mistake::new(field, message));
    let name = new.name.trim();
    let letters = name.chars().count();
    if !(1..=TOKEN_NAME_MAX).contains(&letters) || name.chars().any(char::is_control) {
        add("/name", format!("is not 1 to {TOKEN_NAME_MAX} characters"));
    }
    if new.permissions.is_empty() {
        add("/permissions", "must be at least one".to_owned());
    }
    for permission in &new.permissions {
        if !by.may(*permission) {
            add("/permissions", format!("`{permission}` is not yours"));
        }
    }
    for id in new.connections.iter().flatten() {
        if !by.scope.has(*id) {
            add("/connections", format!("there is no connection `{id}`"));
        }
    }
    if !(1..=TOKEN_DAYS_MAX).contains(&new.days.unwrap_or(TOKEN_DAYS)) {
        add("/days", format!("is not from 1 to {TOKEN_DAYS_MAX}"));
    }
    mistakes
}

fn no_link() -> Problem {
    let detail =
        "the link was used already, was replaced, or is too old: ask an administrator for another";
    Problem::new(StatusCode::NOT_FOUND, detail)
}

fn nothing_to_enrol() -> Problem {
    Problem::conflict("there is no second factor to confirm: begin again")
}
