use event_model::{AuditId, VaultId};
use ports::{NewAudit, StoreError};

use crate::item::VaultPorts;

/// What is done with an item, as the audit trail has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Its content begins to come in, or comes in again after an interruption.
    Receive,
    /// It is there.
    Put,
    /// Its content is read.
    Read,
    /// It is put back where it came from.
    Restore,
    /// It is looked through.
    Verify,
    /// A legal hold is laid on it.
    Hold,
    /// The legal hold is taken off.
    Release,
    /// It is deleted.
    Delete,
    /// Its data key is wrapped anew.
    Rewrap,
    /// Its ciphertext comes back from a backup.
    Mend,
}

impl Act {
    /// Its word in the trail.
    pub const fn word(self) -> &'static str {
        match self {
            Act::Receive => "vault.receive",
            Act::Put => "vault.put",
            Act::Read => "vault.read",
            Act::Restore => "vault.restore",
            Act::Verify => "vault.verify",
            Act::Hold => "vault.hold",
            Act::Release => "vault.release",
            Act::Delete => "vault.delete",
            Act::Rewrap => "vault.rewrap",
            Act::Mend => "vault.mend",
        }
    }
}

impl VaultPorts {
    /// Writes an act into the trail. It comes before the act: none is done without it, and one that then
    /// fails leaves it.
    pub(crate) async fn note(
        &self,
        by: &str,
        act: Act,
        id: VaultId,
        detail: impl Into<String>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let entry = NewAudit {
            id: AuditId::new(now, self.entropy.draw()),
            at: now,
            actor: by.to_owned(),
            action: act.word().to_owned(),
            subject: id.to_string(),
            detail: detail.into(),
        };
        self.audit.audit(&entry).await
    }
}
