//! Accounts and by what their people are known: passwords, second factors, links, sessions, tokens.
//!
//! What a link, a cookie or a token carries is never stored: rows are found by its hash. Passwords are
//! hashes, and sealed nevertheless, together with the second factor.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{
    Account, AccountId, ApiToken, Page, PageRequest, Secret, Session, SessionId, Subject, TokenId,
};

use crate::StoreError;

/// Most sessions of one account; the one that was not used for longest makes room.
pub const SESSIONS_MAX: u32 = 50;
/// Most tokens of one account, revoked ones left out.
pub const TOKENS_MAX: u32 = 100;
/// Most accounts.
pub const ACCOUNTS_MAX: u64 = 10_000;

/// Codes made of a shared secret and the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The shared secret.
    pub secret: Secret<Vec<u8>>,
    /// The newest step of which a code was taken: no code is taken twice.
    pub step: u64,
    /// Hashes of the codes for who lost the device; each is taken once.
    pub recovery: Vec<String>,
}

/// What proves a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Hash of the password, with its salt and parameters.
    pub password: Option<Secret<String>>,
    /// The second factor.
    pub second_factor: Option<SecondFactor>,
    /// A second factor that was shown and not yet proved.
    pub enrolling: Option<Secret<Vec<u8>>>,
}

/// A link by which a person sets a password, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLink {
    /// Whose.
    pub account: AccountId,
    /// Not valid from then on.
    pub expires_at: DateTime<Utc>,
}

/// The accounts, and what proves their people.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Adds an account.
    ///
    /// # Errors
    /// `Conflict` when the id, the name (in any case) or the subject is taken.
    async fn add_account(&self, account: &Account) -> Result<(), StoreError>;

    /// Saves an account if it still has that revision, and gives it back with the next. The name and the
    /// day of making stay as they were.
    ///
    /// # Errors
    /// `Conflict` when it was changed or is not there, or the subject is taken.
    async fn save_account(&self, account: &Account) -> Result<Account, StoreError>;

    /// The account of that id.
    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError>;

    /// The account of that name, in any case.
    async fn account_named(&self, name: &str) -> Result<Option<Account>, StoreError>;

    /// The account of that person.
    async fn account_of(&self, subject: &Subject) -> Result<Option<Account>, StoreError>;

    /// A page of accounts, oldest first.
    async fn account_page(&self, request: &PageRequest) -> Result<Page<Account>, StoreError>;

    /// How many there are.
    async fn account_count(&self) -> Result<u64, StoreError>;

    /// What proves the person, and the version to replace it by; version 0 while there is nothing.
    async fn credentials(&self, id: AccountId) -> Result<(Credentials, u64), StoreError>;

    /// Replaces it if it still has that version.
    ///
    /// # Errors
    /// `Conflict` when another replaced it; `NotFound` when there is no such account.
    async fn replace_credentials(
        &self,
        id: AccountId,
        version: u64,
        credentials: &Credentials,
    ) -> Result<(), StoreError>;

    /// Keeps a link under its hash. Links of the same account made before are forgotten.
    async fn add_link(&self, hash: &str, link: &AccountLink) -> Result<(), StoreError>;

    /// The link of that hash, unless it has ended.
    async fn link(&self, hash: &str, now: DateTime<Utc>)
    -> Result<Option<AccountLink>, StoreError>;

    /// Takes the link away: a second call finds none, and so does any call after its end.
    async fn take_link(
        &self,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<AccountLink>, StoreError>;
}

/// The sessions of browsers, by the hash of what their cookie carries.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Keeps a session. Sessions that ended are forgotten, and the least used beyond [`SESSIONS_MAX`].
    async fn open_session(&self, hash: &str, session: &Session) -> Result<(), StoreError>;

    /// The session of that hash that has not ended, and its account.
    async fn session(
        &self,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, Option<Account>)>, StoreError>;

    /// Notes that it was used.
    async fn see_session(&self, id: SessionId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The sessions of an account that have not ended, the last used first.
    async fn sessions_of(
        &self,
        account: Option<AccountId>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError>;

    /// Ends a session. Nothing happens when there is none.
    async fn end_session(&self, id: SessionId) -> Result<(), StoreError>;

    /// Ends every session of an account but one, and gives their number.
    async fn end_sessions(
        &self,
        account: Option<AccountId>,
        but: Option<SessionId>,
    ) -> Result<u64, StoreError>;
}

/// The tokens of programs, by the hash of their text.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Keeps a token.
    ///
    /// # Errors
    /// `Conflict` when the id or the hash is taken.
    async fn add_token(&self, hash: &str, token: &ApiToken) -> Result<(), StoreError>;

    /// The token of that hash, ended and revoked ones too, and its account.
    async fn token_of_hash(&self, hash: &str) -> Result<Option<(ApiToken, Account)>, StoreError>;

    /// The token of that id.
    async fn token(&self, id: TokenId) -> Result<Option<ApiToken>, StoreError>;

    /// Notes that it was used.
    async fn token_used(&self, id: TokenId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// A page of tokens, of one account or of all, oldest first.
    async fn token_page(
        &self,
        account: Option<AccountId>,
        request: &PageRequest,
    ) -> Result<Page<ApiToken>, StoreError>;

    /// Revokes a token for good. The first moment stays.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    async fn revoke_token(&self, id: TokenId, at: DateTime<Utc>) -> Result<ApiToken, StoreError>;
}
