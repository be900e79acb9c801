//! The audit trail, chained: each entry's hash covers the one before, so that a changed, removed or
//! inserted entry is found. Entries cut off the end are not: note the last hash elsewhere for that.
//!
//! The hash is SHA-256, in hex, over nine parts: the hash before (empty for the first entry), the
//! sequence in decimal, the id, the moment as RFC 3339 with microseconds at most, actor, action,
//! subject, detail, and in front of all the words `tidegate audit 1`. Each part is preceded by its
//! length in bytes as eight bytes, the greatest first, so that no two entries read the same.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_model::{AuditId, Page, PageRequest, rfc3339};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::StoreError;

const FORMAT: &str = "tidegate audit 1";
/// Entries read at a time when the chain is walked.
const WALKED_MAX: u32 = 1_000;

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

impl AuditEntry {
    /// The hash that this entry has behind the hash `before`; its own is not looked at.
    pub fn chained(&self, before: &str) -> String {
        let AuditEntry {
            sequence,
            id,
            at,
            actor,
            action,
            subject,
            detail,
            hash: _,
        } = self;
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
}

/// Which entries of the trail a list shows. Absent values do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By this one, by the letter.
    pub actor: Option<String>,
    /// Of this act, or of every act that begins so and goes on behind a full stop: `policy` has
    /// `policy.saved`.
    pub action: Option<String>,
    /// On this.
    pub subject: Option<String>,
    /// Containing this text somewhere, in any case of the letters of ASCII.
    pub text: Option<String>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}

/// Every administrative and remedial act, hash-chained.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// Appends an entry.
    async fn audit(&self, entry: &NewAudit) -> Result<(), StoreError>;

    /// A page of the trail, newest first.
    async fn audit_page(&self, request: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        self.audit_matching(&AuditFilter::default(), request).await
    }

    /// A page of those entries that the filter lets through, newest first.
    async fn audit_matching(
        &self,
        filter: &AuditFilter,
        request: &PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError>;

    /// The entries after that one, at most so many, in their order.
    async fn audit_after(&self, sequence: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    /// Walks the whole trail and gives back how many entries hold together.
    ///
    /// # Errors
    /// The first place at which they do not, or that the trail cannot be read.
    async fn verify_audit(&self) -> Result<u64, BrokenChain> {
        let (mut walked, mut before) = (0, String::new());
        loop {
            let entries = self.audit_after(walked, WALKED_MAX).await;
            let entries = entries.map_err(BrokenChain::Unreadable)?;
            if entries.is_empty() {
                return Ok(walked);
            }
            for entry in entries {
                let sequence = walked + 1;
                if entry.sequence != sequence || entry.hash != entry.chained(&before) {
                    return Err(BrokenChain::At { sequence });
                }
                (walked, before) = (sequence, entry.hash);
            }
        }
    }
}

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
