//! The connections. A change is written only over the revision that was read.

use async_trait::async_trait;
use event_model::{Connection, ConnectionId, Page, PageRequest};
use ports::{Changes, ConnectionFilter, ConnectionStore, StoreError};
use sqlx::QueryBuilder;

use crate::cursor;
use crate::failure::{conflict, failed, not_found, read, taken, written};
use crate::instants::micros;
use crate::narrow::{self, Order};
use crate::{SqliteStore, commit};

const WHAT: &str = "connection";

#[async_trait]
impl ConnectionStore for SqliteStore {
    async fn create(&self, connection: &Connection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO connections (id, name, service, state, created_at, revision, document)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(connection.id.to_string())
        .bind(&connection.name)
        .bind(&connection.service)
        .bind(connection.lifecycle.word())
        .bind(micros(connection.created_at))
        .bind(connection.revision as i64)
        .bind(written(connection))
        .execute(&self.writer)
        .await
        .map_err(taken(WHAT, &connection.name))?;
        self.connections_changed.fire();
        Ok(())
    }

    async fn get(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        sqlx::query_scalar::<_, String>("SELECT document FROM connections WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .map(|document| read(WHAT, &document))
            .transpose()
    }

    async fn update(&self, connection: &Connection) -> Result<Connection, StoreError> {
        let mut next = connection.clone();
        next.revision += 1;
        let mut tx = self.write().await?;
        let stored: Option<i64> =
            sqlx::query_scalar("SELECT revision FROM connections WHERE id = $1")
                .bind(next.id.to_string())
                .fetch_optional(&mut *tx)
                .await
                .map_err(failed)?;
        match stored {
            None => return Err(not_found(WHAT, next.id)),
            Some(stored) if stored as u64 != connection.revision => {
                return Err(conflict(WHAT, next.id));
            }
            Some(_) => {}
        }
        sqlx::query(
            "UPDATE connections SET name = $2, service = $3, state = $4, revision = $5, document = $6
             WHERE id = $1",
        )
        .bind(next.id.to_string())
        .bind(&next.name)
        .bind(&next.service)
        .bind(next.lifecycle.word())
        .bind(next.revision as i64)
        .bind(written(&next))
        .execute(&mut *tx)
        .await
        .map_err(taken(WHAT, &next.name))?;
        commit(tx).await?;
        self.connections_changed.fire();
        // A connection that is enabled again makes its remedies due.
        self.remedies_changed.fire();
        Ok(next)
    }

    async fn page(
        &self,
        filter: &ConnectionFilter,
        request: &PageRequest,
    ) -> Result<Page<Connection>, StoreError> {
        let mut query = QueryBuilder::new("SELECT document FROM connections WHERE 1 = 1");
        narrow::equal(&mut query, "service", filter.service.as_deref());
        narrow::equal(&mut query, "state", filter.state.as_deref());
        narrow::within(&mut query, "id", &filter.within);
        let after = cursor::after(WHAT, request)?;
        let limit = cursor::limit(request);
        narrow::follow(
            &mut query,
            ["created_at", "id"],
            Order::OldestFirst,
            after,
            limit,
        );
        let documents: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        cursor::page_of_documents(WHAT, &documents, request, |one: &Connection| {
            (one.created_at, one.id)
        })
    }

    fn changes(&self) -> Changes {
        self.connections_changed.subscribe()
    }
}
