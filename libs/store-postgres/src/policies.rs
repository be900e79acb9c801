//! The policies. INVARIANT: of one policy at most one version is in use, and of one name at most one
//! policy; one lock holds it, and two unique indexes too.

use async_trait::async_trait;
use event_model::{Page, PageRequest, PolicyId, PolicyVersion};
use ports::{Changes, POLICIES_IN_USE_MAX, PolicyStore, StoreError};
use sqlx::PgConnection;

use crate::PostgresStore;
use crate::changes::Kind;
use crate::cursor::{self, SortKey};
use crate::failure::{conflict, failed, not_found, read, taken, written};
use crate::texts::key;
use crate::transaction::{Lock, lock};

const WHAT: &str = "policy";

type Row = (String, bool);

/// The document with what may change of it.
fn version_of((document, enabled): Row) -> Result<PolicyVersion, StoreError> {
    let version: PolicyVersion = read(WHAT, &document)?;
    Ok(PolicyVersion { enabled, ..version })
}

async fn latest(
    connection: &mut PgConnection,
    id: PolicyId,
) -> Result<Option<PolicyVersion>, StoreError> {
    sqlx::query_as::<_, Row>(
        "SELECT document, enabled FROM policies WHERE id = $1 ORDER BY version DESC LIMIT 1",
    )
    .bind(id.to_string())
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .map(version_of)
    .transpose()
}

async fn switch_off(connection: &mut PgConnection, id: PolicyId) -> Result<(), StoreError> {
    sqlx::query("UPDATE policies SET enabled = FALSE WHERE id = $1 AND enabled")
        .bind(id.to_string())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn refuse_taken_name(
    connection: &mut PgConnection,
    version: &PolicyVersion,
) -> Result<(), StoreError> {
    let name = &version.document.name;
    let other: Option<String> = sqlx::query_scalar(
        "SELECT id FROM policies WHERE name = $1 AND enabled AND id <> $2 LIMIT 1",
    )
    .bind(key(name))
    .bind(version.id.to_string())
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    match other {
        Some(_) => Err(conflict(WHAT, name)),
        None => Ok(()),
    }
}

#[async_trait]
impl PolicyStore for PostgresStore {
    async fn save_policy(&self, version: &PolicyVersion) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        lock(&mut tx, Lock::Policies).await?;
        let last = latest(&mut tx, version.id).await?;
        let next = last.map_or(0, |last| last.version) + 1;
        if version.version != next {
            return Err(conflict(WHAT, version.id));
        }
        refuse_taken_name(&mut tx, version).await?;
        if version.enabled {
            switch_off(&mut tx, version.id).await?;
        }
        sqlx::query(
            "INSERT INTO policies (id, version, name, enabled, document)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(version.id.to_string())
        .bind(i64::from(version.version))
        .bind(key(&version.document.name))
        .bind(version.enabled)
        .bind(written(version))
        .execute(&mut *tx)
        .await
        .map_err(taken(WHAT, &version.document.name))?;
        self.commit_changes(tx, &[Kind::Policies]).await
    }

    /// Switched off, no version of the policy is in use; switched on, the latest alone is.
    async fn set_policy_enabled(
        &self,
        id: PolicyId,
        version: u32,
        enabled: bool,
    ) -> Result<PolicyVersion, StoreError> {
        let mut tx = self.write().await?;
        lock(&mut tx, Lock::Policies).await?;
        let last = latest(&mut tx, id).await?;
        let last = last.ok_or_else(|| not_found(WHAT, id))?;
        if last.version != version {
            return Err(conflict(WHAT, id));
        }
        switch_off(&mut tx, id).await?;
        if enabled {
            refuse_taken_name(&mut tx, &last).await?;
            sqlx::query("UPDATE policies SET enabled = TRUE WHERE id = $1 AND version = $2")
                .bind(id.to_string())
                .bind(i64::from(version))
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        self.commit_changes(tx, &[Kind::Policies]).await?;
        Ok(PolicyVersion { enabled, ..last })
    }

    async fn latest_policy(&self, id: PolicyId) -> Result<Option<PolicyVersion>, StoreError> {
        let mut reader = self.pool.acquire().await.map_err(failed)?;
        latest(&mut reader, id).await
    }

    async fn policy_version(
        &self,
        id: PolicyId,
        version: u32,
    ) -> Result<Option<PolicyVersion>, StoreError> {
        sqlx::query_as::<_, Row>(
            "SELECT document, enabled FROM policies WHERE id = $1 AND version = $2",
        )
        .bind(id.to_string())
        .bind(i64::from(version))
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?
        .map(version_of)
        .transpose()
    }

    async fn policy_page(&self, request: &PageRequest) -> Result<Page<PolicyVersion>, StoreError> {
        let after = cursor::after(WHAT, request)?;
        // Ids sort by the time of making: the oldest policy has the least.
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT document, enabled FROM policies AS latest
             WHERE id > $1
             AND version = (SELECT MAX(version) FROM policies AS every WHERE every.id = latest.id)
             ORDER BY id LIMIT $2",
        )
        .bind(after.map(|key| key.text).unwrap_or_default())
        .bind(i64::from(cursor::limit(request)) + 1)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let rows = rows
            .into_iter()
            .map(|row| {
                let version = version_of(row)?;
                let key = SortKey {
                    number: 0,
                    text: version.id.to_string(),
                };
                Ok((key, version))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(cursor::page(WHAT, rows, request))
    }

    async fn policies_in_use(&self) -> Result<Vec<PolicyVersion>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT document, enabled FROM policies WHERE enabled ORDER BY id LIMIT $1",
        )
        .bind(POLICIES_IN_USE_MAX as i64)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.into_iter().map(version_of).collect()
    }

    fn policy_changes(&self) -> Changes {
        self.watch.subscribe(Kind::Policies)
    }
}
