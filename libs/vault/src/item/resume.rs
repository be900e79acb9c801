//! Going on with a put that was interrupted. The parts that are durable are opened again, so what comes
//! after them follows on what is really there; a part that does not open, and whatever follows it, is
//! removed and comes in again.

use event_model::{VaultId, VaultState};
use ring::digest::Context;

use super::Vault;
use crate::cipher::{ContentCipher, Refused};
use crate::custody::Act;
use crate::error::VaultError;
use crate::format::{HEAD_BYTES, Head, PART_STORED_BYTES};
use crate::put::{Put, fresh_hash};

impl Vault {
    /// Goes on with a put. [`Put::received`] says from which byte the source must follow, and
    /// [`Put::digest`] what must stand before it.
    ///
    /// # Errors
    /// When the item is not one whose content is coming in.
    pub async fn resume(&self, id: VaultId, by: &str) -> Result<Put, VaultError> {
        let item = self.item(id).await?;
        if item.state != VaultState::Receiving {
            let state = item.state;
            return Err(VaultError::State { id, state });
        }
        let cipher = self.cipher(&item).await?;
        // Whoever put it before can no longer finish: the revision is another.
        let item = self.save(item).await?;
        let there = self.durable(&cipher).await?;
        let detail = format!("goes on from part {}", there.0);
        self.ports.note(by, Act::Receive, id, detail).await?;
        let ports = self.ports.clone();
        Ok(Put::new(ports, item, by.to_owned(), cipher, there))
    }

    /// How many full parts open, from the first on, and the hash of what they hold. The rest is removed.
    async fn durable(&self, cipher: &ContentCipher) -> Result<(u32, Context), VaultError> {
        let (storage, id, version) = (&self.ports.storage, cipher.id, cipher.version);
        let parts = storage.parts(id, version).await;
        let parts = parts.map_err(VaultError::Storage)?;
        let (mut whole, mut hash) = (0, fresh_hash());
        for part in &parts {
            if *part != whole || !self.is_full(cipher, *part, &mut hash).await? {
                break;
            }
            // It opens; whether it came to the disk before its writer died nobody knows.
            let synced = storage.sync(id, version, *part).await;
            synced.map_err(VaultError::Storage)?;
            whole += 1;
        }
        for part in parts.into_iter().filter(|part| *part >= whole) {
            let removed = storage.remove_part(id, version, part).await;
            removed.map_err(VaultError::Storage)?;
        }
        Ok((whole, hash))
    }

    async fn is_full(
        &self,
        cipher: &ContentCipher,
        part: u32,
        hash: &mut Context,
    ) -> Result<bool, VaultError> {
        let storage = &self.ports.storage;
        let length = storage.length(cipher.id, cipher.version, part).await;
        if length.map_err(VaultError::Storage)? != PART_STORED_BYTES as u64 {
            return Ok(false);
        }
        let stored = storage.get(cipher.id, cipher.version, part, None).await;
        let mut stored = stored.map_err(VaultError::Storage)?.bytes.to_vec();
        let (head, sealed) = stored.split_at_mut(HEAD_BYTES);
        let head = Head(head[..].try_into().expect("that many bytes were split off"));
        if head != Head::new(cipher.id, cipher.version, part, head.prefix()) {
            return Ok(false);
        }
        match cipher.open_chunks(&head, part, 0, sealed) {
            Ok(bytes) => hash.update(&sealed[..bytes]),
            Err(Refused) => return Ok(false),
        }
        Ok(true)
    }
}
