//! Taking over everything that another store had: see `store_rows::transfer`.
//!
//! Rows and the place up to which they were taken are written in one transaction, so what was
//! interrupted goes on where it was. While a transfer is under way, the store says so, and nobody works
//! on it.

mod copying;

use std::collections::BTreeSet;

use ports::StoreError;
use sqlx::Connection;
use store_rows::transfer::{ACTIVITIES, Content, Rows, TABLES, Table, Value};
use thiserror::Error;

use crate::PostgresStore;
use crate::failure::failed;
use crate::instants::instant;
use crate::partitions::Month;
use crate::tallies;
use crate::transaction::{Tx, commit};

/// In `counters`: that a transfer is under way, and how far each table is.
const UNDER_WAY: &str = "transfer";
/// In `counters`: before the statement that makes an index again.
const INDEX_AWAY: &str = "transfer.index ";

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
            copying::copy(&mut tx, &ACTIVITY_KEYS, &narrowed(table, &rows)).await?;
        }
        copying::copy(&mut tx, table, &rows.rows).await?;
        set_counter(&mut tx, &progress(table), rows.through).await?;
        commit(tx).await
    }

    /// Takes the indexes away that hold nothing unique, of tables with many rows, and gives the statements
    /// that make them again: rows are taken over faster without. They are noted until the transfer ends. For a
    /// store that nobody else uses.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_indexes_away(&self) -> Result<Vec<String>, StoreError> {
        let indexes: Vec<(String, String)> = sqlx::query_as(
            "SELECT indexname::text, indexdef FROM pg_indexes
             WHERE schemaname = current_schema() AND tablename = ANY($1)
             AND indexdef NOT LIKE 'CREATE UNIQUE%' ORDER BY 1",
        )
        .bind(["activities", "activity_keys", "incidents", "remedies"])
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let mut tx = self.write().await?;
        for (name, statement) in &indexes {
            set_counter(&mut tx, &format!("{INDEX_AWAY}{statement}"), 1).await?;
            sqlx::query(sqlx::AssertSqlSafe(format!("DROP INDEX {name}")))
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        commit(tx).await?;
        self.indexes_taken_away().await
    }

    /// The statements that make the indexes again which this transfer took away.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn indexes_taken_away(&self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar(
            "SELECT substr(name, length($1) + 1) FROM counters
             WHERE starts_with(name, $1) ORDER BY 1",
        )
        .bind(INDEX_AWAY)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    /// Makes an index again that [`Self::take_indexes_away`] took away, unless it is there. This may take
    /// minutes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_index(&self, statement: &str) -> Result<(), StoreError> {
        let statement = statement.replacen(" ON ONLY ", " ON ", 1);
        self.run(statement.replacen("CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ", 1))
            .await
    }

    /// Looks what is where, for the planner, and which pages everybody sees. This may take minutes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_over(&self) -> Result<(), StoreError> {
        self.run("VACUUM ANALYZE".into()).await
    }

    /// Outside the calls' bounds of time.
    async fn run(&self, statement: String) -> Result<(), StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?.detach();
        for statement in [
            "SET statement_timeout = 0".to_owned(),
            "SET maintenance_work_mem = '1GB'".to_owned(),
            statement,
        ] {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .persistent(false)
                .execute(&mut connection)
                .await
                .map_err(failed)?;
        }
        connection.close().await.map_err(failed)
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
            "INSERT INTO counters (name, value)
             SELECT 'activities.' || connection_id || '.0', COUNT(*) FROM activities
             GROUP BY connection_id",
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
        tallies::fold(&mut tx).await?;
        tallies::fold_unseen(&mut tx).await?;
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
