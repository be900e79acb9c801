//! Content as it is stored, for whoever takes backups: all parts of an item one after the other, as
//! `docs/vault.md` has them. No key is touched to read it. It comes back part by part: a part is taken only
//! when it opens in its place of this item, and only where what stands there is missing or does not open.
//! So ciphertext that comes back can mend an item, and never change one that is whole.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use event_model::{VaultId, VaultItem};

use super::{Vault, VaultPorts};
use crate::cipher::ContentCipher;
use crate::custody::Act;
use crate::error::{Damage, VaultError};
use crate::format::{CONTENT_BYTES_MAX, HEAD_BYTES, Head, Layout, SEALED_TRAILER_BYTES};
use crate::read::Content;
use crate::storage::Storage;

/// The content of an item that is held, as it is stored.
pub struct SealedContent {
    item: VaultItem,
    storage: Storage,
    layout: Layout,
}

/// Ciphertext that comes back.
pub struct Mending {
    ports: VaultPorts,
    item: VaultItem,
    by: String,
    cipher: ContentCipher,
    layout: Layout,
    part: u32,
    filling: BytesMut,
    received: u64,
    mended: u32,
}

impl Vault {
    /// Opens the content of an item as it is stored.
    ///
    /// # Errors
    /// When it is not held.
    pub async fn open_sealed(&self, id: VaultId, by: &str) -> Result<SealedContent, VaultError> {
        let item = self.held(id).await?;
        let layout = layout(&item)?;
        let detail = format!("`{}`, as ciphertext", item.name);
        self.ports.note(by, Act::Read, id, detail).await?;
        let storage = self.ports.storage.clone();
        Ok(SealedContent {
            item,
            storage,
            layout,
        })
    }

    /// Begins to take an item's ciphertext back, from its first byte on.
    ///
    /// # Errors
    /// When the item is not held, or its key cannot be had: then nothing can be told of what comes.
    pub async fn mend(&self, id: VaultId, by: &str) -> Result<Mending, VaultError> {
        let item = self.held(id).await?;
        let layout = layout(&item)?;
        let cipher = self.cipher(&item).await?;
        let detail = format!("`{}`, its ciphertext comes back", item.name);
        self.ports.note(by, Act::Mend, id, detail).await?;
        Ok(Mending {
            ports: self.ports.clone(),
            item,
            by: by.to_owned(),
            cipher,
            layout,
            part: 0,
            filling: BytesMut::new(),
            received: 0,
            mended: 0,
        })
    }
}

/// How long the ciphertext of so much content is, in bytes.
pub fn ciphertext_bytes(content_bytes: u64) -> u64 {
    let content_bytes = content_bytes.min(CONTENT_BYTES_MAX);
    Layout { content_bytes }.stored()
}

fn layout(item: &VaultItem) -> Result<Layout, VaultError> {
    let content_bytes = item.bytes.unwrap_or_default();
    match content_bytes > CONTENT_BYTES_MAX {
        true => Err(VaultError::TooLarge),
        false => Ok(Layout { content_bytes }),
    }
}

impl SealedContent {
    /// What is known of the item.
    pub fn item(&self) -> &VaultItem {
        &self.item
    }

    /// How long the ciphertext is, in bytes.
    pub fn bytes(&self) -> u64 {
        self.layout.stored()
    }

    /// Some of the ciphertext: as much of the range as lies in the part where it begins.
    ///
    /// # Errors
    /// When the range does not lie within the ciphertext, or the part cannot be had.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, VaultError> {
        let Range { start, end } = range;
        let bytes = self.bytes();
        if start > end || end > bytes {
            return Err(VaultError::Range { start, end, bytes });
        }
        let (part, before) = self.layout.part_at(start);
        let expected = self.layout.stored_in(part);
        let within = start - before..(end - before).min(expected);
        if within.is_empty() {
            return Ok(Bytes::new());
        }
        let asked = within.end - within.start;
        let (id, version) = (self.item.id, self.item.version);
        let got = self.storage.get(id, version, part, Some(within)).await;
        let damaged = |damage| VaultError::Damaged { id, damage };
        let piece = got.map_err(|error| match error {
            object_store::Error::NotFound { .. } => damaged(Damage::Missing { part }),
            other => VaultError::Storage(other),
        })?;
        let found = piece.whole;
        match found == expected && piece.bytes.len() as u64 == asked {
            true => Ok(piece.bytes),
            false => Err(damaged(Damage::Length {
                part,
                found,
                expected,
            })),
        }
    }
}

impl Mending {
    /// Which item it is.
    pub fn id(&self) -> VaultId {
        self.item.id
    }

    /// How much came, in bytes.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes what comes next.
    ///
    /// # Errors
    /// When it is not this item's ciphertext, or cannot be written: the item is as it was, or more of it is
    /// whole.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), VaultError> {
        if self.received + bytes.len() as u64 > self.layout.stored() {
            return Err(self.refused(Damage::Hash));
        }
        while !bytes.is_empty() {
            let expected = self.layout.stored_in(self.part) as usize;
            let taken = bytes.len().min(expected - self.filling.len());
            self.filling.extend_from_slice(&bytes[..taken]);
            self.received += taken as u64;
            bytes = &bytes[taken..];
            if self.filling.len() == expected {
                let stored = self.filling.split().freeze();
                self.place(stored).await?;
                self.part += 1;
            }
        }
        Ok(())
    }

    /// Looks through the whole item, now that everything is back, and says how many parts were mended.
    ///
    /// # Errors
    /// When something is missing, or the item is not whole.
    pub async fn finish(self) -> Result<u32, VaultError> {
        let expected = self.layout.stored();
        if self.received != expected {
            let (part, found) = (self.part, self.filling.len() as u64);
            return Err(self.refused(Damage::Length {
                part,
                found,
                expected: self.layout.stored_in(part),
            }));
        }
        let detail = format!("{} parts mended", self.mended);
        let note = self.ports.note(&self.by, Act::Mend, self.item.id, detail);
        note.await?;
        let content = Content::open(self.item, self.ports.storage.clone(), self.cipher).await?;
        content.verify(|_| ()).await?;
        Ok(self.mended)
    }

    /// Puts a part where it belongs, unless what stands there opens.
    async fn place(&mut self, stored: Bytes) -> Result<(), VaultError> {
        let (part, id, version) = (self.part, self.item.id, self.item.version);
        self.opens(&stored).map_err(|damage| self.refused(damage))?;
        let storage = &self.ports.storage;
        match storage.get(id, version, part, None).await {
            Ok(piece) if self.opens(&piece.bytes).is_ok() => return Ok(()),
            Ok(_) => storage
                .remove_part(id, version, part)
                .await
                .map_err(VaultError::Storage)?,
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(VaultError::Storage(error)),
        }
        let written = storage.put(id, version, part, stored).await;
        written.map_err(VaultError::Storage)?;
        self.mended += 1;
        Ok(())
    }

    /// Whether that is the part that belongs here, to its last byte.
    fn opens(&self, stored: &[u8]) -> Result<(), Damage> {
        let (part, cipher) = (self.part, &self.cipher);
        let (found, expected) = (stored.len() as u64, self.layout.stored_in(part));
        if found != expected {
            return Err(Damage::Length {
                part,
                found,
                expected,
            });
        }
        let changed = || Damage::Changed { part };
        let (head, sealed) = stored.split_at(HEAD_BYTES);
        let head = Head(head.try_into().map_err(|_| changed())?);
        if head != Head::new(cipher.id, cipher.version, part, head.prefix()) {
            return Err(Damage::Head { part });
        }
        let is_last = part + 1 == self.layout.parts();
        let trailer_bytes = if is_last { SEALED_TRAILER_BYTES } else { 0 };
        let (chunks, trailer) = sealed.split_at(sealed.len() - trailer_bytes);
        let opened = cipher.open_chunks(&head, part, 0, &mut chunks.to_vec());
        opened.map_err(|_| changed())?;
        if is_last {
            let chunks = self.layout.chunks_in(part);
            let trailer = cipher.open_trailer(&head, part, chunks, &mut trailer.to_vec());
            let trailer = trailer.map_err(|_| changed())?;
            if trailer.bytes != self.layout.content_bytes {
                return Err(Damage::Hash);
            }
        }
        Ok(())
    }

    fn refused(&self, damage: Damage) -> VaultError {
        let id = self.item.id;
        VaultError::NotItsCiphertext { id, damage }
    }
}
