use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ports::{ANSWERS_KEPT_MAX, AnswerStore, Claimed, KeptAnswer, OnceAsked, StoreError};

use crate::PostgresStore;
use crate::failure::failed;
use crate::instants::micros;
use crate::texts::key;
use crate::transaction::commit;

#[async_trait]
impl AnswerStore for PostgresStore {
    /// Two processes with the same key: the second waits at the unique key, and reads what the first wrote.
    async fn claim_answer(
        &self,
        asked: OnceAsked<'_>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Claimed, StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "DELETE FROM kept_answers WHERE (owner, key) IN (
                 SELECT owner, key FROM kept_answers WHERE until <= $1 FOR UPDATE SKIP LOCKED)
             OR (owner = $2 AND key = $3 AND until <= $1)",
        )
        .bind(micros(now))
        .bind(key(asked.owner))
        .bind(key(asked.key))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        let inserted = sqlx::query(
            "INSERT INTO kept_answers (owner, key, request, until) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(key(asked.owner))
        .bind(key(asked.key))
        .bind(asked.request)
        .bind(micros(until))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        if inserted.rows_affected() == 0 {
            let (request, sealed): (String, Option<Vec<u8>>) = sqlx::query_as(
                "SELECT request, sealed FROM kept_answers WHERE owner = $1 AND key = $2",
            )
            .bind(key(asked.owner))
            .bind(key(asked.key))
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
            commit(tx).await?;
            return self.sealer.claimed(asked, &request, sealed.as_deref());
        }
        sqlx::query(
            "DELETE FROM kept_answers WHERE owner = $1 AND key IN (
                 SELECT key FROM kept_answers WHERE owner = $1
                 ORDER BY until DESC, key OFFSET $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind(key(asked.owner))
        .bind(i64::from(ANSWERS_KEPT_MAX))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await?;
        Ok(Claimed::New)
    }

    async fn keep_answer(
        &self,
        asked: OnceAsked<'_>,
        answer: &KeptAnswer,
    ) -> Result<(), StoreError> {
        let kept = sqlx::query(
            "UPDATE kept_answers SET sealed = $4
             WHERE owner = $1 AND key = $2 AND request = $3 AND sealed IS NULL",
        )
        .bind(key(asked.owner))
        .bind(key(asked.key))
        .bind(asked.request)
        .bind(self.sealer.seal_answer(asked, answer))
        .execute(&self.pool)
        .await;
        kept.map(drop).map_err(failed)
    }

    async fn forget_answer(&self, asked: OnceAsked<'_>) -> Result<(), StoreError> {
        let forgotten = sqlx::query(
            "DELETE FROM kept_answers
             WHERE owner = $1 AND key = $2 AND request = $3 AND sealed IS NULL",
        )
        .bind(key(asked.owner))
        .bind(key(asked.key))
        .bind(asked.request)
        .execute(&self.pool)
        .await;
        forgotten.map(drop).map_err(failed)
    }
}
