//! What is held aside. Items are written by remedies only, in the transaction that saves or plans
//! the remedy.

use async_trait::async_trait;
use event_model::{Page, PageRequest, QuarantineId, QuarantineItem, RemedyId};
use ports::{QuarantineFilter, QuarantineStore, StoreError};
use sqlx::{QueryBuilder, SqliteConnection};

use crate::SqliteStore;
use crate::cursor;
use crate::failure::{failed, read, written};
use crate::instants::micros;
use crate::narrow::{self, Order};

pub(crate) const WHAT: &str = "quarantine item";

pub(crate) async fn load(
    connection: &mut SqliteConnection,
    id: QuarantineId,
) -> Result<Option<QuarantineItem>, StoreError> {
    let sql = "SELECT document FROM quarantine_items WHERE id = $1";
    one(connection, sql, id.to_string()).await
}

/// The item that a remedy made.
pub(crate) async fn of_remedy(
    connection: &mut SqliteConnection,
    remedy: RemedyId,
) -> Result<Option<QuarantineItem>, StoreError> {
    let sql = "SELECT document FROM quarantine_items WHERE remedy_id = $1";
    one(connection, sql, remedy.to_string()).await
}

async fn one(
    connection: &mut SqliteConnection,
    sql: &'static str,
    key: String,
) -> Result<Option<QuarantineItem>, StoreError> {
    sqlx::query_scalar::<_, String>(sql)
        .bind(key)
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|document| read(WHAT, &document))
        .transpose()
}

/// Adds the item, or writes its new state.
pub(crate) async fn put(
    connection: &mut SqliteConnection,
    item: &QuarantineItem,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO quarantine_items
         (id, connection_id, incident_id, remedy_id, state, held_at, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, document = excluded.document",
    )
    .bind(item.id.to_string())
    .bind(item.connection_id.to_string())
    .bind(item.incident_id.to_string())
    .bind(item.remedy_id.to_string())
    .bind(item.state.word())
    .bind(micros(item.held_at))
    .bind(written(item))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

#[async_trait]
impl QuarantineStore for SqliteStore {
    async fn quarantine_item(
        &self,
        id: QuarantineId,
    ) -> Result<Option<QuarantineItem>, StoreError> {
        let mut reader = self.reader.acquire().await.map_err(failed)?;
        load(&mut reader, id).await
    }

    async fn quarantine_page(
        &self,
        filter: &QuarantineFilter,
        request: &PageRequest,
    ) -> Result<Page<QuarantineItem>, StoreError> {
        let QuarantineFilter {
            connection,
            within,
            incident,
            state,
        } = filter;
        let mut query = QueryBuilder::new("SELECT document FROM quarantine_items WHERE 1 = 1");
        let states: Vec<&str> = state.iter().map(|state| state.word()).collect();
        narrow::equal(
            &mut query,
            "connection_id",
            connection.map(|id| id.to_string()),
        );
        narrow::within(&mut query, "connection_id", within);
        narrow::equal(&mut query, "incident_id", incident.map(|id| id.to_string()));
        narrow::one_of(&mut query, "state", &states);
        let after = cursor::after(WHAT, request)?;
        let limit = cursor::limit(request);
        narrow::follow(
            &mut query,
            ["held_at", "id"],
            Order::NewestFirst,
            after,
            limit,
        );
        let documents: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        cursor::page_of_documents(WHAT, &documents, request, |one: &QuarantineItem| {
            (one.held_at, one.id)
        })
    }
}
