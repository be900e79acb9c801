//! Giving everything away, to be moved into another store, and taking rows over as they are: see
//! `store_rows::transfer`.

use ports::StoreError;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use store_rows::transfer::{Content, Rows, Table, Value};

use crate::failure::failed;
use crate::{SqliteStore, commit};

/// Rows of one statement.
const ROWS_MAX: usize = 100;

impl SqliteStore {
    /// The rows of a table after that place, at most so many; none when there are no more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rows_of(&self, table: &Table, after: i64, limit: u32) -> Result<Rows, StoreError> {
        let sql = format!(
            "SELECT rowid AS place, {} FROM {} WHERE rowid > $1 ORDER BY rowid LIMIT $2",
            table.column_names(),
            table.name
        );
        let found = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        let mut rows = Rows {
            through: after,
            ..Rows::default()
        };
        for row in found {
            rows.through = row.try_get("place").map_err(failed)?;
            rows.rows.push(values(table, &row)?);
        }
        Ok(rows)
    }

    /// Takes rows over; all of them or none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_rows(&self, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for part in rows.chunks(ROWS_MAX) {
            let into = format!("INSERT INTO {} ({}) ", table.name, table.column_names());
            let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(into);
            query.push_values(part, |mut out, row| {
                for value in row {
                    match value {
                        Value::Absent => out.push_bind(None::<i64>),
                        Value::Number(number) => out.push_bind(*number),
                        Value::Text(text) => out.push_bind(text.clone()),
                        Value::Bytes(bytes) => out.push_bind(bytes.clone()),
                    };
                }
            });
            query.build().execute(&mut *tx).await.map_err(failed)?;
        }
        commit(tx).await
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_of(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT COUNT(*) FROM {}", table.name);
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&self.reader)
            .await
            .map_err(failed)?;
        Ok(count as u64)
    }

    /// The last number given to an incident of each kind, by its prefix.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn incident_numbers(&self) -> Result<Vec<(String, i64)>, StoreError> {
        sqlx::query_as(
            "SELECT substr(name, 10), value FROM counters WHERE name LIKE 'incident.%' ORDER BY 1",
        )
        .fetch_all(&self.reader)
        .await
        .map_err(failed)
    }
}

fn values(table: &Table, row: &SqliteRow) -> Result<Vec<Value>, StoreError> {
    let value = |(place, (_, content)): (usize, &(&str, Content))| {
        // The first column is the row's place.
        let place = place + 1;
        let value = match content {
            Content::Number | Content::Flag => {
                let number: Option<i64> = row.try_get(place).map_err(failed)?;
                number.map(Value::Number)
            }
            Content::Own | Content::Text | Content::Key => {
                let text: Option<String> = row.try_get(place).map_err(failed)?;
                text.map(Value::Text)
            }
            Content::Bytes => {
                let bytes: Option<Vec<u8>> = row.try_get(place).map_err(failed)?;
                bytes.map(Value::Bytes)
            }
        };
        Ok(value.unwrap_or(Value::Absent))
    };
    table.columns.iter().enumerate().map(value).collect()
}
