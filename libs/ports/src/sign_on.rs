//! Signing in at a provider of identities: the seam to what speaks with it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use event_model::{ConnectionScope, Role, Secret, Subject};
use thiserror::Error;

/// What ties the provider's answer to the browser that was sent there. All of it is made of one secret that
/// only this browser has.
#[derive(Debug, Clone)]
pub struct SignOnTie {
    /// Comes back with the browser.
    pub state: String,
    /// Comes back in the signed statement.
    pub nonce: String,
    /// PKCE: shown when the code is exchanged. 43 letters and digits at least.
    pub verifier: Secret<String>,
}

/// Somebody as the provider knows them, and what the settings make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOn {
    /// Who: never given to another.
    pub subject: Subject,
    /// What they would be called here; it may be taken, or be no name.
    pub name: String,
    /// Their groups.
    pub groups: BTreeSet<String>,
    /// What their groups make of them; nobody may come in without a role.
    pub roles: BTreeSet<Role>,
    /// Within which connections.
    pub scope: ConnectionScope,
    /// Whether the provider says that they proved a second factor there.
    pub second_factor: bool,
}

/// Why nobody was signed on.
#[derive(Debug, Error)]
pub enum SignOnError {
    /// The provider does not answer, or not as it should: try again later.
    #[error("the provider of identities does not answer: {detail}")]
    Unavailable {
        /// What was seen.
        detail: String,
    },
    /// What it answered does not prove who somebody is.
    #[error("the provider's answer is not taken: {detail}")]
    Refused {
        /// Why, in a sentence; nothing of the answer is in it.
        detail: String,
    },
}

/// A provider of identities.
#[async_trait]
pub trait SignOn: Send + Sync {
    /// What people call it.
    fn name(&self) -> &str;

    /// Where the browser is sent to.
    ///
    /// # Errors
    /// See [`SignOnError`].
    async fn begin(&self, tie: &SignOnTie) -> Result<String, SignOnError>;

    /// Who came back with that code.
    ///
    /// # Errors
    /// See [`SignOnError`].
    async fn finish(&self, code: &Secret<String>, tie: &SignOnTie)
    -> Result<SignedOn, SignOnError>;
}
