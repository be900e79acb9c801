//! OAuth 2.0 authorization code with PKCE: from the consent page back to a durable grant.

use chrono::TimeDelta;
use event_model::{Connection, ConnectionId};
use ports::{AdminError, Callback, PendingConsent, StoreError, Tokens};

use crate::Connections;
use crate::error::{consent_error, service_error};

/// How long a consent may take, from the redirect to the callback.
const CONSENT_MINUTES_MAX: i64 = 15;
/// Longest value taken from a callback's query, in bytes.
const QUERY_VALUE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of chance in a `state`.
const STATE_BYTES: usize = 32;

impl Connections {
    /// Begins a consent: the address of the service's consent page, with a one-time `state` and a
    /// PKCE challenge in it.
    ///
    /// # Errors
    /// When there is no such connection, the service has no consent page, or a feed is being set up.
    pub(crate) async fn begin_consent(
        &self,
        id: ConnectionId,
        by: &str,
    ) -> Result<String, AdminError> {
        let connection = self.get(id).await?;
        let now = self.ports.clock.now();
        connection.lifecycle.clone().consented(now)?;
        let oauth = self.oauth(&connection).await?;
        let mut chance = [0; STATE_BYTES];
        self.ports.entropy.fill(&mut chance);
        let state = hex::encode(chance);
        let (code_verifier, challenge) = connector::pkce(self.ports.entropy.as_ref());
        let redirect_uri = self.redirect_uri();
        let url = oauth
            .authorize_url(&redirect_uri, &state, &challenge)
            .map_err(consent_error)?;
        let pending = PendingConsent {
            connection_id: id,
            code_verifier,
            redirect_uri,
            expires_at: now + TimeDelta::minutes(CONSENT_MINUTES_MAX),
        };
        self.ports.consents.begin_consent(&state, &pending).await?;
        self.audit(
            by,
            "connection.consent_begun",
            id,
            "sent to the consent page".into(),
        )
        .await?;
        Ok(url)
    }

    /// Ends a consent: the code becomes a durable grant, the tenant is learned, the reach is checked.
    ///
    /// # Errors
    /// `ConsentRefused` when the `state` is unknown, used or too old, when the administrator denied,
    /// when the code is not taken, or when the grant is of another tenant than the connection's.
    pub(crate) async fn end_consent(&self, query: Callback) -> Result<Connection, AdminError> {
        let refused = |detail: &str| AdminError::ConsentRefused {
            detail: detail.to_owned(),
        };
        let state = bounded(query.state).ok_or_else(|| refused("the callback has no state"))?;
        let now = self.ports.clock.now();
        let pending = self.ports.consents.take_consent(&state, now).await?.ok_or_else(|| {
            refused("this consent was used before, took too long, or was not begun here: begin it again")
        })?;
        let id = pending.connection_id;
        if let Some(error) = bounded(query.error) {
            let said = bounded(query.error_description).unwrap_or_default();
            self.audit("service", "connection.consent_denied", id, error.clone())
                .await?;
            return Err(refused(
                format!("the service answered `{error}` {said}").trim_end(),
            ));
        }
        let code = bounded(query.code).ok_or_else(|| refused("the callback has no code"))?;
        let connection = self.get(id).await?;
        let oauth = self.oauth(&connection).await?;
        let (tokens, said) = oauth
            .exchange(&code, &pending.redirect_uri, &pending.code_verifier, now)
            .await
            .map_err(consent_error)?;
        let tenant = oauth.tenant_id(&said);
        let connection = self.accept_grant(connection, tokens, tenant).await?;
        self.audit(
            "service",
            "connection.authorized",
            id,
            "consent was given".into(),
        )
        .await?;
        self.check_health(id).await?;
        if connection.lifecycle.is_enabled() {
            self.look_soon(id);
        }
        Ok(self.ports.connections.get(id).await?.unwrap_or(connection))
    }

    /// Keeps the grant, then learns whose it is. A grant of another tenant is forgotten again, and
    /// the one before put back.
    async fn accept_grant(
        &self,
        connection: Connection,
        tokens: Tokens,
        told: Option<String>,
    ) -> Result<Connection, AdminError> {
        let id = connection.id;
        let before = self.ports.grants.grant(id).await?;
        self.replace_grant(id, &tokens).await?;
        self.clients.forget(id);
        let tenant = match told {
            Some(tenant) => Some(tenant),
            None => self
                .clients
                .client(&connection)?
                .tenant_id()
                .await
                .map_err(service_error)?,
        };
        if let (Some(known), Some(given)) = (&connection.tenant_id, &tenant)
            && known != given
        {
            match before {
                Some(grant) => self.replace_grant(id, &grant.tokens).await?,
                None => self.ports.grants.forget_grant(id).await?,
            }
            self.clients.forget(id);
            let detail = format!(
                "consent was given for the tenant `{given}`, but this connection is of `{known}`"
            );
            return Err(AdminError::ConsentRefused { detail });
        }
        let now = self.ports.clock.now();
        let changed = self
            .change(id, |connection| {
                connection.lifecycle = connection.lifecycle.clone().consented(now)?;
                connection.tenant_id = tenant.clone().or(connection.tenant_id.take());
                Ok(())
            })
            .await?;
        if changed.lifecycle.is_enabled() {
            self.ports.gate.open(id).await?;
        }
        Ok(changed)
    }

    /// Replaces the grant, whatever it was: a person's consent wins over a refresh under way.
    async fn replace_grant(&self, id: ConnectionId, tokens: &Tokens) -> Result<(), AdminError> {
        let mut tries = 0;
        loop {
            let read = self
                .ports
                .grants
                .grant(id)
                .await?
                .map(|grant| grant.version);
            tries += 1;
            match self.ports.grants.replace_grant(id, read, tokens).await {
                Err(StoreError::Conflict { .. }) if tries < crate::CHANGE_TRIES_MAX => continue,
                result => return Ok(result.map(|_| ())?),
            }
        }
    }

    async fn oauth(&self, connection: &Connection) -> Result<connector::OAuthClient, AdminError> {
        let secret = self
            .ports
            .client_secrets
            .client_secret(connection.id)
            .await?;
        self.connector(connection)?
            .oauth(connection, secret, self.clients.egress())
            .ok_or_else(|| AdminError::Conflict {
                detail: format!("the service `{}` has no consent page", connection.service),
            })
    }

    fn redirect_uri(&self) -> String {
        format!("{}/oauth/callback", self.public_url)
    }
}

fn bounded(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty() && value.len() <= QUERY_VALUE_BYTES_MAX)
}
