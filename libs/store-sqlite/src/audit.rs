//! The audit trail, chained: each entry's hash covers the one before, so that a changed, removed or
//! inserted entry is found. Entries cut off the end are not: note the last hash elsewhere for that.
//!
//! The hash is SHA-256, in hex, over nine parts: the hash before (empty for the first entry), the
//! sequence in decimal, the id, the moment as RFC 3339 with microseconds at most, actor, action,
//! subject, detail, and in front of all the words `tidegate audit 1`. Each part is preceded by its
//! length in bytes as eight bytes, the greatest first, so that no two entries read the same.

use async_trait::async_trait;
use event_model::{Page, PageRequest, rfc3339};
use ports::{AuditEntry, AuditTrail, NewAudit, StoreError};
use ring::digest::{Context, SHA256};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row};
use thiserror::Error;

use crate::cursor::{self, SortKey};
use crate::failure::{corrupt, failed, taken};
use crate::instants::{instant, micros};
use crate::narrow::{self, Order};
use crate::{SqliteStore, commit};

const WHAT: &str = "audit entry";
const FORMAT: &str = "tidegate audit 1";
const COLUMNS: &str = "sequence, id, at, actor, action, subject, detail, hash";
/// Entries read at a time when the chain is walked.
const WALKED_MAX: i64 = 1_000;

/// The audit trail does not hold together.
#[derive(Debug, Error)]
pub enum BrokenChain {
    /// An entry is not what was written, or is not where it was.
    #[error("the audit trail is broken at entry {sequence}")]
    At {
        /// The place at which the chain breaks, from 1.
        sequence: u64,
    },
    /// It cannot be read.
    #[error("the audit trail cannot be read")]
    Unreadable(#[source] StoreError),
}

fn hash(before: &str, entry: &AuditEntry) -> String {
    let AuditEntry {
        sequence,
        id,
        at,
        actor,
        action,
        subject,
        detail,
        hash: _,
    } = entry;
    let mut context = Context::new(&SHA256);
    for part in [
        FORMAT,
        before,
        &sequence.to_string(),
        &id.to_string(),
        &rfc3339(*at),
        actor,
        action,
        subject,
        detail,
    ] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    hex::encode(context.finish())
}

fn entry(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(failed);
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
impl AuditTrail for SqliteStore {
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
        entry.hash = hash(&before, &entry);
        sqlx::query(
            "INSERT INTO audit (sequence, id, at, actor, action, subject, detail, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(entry.sequence as i64)
        .bind(id.to_string())
        .bind(micros(at))
        .bind(&entry.actor)
        .bind(&entry.action)
        .bind(&entry.subject)
        .bind(&entry.detail)
        .bind(&entry.hash)
        .execute(&mut *tx)
        .await
        .map_err(taken(WHAT, id))?;
        commit(tx).await
    }

    async fn audit_page(&self, request: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM audit WHERE 1 = 1"));
        let after = cursor::after(WHAT, request)?;
        let limit = cursor::limit(request);
        narrow::follow(
            &mut query,
            ["sequence", "id"],
            Order::NewestFirst,
            after,
            limit,
        );
        let rows = query
            .build()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
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
}

impl SqliteStore {
    /// Walks the whole audit trail and gives back how many entries hold together.
    ///
    /// # Errors
    /// The first place at which they do not, or that the trail cannot be read.
    pub async fn verify_audit(&self) -> Result<u64, BrokenChain> {
        let (mut walked, mut before) = (0, String::new());
        loop {
            let entries = self.audit_after(walked).await;
            let entries = entries.map_err(BrokenChain::Unreadable)?;
            if entries.is_empty() {
                return Ok(walked);
            }
            for entry in entries {
                let sequence = walked + 1;
                if entry.sequence != sequence || entry.hash != hash(&before, &entry) {
                    return Err(BrokenChain::At { sequence });
                }
                (walked, before) = (sequence, entry.hash);
            }
        }
    }

    async fn audit_after(&self, sequence: u64) -> Result<Vec<AuditEntry>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(sequence as i64)
            .bind(WALKED_MAX)
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?;
        rows.iter().map(entry).collect()
    }
}
