//! Work in the background. A job is one document; what it is listed by stands beside it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{Job, JobId, JobKind, Page, PageRequest};
use ports::{Changes, JOBS_KEPT_MAX, JobFilter, JobStore, StoreError};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use store_rows::jobs::{WHAT, open, over};

use crate::cursor;
use crate::failure::{conflict, failed, read, taken, written};
use crate::instants::micros;
use crate::narrow::{self, Order};
use crate::{SqliteStore, commit};

#[async_trait]
impl JobStore for SqliteStore {
    async fn add_job(&self, job: &Job) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO jobs (id, kind, subject, state, due_at, created_at, revision, document)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(job.id.to_string())
        .bind(job.work.kind().word())
        .bind(job.work.subject())
        .bind(job.state.word())
        .bind(micros(job.due_at))
        .bind(micros(job.created_at))
        .bind(job.revision as i64)
        .bind(written(job))
        .execute(&mut *tx)
        .await
        .map_err(taken(WHAT, job.id))?;
        forget_over(&mut tx, job.work.kind()).await?;
        commit(tx).await?;
        self.jobs_changed.fire();
        Ok(())
    }

    async fn save_job(&self, job: &Job) -> Result<Job, StoreError> {
        let mut saved = job.clone();
        saved.revision += 1;
        let changed = sqlx::query(
            "UPDATE jobs SET state = $3, due_at = $4, revision = $5, document = $6
             WHERE id = $1 AND revision = $2",
        )
        .bind(job.id.to_string())
        .bind(job.revision as i64)
        .bind(saved.state.word())
        .bind(micros(saved.due_at))
        .bind(saved.revision as i64)
        .bind(written(&saved))
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        if changed.rows_affected() == 0 {
            return Err(conflict(WHAT, job.id));
        }
        self.jobs_changed.fire();
        Ok(saved)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        sqlx::query_scalar::<_, String>("SELECT document FROM jobs WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .map(|document| read(WHAT, &document))
            .transpose()
    }

    async fn job_page(
        &self,
        filter: &JobFilter,
        request: &PageRequest,
    ) -> Result<Page<Job>, StoreError> {
        let JobFilter { kind, subject } = filter;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT document FROM jobs WHERE 1 = 1");
        narrow::equal(&mut query, "kind", kind.map(|kind| kind.word()));
        narrow::equal(&mut query, "subject", subject.clone());
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
        cursor::page_of_documents(WHAT, &documents, request, |job: &Job| {
            (job.created_at, job.id)
        })
    }

    async fn open_jobs(
        &self,
        kind: JobKind,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT document FROM jobs WHERE kind = ");
        query.push_bind(kind.word());
        narrow::one_of(&mut query, "state", &open());
        query.push(" AND due_at <= ").push_bind(micros(now));
        query.push(" ORDER BY created_at, id LIMIT ");
        query.push_bind(i64::from(limit));
        let documents: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        documents.iter().map(|text| read(WHAT, text)).collect()
    }

    fn job_changes(&self) -> Changes {
        self.jobs_changed.subscribe()
    }
}

async fn forget_over(connection: &mut SqliteConnection, kind: JobKind) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE kind = ",
    );
    query.push_bind(kind.word());
    narrow::one_of(&mut query, "state", &over());
    query.push(" ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ");
    query.push_bind(i64::from(JOBS_KEPT_MAX)).push(")");
    query.build().execute(connection).await.map_err(failed)?;
    Ok(())
}
