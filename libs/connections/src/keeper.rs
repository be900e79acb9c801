//! One refresh per grant at a time, durable before use.
//!
//! Refresh tokens rotate: two refreshes with the same token lose the grant at many services. So a
//! refresh happens under a lock in this process, under a lease among replicas, and after reading
//! the grant again under both; and the new tokens are written before anybody gets them. What
//! remains is a crash between the service's answer and our write: the old token is then dead, the
//! next refresh is refused, and the connection asks for consent again instead of looping.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use connector::{Catalogue, Connector, Egress, OAuthError, TokenError, TokenSource, TokenUse};
use event_model::{AuditId, Connection, ConnectionId, Lifecycle, Secret};
use ports::{
    AdminError, AuditTrail, ClientSecretStore, Clock, ConnectionStore, Entropy, Grant, GrantStore,
    Lease, LeaseStore, NewAudit, StoreError, Tokens,
};
use telemetry::{Counter, Metrics};

mod sides;

use sides::Sides;

/// A token is refreshed when it has less than this left.
const REFRESH_BEFORE_SECONDS: i64 = 60;
/// How long a replica may take for one refresh, the service's answer included.
const REFRESH_LEASE: Duration = Duration::from_secs(60);
/// How often another replica's refresh is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Grants remembered at a time; beyond it the memory is begun anew.
const GRANTS_KEPT_MAX: usize = 20_000;

/// What the keeper needs of the world.
pub struct KeeperPorts {
    /// The grants.
    pub grants: Arc<dyn GrantStore>,
    /// OAuth client secrets.
    pub client_secrets: Arc<dyn ClientSecretStore>,
    /// The connections: one whose grant died needs consent.
    pub connections: Arc<dyn ConnectionStore>,
    /// Who refreshes.
    pub leases: Arc<dyn LeaseStore>,
    /// Who did what.
    pub audit: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Counts refreshes.
    pub metrics: Arc<Metrics>,
}

type Slot = Arc<tokio::sync::Mutex<Option<Grant>>>;

/// Keeps the grants usable.
pub struct TokenKeeper {
    ports: KeeperPorts,
    catalogue: Arc<Catalogue>,
    egress: Egress,
    holder: String,
    slots: Mutex<HashMap<ConnectionId, Slot>>,
    sides: Sides,
}

impl TokenKeeper {
    /// A keeper that names itself `holder` among the replicas.
    pub fn new(
        ports: KeeperPorts,
        catalogue: Arc<Catalogue>,
        egress: Egress,
        holder: String,
    ) -> Self {
        TokenKeeper {
            ports,
            catalogue,
            egress,
            holder,
            slots: Mutex::default(),
            sides: Sides::default(),
        }
    }

    /// The tokens of one connection.
    pub fn source(self: &Arc<Self>, connection: Arc<Connection>) -> Arc<dyn TokenSource> {
        Arc::new(ConnectionTokens {
            keeper: Arc::clone(self),
            connection,
        })
    }

    pub(crate) fn forget(&self, id: ConnectionId) {
        self.slots.lock().expect("no holder panics").remove(&id);
        self.sides.forget(id);
    }

    /// Marks the connection as needing consent and says so in the audit trail. A connection that is
    /// disabled or was never authorized stays as it is.
    pub(crate) async fn grant_died(
        &self,
        id: ConnectionId,
        reason: &str,
    ) -> Result<(), AdminError> {
        let now = self.ports.clock.now();
        let store = self.ports.connections.as_ref();
        let Some(connection) = store.get(id).await? else {
            return Ok(());
        };
        if matches!(connection.lifecycle, Lifecycle::NeedsConsent { .. }) {
            return Ok(());
        }
        let changed = crate::change_connection(store, id, |connection| {
            let died = connection
                .lifecycle
                .clone()
                .grant_died(reason.to_owned(), now);
            connection.lifecycle = died?;
            Ok(())
        })
        .await;
        match changed {
            Ok(_) => {}
            Err(AdminError::Illegal(_)) => return Ok(()),
            Err(error) => return Err(error),
        }
        tracing::error!(connection.id = %id, reason, "the grant is dead, consent is needed again");
        let entry = NewAudit {
            id: AuditId::new(now, self.ports.entropy.draw()),
            at: now,
            actor: "service".into(),
            action: "connection.needs_consent".into(),
            subject: id.to_string(),
            detail: reason.to_owned(),
        };
        Ok(self.ports.audit.audit(&entry).await?)
    }

    fn slot(&self, id: ConnectionId) -> Slot {
        let mut slots = self.slots.lock().expect("no holder panics");
        if slots.len() >= GRANTS_KEPT_MAX && !slots.contains_key(&id) {
            slots.clear();
        }
        Arc::clone(slots.entry(id).or_default())
    }

    /// A grant that is still good, refreshed if need be. `unless` is a token that the service has
    /// refused: a grant with that token is not good.
    async fn good_grant(
        &self,
        connection: &Connection,
        unless: Option<&Secret<String>>,
    ) -> Result<Grant, TokenError> {
        let slot = self.slot(connection.id);
        let mut kept = slot.lock().await;
        let renewable = !self.connector(connection)?.needs_consent(connection);
        if let Some(grant) = kept.as_ref()
            && self.is_good(grant, unless, renewable)
        {
            return Ok(grant.clone());
        }
        let stored = self
            .ports
            .grants
            .grant(connection.id)
            .await
            .map_err(unavailable)?;
        let grant = match stored {
            Some(stored) if self.is_good(&stored, unless, renewable) => stored,
            None if !renewable => {
                let reason = "there is no grant".into();
                return Err(TokenError::GrantDead { reason });
            }
            stored => self.refresh(connection, stored).await?,
        };
        *kept = Some(grant.clone());
        Ok(grant)
    }

    /// `renewable`: another token can be had without a refresh token and without a person.
    fn is_good(&self, grant: &Grant, unless: Option<&Secret<String>>, renewable: bool) -> bool {
        let soon = self.ports.clock.now() + TimeDelta::seconds(REFRESH_BEFORE_SECONDS);
        let lives = grant.tokens.expires_at.is_none_or(|end| end > soon);
        let refused = unless == Some(&grant.tokens.access_token);
        !refused && (lives || (grant.tokens.refresh_token.is_none() && !renewable))
    }

    /// One refresh among all replicas; the others wait for its result.
    async fn refresh(
        &self,
        connection: &Connection,
        seen: Option<Grant>,
    ) -> Result<Grant, TokenError> {
        let id = connection.id;
        let leases = self.ports.leases.as_ref();
        let give_up_at = self.ports.clock.monotonic() + REFRESH_LEASE * 2;
        let lease = loop {
            if let Some(lease) = self.try_refresh_lease(id).await? {
                break lease;
            }
            let stored = self.ports.grants.grant(id).await.map_err(unavailable)?;
            if let Some(newer) = stored.filter(|grant| is_newer(grant, seen.as_ref())) {
                return Ok(newer);
            }
            self.wait_for_lease(give_up_at).await?;
        };
        let refreshed = self.refresh_under(connection, seen.as_ref(), &lease).await;
        leases.release_lease(&lease).await.map_err(unavailable)?;
        refreshed
    }

    /// The lease of the connection's grant; waits for whoever has it.
    async fn refresh_lease(&self, id: ConnectionId) -> Result<Lease, TokenError> {
        let give_up_at = self.ports.clock.monotonic() + REFRESH_LEASE * 2;
        loop {
            if let Some(lease) = self.try_refresh_lease(id).await? {
                return Ok(lease);
            }
            self.wait_for_lease(give_up_at).await?;
        }
    }

    async fn try_refresh_lease(&self, id: ConnectionId) -> Result<Option<Lease>, TokenError> {
        let resource = format!("grant/{id}");
        let now = self.ports.clock.now();
        let leases = self.ports.leases.as_ref();
        let lease = leases.acquire_lease(&resource, &self.holder, REFRESH_LEASE, now);
        lease.await.map_err(unavailable)
    }

    async fn wait_for_lease(&self, give_up_at: Duration) -> Result<(), TokenError> {
        if self.ports.clock.monotonic() > give_up_at {
            let detail = "another replica has been refreshing for too long".into();
            return Err(TokenError::Unavailable { detail });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        Ok(())
    }

    async fn refresh_under(
        &self,
        connection: &Connection,
        seen: Option<&Grant>,
        lease: &Lease,
    ) -> Result<Grant, TokenError> {
        let id = connection.id;
        let stored = self.ports.grants.grant(id).await.map_err(unavailable)?;
        if let Some(newer) = stored.filter(|grant| is_newer(grant, seen)) {
            return Ok(newer);
        }
        let renewable = !self.connector(connection)?.needs_consent(connection);
        let oauth = self.oauth(connection).await?;
        let now = self.ports.clock.now();
        let asked = match seen {
            _ if renewable => oauth.obtain(now).await,
            Some(seen) if seen.tokens.refresh_token.is_some() => {
                oauth.refresh(&seen.tokens, now).await
            }
            _ => {
                let reason = "the access token is refused and there is no refresh token";
                return self.dead(id, reason.to_owned()).await;
            }
        };
        match asked {
            Ok(tokens) => self.keep(id, seen, tokens, lease).await,
            Err(OAuthError::GrantDead { reason }) => {
                // Somebody may have replaced the grant while we asked: theirs is good, ours was not.
                let stored = self.ports.grants.grant(id).await.map_err(unavailable)?;
                match stored.filter(|grant| is_newer(grant, seen)) {
                    Some(newer) => Ok(newer),
                    None => self.dead(id, reason).await,
                }
            }
            Err(error) => {
                self.ports
                    .metrics
                    .count(Counter::TokenRefreshes, &["failed"], 1);
                Err(error.into())
            }
        }
    }

    /// INVARIANT: the tokens are durable before this returns them.
    async fn keep(
        &self,
        id: ConnectionId,
        seen: Option<&Grant>,
        tokens: Tokens,
        lease: &Lease,
    ) -> Result<Grant, TokenError> {
        let kept = self
            .ports
            .grants
            .replace_grant(id, seen.map(|grant| grant.version), &tokens)
            .await;
        match kept {
            Ok(grant) => {
                self.ports
                    .metrics
                    .count(Counter::TokenRefreshes, &["refreshed"], 1);
                Ok(grant)
            }
            // A person consented meanwhile: that grant is newer than ours.
            Err(StoreError::Conflict { .. }) => {
                tracing::info!(connection.id = %id, lease.epoch, "the grant was replaced during its refresh");
                let stored = self.ports.grants.grant(id).await.map_err(unavailable)?;
                stored.ok_or_else(|| TokenError::GrantDead {
                    reason: "the grant is gone".into(),
                })
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn dead(&self, id: ConnectionId, reason: String) -> Result<Grant, TokenError> {
        self.ports
            .metrics
            .count(Counter::TokenRefreshes, &["dead"], 1);
        if let Err(error) = self.grant_died(id, &reason).await {
            return Err(TokenError::Unavailable {
                detail: error.to_string(),
            });
        }
        Err(TokenError::GrantDead { reason })
    }

    fn connector(&self, connection: &Connection) -> Result<Arc<Connector>, TokenError> {
        let found = self.catalogue.get(&connection.service);
        found.ok_or_else(|| TokenError::GrantDead {
            reason: format!(
                "the service `{}` is not in the catalogue",
                connection.service
            ),
        })
    }

    async fn oauth(&self, connection: &Connection) -> Result<connector::OAuthClient, TokenError> {
        let secret = self.ports.client_secrets.client_secret(connection.id).await;
        let secret = secret.map_err(unavailable)?;
        self.connector(connection)?
            .oauth(connection, secret, &self.egress)
            .ok_or_else(|| TokenError::Misconfigured {
                detail: "the connection has no OAuth client".into(),
            })
    }
}

fn is_newer(grant: &Grant, seen: Option<&Grant>) -> bool {
    seen.is_none_or(|seen| grant.version > seen.version)
}

fn unavailable(error: StoreError) -> TokenError {
    TokenError::Unavailable {
        detail: error.to_string(),
    }
}

struct ConnectionTokens {
    keeper: Arc<TokenKeeper>,
    connection: Arc<Connection>,
}

#[async_trait]
impl TokenSource for ConnectionTokens {
    async fn token_for(
        &self,
        of: &TokenUse,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>, TokenError> {
        if of.is_own() {
            let grant = self.keeper.good_grant(&self.connection, refused).await?;
            return Ok(grant.tokens.access_token);
        }
        self.keeper.side_token(&self.connection, of, refused).await
    }

    async fn bearer(&self) -> Result<Secret<String>, TokenError> {
        let grant = self.keeper.good_grant(&self.connection, None).await?;
        Ok(grant.tokens.access_token)
    }

    async fn rejected(&self, bearer: &Secret<String>) -> Result<Secret<String>, TokenError> {
        let grant = self
            .keeper
            .good_grant(&self.connection, Some(bearer))
            .await?;
        Ok(grant.tokens.access_token)
    }
}
