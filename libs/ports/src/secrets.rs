//! What must not be shown: kept sealed at rest, handed out only to the role that needs it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ConnectionId, Secret};

use crate::StoreError;

/// What a service's OAuth server gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Bearer token of API calls.
    pub access_token: Secret<String>,
    /// What the next access token is asked for with; absent when the service gives none.
    pub refresh_token: Option<Secret<String>>,
    /// When the access token ends; absent when the service does not say.
    pub expires_at: Option<DateTime<Utc>>,
    /// Granted scopes, space-separated; absent when the service does not say.
    pub scope: Option<String>,
}

/// The tokens of a connection and how often they were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The tokens.
    pub tokens: Tokens,
    /// Grows by one with every replacement.
    pub version: u64,
}

/// The grants, sealed at rest.
#[async_trait]
pub trait GrantStore: Send + Sync {
    /// The connection's grant.
    async fn grant(&self, id: ConnectionId) -> Result<Option<Grant>, StoreError>;

    /// Durably replaces the grant if it still has the version that was read (`None`: there was
    /// none), and gives back the new one.
    ///
    /// # Errors
    /// `Conflict` when another replaced it.
    async fn replace_grant(
        &self,
        id: ConnectionId,
        read: Option<u64>,
        tokens: &Tokens,
    ) -> Result<Grant, StoreError>;

    /// Forgets the grant.
    async fn forget_grant(&self, id: ConnectionId) -> Result<(), StoreError>;
}

/// The OAuth client secrets of connections, sealed at rest.
#[async_trait]
pub trait ClientSecretStore: Send + Sync {
    /// The connection's client secret.
    async fn client_secret(&self, id: ConnectionId) -> Result<Option<Secret<String>>, StoreError>;

    /// Keeps or replaces it.
    async fn put_client_secret(
        &self,
        id: ConnectionId,
        secret: &Secret<String>,
    ) -> Result<(), StoreError>;
}

/// A secret by which deliveries are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecret {
    /// The secret, as the service writes it.
    pub secret: Secret<String>,
    /// Not valid from then on; absent for the current one.
    pub not_after: Option<DateTime<Utc>>,
}

/// The webhook secrets of connections, sealed at rest.
#[async_trait]
pub trait WebhookSecretStore: Send + Sync {
    /// The secrets in force: the current one first, at most [`WEBHOOK_SECRETS_MAX`].
    async fn webhook_secrets(&self, id: ConnectionId) -> Result<Vec<WebhookSecret>, StoreError>;

    /// Replaces them all.
    async fn put_webhook_secrets(
        &self,
        id: ConnectionId,
        secrets: &[WebhookSecret],
    ) -> Result<(), StoreError>;
}

/// Most webhook secrets of one connection at a time.
pub const WEBHOOK_SECRETS_MAX: usize = 4;

/// A consent that was begun: what the callback must be matched with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingConsent {
    /// For which connection.
    pub connection_id: ConnectionId,
    /// PKCE code verifier.
    pub code_verifier: Secret<String>,
    /// The redirect URI that was sent, to be repeated at the token endpoint.
    pub redirect_uri: String,
    /// Not valid from then on.
    pub expires_at: DateTime<Utc>,
}

/// Consents that were begun, by their one-time `state`.
#[async_trait]
pub trait ConsentStore: Send + Sync {
    /// Remembers a consent under its `state`.
    async fn begin_consent(&self, state: &str, consent: &PendingConsent) -> Result<(), StoreError>;

    /// Takes the consent of that `state` away: a second call finds none, and so does any call after
    /// its expiry.
    async fn take_consent(
        &self,
        state: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<PendingConsent>, StoreError>;
}
