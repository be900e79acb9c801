//! Access policies and their groups. Each is one document; all of them change under one number.

use async_trait::async_trait;
use event_model::{AccessChange, AccessRecords};
use ports::{AccessStore, StoreError};
use sqlx::SqliteConnection;

use crate::evaluation::count;
use crate::failure::{conflict, failed, read, taken, written};
use crate::{SqliteStore, commit};

const WHAT: &str = "access policies";
/// The counter that grows with every change.
const REVISION: &str = "access.revision";

/// Where records of a kind stand.
#[derive(Clone, Copy)]
enum Table {
    Policies,
    Groups,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Table::Policies => "access_policies",
            Table::Groups => "access_groups",
        }
    }
}

#[async_trait]
impl AccessStore for SqliteStore {
    async fn access_records(&self) -> Result<AccessRecords, StoreError> {
        let mut snapshot = self.snapshot().await?;
        Ok(AccessRecords {
            revision: revision(&mut snapshot).await?,
            policies: every(&mut snapshot, Table::Policies)
                .await?
                .iter()
                .map(|text| read(WHAT, text))
                .collect::<Result<_, _>>()?,
            groups: every(&mut snapshot, Table::Groups)
                .await?
                .iter()
                .map(|text| read(WHAT, text))
                .collect::<Result<_, _>>()?,
        })
    }

    async fn access_revision(&self) -> Result<u64, StoreError> {
        let mut snapshot = self.snapshot().await?;
        revision(&mut snapshot).await
    }

    async fn change_access(&self, since: u64, change: &AccessChange) -> Result<u64, StoreError> {
        let AccessChange {
            policies,
            groups,
            removed_policies,
            removed_groups,
        } = change;
        let mut tx = self.write().await?;
        if revision(&mut tx).await? != since {
            return Err(conflict(WHAT, since));
        }
        for id in removed_policies {
            remove(&mut tx, Table::Policies, id.to_string()).await?;
        }
        for id in removed_groups {
            remove(&mut tx, Table::Groups, id.to_string()).await?;
        }
        for one in policies {
            let row = (one.id.to_string(), &*one.name, one.version);
            put(&mut tx, Table::Policies, row, written(one)).await?;
        }
        for one in groups {
            let row = (one.id.to_string(), &*one.name, one.version);
            put(&mut tx, Table::Groups, row, written(one)).await?;
        }
        let revision = count(&mut tx, REVISION, 1).await?;
        commit(tx).await?;
        Ok(revision as u64)
    }
}

async fn revision(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT value FROM counters WHERE name = $1")
        .bind(REVISION)
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    Ok(found.unwrap_or_default() as u64)
}

async fn every(connection: &mut SqliteConnection, table: Table) -> Result<Vec<String>, StoreError> {
    let sql = format!("SELECT document FROM {} ORDER BY id", table.name());
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .map_err(failed)
}

async fn remove(
    connection: &mut SqliteConnection,
    table: Table,
    id: String,
) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM {} WHERE id = $1", table.name());
    let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id);
    done.execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn put(
    connection: &mut SqliteConnection,
    table: Table,
    (id, name, version): (String, &str, u64),
    document: String,
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO {} (id, name, version, document) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version,
             document = excluded.document",
        table.name()
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .bind(name)
        .bind(version as i64)
        .bind(document)
        .execute(connection)
        .await
        .map_err(taken(WHAT, name))?;
    Ok(())
}
