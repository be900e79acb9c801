//! The vault and its acts. Each is written into the audit trail before it is done, and each change of an
//! item is one write over the revision that was read: of two at a time, one is told.

mod removal;
mod resume;
mod sealed;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use event_model::{LegalHold, PageRequest, VaultId, VaultItem, VaultOrigin, VaultState};
use ports::{AuditTrail, Clock, Entropy, VaultFilter, VaultIndex};
use zeroize::Zeroizing;

use crate::cipher::{ContentCipher, DataKey, KEY_BYTES};
use crate::custody::Act;
use crate::error::VaultError;
use crate::kms::{KeyRing, KmsError};
use crate::put::{Put, fresh_hash};
use crate::read::Content;
use crate::storage::Storage;

pub use removal::Swept;
pub use sealed::{Mending, SealedContent, ciphertext_bytes};

/// Items looked at in one page when all of them are.
const WALKED_MAX: u32 = 200;

/// What the vault stands on.
#[derive(Clone)]
pub struct VaultPorts {
    /// What is known of the items.
    pub index: Arc<dyn VaultIndex>,
    /// Where every act is written down.
    pub audit: Arc<dyn AuditTrail>,
    /// Where the content stands.
    pub storage: Storage,
    /// Who wraps the data keys.
    pub keys: KeyRing,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for keys.
    pub entropy: Arc<dyn Entropy>,
}

/// What is said of an item when it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// What it is called.
    pub name: String,
    /// Where it comes from.
    pub origin: VaultOrigin,
    /// Not to be deleted before that.
    pub keep_until: Option<DateTime<Utc>>,
}

/// What looking through an item found: it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How long its content is, in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
}

/// What a rotation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Data keys that were wrapped anew.
    pub rewrapped: u64,
    /// Those that were wrapped with the newest key already.
    pub current: u64,
    /// Those that do not open: nobody can wrap them anew. [`Vault::verify`] says which they are.
    pub not_opened: u64,
}

/// Content held encrypted.
#[derive(Clone)]
pub struct Vault {
    ports: VaultPorts,
}

impl Vault {
    /// On these ports. Makes no call yet.
    pub fn new(ports: VaultPorts) -> Self {
        Vault { ports }
    }

    /// Looks whether storage and keys answer, and says where they are.
    ///
    /// # Errors
    /// When one of them does not.
    pub async fn look(&self) -> Result<String, VaultError> {
        let VaultPorts { storage, keys, .. } = &self.ports;
        storage.look().await.map_err(VaultError::Storage)?;
        self.look_for_keys().await?;
        let probe = DataKey::new(*self.chance());
        let looked = async {
            let wrapped = keys.wrap(&probe, "vault/probe").await?;
            keys.unwrap(&wrapped, "vault/probe").await
        };
        looked.await.map_err(VaultError::Keys)?;
        Ok(format!("{storage}, keys by {}", keys.current().describe()))
    }

    /// Looks whether the wrapping key is missing of what is held: then a new one must not be made, for whoever
    /// brings the former one back would lose what was wrapped meanwhile.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn look_for_keys(&self) -> Result<(), VaultError> {
        let keys = self.ports.keys.current();
        if !keys.is_missing() {
            return Ok(());
        }
        let states = [VaultState::Held, VaultState::Receiving];
        let mut page = PageRequest::first(WALKED_MAX);
        loop {
            let items = self.ports.index.vault_page(&filter(&states), &page).await?;
            let mut wrapped = items.items.iter().filter_map(|item| item.key.as_ref());
            if wrapped.any(|key| key.scheme == keys.scheme()) {
                let place = keys.describe();
                return Err(VaultError::Keys(KmsError::Missing { place }));
            }
            match items.next {
                Some(next) => page = PageRequest::after(next, WALKED_MAX),
                None => return Ok(()),
            }
        }
    }

    /// Begins to take content in, under a data key of its own.
    ///
    /// # Errors
    /// When the key cannot be wrapped or the item not be noted: nothing is there then.
    pub async fn put(&self, new: NewItem, by: &str) -> Result<Put, VaultError> {
        let id = VaultId::new(self.ports.clock.now(), self.ports.entropy.draw());
        self.put_as(id, new, by).await
    }

    /// Begins to take content in under an id that the caller has noted down before: whoever finds it noted
    /// down after a crash asks [`Self::item`] how far it came.
    ///
    /// # Errors
    /// As [`Self::put`]; `Conflict` when there is an item of that id.
    pub async fn put_as(&self, id: VaultId, new: NewItem, by: &str) -> Result<Put, VaultError> {
        self.look_for_keys().await?;
        let now = self.ports.clock.now();
        let key = DataKey::new(*self.chance());
        let wrapped = self.ports.keys.wrap(&key, &context(id, 1)).await;
        let wrapped = wrapped.map_err(|source| VaultError::Key { id, source })?;
        let NewItem {
            name,
            origin,
            keep_until,
        } = new;
        let item = VaultItem {
            id,
            name,
            origin,
            version: 1,
            state: VaultState::Receiving,
            bytes: None,
            key: Some(wrapped),
            keep_until,
            legal_hold: None,
            received_at: now,
            updated_at: now,
            revision: 1,
        };
        let detail = format!("begins, as `{}`", item.name);
        self.ports.note(by, Act::Receive, id, detail).await?;
        self.ports.index.add_vault_item(&item).await?;
        let cipher = ContentCipher::new(&key, id, item.version);
        let ports = self.ports.clone();
        Ok(Put::new(
            ports,
            item,
            by.to_owned(),
            cipher,
            (0, fresh_hash()),
        ))
    }

    /// What is known of an item.
    ///
    /// # Errors
    /// When there is none.
    pub async fn item(&self, id: VaultId) -> Result<VaultItem, VaultError> {
        let found = self.ports.index.vault_item(id).await?;
        found.ok_or(VaultError::NotFound(id))
    }

    /// Opens the content of an item to read it, or to put it back.
    ///
    /// # Errors
    /// When it is not held, its key cannot be had, or it is damaged.
    pub async fn open(&self, id: VaultId, by: &str, act: Act) -> Result<Content, VaultError> {
        let item = self.held(id).await?;
        let detail = format!("`{}`", item.name);
        self.ports.note(by, act, id, detail).await?;
        let cipher = self.cipher(&item).await?;
        Content::open(item, self.ports.storage.clone(), cipher).await
    }

    /// Opens every byte of an item, and hands on none.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub async fn verify(
        &self,
        id: VaultId,
        by: &str,
        progress: impl FnMut(u64) + Send,
    ) -> Result<Verified, VaultError> {
        let content = self.open(id, by, Act::Verify).await?;
        content.verify(progress).await?;
        Ok(Verified {
            bytes: content.bytes(),
            sha256: content.sha256(),
        })
    }

    /// Lays a legal hold on an item: nobody deletes it until it is taken off.
    ///
    /// # Errors
    /// When there is no such item, or one lies on it already.
    pub async fn hold(&self, id: VaultId, reason: &str, by: &str) -> Result<VaultItem, VaultError> {
        let mut item = self.held(id).await?;
        if let Some(hold) = item.legal_hold {
            let reason = hold.reason;
            return Err(VaultError::OnHold { id, reason });
        }
        self.ports.note(by, Act::Hold, id, reason).await?;
        item.legal_hold = Some(LegalHold {
            reason: reason.to_owned(),
            by: by.to_owned(),
            since: self.ports.clock.now(),
        });
        self.save(item).await
    }

    /// Takes the legal hold off an item.
    ///
    /// # Errors
    /// When there is no such item.
    pub async fn release(&self, id: VaultId, by: &str) -> Result<VaultItem, VaultError> {
        let mut item = self.held(id).await?;
        let Some(hold) = item.legal_hold.take() else {
            return Ok(item);
        };
        let detail = format!("laid on by {}: {}", hold.by, hold.reason);
        self.ports.note(by, Act::Release, id, detail).await?;
        self.save(item).await
    }

    /// Wraps every data key with the newest key-encryption key; content is not touched. With `renew`, a new
    /// one is made first. What was interrupted goes on when it is done again. A key that does not open stays as
    /// it is, and does not keep the others from it.
    ///
    /// # Errors
    /// When the wrapping keys, the index or the trail cannot be had; what came before is wrapped anew.
    pub async fn rotate(
        &self,
        renew: bool,
        by: &str,
        mut progress: impl FnMut(Rotated) + Send,
    ) -> Result<Rotated, VaultError> {
        if renew {
            let renewed = self.ports.keys.current().renew().await;
            renewed.map_err(VaultError::Keys)?;
        }
        let mut rotated = Rotated::default();
        let states = [VaultState::Held, VaultState::Receiving];
        let mut page = PageRequest::first(WALKED_MAX);
        loop {
            let items = self.ports.index.vault_page(&filter(&states), &page).await?;
            for item in items.items {
                match self.rewrap(item, by).await {
                    Ok(true) => rotated.rewrapped += 1,
                    Ok(false) => rotated.current += 1,
                    Err(VaultError::Key {
                        source: KmsError::NotOpened { .. } | KmsError::UnknownScheme { .. },
                        ..
                    }) => rotated.not_opened += 1,
                    Err(error) => return Err(error),
                }
                progress(rotated);
            }
            match items.next {
                Some(next) => page = PageRequest::after(next, WALKED_MAX),
                None => return Ok(rotated),
            }
        }
    }

    /// Whether the item's key was wrapped anew.
    async fn rewrap(&self, mut item: VaultItem, by: &str) -> Result<bool, VaultError> {
        let (id, context) = (item.id, context(item.id, item.version));
        let Some(key) = &item.key else {
            return Ok(false);
        };
        let rewrapped = self.ports.keys.rewrap(key, &context).await;
        let Some(rewrapped) = rewrapped.map_err(|source| VaultError::Key { id, source })? else {
            return Ok(false);
        };
        let detail = self.ports.keys.current().describe();
        self.ports.note(by, Act::Rewrap, id, detail).await?;
        item.key = Some(rewrapped);
        self.save(item).await?;
        Ok(true)
    }

    async fn held(&self, id: VaultId) -> Result<VaultItem, VaultError> {
        let item = self.item(id).await?;
        match item.state {
            VaultState::Held => Ok(item),
            state => Err(VaultError::State { id, state }),
        }
    }

    async fn cipher(&self, item: &VaultItem) -> Result<ContentCipher, VaultError> {
        let (id, version) = (item.id, item.version);
        let key = item.key.as_ref().ok_or(VaultError::NoKey(id))?;
        let key = self.ports.keys.unwrap(key, &context(id, version)).await;
        let key = key.map_err(|source| VaultError::Key { id, source })?;
        Ok(ContentCipher::new(&key, id, version))
    }

    async fn save(&self, mut item: VaultItem) -> Result<VaultItem, VaultError> {
        item.updated_at = self.ports.clock.now();
        Ok(self.ports.index.save_vault_item(&item).await?)
    }

    fn chance(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        self.ports.entropy.fill(&mut key[..]);
        key
    }
}

/// What a data key is wrapped for: it opens for nothing else.
fn context(id: VaultId, version: u32) -> String {
    format!("vault/{id}/{version}")
}

fn filter(states: &[VaultState]) -> VaultFilter {
    VaultFilter {
        state: states.to_vec(),
    }
}
