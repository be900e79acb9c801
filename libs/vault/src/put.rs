//! Content coming in: read into the place where it is sealed, hashed beside the reading of what follows, and
//! sealed and written while more is hashed. So many parts of 4 MiB are in memory: one that fills, one that is
//! hashed, [`WRITES_MAX`] that are sealed and written, and one to spare. The disk is waited for at the end,
//! as with a plain copy.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use event_model::{VaultId, VaultItem, VaultState};
use ports::StoreError;
use ring::digest::{Context, SHA256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::{JoinHandle, JoinSet};

use crate::cipher::{ContentCipher, Trailer};
use crate::custody::Act;
use crate::error::VaultError;
use crate::format::{
    CHUNK_BYTES, CONTENT_BYTES_MAX, HEAD_BYTES, PART_CONTENT_BYTES, PART_STORED_BYTES,
    PREFIX_BYTES, SEALED_TRAILER_BYTES, TAG_BYTES,
};
use crate::item::VaultPorts;

/// Parts being written at a time.
const WRITES_MAX: usize = 2;
/// Parts whose way to the disk is waited for at a time: they are out of our memory already.
const SYNCS_MAX: usize = 8;

/// A part that fills: content stands where it will be sealed, with room for the tags.
struct Filling {
    stored: Vec<u8>,
    content: usize,
}

impl Filling {
    fn new(spare: Option<Vec<u8>>) -> Self {
        let mut stored = spare.unwrap_or_default();
        let most = PART_STORED_BYTES + SEALED_TRAILER_BYTES;
        stored.reserve_exact(most.saturating_sub(stored.len()));
        stored.resize(PART_STORED_BYTES, 0);
        Filling { stored, content: 0 }
    }

    /// The place of what comes next, up to the end of its chunk.
    fn place(&mut self) -> &mut [u8] {
        let (chunk, within) = (self.content / CHUNK_BYTES, self.content % CHUNK_BYTES);
        let at = HEAD_BYTES + chunk * (CHUNK_BYTES + TAG_BYTES);
        &mut self.stored[at + within..at + CHUNK_BYTES]
    }

    /// The content that is there, chunk by chunk.
    fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let chunks = self.content.div_ceil(CHUNK_BYTES);
        (0..chunks).map(|chunk| {
            let at = HEAD_BYTES + chunk * (CHUNK_BYTES + TAG_BYTES);
            let bytes = (self.content - chunk * CHUNK_BYTES).min(CHUNK_BYTES);
            &self.stored[at..at + bytes]
        })
    }
}

/// A part whose content is hashed, and what the next one's is hashed with.
struct Hashed {
    filled: Filling,
    trailer: Option<Trailer>,
    hash: Context,
}

/// Which part was written, and its memory, if nobody else has it.
type Written = Result<(u32, Option<Vec<u8>>), object_store::Error>;

/// Content that comes in. Dropped before [`Put::finish`], it leaves an item that is `receiving`.
pub struct Put {
    ports: VaultPorts,
    item: VaultItem,
    by: String,
    cipher: Arc<ContentCipher>,
    filling: Filling,
    /// The part that fills.
    part: u32,
    received: u64,
    /// Of everything before the part that fills and the one that is hashed; none while one is.
    hash: Option<Context>,
    hashing: Option<(u32, JoinHandle<Hashed>)>,
    writing: JoinSet<Written>,
    syncing: JoinSet<Result<(), object_store::Error>>,
    spare: Vec<Vec<u8>>,
    failed: bool,
}

impl Put {
    pub(crate) fn new(
        ports: VaultPorts,
        item: VaultItem,
        by: String,
        cipher: ContentCipher,
        there: (u32, Context),
    ) -> Self {
        let (part, hash) = there;
        Put {
            ports,
            item,
            by,
            cipher: Arc::new(cipher),
            filling: Filling::new(None),
            part,
            received: u64::from(part) * PART_CONTENT_BYTES as u64,
            hash: Some(hash),
            hashing: None,
            writing: JoinSet::new(),
            syncing: JoinSet::new(),
            spare: Vec::new(),
            failed: false,
        }
    }

    /// Which item it is.
    pub fn id(&self) -> VaultId {
        self.item.id
    }

    /// How much has been taken in, in bytes. A put that is gone on with begins with what was durable.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The SHA-256 of what a put that is gone on with has already; none once more was taken in. Who goes on
    /// compares it with the same bytes of the source: it may have changed meanwhile.
    pub fn digest(&self) -> Option<[u8; 32]> {
        let is_untouched = self.filling.content == 0;
        let hash = self.hash.as_ref().filter(|_| is_untouched)?;
        Some(digest(hash.clone()))
    }

    #[cfg(test)]
    pub(crate) fn on(mut self, ports: VaultPorts) -> Self {
        self.ports = ports;
        self
    }

    /// Takes in everything that the reader has, and says after each piece how much that is in all.
    ///
    /// # Errors
    /// When it cannot be read, written or is too much: then the put has ended, and can be gone on with.
    pub async fn copy_from(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin + Send),
        progress: impl FnMut(u64) + Send,
    ) -> Result<(), VaultError> {
        if self.failed {
            return Err(VaultError::PutFailed(self.item.id));
        }
        // Also when the caller gives up in the middle: what was read and not taken would be missing.
        self.failed = true;
        if let Err(error) = self.take_in(reader, progress).await {
            return Err(self.explained(error).await);
        }
        self.failed = false;
        Ok(())
    }

    /// Takes in the bytes that come next.
    ///
    /// # Errors
    /// As [`Self::copy_from`].
    pub async fn take(&mut self, mut bytes: &[u8]) -> Result<(), VaultError> {
        if self.failed {
            return Err(VaultError::PutFailed(self.item.id));
        }
        self.failed = true;
        while !bytes.is_empty() {
            let place = self.filling.place();
            let (now, rest) = bytes.split_at(bytes.len().min(place.len()));
            place[..now.len()].copy_from_slice(now);
            bytes = rest;
            if let Err(error) = self.came_in(now.len()).await {
                return Err(self.explained(error).await);
            }
        }
        self.failed = false;
        Ok(())
    }

    async fn take_in(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin + Send),
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), VaultError> {
        loop {
            let read = reader.read(self.filling.place()).await;
            let read = read.map_err(VaultError::Source)?;
            if read == 0 {
                break;
            }
            if self.came_in(read).await? {
                progress(self.received);
            }
        }
        progress(self.received);
        Ok(())
    }

    /// So many more bytes stand in their place; says whether that filled a part.
    async fn came_in(&mut self, bytes: usize) -> Result<bool, VaultError> {
        self.filling.content += bytes;
        self.received += bytes as u64;
        if self.received > CONTENT_BYTES_MAX {
            return Err(VaultError::TooLarge);
        }
        let is_full = self.filling.content == PART_CONTENT_BYTES;
        if is_full {
            self.seal(false).await?;
        }
        Ok(is_full)
    }

    /// Ends this put for now and waits for what is being written, so that it can be gone on with at once.
    pub async fn pause(mut self) {
        while let Some(written) = self.writing.join_next().await {
            if self.written(written).await.is_err() {
                return;
            }
        }
        while self.syncing.join_next().await.is_some() {}
    }

    /// Writes what is left and makes the item one that is held.
    ///
    /// # Errors
    /// When that fails: the item is still `receiving` then.
    pub async fn finish(mut self) -> Result<VaultItem, VaultError> {
        if self.failed {
            return Err(VaultError::PutFailed(self.item.id));
        }
        match self.complete().await {
            Ok(held) => Ok(held),
            Err(error) => Err(self.explained(error).await),
        }
    }

    async fn complete(&mut self) -> Result<VaultItem, VaultError> {
        // The trailer has a chunk's place: where there is none left, it begins a part.
        if self.filling.content > PART_CONTENT_BYTES - CHUNK_BYTES {
            self.seal(false).await?;
        }
        self.seal(true).await?;
        self.write().await?;
        while let Some(written) = self.writing.join_next().await {
            self.written(written).await?;
        }
        while let Some(synced) = self.syncing.join_next().await {
            synced
                .expect("syncing does not panic")
                .map_err(VaultError::Storage)?;
        }
        let names = self
            .ports
            .storage
            .sync_names(self.item.id, self.item.version);
        names.await.map_err(VaultError::Storage)?;
        // INVARIANT: every byte is durable before the item is held.
        let detail = format!("{} bytes, as `{}`", self.received, self.item.name);
        let (id, now) = (self.item.id, self.ports.clock.now());
        self.ports.note(&self.by, Act::Put, id, detail).await?;
        let held = VaultItem {
            state: VaultState::Held,
            bytes: Some(self.received),
            updated_at: now,
            ..self.item.clone()
        };
        Ok(self.ports.index.save_vault_item(&held).await?)
    }

    /// What ended this put may be that somebody else goes on with the item, or gave it up: then what came
    /// in late goes, too.
    async fn explained(&mut self, error: VaultError) -> VaultError {
        let may_be_overtaken = matches!(
            error,
            VaultError::Storage(_) | VaultError::Store(StoreError::Conflict { .. })
        );
        if !may_be_overtaken {
            return error;
        }
        while self.writing.join_next().await.is_some() {}
        let id = self.item.id;
        let Ok(Some(found)) = self.ports.index.vault_item(id).await else {
            return error;
        };
        match found.state {
            VaultState::Deleting | VaultState::Deleted => {
                match self.ports.storage.remove(id).await {
                    Ok(()) => VaultError::GivenUp(id),
                    Err(error) => VaultError::Storage(error),
                }
            }
            _ if found.revision != self.item.revision => VaultError::PutElsewhere(id),
            _ => error,
        }
    }

    /// Has the part that fills hashed, beside whatever follows; with the trailer when it is the last.
    async fn seal(&mut self, last: bool) -> Result<(), VaultError> {
        self.write().await?;
        let filled = std::mem::replace(&mut self.filling, Filling::new(self.spare.pop()));
        let mut hash = self.hash.take().expect("nothing is being hashed");
        let bytes = self.received;
        let hashing = tokio::task::spawn_blocking(move || {
            filled.chunks().for_each(|chunk| hash.update(chunk));
            let trailer = last.then(|| Trailer {
                bytes,
                sha256: digest(hash.clone()),
            });
            Hashed {
                filled,
                trailer,
                hash,
            }
        });
        self.hashing = Some((self.part, hashing));
        self.part += 1;
        Ok(())
    }

    /// Waits for the part that is hashed and has it sealed and written, beside others.
    async fn write(&mut self) -> Result<(), VaultError> {
        let Some((part, hashing)) = self.hashing.take() else {
            return Ok(());
        };
        let Hashed {
            filled,
            trailer,
            hash,
        } = hashing.await.expect("hashing does not panic");
        self.hash = Some(hash);
        while self.writing.len() >= WRITES_MAX {
            let written = self.writing.join_next().await.expect("some are under way");
            self.written(written).await?;
        }
        let (storage, cipher) = (self.ports.storage.clone(), Arc::clone(&self.cipher));
        let mut prefix = [0; PREFIX_BYTES];
        self.ports.entropy.fill(&mut prefix);
        self.writing.spawn(async move {
            let (id, version) = (cipher.id, cipher.version);
            let sealing = tokio::task::spawn_blocking(move || {
                let Filling {
                    mut stored,
                    content,
                } = filled;
                cipher.seal_part(part, prefix, &mut stored, content, trailer);
                Bytes::from(stored)
            });
            let stored = sealing.await.expect("sealing does not panic");
            storage.put_soon(id, version, part, stored.clone()).await?;
            Ok((part, stored.try_into_mut().ok().map(BytesMut::into)))
        });
        Ok(())
    }

    async fn written(
        &mut self,
        written: Result<Written, tokio::task::JoinError>,
    ) -> Result<(), VaultError> {
        let part = match written.expect("writing does not panic") {
            Ok((part, spare)) => {
                self.spare.extend(spare);
                part
            }
            Err(object_store::Error::AlreadyExists { .. }) => {
                return Err(VaultError::PutElsewhere(self.item.id));
            }
            Err(error) => return Err(VaultError::Storage(error)),
        };
        while self.syncing.len() >= SYNCS_MAX {
            let synced = self.syncing.join_next().await.expect("some are under way");
            synced
                .expect("syncing does not panic")
                .map_err(VaultError::Storage)?;
        }
        let (storage, id, version) = (self.ports.storage.clone(), self.item.id, self.item.version);
        self.syncing
            .spawn(async move { storage.sync(id, version, part).await });
        Ok(())
    }
}

pub(crate) fn fresh_hash() -> Context {
    Context::new(&SHA256)
}

pub(crate) fn digest(hash: Context) -> [u8; 32] {
    let digest = hash.finish();
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
