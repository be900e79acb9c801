//! What is let be. An exception is one document; what it is listed by stands beside it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Exception, ExceptionId, Page, PageRequest};
use ports::{EXCEPTIONS_IN_USE_MAX, ExceptionFilter, ExceptionStore, StoreError};
use sqlx::{QueryBuilder, SqliteConnection};

use crate::cursor;
use crate::failure::{conflict, failed, not_found, read, taken, written};
use crate::instants::micros;
use crate::narrow::{self, Order};
use crate::{SqliteStore, commit};

const WHAT: &str = "exception";

#[async_trait]
impl ExceptionStore for SqliteStore {
    async fn add_exception(&self, exception: &Exception) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let in_use = in_use(&mut tx, exception.created_at).await?;
        if in_use.len() >= EXCEPTIONS_IN_USE_MAX as usize {
            return Err(conflict(WHAT, exception.id));
        }
        sqlx::query(
            "INSERT INTO exceptions (id, policy_id, created_at, until, document)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(exception.id.to_string())
        .bind(exception.policy_id.to_string())
        .bind(micros(exception.created_at))
        .bind(micros(exception.expires_at))
        .bind(written(exception))
        .execute(&mut *tx)
        .await
        .map_err(taken(WHAT, exception.id))?;
        commit(tx).await
    }

    async fn exception(&self, id: ExceptionId) -> Result<Option<Exception>, StoreError> {
        let mut snapshot = self.snapshot().await?;
        find(&mut snapshot, id).await
    }

    async fn end_exception(
        &self,
        id: ExceptionId,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Exception, StoreError> {
        let mut tx = self.write().await?;
        let found = find(&mut tx, id).await?;
        let mut exception = found.ok_or_else(|| not_found(WHAT, id))?;
        if exception.ended_at.is_some() {
            return Ok(exception);
        }
        exception.ended_at = Some(at);
        exception.ended_by = Some(by.to_owned());
        sqlx::query("UPDATE exceptions SET until = $2, document = $3 WHERE id = $1")
            .bind(id.to_string())
            .bind(micros(at.min(exception.expires_at)))
            .bind(written(&exception))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        commit(tx).await?;
        Ok(exception)
    }

    async fn exception_page(
        &self,
        filter: &ExceptionFilter,
        request: &PageRequest,
    ) -> Result<Page<Exception>, StoreError> {
        let ExceptionFilter { policy, in_use_at } = filter;
        let mut query = QueryBuilder::new("SELECT document FROM exceptions WHERE 1 = 1");
        narrow::equal(&mut query, "policy_id", policy.map(|id| id.to_string()));
        if let Some(at) = in_use_at {
            query.push(" AND until > ").push_bind(micros(*at));
        }
        let after = cursor::after(WHAT, request)?;
        let limit = cursor::limit(request);
        narrow::follow(
            &mut query,
            ["created_at", "id"],
            Order::NewestFirst,
            after,
            limit,
        );
        let documents: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        cursor::page_of_documents(WHAT, &documents, request, |one: &Exception| {
            (one.created_at, one.id)
        })
    }

    async fn exceptions_in_use(&self, at: DateTime<Utc>) -> Result<Vec<Exception>, StoreError> {
        let mut snapshot = self.snapshot().await?;
        in_use(&mut snapshot, at).await
    }
}

async fn find(
    connection: &mut SqliteConnection,
    id: ExceptionId,
) -> Result<Option<Exception>, StoreError> {
    sqlx::query_scalar::<_, String>("SELECT document FROM exceptions WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|document| read(WHAT, &document))
        .transpose()
}

async fn in_use(
    connection: &mut SqliteConnection,
    at: DateTime<Utc>,
) -> Result<Vec<Exception>, StoreError> {
    let documents: Vec<String> = sqlx::query_scalar(
        "SELECT document FROM exceptions WHERE until > $1 ORDER BY created_at, id LIMIT $2",
    )
    .bind(micros(at))
    .bind(i64::from(EXCEPTIONS_IN_USE_MAX))
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    let all = documents.iter().map(|text| read(WHAT, text));
    let all: Vec<Exception> = all.collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter(|one| one.is_in_use(at)).collect())
}
