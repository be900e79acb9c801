//! The grants. A version never comes again, even after the grant was forgotten, so that who read an
//! old one cannot replace a new one.

use async_trait::async_trait;
use event_model::{ConnectionId, Secret};
use ports::{Grant, GrantStore, StoreError, Tokens};
use serde::{Deserialize, Serialize};

use super::exposed;
use crate::failure::{conflict, failed};
use crate::instants::{instant, micros};
use crate::{SqliteStore, commit};

/// [`Tokens`] as they are sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedTokens {
    access_token: String,
    refresh_token: Option<String>,
    expires_at_us: Option<i64>,
    scope: Option<String>,
}

impl SealedTokens {
    fn of(tokens: &Tokens) -> Self {
        SealedTokens {
            access_token: exposed(&tokens.access_token),
            refresh_token: tokens.refresh_token.as_ref().map(exposed),
            expires_at_us: tokens.expires_at.map(micros),
            scope: tokens.scope.clone(),
        }
    }

    fn tokens(self) -> Result<Tokens, StoreError> {
        Ok(Tokens {
            access_token: Secret::new(self.access_token),
            refresh_token: self.refresh_token.map(Secret::new),
            expires_at: self.expires_at_us.map(instant).transpose()?,
            scope: self.scope,
        })
    }
}

fn context(id: ConnectionId) -> String {
    format!("grant/{id}")
}

#[async_trait]
impl GrantStore for SqliteStore {
    async fn grant(&self, id: ConnectionId) -> Result<Option<Grant>, StoreError> {
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT version, sealed FROM grants WHERE connection_id = $1 AND sealed IS NOT NULL",
        )
        .bind(id.to_string())
        .fetch_optional(&self.reader)
        .await
        .map_err(failed)?;
        let Some((version, sealed)) = row else {
            return Ok(None);
        };
        let tokens = self.unseal::<SealedTokens>(&context(id), &sealed)?;
        Ok(Some(Grant {
            tokens: tokens.tokens()?,
            version: version as u64,
        }))
    }

    async fn replace_grant(
        &self,
        id: ConnectionId,
        read: Option<u64>,
        tokens: &Tokens,
    ) -> Result<Grant, StoreError> {
        let mut tx = self.write().await?;
        let row: Option<(i64, bool)> = sqlx::query_as(
            "SELECT version, sealed IS NOT NULL FROM grants WHERE connection_id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        let (last, present) = row.unwrap_or_default();
        if read != present.then_some(last as u64) {
            return Err(conflict("grant", id));
        }
        let version = last + 1;
        sqlx::query(
            "INSERT INTO grants (connection_id, version, sealed) VALUES ($1, $2, $3)
             ON CONFLICT (connection_id)
             DO UPDATE SET version = excluded.version, sealed = excluded.sealed",
        )
        .bind(id.to_string())
        .bind(version)
        .bind(self.seal(&context(id), &SealedTokens::of(tokens)))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await?;
        Ok(Grant {
            tokens: tokens.clone(),
            version: version as u64,
        })
    }

    async fn forget_grant(&self, id: ConnectionId) -> Result<(), StoreError> {
        sqlx::query("UPDATE grants SET sealed = NULL WHERE connection_id = $1")
            .bind(id.to_string())
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }
}
