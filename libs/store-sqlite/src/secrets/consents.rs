use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{ConnectionId, Secret};
use ports::{ConsentStore, PendingConsent, StoreError};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::exposed;
use crate::failure::{corrupt, failed, taken};
use crate::instants::{instant, micros};
use crate::{SqliteStore, commit};

/// A [`PendingConsent`] as it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedConsent {
    connection_id: ConnectionId,
    code_verifier: String,
    redirect_uri: String,
    expires_at_us: i64,
}

/// The `state` is a bearer secret of the callback: only its hash is stored.
fn hash_of(state: &str) -> String {
    hex::encode(digest(&SHA256, state.as_bytes()))
}

fn context(state_hash: &str) -> String {
    format!("consent/{state_hash}")
}

#[async_trait]
impl ConsentStore for SqliteStore {
    async fn begin_consent(&self, state: &str, consent: &PendingConsent) -> Result<(), StoreError> {
        let hash = hash_of(state);
        let sealed = SealedConsent {
            connection_id: consent.connection_id,
            code_verifier: exposed(&consent.code_verifier),
            redirect_uri: consent.redirect_uri.clone(),
            expires_at_us: micros(consent.expires_at),
        };
        sqlx::query("INSERT INTO consents (state_hash, expires_at, sealed) VALUES ($1, $2, $3)")
            .bind(&hash)
            .bind(sealed.expires_at_us)
            .bind(self.seal(&context(&hash), &sealed))
            .execute(&self.writer)
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
        let hash = hash_of(state);
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
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let consent: SealedConsent = self.unseal(&context(&hash), &sealed)?;
        let expires_at = instant(consent.expires_at_us)?;
        if expires_at <= now {
            return Err(corrupt("consent")("its expiry was changed"));
        }
        Ok(Some(PendingConsent {
            connection_id: consent.connection_id,
            code_verifier: Secret::new(consent.code_verifier),
            redirect_uri: consent.redirect_uri,
            expires_at,
        }))
    }
}
