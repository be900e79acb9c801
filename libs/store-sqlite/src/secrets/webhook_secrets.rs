use async_trait::async_trait;
use event_model::{ConnectionId, Secret};
use ports::{StoreError, WEBHOOK_SECRETS_MAX, WebhookSecret, WebhookSecretStore};
use serde::{Deserialize, Serialize};

use super::exposed;
use crate::SqliteStore;
use crate::failure::failed;
use crate::instants::{instant, micros};

/// A [`WebhookSecret`] as it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedSecret {
    secret: String,
    not_after_us: Option<i64>,
}

fn context(id: ConnectionId) -> String {
    format!("webhook-secrets/{id}")
}

#[async_trait]
impl WebhookSecretStore for SqliteStore {
    async fn webhook_secrets(&self, id: ConnectionId) -> Result<Vec<WebhookSecret>, StoreError> {
        let sealed: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT sealed FROM webhook_secrets WHERE connection_id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.reader)
                .await
                .map_err(failed)?;
        let Some(sealed) = sealed else {
            return Ok(Vec::new());
        };
        self.unseal::<Vec<SealedSecret>>(&context(id), &sealed)?
            .into_iter()
            .map(|one| {
                Ok(WebhookSecret {
                    secret: Secret::new(one.secret),
                    not_after: one.not_after_us.map(instant).transpose()?,
                })
            })
            .collect()
    }

    /// Those beyond [`WEBHOOK_SECRETS_MAX`], the oldest, are not kept.
    async fn put_webhook_secrets(
        &self,
        id: ConnectionId,
        secrets: &[WebhookSecret],
    ) -> Result<(), StoreError> {
        let kept: Vec<SealedSecret> = secrets
            .iter()
            .take(WEBHOOK_SECRETS_MAX)
            .map(|one| SealedSecret {
                secret: exposed(&one.secret),
                not_after_us: one.not_after.map(micros),
            })
            .collect();
        sqlx::query(
            "INSERT INTO webhook_secrets (connection_id, sealed) VALUES ($1, $2)
             ON CONFLICT (connection_id) DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(id.to_string())
        .bind(self.seal(&context(id), &kept))
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }
}
