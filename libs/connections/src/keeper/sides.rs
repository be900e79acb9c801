//! Tokens besides the connection's own: for other audiences, about other users. They are kept in memory
//! only, for they can be had again; where one refresh token gives them all, the next refresh token is
//! durable before the access token is used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use connector::{OAuthError, TokenError, TokenUse};
use event_model::{Connection, ConnectionId, Secret};
use ports::Tokens;

use super::{REFRESH_BEFORE_SECONDS, TokenKeeper, unavailable};

/// Tokens remembered at a time; beyond it the memory is begun anew.
const SIDES_KEPT_MAX: usize = 20_000;
/// A token that does not say when it ends is kept for so long.
const KEPT_FOR: TimeDelta = TimeDelta::minutes(30);

type Slot = Arc<tokio::sync::Mutex<Option<Tokens>>>;

/// The tokens by connection and use.
#[derive(Default)]
pub(super) struct Sides(Mutex<HashMap<(ConnectionId, TokenUse), Slot>>);

impl Sides {
    pub(super) fn forget(&self, id: ConnectionId) {
        let mut slots = self.0.lock().expect("no holder panics");
        slots.retain(|(of, _), _| *of != id);
    }

    fn slot(&self, id: ConnectionId, of: &TokenUse) -> Slot {
        let mut slots = self.0.lock().expect("no holder panics");
        let key = (id, of.clone());
        if slots.len() >= SIDES_KEPT_MAX && !slots.contains_key(&key) {
            slots.clear();
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

impl TokenKeeper {
    /// A token for that use. One caller of a process asks for it, the others wait.
    pub(super) async fn side_token(
        &self,
        connection: &Connection,
        of: &TokenUse,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>, TokenError> {
        let slot = self.sides.slot(connection.id, of);
        let mut kept = slot.lock().await;
        let now = self.ports.clock.now();
        let soon = now + TimeDelta::seconds(REFRESH_BEFORE_SECONDS);
        let is_good = |tokens: &&Tokens| {
            let lives = tokens.expires_at.is_some_and(|end| end > soon);
            lives && refused != Some(&tokens.access_token)
        };
        if let Some(tokens) = kept.as_ref().filter(is_good) {
            return Ok(tokens.access_token.clone());
        }
        let mut tokens = match self.connector(connection)?.needs_consent(connection) {
            true => self.side_of_grant(connection, of).await?,
            false => {
                let oauth = self.oauth(connection).await?;
                oauth.obtain_for(of, now).await.map_err(never_dead)?
            }
        };
        tokens.expires_at.get_or_insert(now + KEPT_FOR);
        let token = tokens.access_token.clone();
        *kept = Some(tokens);
        Ok(token)
    }

    /// By the grant's refresh token, which is the next one afterwards: under the grant's lease.
    async fn side_of_grant(
        &self,
        connection: &Connection,
        of: &TokenUse,
    ) -> Result<Tokens, TokenError> {
        let id = connection.id;
        // One that is about to end is refreshed first: two uses of one refresh token lose the grant.
        self.good_grant(connection, None).await?;
        let slot = self.slot(id);
        let mut kept_grant = slot.lock().await;
        let lease = self.refresh_lease(id).await?;
        let asked = self.ask_side(connection, of).await;
        let released = self.ports.leases.release_lease(&lease).await;
        released.map_err(unavailable)?;
        // What this process remembers of the grant has the refresh token of before.
        *kept_grant = None;
        asked
    }

    async fn ask_side(&self, connection: &Connection, of: &TokenUse) -> Result<Tokens, TokenError> {
        let id = connection.id;
        let stored = self.ports.grants.grant(id).await.map_err(unavailable)?;
        let Some(grant) = stored else {
            let reason = "there is no grant".into();
            return Err(TokenError::GrantDead { reason });
        };
        let oauth = self.oauth(connection).await?;
        let now = self.ports.clock.now();
        let tokens = match oauth.refresh_for(&grant.tokens, of, now).await {
            Err(OAuthError::GrantDead { reason }) => {
                self.dead(id, reason.clone()).await?;
                return Err(TokenError::GrantDead { reason });
            }
            tokens => tokens?,
        };
        if tokens.refresh_token != grant.tokens.refresh_token {
            let next = Tokens {
                refresh_token: tokens.refresh_token.clone(),
                ..grant.tokens.clone()
            };
            let replaced = self
                .ports
                .grants
                .replace_grant(id, Some(grant.version), &next);
            replaced.await.map_err(unavailable)?;
        }
        Ok(tokens)
    }
}

/// The client may lack the right to this audience or this user, and be good for all else.
fn never_dead(error: OAuthError) -> TokenError {
    match error {
        OAuthError::GrantDead { reason } => TokenError::Misconfigured { detail: reason },
        other => other.into(),
    }
}
