use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{AuditId, Page, PageRequest};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Something to write into the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit {
    /// Its identifier.
    pub id: AuditId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: a user, `system`, or a service's delivery.
    pub actor: String,
    /// What was done: `connection.disabled`, `delivery.refused` and so on.
    pub action: String,
    /// On what: an id.
    pub subject: String,
    /// In a sentence; no secrets, no content.
    pub detail: String,
}

/// An entry of the trail, chained to the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place in the trail, from 1.
    pub sequence: u64,
    /// Its identifier.
    pub id: AuditId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// On what.
    pub subject: String,
    /// In a sentence.
    pub detail: String,
    /// SHA-256 in hex of the hash before and this entry's fields.
    pub hash: String,
}

/// Every administrative and remedial act, hash-chained.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// Appends an entry.
    async fn audit(&self, entry: &NewAudit) -> Result<(), StoreError>;

    /// A page of the trail, newest first.
    async fn audit_page(&self, request: &PageRequest) -> Result<Page<AuditEntry>, StoreError>;
}
