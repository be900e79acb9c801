//! Content coming in: read into the place where it is sealed; hashed, sealed and written while more is read.
//! Parts are hashed one after the other, for the hash is of the whole; each hands it to the next and is sealed
//! and written beside that. So many parts of 4 MiB are in memory: one that fills, [`PARTS_MAX`] on the way, and
//! one to spare. What is written sets out for the disk at once; it is waited for some parts later, and at the end.

mod filling;

use std::fs::File;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use event_model::{VaultId, VaultItem, VaultState};
use ports::StoreError;
use ring::digest::{Context, SHA256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::cipher::{ContentCipher, Trailer};
use crate::custody::Act;
use crate::error::VaultError;
use crate::format::{CHUNK_BYTES, CONTENT_BYTES_MAX, PART_CONTENT_BYTES, PREFIX_BYTES};
use crate::item::VaultPorts;
use crate::storage::Arriving;
use filling::Filling;

/// Parts that are hashed, sealed and written at a time.
const PARTS_MAX: usize = 3;
/// Parts whose way to the disk is waited for together, while as many more set out: they are out of our memory
/// already, and each is an open file.
const ARRIVING_MAX: usize = 32;

/// The hash of everything before a part.
enum Before {
    Known(Box<Context>),
    /// The part before it has it yet.
    Coming(oneshot::Receiver<Context>),
}

impl Before {
    /// Waits for the part before.
    fn get(self) -> Context {
        match self {
            Before::Known(hash) => *hash,
            Before::Coming(hash) => hash.blocking_recv().expect("hashing does not panic"),
        }
    }
}

/// A part that was written, and its memory, if nobody else has it.
type Written = Result<(Arriving, Option<Vec<u8>>), object_store::Error>;

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
    /// Of everything before the part that fills.
    before: Before,
    writing: JoinSet<Written>,
    /// What was written, and whose way to the disk nobody waits for yet.
    arriving: Arriving,
    /// At most one, of [`ARRIVING_MAX`] parts.
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
            before: Before::Known(Box::new(hash)),
            writing: JoinSet::new(),
            arriving: Arriving::default(),
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
        match &self.before {
            Before::Known(hash) if self.filling.content == 0 => Some(digest((**hash).clone())),
            _ => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn on(mut self, ports: VaultPorts) -> Self {
        self.ports = ports;
        self
    }

    /// Waits until what came in so far is written.
    #[cfg(test)]
    pub(crate) async fn settled(&mut self) {
        while let Some(written) = self.writing.join_next().await {
            self.written(written).await.unwrap();
        }
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

    /// As [`Self::copy_from`], of a file from where it stands: it is read where it will be sealed, some chunks
    /// at a time.
    ///
    /// # Errors
    /// As [`Self::copy_from`].
    pub async fn copy_from_file(
        &mut self,
        file: File,
        progress: impl FnMut(u64) + Send,
    ) -> Result<(), VaultError> {
        if self.failed {
            return Err(VaultError::PutFailed(self.item.id));
        }
        self.failed = true;
        if let Err(error) = self.take_in_file(Arc::new(file), progress).await {
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
            self.filling.content += now.len();
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
            self.filling.content += read;
            if self.came_in(read).await? {
                progress(self.received);
            }
        }
        progress(self.received);
        Ok(())
    }

    async fn take_in_file(
        &mut self,
        file: Arc<File>,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), VaultError> {
        loop {
            let from = Arc::clone(&file);
            let mut filling = std::mem::replace(&mut self.filling, Filling::none());
            let reading = tokio::task::spawn_blocking(move || {
                let read = filling.read(&from);
                (filling, read)
            });
            let (filling, read) = reading.await.expect("reading does not panic");
            self.filling = filling;
            let read = read.map_err(VaultError::Source)?;
            let is_full = self.came_in(read).await?;
            progress(self.received);
            if !is_full {
                return Ok(());
            }
        }
    }

    /// So many more bytes stand in their place; says whether that filled a part.
    async fn came_in(&mut self, bytes: usize) -> Result<bool, VaultError> {
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
        let _ = self.all_arrived().await;
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
        while let Some(written) = self.writing.join_next().await {
            self.written(written).await?;
        }
        self.all_arrived().await?;
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

    /// Has the part that fills hashed, sealed and written, beside whatever follows; with the trailer when it is
    /// the last.
    async fn seal(&mut self, last: bool) -> Result<(), VaultError> {
        while self.writing.len() >= PARTS_MAX {
            let written = self.writing.join_next().await.expect("some are under way");
            self.written(written).await?;
        }
        let mut filled = std::mem::replace(&mut self.filling, Filling::new(self.spare.pop()));
        let (hashed, next) = oneshot::channel();
        let before = std::mem::replace(&mut self.before, Before::Coming(next));
        let (part, bytes) = (self.part, self.received);
        self.part += 1;
        let mut prefix = [0; PREFIX_BYTES];
        self.ports.entropy.fill(&mut prefix);
        let (storage, cipher) = (self.ports.storage.clone(), Arc::clone(&self.cipher));
        let (id, version) = (cipher.id, cipher.version);
        // Begun here and not in the task: who waits for the part before must not begin before it.
        let sealing = tokio::task::spawn_blocking(move || {
            let mut hash = before.get();
            filled.chunks().for_each(|chunk| hash.update(chunk));
            let trailer = last.then(|| Trailer {
                bytes,
                sha256: digest(hash.clone()),
            });
            // Nobody waits for it behind the last part, or when the put is given up.
            let _ = hashed.send(hash);
            cipher.seal_part(part, prefix, &mut filled.stored, filled.content, trailer);
            Bytes::from(filled.stored)
        });
        self.writing.spawn(async move {
            let stored = sealing.await.expect("sealing does not panic");
            let arriving = storage.put_soon(id, version, part, stored.clone()).await?;
            Ok((arriving, stored.try_into_mut().ok().map(BytesMut::into)))
        });
        Ok(())
    }

    async fn written(
        &mut self,
        written: Result<Written, tokio::task::JoinError>,
    ) -> Result<(), VaultError> {
        match written.expect("writing does not panic") {
            Ok((arriving, spare)) => {
                self.spare.extend(spare);
                self.arriving.and(arriving);
            }
            Err(object_store::Error::AlreadyExists { .. }) => {
                return Err(VaultError::PutElsewhere(self.item.id));
            }
            Err(error) => return Err(VaultError::Storage(error)),
        }
        match self.arriving.len() >= ARRIVING_MAX {
            true => self.wait_for_arriving().await,
            false => Ok(()),
        }
    }

    /// Has somebody wait for what is on its way, once nobody else does.
    async fn wait_for_arriving(&mut self) -> Result<(), VaultError> {
        while let Some(synced) = self.syncing.join_next().await {
            let synced = synced.expect("syncing does not panic");
            synced.map_err(VaultError::Storage)?;
        }
        let (storage, arriving) = (
            self.ports.storage.clone(),
            std::mem::take(&mut self.arriving),
        );
        self.syncing
            .spawn(async move { storage.arrived(arriving).await });
        Ok(())
    }

    async fn all_arrived(&mut self) -> Result<(), VaultError> {
        self.wait_for_arriving().await?;
        while let Some(synced) = self.syncing.join_next().await {
            let synced = synced.expect("syncing does not panic");
            synced.map_err(VaultError::Storage)?;
        }
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
