use async_trait::async_trait;
use event_model::{ConnectionId, Secret};
use ports::{ClientSecretStore, StoreError};

use crate::PostgresStore;
use crate::failure::failed;

#[async_trait]
impl ClientSecretStore for PostgresStore {
    async fn client_secret(&self, id: ConnectionId) -> Result<Option<Secret<String>>, StoreError> {
        let sealed: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT sealed FROM client_secrets WHERE connection_id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        sealed
            .map(|sealed| self.sealer.open_client_secret(id, &sealed))
            .transpose()
    }

    async fn put_client_secret(
        &self,
        id: ConnectionId,
        secret: &Secret<String>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO client_secrets (connection_id, sealed) VALUES ($1, $2)
             ON CONFLICT (connection_id) DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(id.to_string())
        .bind(self.sealer.seal_client_secret(id, secret))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }
}
