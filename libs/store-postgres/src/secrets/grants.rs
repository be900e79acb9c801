//! The grants. A version never comes again, even after the grant was forgotten, so that who read an
//! old one cannot replace a new one.

use async_trait::async_trait;
use event_model::ConnectionId;
use ports::{Grant, GrantStore, StoreError, Tokens};

use crate::PostgresStore;
use crate::failure::{conflict, failed};
use crate::transaction::commit;

#[async_trait]
impl GrantStore for PostgresStore {
    async fn grant(&self, id: ConnectionId) -> Result<Option<Grant>, StoreError> {
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT version, sealed FROM grants WHERE connection_id = $1 AND sealed IS NOT NULL",
        )
        .bind(id.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        let Some((version, sealed)) = row else {
            return Ok(None);
        };
        Ok(Some(Grant {
            tokens: self.sealer.open_tokens(id, &sealed)?,
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
        // A row before the first grant, so that there is something to lock.
        sqlx::query(
            "INSERT INTO grants (connection_id, version) VALUES ($1, 0) ON CONFLICT DO NOTHING",
        )
        .bind(id.to_string())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        let (last, present): (i64, bool) = sqlx::query_as(
            "SELECT version, sealed IS NOT NULL FROM grants WHERE connection_id = $1 FOR UPDATE",
        )
        .bind(id.to_string())
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        if read != present.then_some(last as u64) {
            return Err(conflict("grant", id));
        }
        let version = last + 1;
        sqlx::query("UPDATE grants SET version = $2, sealed = $3 WHERE connection_id = $1")
            .bind(id.to_string())
            .bind(version)
            .bind(self.sealer.seal_tokens(id, tokens))
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
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }
}
