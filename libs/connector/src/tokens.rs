//! Where bearer tokens come from: a role's cache over the sealed grants.

use std::time::Duration;

use async_trait::async_trait;
use event_model::Secret;
use thiserror::Error;

use crate::call::CallError;
use crate::oauth::OAuthError;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// The grant is dead, or there is none: an administrator of the service must agree again.
    #[error("there is no grant in force: {reason}")]
    GrantDead {
        /// What was said.
        reason: String,
    },
    /// Too many requests at the token endpoint.
    #[error("the token endpoint asks for {}s of patience", retry_after.as_secs())]
    Throttled {
        /// Not before this long.
        retry_after: Duration,
    },
    /// The token endpoint or the store does not answer.
    #[error("no token could be had: {detail}")]
    Unavailable {
        /// What was seen.
        detail: String,
    },
    /// The OAuth client is not set up as the service expects.
    #[error("the OAuth client is not set up: {detail}")]
    Misconfigured {
        /// What was said.
        detail: String,
    },
}

/// Which of a connection's tokens is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TokenUse {
    /// The place among the manifest's `audiences`; none for the token that most hosts take.
    pub audience: Option<usize>,
    /// About which user, where the service gives tokens about users; none for the connection's own.
    pub subject: Option<String>,
}

impl TokenUse {
    /// Whether it is the connection's own token.
    pub fn is_own(&self) -> bool {
        *self == TokenUse::default()
    }
}

/// Hands out a connection's bearer token.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token for that use; `refused` is one that the service has just answered 401 to.
    ///
    /// # Errors
    /// See [`TokenError`]. What is wrong with a token about a user is not wrong with the connection's
    /// own: it is never `GrantDead`.
    async fn token_for(
        &self,
        of: &TokenUse,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>, TokenError> {
        match refused {
            _ if !of.is_own() => Err(TokenError::Misconfigured {
                detail: "there is one token only".into(),
            }),
            Some(bearer) => self.rejected(bearer).await,
            None => self.bearer().await,
        }
    }

    /// A token that should be in force.
    ///
    /// # Errors
    /// See [`TokenError`].
    async fn bearer(&self) -> Result<Secret<String>, TokenError>;

    /// The service answered 401 to this one: another, refreshed once.
    ///
    /// # Errors
    /// `GrantDead` when refreshing shows that the grant is dead.
    async fn rejected(&self, bearer: &Secret<String>) -> Result<Secret<String>, TokenError>;
}

impl From<OAuthError> for TokenError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::GrantDead { reason } => TokenError::GrantDead { reason },
            OAuthError::Throttled { retry_after } => TokenError::Throttled { retry_after },
            OAuthError::Unavailable { detail } => TokenError::Unavailable { detail },
            OAuthError::Misconfigured { detail } => TokenError::Misconfigured { detail },
            OAuthError::Malformed { detail } => TokenError::Unavailable { detail },
        }
    }
}

impl From<TokenError> for CallError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::GrantDead { reason } => CallError::GrantDead { reason },
            TokenError::Throttled { retry_after } => CallError::Throttled { retry_after },
            TokenError::Unavailable { detail } => CallError::Unavailable { detail },
            TokenError::Misconfigured { detail } => CallError::Forbidden { detail },
        }
    }
}
