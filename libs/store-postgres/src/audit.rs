//! The audit trail, chained as `ports::AuditEntry::chained` has it. One lock holds its end.

use async_trait::async_trait;
use event_model::{Page, PageRequest};
use ports::{AuditEntry, AuditFilter, AuditTrail, NewAudit, StoreError};
use sqlx::postgres::PgRow;
use sqlx::{QueryBuilder, Row};
use store_rows::members;

use crate::PostgresStore;
use crate::cursor::{self, SortKey};
use crate::failure::{corrupt, failed, taken};
use crate::instants::{instant, micros};
use crate::narrow::{self, Order};
use crate::texts::{original, text};
use crate::transaction::{Lock, commit, lock};

const WHAT: &str = "audit entry";
const COLUMNS: &str = "sequence, id, at, actor, action, subject, detail, hash";

fn entry(row: &PgRow) -> Result<AuditEntry, StoreError> {
    let text = |column| {
        let stored: String = row.try_get(column).map_err(failed)?;
        Ok::<_, StoreError>(original(stored))
    };
    let number = |column| row.try_get::<i64, _>(column).map_err(failed);
    Ok(AuditEntry {
        sequence: number("sequence")? as u64,
        id: text("id")?.parse().map_err(corrupt(WHAT))?,
        at: instant(number("at")?)?,
        actor: text("actor")?,
        action: text("action")?,
        subject: text("subject")?,
        detail: text("detail")?,
        hash: text("hash")?,
    })
}

#[async_trait]
impl AuditTrail for PostgresStore {
    async fn audit(&self, new: &NewAudit) -> Result<(), StoreError> {
        let NewAudit {
            id,
            at,
            actor,
            action,
            subject,
            detail,
        } = new.clone();
        let mut tx = self.write().await?;
        lock(&mut tx, Lock::Audit).await?;
        let last: Option<(i64, String)> =
            sqlx::query_as("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
                .fetch_optional(&mut *tx)
                .await
                .map_err(failed)?;
        let (last, before) = last.unwrap_or_default();
        let mut entry = AuditEntry {
            sequence: last as u64 + 1,
            id,
            at: instant(micros(at))?,
            actor,
            action,
            subject,
            detail,
            hash: String::new(),
        };
        entry.hash = entry.chained(&before);
        sqlx::query(
            "INSERT INTO audit (sequence, id, at, actor, action, subject, detail, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(entry.sequence as i64)
        .bind(entry.id.to_string())
        .bind(micros(entry.at))
        .bind(text(&entry.actor))
        .bind(text(&entry.action))
        .bind(text(&entry.subject))
        .bind(text(&entry.detail))
        .bind(&entry.hash)
        .execute(&mut *tx)
        .await
        .map_err(taken(WHAT, entry.id))?;
        commit(tx).await
    }

    async fn audit_matching(
        &self,
        filter: &AuditFilter,
        request: &PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM audit WHERE 1 = 1"));
        members::of_audit(&mut query, filter, |given| text(given).into_owned());
        let after = cursor::after(WHAT, request)?;
        let limit = cursor::limit(request);
        narrow::follow(
            &mut query,
            ["sequence", "id"],
            Order::NewestFirst,
            after,
            limit,
        );
        let rows = query.build().fetch_all(&self.pool).await.map_err(failed)?;
        let rows = rows
            .iter()
            .map(|row| {
                let entry = entry(row)?;
                let key = SortKey {
                    number: entry.sequence as i64,
                    text: entry.id.to_string(),
                };
                Ok((key, entry))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(cursor::page(WHAT, rows, request))
    }

    async fn audit_after(&self, sequence: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(sequence as i64)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(entry).collect()
    }
}
