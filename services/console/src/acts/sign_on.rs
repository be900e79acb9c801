//! Signing in at a provider of identities: sent there, come back, known by the provider's subject.
//!
//! Promises: an answer is taken from the browser only that was sent, for everything that ties it is made of
//! a cookie's secret; a person is known by the provider's subject and never by a name; what somebody may is
//! what the provider's groups make of them at each sign-in; who has no role does not come in; whose role asks
//! for a second factor proves one, there or here.

use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event_model::{Account, AccountId, AccountState, Secret, SessionStage};
use ports::{ACCOUNTS_MAX, SignOn, SignOnError, SignOnTie, SignedOn, StoreError};
use ring::hmac;

use super::sign_in::CameFurther;
use crate::Console;
use crate::auth::{Visitor, cookie_of, draw, fingerprint};
use crate::problem::{NOT_SIGNED_IN, Problem};

/// The cookie that ties the answer to the browser.
const COOKIE: &str = "tidegate_sign_on";
/// Where it is sent to, and nowhere else.
const COOKIE_PATH: &str = "/login/sso";
/// How long somebody may take at the provider, in seconds.
const TIE_AGE_S: u32 = 600;
/// How often an account that is changed at the same time is read again.
const TRIES_MAX: usize = 5;

/// What the provider sends back by the browser.
#[derive(Default)]
pub(crate) struct SignOnAnswer {
    pub(crate) state: String,
    pub(crate) code: Option<Secret<String>>,
    pub(crate) error: Option<String>,
}

impl Console {
    /// Where the browser goes, and the cookie that ties it.
    pub(crate) async fn begin_sign_on(&self) -> Result<(String, String), Problem> {
        let provider = self.provider()?;
        let opaque = draw(&*self.ports.entropy);
        let address = provider.begin(&tie(&opaque)).await.map_err(told)?;
        Ok((address, self.tie_cookie(&opaque, TIE_AGE_S)))
    }

    /// The cookie that forgets the tie.
    pub(crate) fn untie(&self) -> String {
        self.tie_cookie("", 0)
    }

    fn tie_cookie(&self, value: &str, age_s: u32) -> String {
        let secure = if self.config.secure_cookies {
            "; Secure"
        } else {
            ""
        };
        // Lax: the provider sends the browser back from its own site.
        format!(
            "{COOKIE}={value}; Path={COOKIE_PATH}; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"
        )
    }

    /// Signs in who came back.
    pub(crate) async fn finish_sign_on(
        &self,
        answer: SignOnAnswer,
        headers: &HeaderMap,
        visitor: &Visitor,
    ) -> Result<CameFurther, Problem> {
        let provider = self.provider()?;
        let opaque = cookie_of(headers, COOKIE).ok_or_else(not_asked)?;
        let tie = tie(opaque);
        if fingerprint(&tie.state) != fingerprint(&answer.state) {
            return Err(not_asked());
        }
        let code = answer
            .code
            .ok_or_else(|| said_no(answer.error.as_deref()))?;
        let signed = match provider.finish(&code, &tie).await {
            Ok(signed) => signed,
            Err(error) => {
                let detail = error.to_string();
                self.record_as("system", "session.refused", "sign-on", detail)
                    .await?;
                return Err(told(error));
            }
        };
        let account = self.account_signed_on(&signed).await?;
        if account.is_administrator() {
            // From now on the administrator's token is for programs.
            self.ports.sessions.end_sessions(None, None).await?;
        }
        let by = format!("single sign-on ({})", provider.name());
        match self.stage_left(&account, signed.second_factor).await? {
            None => self.came_in(account, &by, headers, visitor).await,
            Some(stage) => self.came(Some(&account), stage, headers, visitor).await,
        }
    }

    /// What who signed on has still to do here.
    async fn stage_left(
        &self,
        account: &Account,
        proved: bool,
    ) -> Result<Option<SessionStage>, Problem> {
        if proved {
            return Ok(None);
        }
        let (credentials, _) = self.ports.accounts.credentials(account.id).await?;
        Ok(match credentials.second_factor {
            Some(_) => Some(SessionStage::SecondFactor),
            None => self
                .needs_second_factor(account)
                .then_some(SessionStage::Enrolling),
        })
    }

    /// The account of who signed on, as the provider's groups have it now; made when there is none.
    async fn account_signed_on(&self, signed: &SignedOn) -> Result<Account, Problem> {
        for _ in 0..TRIES_MAX {
            let known = self.ports.accounts.account_of(&signed.subject).await?;
            let saved = match known {
                Some(account) if account.state == AccountState::Disabled => {
                    let why = "the account is disabled";
                    return Err(self.stays_out(&account.name, why).await?);
                }
                Some(account) => self.update_signed_on(account, signed).await,
                None => self.add_signed_on(signed).await,
            };
            match saved {
                // Changed, or made, at this moment by another sign-in.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(account) if account.roles.is_empty() => {
                    let why = "none of your groups has a role here";
                    return Err(self.stays_out(&account.name, why).await?);
                }
                Ok(account) => return Ok(account),
            }
        }
        Err(Problem::precondition("account"))
    }

    async fn update_signed_on(
        &self,
        account: Account,
        signed: &SignedOn,
    ) -> Result<Account, StoreError> {
        let fresh = Account {
            roles: signed.roles.clone(),
            groups: signed.groups.clone(),
            scope: signed.scope.clone(),
            state: AccountState::Active,
            ..account.clone()
        };
        match fresh == account {
            true => Ok(account),
            false => self.ports.accounts.save_account(&fresh).await,
        }
    }

    async fn add_signed_on(&self, signed: &SignedOn) -> Result<Account, StoreError> {
        let now = self.ports.clock.now();
        let mut account = Account {
            id: AccountId::new(now, self.ports.entropy.draw()),
            name: signed.name.clone(),
            roles: signed.roles.clone(),
            groups: signed.groups.clone(),
            scope: signed.scope.clone(),
            state: AccountState::Active,
            subject: Some(signed.subject.clone()),
            second_factor: false,
            created_at: now,
            signed_in_at: None,
            revision: 1,
        };
        // Whoever may not come in leaves nothing behind.
        if account.roles.is_empty() || self.ports.accounts.account_count().await? >= ACCOUNTS_MAX {
            account.roles.clear();
            return Ok(account);
        }
        let taken = match Account::is_name(&account.name) {
            true => self
                .ports
                .accounts
                .account_named(&account.name)
                .await?
                .is_some(),
            false => true,
        };
        if taken {
            account.name = another_name(signed);
        }
        self.ports.accounts.add_account(&account).await?;
        let detail = format!("{} came by single sign-on", account.name);
        let noted = self
            .record_as("system", "account.created", account.id, detail)
            .await;
        if noted.is_err() {
            tracing::error!("an account that came by single sign-on is not in the audit trail");
        }
        Ok(account)
    }

    async fn stays_out(&self, name: &str, why: &str) -> Result<Problem, Problem> {
        let subject = if Account::is_name(name) {
            name
        } else {
            "unknown"
        };
        self.record_as("system", "session.refused", subject, why)
            .await?;
        let detail = format!("you were not let in: {why}. Ask an administrator of Tidegate");
        Ok(Problem::new(StatusCode::FORBIDDEN, detail).code(NOT_SIGNED_IN))
    }

    fn provider(&self) -> Result<&dyn SignOn, Problem> {
        let provider = self.ports.sign_on.as_deref();
        provider.ok_or_else(|| {
            let detail = "no single sign-on is set up here";
            Problem::new(StatusCode::NOT_FOUND, detail)
        })
    }
}

/// A name that only this person can have: what they are called, and a part of the hash of who they are.
fn another_name(signed: &SignedOn) -> String {
    let whole = format!("{}\n{}", signed.subject.issuer, signed.subject.subject);
    let hash = hex::encode(&fingerprint(&whole)[..8]);
    let called: String = signed
        .name
        .chars()
        .take(Account::NAME_BYTES_MAX - 20)
        .collect();
    let name = format!("{called}-{hash}");
    match Account::is_name(&name) {
        true => name,
        false => format!("user-{hash}"),
    }
}

/// Everything that ties an answer, of one secret in one direction only.
fn tie(opaque: &str) -> SignOnTie {
    let key = hmac::Key::new(hmac::HMAC_SHA256, opaque.as_bytes());
    let part = |name: &str| URL_SAFE_NO_PAD.encode(hmac::sign(&key, name.as_bytes()).as_ref());
    SignOnTie {
        state: part("state"),
        nonce: part("nonce"),
        verifier: Secret::new(part("verifier")),
    }
}

fn not_asked() -> Problem {
    let detail = "this sign-in was not begun in this browser, or took too long: begin again";
    Problem::new(StatusCode::BAD_REQUEST, detail).code(NOT_SIGNED_IN)
}

fn said_no(error: Option<&str>) -> Problem {
    // The word comes by the browser: only what such words are made of is shown.
    let word = error.unwrap_or("no code").chars();
    let word: String = word
        .filter(|letter| letter.is_ascii_alphanumeric() || "_ ".contains(*letter))
        .take(64)
        .collect();
    let detail = format!("the provider of identities said no: {word}");
    Problem::new(StatusCode::FORBIDDEN, detail).code(NOT_SIGNED_IN)
}

fn told(error: SignOnError) -> Problem {
    tracing::warn!(error = %error, "a single sign-on did not end well");
    let status = match error {
        SignOnError::Unavailable { .. } => StatusCode::BAD_GATEWAY,
        SignOnError::Refused { .. } => StatusCode::FORBIDDEN,
    };
    Problem::new(status, error.to_string()).code(NOT_SIGNED_IN)
}
