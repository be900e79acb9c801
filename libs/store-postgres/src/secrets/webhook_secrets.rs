use async_trait::async_trait;
use event_model::ConnectionId;
use ports::{StoreError, WebhookSecret, WebhookSecretStore};

use crate::PostgresStore;
use crate::failure::failed;

#[async_trait]
impl WebhookSecretStore for PostgresStore {
    async fn webhook_secrets(&self, id: ConnectionId) -> Result<Vec<WebhookSecret>, StoreError> {
        let sealed: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT sealed FROM webhook_secrets WHERE connection_id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        sealed.map_or(Ok(Vec::new()), |sealed| {
            self.sealer.open_webhook_secrets(id, &sealed)
        })
    }

    async fn put_webhook_secrets(
        &self,
        id: ConnectionId,
        secrets: &[WebhookSecret],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO webhook_secrets (connection_id, sealed) VALUES ($1, $2)
             ON CONFLICT (connection_id) DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(id.to_string())
        .bind(self.sealer.seal_webhook_secrets(id, secrets))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }
}
