//! Signing in: a password, then the second factor where there is one; or the administrator's token, as long
//! as no administrator has an account.
//!
//! Promises: an account that does not exist costs the same work, the same entry in the trail and gives the
//! same answer as a wrong password; tries are counted before anything is looked up; a code is taken once,
//! also by two replicas at the same time.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use event_model::{
    Account, AccountState, CameBy, PAGE_ITEMS_MAX, PageRequest, Secret, SessionStage,
};
use ports::{Credentials, StoreError};

use crate::Console;
use crate::auth::passwords::Checked;
use crate::auth::{Actor, Session, Tried, Visitor, codes};
use crate::problem::{Mistake, NOT_SIGNED_IN, Problem, TOO_MANY_TRIES};

/// The `Set-Cookie` value of somebody who came further, and where they go on.
pub(crate) struct CameFurther {
    pub(crate) cookie: Secret<String>,
    pub(crate) stage: SessionStage,
}

/// What a person proves who they are with.
pub(crate) struct Given<'g> {
    pub(crate) name: &'g str,
    pub(crate) password: Secret<String>,
}

impl Console {
    /// Whether somebody other than that account runs the installation.
    pub(crate) async fn has_administrator_but(
        &self,
        but: Option<event_model::AccountId>,
    ) -> Result<bool, Problem> {
        let mut request = PageRequest::first(PAGE_ITEMS_MAX);
        loop {
            let page = self.ports.accounts.account_page(&request).await?;
            let mut items = page.items.iter();
            if items.any(|one| one.is_administrator() && Some(one.id) != but) {
                return Ok(true);
            }
            match page.next {
                Some(cursor) => request = PageRequest::after(cursor, PAGE_ITEMS_MAX),
                None => return Ok(false),
            }
        }
    }

    /// Signs in with the administrator's token.
    pub(crate) async fn sign_in_with_token(
        &self,
        token: &str,
        headers: &HeaderMap,
        visitor: &Visitor,
    ) -> Result<CameFurther, Problem> {
        let tried = tries("the administrator's token", visitor);
        self.may_try(&tried)?;
        if !self.gatekeeper.is_admin_token(token) {
            return Err(self.failed(&tried, "the administrator's token").await?);
        }
        if self.has_administrator_but(None).await? {
            let detail =
                "administrators have accounts: sign in with yours. The token is for programs";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail).code(NOT_SIGNED_IN));
        }
        let detail = "signed in with the administrator token";
        let actor = Actor::machine();
        self.record(&actor, "session.opened", "console", detail)
            .await?;
        self.came(None, SessionStage::Full, headers, visitor).await
    }

    /// Signs in with name and password.
    pub(crate) async fn sign_in(
        &self,
        given: Given<'_>,
        headers: &HeaderMap,
        visitor: &Visitor,
    ) -> Result<CameFurther, Problem> {
        let tried = tries(&Account::key(given.name), visitor);
        self.may_try(&tried)?;
        let account = match Account::is_name(given.name) {
            true => self.ports.accounts.account_named(given.name).await?,
            false => None,
        };
        let (credentials, version) = match &account {
            Some(account) => self.ports.accounts.credentials(account.id).await?,
            None => (Credentials::default(), 0),
        };
        let active = account.filter(|account| account.state == AccountState::Active);
        let password = active.as_ref().and(credentials.password.as_ref());
        let passwords = &self.gatekeeper.passwords;
        let checked = passwords.check(password, &given.password).await;
        let checked = checked.map_err(|_| busy())?;
        let Some(account) = active.filter(|_| checked != Checked::Wrong) else {
            return Err(self.failed(&tried, given.name).await?);
        };
        if checked == Checked::RightAndOld {
            self.hash_anew(&account, &credentials, version, &given.password)
                .await?;
        }
        self.gatekeeper.attempts.succeeded(&tried[0]);
        let stage = match (
            &credentials.second_factor,
            self.needs_second_factor(&account),
        ) {
            (Some(_), _) => SessionStage::SecondFactor,
            (None, true) => SessionStage::Enrolling,
            (None, false) => return self.came_in(account, "a password", headers, visitor).await,
        };
        self.came(Some(&account), stage, headers, visitor).await
    }

    /// Whether a role of theirs asks for a second factor.
    pub(crate) fn needs_second_factor(&self, account: &Account) -> bool {
        let asked = &self.config.second_factor_roles;
        account.roles.iter().any(|role| asked.contains(role))
    }

    /// Goes on with a code, of the app or to recover by.
    pub(crate) async fn sign_in_with_code(
        &self,
        session: &Session,
        code: &str,
        headers: &HeaderMap,
        visitor: &Visitor,
    ) -> Result<CameFurther, Problem> {
        let account = session.account.clone().ok_or_else(ended)?;
        let tried = tries(&format!("code of {}", account.id), visitor);
        self.may_try(&tried)?;
        if !self.take_code(&account, code).await? {
            return Err(self.failed(&tried, &account.name).await?);
        }
        self.gatekeeper.attempts.succeeded(&tried[0]);
        let by = match account.subject {
            Some(_) => "single sign-on and a code",
            None => "a password and a code",
        };
        self.came_in(account, by, headers, visitor).await
    }

    /// Takes a code of the account, if it is one.
    pub(crate) async fn take_code(&self, account: &Account, code: &str) -> Result<bool, Problem> {
        let (mut credentials, version) = self.ports.accounts.credentials(account.id).await?;
        let now = self.ports.clock.now();
        let factor = credentials.second_factor.as_ref();
        let Some(left) = factor.and_then(|factor| codes::take(factor, code, now)) else {
            return Ok(false);
        };
        credentials.second_factor = Some(left);
        let accounts = &self.ports.accounts;
        match accounts
            .replace_credentials(account.id, version, &credentials)
            .await
        {
            Ok(()) => Ok(true),
            // Another took a code at this moment: it may have been this one.
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the session of somebody who proved everything.
    pub(crate) async fn came_in(
        &self,
        account: Account,
        by: &str,
        headers: &HeaderMap,
        visitor: &Visitor,
    ) -> Result<CameFurther, Problem> {
        let actor = Actor::new(account.identity(CameBy::Session));
        let from = visitor.address.as_deref().unwrap_or("an unknown address");
        let detail = format!("signed in with {by} from {from}");
        self.record(&actor, "session.opened", account.id, detail)
            .await?;
        let mut seen = account.clone();
        seen.signed_in_at = Some(self.ports.clock.now());
        match self.ports.accounts.save_account(&seen).await {
            // Changed at this moment: when they came is of no weight beside that.
            Ok(_) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.came(Some(&account), SessionStage::Full, headers, visitor)
            .await
    }

    /// Opens a session of that stage.
    pub(crate) async fn came(
        &self,
        account: Option<&Account>,
        stage: SessionStage,
        headers: &HeaderMap,
        visitor: &Visitor,
    ) -> Result<CameFurther, Problem> {
        let cookie = self.open_session(account, stage, headers, visitor).await?;
        Ok(CameFurther { cookie, stage })
    }

    /// Refuses a try that must wait.
    pub(crate) fn may_try(&self, tried: &[Tried]) -> Result<(), Problem> {
        let now = self.ports.clock.monotonic();
        match self.gatekeeper.attempts.wait(tried, now) {
            None => Ok(()),
            Some(wait) => Err(too_many(wait)),
        }
    }

    /// Counts a failure, writes it into the trail, and gives the refusal.
    pub(crate) async fn failed(&self, tried: &[Tried], name: &str) -> Result<Problem, Problem> {
        let now = self.ports.clock.monotonic();
        self.gatekeeper.attempts.failed(tried, now);
        let from = tried.iter().find_map(|one| match one {
            Tried::From(address) => Some(address.as_str()),
            Tried::What(_) => None,
        });
        // What was typed may be a password: only what can be a name is written down.
        let subject = if Account::is_name(name) {
            name
        } else {
            "unknown"
        };
        let detail = format!(
            "a sign-in failed from {}",
            from.unwrap_or("an unknown address")
        );
        self.record_as("system", "session.refused", subject, detail)
            .await?;
        Ok(Problem::new(StatusCode::UNAUTHORIZED, "that is not right").code(NOT_SIGNED_IN))
    }

    async fn hash_anew(
        &self,
        account: &Account,
        credentials: &Credentials,
        version: u64,
        password: &Secret<String>,
    ) -> Result<(), Problem> {
        let passwords = &self.gatekeeper.passwords;
        let hash = passwords.hash(password, &*self.ports.entropy).await;
        let credentials = Credentials {
            password: Some(hash.map_err(|_| busy())?),
            ..credentials.clone()
        };
        let accounts = &self.ports.accounts;
        match accounts
            .replace_credentials(account.id, version, &credentials)
            .await
        {
            // Another changed it meanwhile: the next sign-in does it.
            Ok(()) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a try is counted for: first what was tried.
pub(crate) fn tries(what: &str, visitor: &Visitor) -> Vec<Tried> {
    let what: String = what.chars().take(Account::NAME_BYTES_MAX).collect();
    let from = visitor.address.clone().map(Tried::From);
    std::iter::once(Tried::What(what)).chain(from).collect()
}

fn too_many(wait: Duration) -> Problem {
    let seconds = wait.as_secs().max(1);
    let detail = format!("too many tries: wait {seconds} s, then try again");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
        .code(TOO_MANY_TRIES)
        .errors(vec![Mistake::new("wait", format!("{seconds} s"))])
        .retry_after(Some(wait))
}

/// More sign in than passwords can be checked.
pub(crate) fn busy() -> Problem {
    let detail = "many people sign in at the moment: try again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        .code(TOO_MANY_TRIES)
        .retry_after(Some(Duration::from_secs(2)))
}

/// The session is over, or was of no account.
pub(crate) fn ended() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "the session is over: sign in").code(NOT_SIGNED_IN)
}
