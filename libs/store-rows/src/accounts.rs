//! How rows of accounts, sessions and tokens read, and what an account is found by.

use event_model::{Account, ApiToken, Session, Subject};
use ports::StoreError;
use ring::digest::{SHA256, digest};

use crate::failure::read;
use crate::instants::instant;

/// What errors call an account.
pub const ACCOUNT: &str = "account";
/// What errors call a session.
pub const SESSION: &str = "session";
/// What errors call a token.
pub const TOKEN: &str = "token";

/// What a person at a provider is found by: a hash, since neither part has a bound.
pub fn subject_key(subject: &Subject) -> String {
    let Subject { issuer, subject } = subject;
    let whole = format!("{}\n{issuer}\n{subject}", issuer.len());
    hex::encode(digest(&SHA256, whole.as_bytes()))
}

/// A session, from its document and when it was last used.
///
/// # Errors
/// `Corrupt` when it does not read.
pub fn session((document, seen_at): &(String, i64)) -> Result<Session, StoreError> {
    let session: Session = read(SESSION, document)?;
    Ok(Session {
        seen_at: instant(*seen_at)?,
        ..session
    })
}

/// An account, where there is one.
///
/// # Errors
/// `Corrupt` when it does not read.
pub fn account(document: Option<&str>) -> Result<Option<Account>, StoreError> {
    document.map(|text| read(ACCOUNT, text)).transpose()
}

/// A token as it is stored: its document, when it was last used, when it was revoked.
pub type TokenRow = (String, Option<i64>, Option<i64>);

/// A token, from its row.
///
/// # Errors
/// `Corrupt` when it does not read.
pub fn token((document, used_at, revoked_at): &TokenRow) -> Result<ApiToken, StoreError> {
    let token: ApiToken = read(TOKEN, document)?;
    Ok(ApiToken {
        used_at: used_at.map(instant).transpose()?,
        revoked_at: revoked_at.map(instant).transpose()?,
        ..token
    })
}
