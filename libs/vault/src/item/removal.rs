//! Deleting. The wrapped key goes first, and with it the content: what is still in the storage then is
//! noise. Only after that the parts are removed; what was interrupted is finished by the next sweep.

use std::time::Duration;

use chrono::TimeDelta;
use event_model::{PageRequest, VaultId, VaultItem, VaultState};

use super::{Vault, WALKED_MAX, filter};
use crate::custody::Act;
use crate::error::VaultError;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Deletions that were finished.
    pub finished: u64,
    /// Puts that nobody went on with, given up.
    pub given_up: u64,
    /// Items whose time was over, deleted.
    pub expired: u64,
}

impl Vault {
    /// Deletes an item, or gives up a put. The entry stays, without its key.
    ///
    /// # Errors
    /// When it must be kept: by its retention or a legal hold.
    pub async fn delete(&self, id: VaultId, by: &str) -> Result<VaultItem, VaultError> {
        let item = self.item(id).await?;
        if item.state == VaultState::Deleted {
            return Ok(item);
        }
        if let Some(hold) = &item.legal_hold {
            let reason = hold.reason.clone();
            return Err(VaultError::OnHold { id, reason });
        }
        let now = self.ports.clock.now();
        let is_content = item.state == VaultState::Held;
        if let Some(until) = item.keep_until.filter(|until| is_content && *until > now) {
            return Err(VaultError::Kept { id, until });
        }
        self.remove(item, by).await
    }

    /// Finishes deletions, gives up puts that began or were last gone on with longer than that ago, and,
    /// when asked, deletes what had to be kept until some moment that has passed. Items without such a
    /// moment stay.
    ///
    /// # Errors
    /// With the first that fails.
    pub async fn sweep(
        &self,
        given_up_after: Duration,
        expired_too: bool,
        by: &str,
    ) -> Result<Swept, VaultError> {
        let patience = TimeDelta::from_std(given_up_after).unwrap_or(TimeDelta::MAX);
        let mut swept = Swept::default();
        for state in [
            VaultState::Deleting,
            VaultState::Receiving,
            VaultState::Held,
        ] {
            let mut page = PageRequest::first(WALKED_MAX);
            loop {
                let items = self
                    .ports
                    .index
                    .vault_page(&filter(&[state]), &page)
                    .await?;
                for item in items.items {
                    if !self.is_over(&item, patience, expired_too) {
                        continue;
                    }
                    self.remove(item, by).await?;
                    match state {
                        VaultState::Deleting => swept.finished += 1,
                        VaultState::Receiving => swept.given_up += 1,
                        _ => swept.expired += 1,
                    }
                }
                match items.next {
                    Some(next) => page = PageRequest::after(next, WALKED_MAX),
                    None => break,
                }
            }
        }
        Ok(swept)
    }

    fn is_over(&self, item: &VaultItem, patience: TimeDelta, expired_too: bool) -> bool {
        let now = self.ports.clock.now();
        match item.state {
            VaultState::Deleting => true,
            VaultState::Receiving => now - item.updated_at > patience,
            VaultState::Held => {
                let is_past = item.keep_until.is_some_and(|until| until <= now);
                expired_too && is_past && item.legal_hold.is_none()
            }
            VaultState::Deleted => false,
        }
    }

    async fn remove(&self, mut item: VaultItem, by: &str) -> Result<VaultItem, VaultError> {
        if item.state != VaultState::Deleting {
            let detail = format!("`{}`, which was {}", item.name, item.state);
            self.ports.note(by, Act::Delete, item.id, detail).await?;
            item.state = VaultState::Deleting;
            // INVARIANT: from here on nobody can open the content, whatever becomes of its parts.
            item.key = None;
            item = self.save(item).await?;
        }
        let removed = self.ports.storage.remove(item.id).await;
        removed.map_err(VaultError::Storage)?;
        item.state = VaultState::Deleted;
        self.save(item).await
    }
}
