//! The audit trail over the API: narrowed, page by page, entry by entry as it was chained.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use event_model::{AuditId, Page, rfc3339};
use ports::{AuditEntry, AuditFilter};
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

impl AuditItem {
    /// The heads of its columns in a file.
    pub(crate) const COLUMNS: [&str; 8] = [
        "sequence", "id", "at", "actor", "action", "subject", "detail", "hash",
    ];

    /// Its line in a file.
    pub(crate) fn cells(&self) -> Vec<String> {
        let AuditItem {
            sequence,
            id,
            at,
            actor,
            action,
            subject,
            detail,
            hash,
        } = self;
        let (sequence, id) = (sequence.to_string(), id.to_string());
        let texts = [&sequence, &id, at, actor, action, subject, detail, hash];
        texts.into_iter().cloned().collect()
    }
}

/// What narrows the trail.
pub(crate) const FILTERS: [&str; 6] = ["by", "action", "subject", "q", "from", "to"];

/// Reads the filter that [`FILTERS`] names.
pub(crate) fn filter(query: &mut Query) -> AuditFilter {
    AuditFilter {
        actor: query.text("by"),
        action: query.text("action"),
        subject: query.text("subject"),
        text: query.text("q"),
        from: query.instant("from"),
        to: query.instant("to"),
    }
}

pub(crate) async fn list(
    State(console): State<Shared>,
    uri: Uri,
) -> Result<Json<Page<AuditItem>>, Problem> {
    let mut query = Query::read(&uri, &[&FILTERS[..], &["limit", "cursor"]].concat());
    let filter = filter(&mut query);
    let request = query.page();
    query.finish(())?;
    let page = console
        .ports
        .audit
        .audit_matching(&filter, &request)
        .await?;
    Ok(Json(page.map(AuditItem::from)))
}
