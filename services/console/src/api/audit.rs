use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use event_model::{AuditId, Page, rfc3339};
use ports::AuditEntry;
use schemars::JsonSchema;
use serde::Serialize;

use crate::Shared;
use crate::problem::Problem;
use crate::query::Query;

/// An entry of the trail on the wire.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AuditItem {
    /// Its place in the trail, from 1.
    sequence: u64,
    /// Its identifier.
    id: AuditId,
    /// When, RFC 3339.
    at: String,
    /// Who.
    actor: String,
    /// What was done.
    action: String,
    /// On what.
    subject: String,
    /// In a sentence.
    detail: String,
    /// SHA-256 in hex of the hash before and this entry's fields.
    hash: String,
}

impl From<AuditEntry> for AuditItem {
    fn from(entry: AuditEntry) -> Self {
        AuditItem {
            sequence: entry.sequence,
            id: entry.id,
            at: rfc3339(entry.at),
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: entry.detail,
            hash: entry.hash,
        }
    }
}

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<AuditItem>>, Problem> {
    let mut query = Query::read(&uri, &["limit", "cursor"]);
    let request = query.page();
    query.finish(())?;
    let page = console.ports.audit.audit_page(&request).await?;
    Ok(Json(page.map(AuditItem::from)))
}
