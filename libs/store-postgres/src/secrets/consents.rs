use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ports::{ConsentStore, PendingConsent, StoreError};
use store_rows::sealed::state_hash;

use crate::PostgresStore;
use crate::failure::{failed, taken};
use crate::instants::micros;
use crate::transaction::commit;

#[async_trait]
impl ConsentStore for PostgresStore {
    async fn begin_consent(&self, state: &str, consent: &PendingConsent) -> Result<(), StoreError> {
        let hash = state_hash(state);
        sqlx::query("INSERT INTO consents (state_hash, expires_at, sealed) VALUES ($1, $2, $3)")
            .bind(&hash)
            .bind(micros(consent.expires_at))
            .bind(self.sealer.seal_consent(&hash, consent))
            .execute(&self.pool)
            .await
            .map_err(taken("consent", &hash))?;
        Ok(())
    }

    /// Expired consents are removed on the way, so that those never called back for do not pile up.
    async fn take_consent(
        &self,
        state: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<PendingConsent>, StoreError> {
        let hash = state_hash(state);
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM consents WHERE expires_at <= $1")
            .bind(micros(now))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        let sealed: Option<Vec<u8>> =
            sqlx::query_scalar("DELETE FROM consents WHERE state_hash = $1 RETURNING sealed")
                .bind(&hash)
                .fetch_optional(&mut *tx)
                .await
                .map_err(failed)?;
        commit(tx).await?;
        sealed
            .map(|sealed| self.sealer.open_consent(&hash, &sealed, now))
            .transpose()
    }
}
