//! Sealing and opening of an item's chunks: AES-256-GCM under the item's own key.
//!
//! The nonce is STREAM's (Hoang, Reyhanitabar, Rogaway, Vizár 2015): a prefix, the chunk's number within
//! the item, and whether it is the last, which only the trailer is. A part's head is authenticated with
//! each of its chunks.
//!
//! INVARIANT: no nonce seals twice under one key. The key is of one version of one item; numbers do not
//! repeat within it; and a part that is sealed again, when a put is gone on with, has a fresh prefix.

use event_model::VaultId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use zeroize::Zeroizing;

use crate::format::{
    CHUNK_BYTES, HEAD_BYTES, Head, PART_CHUNKS, PREFIX_BYTES, SEALED_CHUNK_BYTES,
    SEALED_TRAILER_BYTES, TAG_BYTES, TRAILER_BYTES,
};

/// Bytes of a data key.
pub const KEY_BYTES: usize = 32;

/// An item's own key. It is wiped from memory when dropped, and does not show itself.
pub struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

impl DataKey {
    /// A key of that chance.
    pub fn new(key: [u8; KEY_BYTES]) -> Self {
        DataKey(Zeroizing::new(key))
    }

    /// The key of those bytes, unless they are not [`KEY_BYTES`].
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        Some(DataKey(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// The key itself, to make a cipher of.
    pub fn bytes(&self) -> &[u8] {
        &self.0[..]
    }
}

/// What the trailer says of the whole content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
}

impl Trailer {
    fn written(self) -> [u8; TRAILER_BYTES] {
        let mut out = [0; TRAILER_BYTES];
        out[..8].copy_from_slice(&self.bytes.to_be_bytes());
        out[8..].copy_from_slice(&self.sha256);
        out
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (bytes, sha256) = plain.split_first_chunk()?;
        Some(Trailer {
            bytes: u64::from_be_bytes(*bytes),
            sha256: sha256.try_into().ok()?,
        })
    }
}

/// It does not open: it was changed, or is not what stands here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// Seals and opens the parts of one version of one item.
pub(crate) struct ContentCipher {
    key: LessSafeKey,
    pub(crate) id: VaultId,
    pub(crate) version: u32,
}

impl ContentCipher {
    pub(crate) fn new(key: &DataKey, id: VaultId, version: u32) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, key.bytes()).expect("the key has 32 bytes");
        ContentCipher {
            key: LessSafeKey::new(unbound),
            id,
            version,
        }
    }

    /// Seals what lies in a part's place of chunks, `content` bytes of it with room for a tag behind each
    /// chunk, and writes the head before it. The trailer, if there is one, comes after.
    pub(crate) fn seal_part(
        &self,
        part: u32,
        prefix: [u8; PREFIX_BYTES],
        stored: &mut Vec<u8>,
        content: usize,
        trailer: Option<Trailer>,
    ) {
        let head = Head::new(self.id, self.version, part, prefix);
        stored[..HEAD_BYTES].copy_from_slice(&head.0);
        let (mut at, mut left, mut chunk) = (HEAD_BYTES, content, 0);
        while left > 0 {
            let bytes = left.min(CHUNK_BYTES);
            let (plain, tag) = stored[at..at + bytes + TAG_BYTES].split_at_mut(bytes);
            let sealed = self.seal(&head, number(part, chunk), false, plain);
            tag.copy_from_slice(sealed.as_ref());
            (at, left, chunk) = (at + bytes + TAG_BYTES, left - bytes, chunk + 1);
        }
        stored.truncate(at);
        if let Some(trailer) = trailer {
            let mut plain = trailer.written();
            let tag = self.seal(&head, number(part, chunk), true, &mut plain);
            stored.extend_from_slice(&plain);
            stored.extend_from_slice(tag.as_ref());
        }
    }

    /// Opens sealed chunks of a part, from that chunk on, in their place: the content moves together at
    /// the start, and its length is given back.
    pub(crate) fn open_chunks(
        &self,
        head: &Head,
        part: u32,
        first: usize,
        sealed: &mut [u8],
    ) -> Result<usize, Refused> {
        let (mut from, mut to, mut chunk) = (0, 0, first);
        while from < sealed.len() {
            let bytes = (sealed.len() - from).min(SEALED_CHUNK_BYTES);
            let one = &mut sealed[from..from + bytes];
            let plain = self.open(head, number(part, chunk), false, one)?;
            sealed.copy_within(from..from + plain, to);
            (from, to, chunk) = (from + bytes, to + plain, chunk + 1);
        }
        Ok(to)
    }

    /// Opens the trailer, which stands behind that many chunks of the part.
    pub(crate) fn open_trailer(
        &self,
        head: &Head,
        part: u32,
        chunks: usize,
        sealed: &mut [u8],
    ) -> Result<Trailer, Refused> {
        if sealed.len() != SEALED_TRAILER_BYTES {
            return Err(Refused);
        }
        let plain = self.open(head, number(part, chunks), true, sealed)?;
        Trailer::read(&sealed[..plain]).ok_or(Refused)
    }

    fn seal(&self, head: &Head, number: u32, last: bool, plain: &mut [u8]) -> Tag {
        self.key
            .seal_in_place_separate_tag(nonce(head, number, last), Aad::from(&head.0), plain)
            .expect("a chunk is far below what one nonce may seal")
    }

    fn open(
        &self,
        head: &Head,
        number: u32,
        last: bool,
        sealed: &mut [u8],
    ) -> Result<usize, Refused> {
        self.key
            .open_in_place(nonce(head, number, last), Aad::from(&head.0), sealed)
            .map(|plain| plain.len())
            .map_err(|_| Refused)
    }
}

/// The number within the item of a chunk of a part.
fn number(part: u32, chunk: usize) -> u32 {
    part * PART_CHUNKS as u32 + chunk as u32
}

fn nonce(head: &Head, number: u32, last: bool) -> Nonce {
    let mut nonce = [0; PREFIX_BYTES + 5];
    nonce[..PREFIX_BYTES].copy_from_slice(&head.prefix());
    nonce[PREFIX_BYTES..PREFIX_BYTES + 4].copy_from_slice(&number.to_be_bytes());
    nonce[PREFIX_BYTES + 4] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}
