//! Taking over everything that another store had: see `store_rows::transfer`.
//!
//! Rows and the place up to which they were taken are written in one transaction, so what was
//! interrupted goes on where it was. While a transfer is under way, the store says so, and nobody works
//! on it.

use std::collections::BTreeSet;

use ports::StoreError;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use store_rows::transfer::{ACTIVITIES, Content, Rows, TABLES, Table, Value};
use thiserror::Error;

use crate::PostgresStore;
use crate::failure::failed;
use crate::instants::instant;
use crate::partitions::Month;
use crate::texts::{key, text};
use crate::transaction::{Tx, commit};

/// In `counters`: that a transfer is under way, and how far each table is.
const UNDER_WAY: &str = "transfer";

/// Why a transfer is not begun.
#[derive(Debug, Error)]
pub enum TransferError {
    /// The store has rows that no transfer brought.
    #[error("the store is in use: `{table}` has rows already")]
    InUse {
        /// In which table.
        table: &'static str,
    },
    /// A transfer was begun, and it was not said that it goes on.
    #[error("a transfer into this store was begun and has not ended")]
    UnderWay,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn progress(table: &Table) -> String {
    format!("{UNDER_WAY}.{}", table.name)
}

impl PostgresStore {
    /// Whether a transfer into this store has begun and not ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_being_filled(&self) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM counters WHERE name = $1)")
            .bind(UNDER_WAY)
            .fetch_one(&self.pool)
            .await
            .map_err(failed)
    }

    /// Begins a transfer into an empty store, or goes on with one.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn begin_transfer(&self, resume: bool) -> Result<(), TransferError> {
        if self.is_being_filled().await? {
            return if resume {
                Ok(())
            } else {
                Err(TransferError::UnderWay)
            };
        }
        for table in TABLES {
            if self.count_of(table).await? > 0 {
                return Err(TransferError::InUse { table: table.name });
            }
        }
        sqlx::query("INSERT INTO counters (name, value) VALUES ($1, 1)")
            .bind(UNDER_WAY)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Up to where in the source a table was taken over; 0 before its first row.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn taken_through(&self, table: &Table) -> Result<i64, StoreError> {
        let place: Option<i64> = sqlx::query_scalar("SELECT value FROM counters WHERE name = $1")
            .bind(progress(table))
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        Ok(place.unwrap_or_default())
    }

    /// Takes rows over that come after [`Self::taken_through`].
    ///
    /// # Errors
    /// When the store fails: none of them is there then.
    pub async fn take_rows(&self, table: &Table, rows: Rows) -> Result<(), StoreError> {
        if rows.rows.is_empty() {
            return Ok(());
        }
        if table.name == ACTIVITIES {
            self.partitions
                .make(&self.pool, months(table, &rows)?)
                .await?;
        }
        let mut tx = self.write().await?;
        if table.name == ACTIVITIES {
            insert(&mut tx, &ACTIVITY_KEYS, &narrowed(table, &rows)).await?;
        }
        insert(&mut tx, table, &rows.rows).await?;
        set_counter(&mut tx, &progress(table), rows.through).await?;
        commit(tx).await
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_of(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT COUNT(*) FROM {}", table.name);
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        Ok(count as u64)
    }

    /// Ends the transfer: counters and sequences go on where the source's were, and nobody holds what
    /// was held there. Epochs go on, so that a holder of before is fenced.
    ///
    /// # Errors
    /// When the store fails: the transfer is still under way then.
    pub async fn end_transfer(&self, incident_numbers: &[(String, i64)]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for (prefix, last) in incident_numbers {
            set_counter(&mut tx, &format!("incident.{prefix}"), *last).await?;
        }
        for statement in [
            "SELECT setval('activity_sequence', (SELECT COALESCE(MAX(sequence), 0) + 1 FROM activities))",
            "INSERT INTO counters (name, value) SELECT 'activities.0', COUNT(*) FROM activities",
            "INSERT INTO counters (name, value)
             SELECT 'incident_changes', COALESCE(MAX(sequence), 0) FROM incident_changes",
            "UPDATE leases SET holder = NULL, until = 0",
            "UPDATE remedies SET holder = NULL, lease_until = NULL, epoch = epoch + 1
             WHERE lease_until IS NOT NULL",
            "DELETE FROM counters WHERE name = 'transfer' OR name LIKE 'transfer.%'",
        ] {
            sqlx::query(statement)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        commit(tx).await
    }
}

/// What stands beside the activities: see the migration.
const ACTIVITY_KEYS: Table = Table {
    name: "activity_keys",
    columns: &[
        ("event_id", Content::Key),
        ("connection_id", Content::Own),
        ("received_at", Content::Number),
    ],
};

/// The columns of `activity_keys`.
fn narrowed(table: &Table, rows: &Rows) -> Vec<Vec<Value>> {
    let names = ACTIVITY_KEYS.columns.iter().map(|column| column.0);
    let places: Vec<usize> = names.filter_map(|name| place(table, name)).collect();
    let narrow = |row: &Vec<Value>| places.iter().map(|place| row[*place].clone()).collect();
    rows.rows.iter().map(narrow).collect()
}

fn place(table: &Table, name: &str) -> Option<usize> {
    table.columns.iter().position(|column| column.0 == name)
}

fn months(table: &Table, rows: &Rows) -> Result<BTreeSet<Month>, StoreError> {
    let received = place(table, "received_at");
    let moments = rows.rows.iter().filter_map(|row| match row[received?] {
        Value::Number(moment) => Some(instant(moment).map(Month::of)),
        _ => None,
    });
    moments.collect()
}

async fn insert(
    connection: &mut PgConnection,
    table: &Table,
    rows: &[Vec<Value>],
) -> Result<(), StoreError> {
    let into = format!("INSERT INTO {} ({}) ", table.name, table.column_names());
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(into);
    query.push_values(rows, |mut out, row| {
        for ((_, content), value) in table.columns.iter().zip(row) {
            match content {
                Content::Number => out.push_bind(number(value)),
                Content::Flag => out.push_bind(number(value).map(|flag| flag != 0)),
                Content::Own => out.push_bind(texts(value).map(str::to_owned)),
                Content::Text => out.push_bind(texts(value).map(|one| text(one).into_owned())),
                Content::Key => out.push_bind(texts(value).map(key)),
                Content::Bytes => out.push_bind(bytes(value)),
            };
        }
    });
    let inserted = query.build().persistent(false).execute(connection).await;
    inserted.map(drop).map_err(failed)
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn texts(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    }
}

async fn set_counter(tx: &mut Tx, name: &str, value: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO counters (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(&mut **tx)
    .await
    .map_err(failed)?;
    Ok(())
}
