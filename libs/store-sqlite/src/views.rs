use async_trait::async_trait;
use event_model::{SavedView, ViewId};
use ports::{StoreError, VIEWS_MAX, VIEWS_SHOWN_MAX, ViewStore};

use crate::failure::{conflict, failed, read, taken, written};
use crate::instants::micros;
use crate::{SqliteStore, commit};

const WHAT: &str = "view";

#[async_trait]
impl ViewStore for SqliteStore {
    async fn add_view(&self, view: &SavedView) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM views WHERE owner = $1")
            .bind(&view.owner)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        if count >= i64::from(VIEWS_MAX) {
            return Err(conflict(WHAT, &view.name));
        }
        sqlx::query(
            "INSERT INTO views (id, owner, name, shared, created_at, document)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(view.id.to_string())
        .bind(&view.owner)
        .bind(&view.name)
        .bind(i64::from(view.shared))
        .bind(micros(view.created_at))
        .bind(written(view))
        .execute(&mut *tx)
        .await
        .map_err(taken(WHAT, &view.name))?;
        commit(tx).await
    }

    async fn views(&self, owner: &str) -> Result<Vec<SavedView>, StoreError> {
        let documents: Vec<String> = sqlx::query_scalar(
            "SELECT document FROM views WHERE owner = $1 OR shared = 1 ORDER BY name, id LIMIT $2",
        )
        .bind(owner)
        .bind(i64::from(VIEWS_SHOWN_MAX))
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        documents.iter().map(|text| read(WHAT, text)).collect()
    }

    async fn remove_view(&self, id: ViewId, owner: &str) -> Result<bool, StoreError> {
        let removed = sqlx::query("DELETE FROM views WHERE id = $1 AND owner = $2")
            .bind(id.to_string())
            .bind(owner)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(removed.rows_affected() > 0)
    }
}
