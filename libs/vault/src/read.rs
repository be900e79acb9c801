//! Content going out: whole or any range of it, verified chunk by chunk before a byte is handed on. The
//! trailer is opened first, so the length is known to be the one that was taken in. A piece is opened in the
//! memory that it was read into, and handed on in it; once nobody has it any more, the next is read into it.

mod spare;

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use event_model::VaultItem;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::cipher::{ContentCipher, Refused, Trailer};
use crate::error::{Damage, VaultError};
use crate::format::{CHUNK_BYTES, CONTENT_BYTES_MAX, HEAD_BYTES, Head, Layout, PART_CONTENT_BYTES};
use crate::put::{digest, fresh_hash};
use crate::storage::{Storage, folder, in_folder};
use spare::{Lent, Spare};

/// Parts that are read ahead of who takes them.
const READ_AHEAD: usize = 2;

/// What of a part is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    part: u32,
    /// From this byte of the part's content.
    from: usize,
    /// To before that one.
    to: usize,
}

/// The content of an item that is held.
pub struct Content {
    item: VaultItem,
    storage: Storage,
    cipher: ContentCipher,
    layout: Layout,
    trailer: Trailer,
    spare: Arc<Spare>,
}

impl Content {
    /// Opens the trailer.
    pub(crate) async fn open(
        item: VaultItem,
        storage: Storage,
        cipher: ContentCipher,
    ) -> Result<Self, VaultError> {
        let content_bytes = item.bytes.unwrap_or_default();
        if content_bytes > CONTENT_BYTES_MAX {
            return Err(VaultError::TooLarge);
        }
        let layout = Layout { content_bytes };
        let mut content = Content {
            item,
            storage,
            cipher,
            layout,
            trailer: Trailer {
                bytes: 0,
                sha256: [0; 32],
            },
            spare: Arc::default(),
        };
        content.trailer = content.open_trailer().await?;
        Ok(content)
    }

    /// What is known of the item.
    pub fn item(&self) -> &VaultItem {
        &self.item
    }

    /// How long the content is, in bytes.
    pub fn bytes(&self) -> u64 {
        self.trailer.bytes
    }

    /// The SHA-256 of the content, as it was taken in.
    pub fn sha256(&self) -> [u8; 32] {
        self.trailer.sha256
    }

    /// A range of the content, in pieces of at most 4 MiB.
    ///
    /// # Errors
    /// When it does not lie within the content. Each piece is an error when it cannot be had or is damaged.
    pub fn read(
        &self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, VaultError>> + Send + '_, VaultError> {
        let Range { start, end } = range;
        if start > end || end > self.bytes() {
            let bytes = self.bytes();
            return Err(VaultError::Range { start, end, bytes });
        }
        let pieces = stream::iter(wanted(start..end)).map(|wanted| self.piece(wanted));
        Ok(pieces.buffered(READ_AHEAD))
    }

    /// Writes the whole content, and says after each piece how much that is in all.
    ///
    /// # Errors
    /// When it cannot be had, is damaged, or cannot be written. What was written until then is right, and
    /// not whole.
    pub async fn copy_to(
        &self,
        writer: &mut (impl AsyncWrite + Unpin + Send),
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), VaultError> {
        let (mut pieces, mut written) = (Box::pin(self.read(0..self.bytes())?), 0);
        while let Some(piece) = pieces.try_next().await? {
            let write = writer.write_all(&piece).await;
            write.map_err(VaultError::Target)?;
            written += piece.len() as u64;
            progress(written);
        }
        writer.flush().await.map_err(VaultError::Target)
    }

    /// As [`Self::copy_to`], to a file from where it stands. What was written is not durable yet.
    ///
    /// # Errors
    /// As [`Self::copy_to`].
    pub async fn copy_to_file(
        &self,
        file: &File,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), VaultError> {
        let file = Arc::new(file.try_clone().map_err(VaultError::Target)?);
        let (mut pieces, mut written) = (Box::pin(self.read(0..self.bytes())?), 0);
        while let Some(piece) = pieces.try_next().await? {
            let (bytes, file) = (piece.len() as u64, Arc::clone(&file));
            let write = in_folder(move || folder::write(&mut &*file, &piece)).await;
            write.map_err(VaultError::Target)?;
            written += bytes;
            progress(written);
        }
        Ok(())
    }

    /// Opens everything and hands on nothing.
    ///
    /// # Errors
    /// With the first damage.
    pub(crate) async fn verify(
        &self,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<(), VaultError> {
        let (mut pieces, mut hash) = (Box::pin(self.read(0..self.bytes())?), fresh_hash());
        let mut seen = 0;
        while let Some(piece) = pieces.try_next().await? {
            hash.update(&piece);
            seen += piece.len() as u64;
            progress(seen);
        }
        if digest(hash) != self.trailer.sha256 {
            return Err(self.damaged(Damage::Hash));
        }
        Ok(())
    }

    async fn open_trailer(&self) -> Result<Trailer, VaultError> {
        let part = self.layout.parts() - 1;
        let (head, mut sealed) = self.fetch(part, self.layout.trailer()).await?;
        let chunks = self.layout.chunks_in(part);
        let opened = self
            .cipher
            .open_trailer(&head, part, chunks, sealed.bytes());
        let trailer = opened.map_err(|Refused| self.damaged(Damage::Changed { part }))?;
        if trailer.bytes != self.layout.content_bytes {
            return Err(self.damaged(Damage::Hash));
        }
        Ok(trailer)
    }

    async fn piece(&self, wanted: Wanted) -> Result<Bytes, VaultError> {
        let Wanted { part, from, to } = wanted;
        let first = from / CHUNK_BYTES;
        let range = self.layout.sealed(part, first..to.div_ceil(CHUNK_BYTES));
        let (head, mut sealed) = self.fetch(part, range).await?;
        let opened = self.cipher.open_chunks(&head, part, first, sealed.bytes());
        let bytes = opened.map_err(|Refused| self.damaged(Damage::Changed { part }))?;
        let before = first * CHUNK_BYTES;
        sealed.narrow(0..bytes);
        sealed.narrow(from - before..to - before);
        Ok(Bytes::from_owner(sealed))
    }

    /// A part's head, looked at, and some of its bytes.
    async fn fetch(&self, part: u32, range: Range<u64>) -> Result<(Head, Lent), VaultError> {
        // From the first chunk on, the head comes along; otherwise it is asked for alone.
        let is_at_head = range.start == HEAD_BYTES as u64;
        let head_range = match is_at_head {
            true => 0..range.end,
            false => 0..HEAD_BYTES as u64,
        };
        let mut first = self.part(part, head_range).await?;
        let all = first.bytes();
        let bytes = all.len();
        let head = Head(all[..HEAD_BYTES].try_into().expect("a head is that long"));
        self.check(part, &head)?;
        first.narrow(HEAD_BYTES..bytes);
        let rest = match is_at_head {
            true => first,
            false => self.part(part, range).await?,
        };
        Ok((head, rest))
    }

    async fn part(&self, part: u32, range: Range<u64>) -> Result<Lent, VaultError> {
        let (item, expected) = (&self.item, self.layout.stored_in(part));
        let asked = range.end - range.start;
        let (storage, memory) = (&self.storage, self.spare.take(asked));
        let got = storage.get_into(item.id, item.version, part, range, memory);
        let held = match got.await {
            Ok(held) => held,
            Err(error) => return Err(self.not_had(part, error).await),
        };
        let found = held.whole;
        if found != expected || held.bytes as u64 != asked {
            return Err(self.damaged(Damage::Length {
                part,
                found,
                expected,
            }));
        }
        Ok(self.spare.lend(held.memory, held.bytes))
    }

    /// Storages refuse a range beyond a part's end in words of their own: its length says what is wrong.
    async fn not_had(&self, part: u32, error: object_store::Error) -> VaultError {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return self.damaged(Damage::Missing { part });
        }
        let expected = self.layout.stored_in(part);
        let length = self.storage.length(self.item.id, self.item.version, part);
        match length.await {
            Ok(found) if found != expected => self.damaged(Damage::Length {
                part,
                found,
                expected,
            }),
            _ => VaultError::Storage(error),
        }
    }

    /// What a part says of itself must be what it is asked for.
    fn check(&self, part: u32, head: &Head) -> Result<(), VaultError> {
        let said = head.said();
        let said = said.ok_or_else(|| self.damaged(Damage::Head { part }))?;
        let found = match (said.id == self.item.id, said.version == self.item.version) {
            (true, true) if said.part == part => return Ok(()),
            (true, true) => format!("part {}", said.part),
            (true, false) => format!("part {} of version {}", said.part, said.version),
            (false, _) => format!("part {} of `{}`", said.part, said.id),
        };
        Err(self.damaged(Damage::Swapped { part, found }))
    }

    fn damaged(&self, damage: Damage) -> VaultError {
        let id = self.item.id;
        VaultError::Damaged { id, damage }
    }
}

/// The parts that a range of the content lies in.
fn wanted(range: Range<u64>) -> impl Iterator<Item = Wanted> {
    let full = PART_CONTENT_BYTES as u64;
    let parts = match range.is_empty() {
        true => 0..0,
        false => range.start / full..(range.end - 1) / full + 1,
    };
    parts.map(move |part| {
        let before = part * full;
        Wanted {
            part: part as u32,
            from: range.start.saturating_sub(before) as usize,
            to: (range.end - before).min(full) as usize,
        }
    })
}
