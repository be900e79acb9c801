//! What is known of the vault's items.

use async_trait::async_trait;
use event_model::{Page, PageRequest, VaultId, VaultItem};
use ports::{StoreError, VaultFilter, VaultIndex};
use sqlx::QueryBuilder;

use crate::cursor;
use crate::failure::{conflict, failed, not_found, read, taken, written};
use crate::instants::micros;
use crate::narrow::{self, Order};
use crate::{SqliteStore, commit};

const WHAT: &str = "vault item";

#[async_trait]
impl VaultIndex for SqliteStore {
    async fn add_vault_item(&self, item: &VaultItem) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO vault_items (id, state, received_at, revision, document)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(item.id.to_string())
        .bind(item.state.word())
        .bind(micros(item.received_at))
        .bind(item.revision as i64)
        .bind(written(item))
        .execute(&self.writer)
        .await
        .map_err(taken(WHAT, item.id))?;
        Ok(())
    }

    async fn vault_item(&self, id: VaultId) -> Result<Option<VaultItem>, StoreError> {
        sqlx::query_scalar::<_, String>("SELECT document FROM vault_items WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .map(|document| read(WHAT, &document))
            .transpose()
    }

    async fn save_vault_item(&self, item: &VaultItem) -> Result<VaultItem, StoreError> {
        let mut next = item.clone();
        next.revision += 1;
        let mut tx = self.write().await?;
        let stored: Option<i64> =
            sqlx::query_scalar("SELECT revision FROM vault_items WHERE id = $1")
                .bind(next.id.to_string())
                .fetch_optional(&mut *tx)
                .await
                .map_err(failed)?;
        match stored {
            None => return Err(not_found(WHAT, next.id)),
            Some(stored) if stored as u64 != item.revision => {
                return Err(conflict(WHAT, next.id));
            }
            Some(_) => {}
        }
        sqlx::query(
            "UPDATE vault_items SET state = $2, revision = $3, document = $4 WHERE id = $1",
        )
        .bind(next.id.to_string())
        .bind(next.state.word())
        .bind(next.revision as i64)
        .bind(written(&next))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        commit(tx).await?;
        Ok(next)
    }

    async fn vault_page(
        &self,
        filter: &VaultFilter,
        request: &PageRequest,
    ) -> Result<Page<VaultItem>, StoreError> {
        let VaultFilter { state } = filter;
        let mut query = QueryBuilder::new("SELECT document FROM vault_items WHERE 1 = 1");
        let states: Vec<&str> = state.iter().map(|state| state.word()).collect();
        narrow::one_of(&mut query, "state", &states);
        let after = cursor::after(WHAT, request)?;
        let limit = cursor::limit(request);
        narrow::follow(
            &mut query,
            ["received_at", "id"],
            Order::NewestFirst,
            after,
            limit,
        );
        let documents: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        cursor::page_of_documents(WHAT, &documents, request, |one: &VaultItem| {
            (one.received_at, one.id)
        })
    }
}
