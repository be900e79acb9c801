//! A protected file: encrypted where it stands, with its own wrapped key in its head. `docs/protected-files.md`
//! has the form byte for byte. Any part of it can be read and written without the rest.
//!
//! - Every chunk is sealed with AES-256-GCM under the file's own key and a nonce drawn for this writing, and
//!   opens only in its place of this file. The length is sealed likewise, so a file that was cut is told.
//! - What is not told: a chunk that was put back as it stood there before.
//!
//! INVARIANT: no nonce seals twice under one key but by chance: 96 bits are drawn for every sealing, and a
//! file is written fewer than 2^32 times (NIST SP 800-38D, 8.3).

mod cipher;
mod head;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use ports::Entropy;
use thiserror::Error;
use vault::{DataKey, KEY_BYTES, KeyRing, KmsError};
use zeroize::Zeroizing;

use cipher::FileCipher;
use head::{HEAD_BYTES, Head, SEALED_LENGTH_AT};

/// Bytes of content in a chunk; the last one may have fewer.
pub const FILE_CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that a chunk has more when it is sealed: its nonce and its tag.
const SEALED_MORE: usize = 12 + 16;
const SEALED_CHUNK_BYTES: usize = FILE_CHUNK_BYTES + SEALED_MORE;
/// Longest content, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 40;
/// Most bytes that writing beyond the end fills with zeros: they have to be sealed.
const GAP_BYTES_MAX: u64 = 1 << 30;

/// Why a protected file is not read or written.
#[derive(Debug, Error)]
pub enum ProtectedError {
    /// It does not begin as one.
    #[error("the file is not protected")]
    NotProtected,
    /// Its head is not one of this program's.
    #[error("the head of the protected file is damaged, or of a later version")]
    Head,
    /// Something of it does not open.
    #[error("the protected file is damaged: chunk {chunk} does not open")]
    Damaged {
        /// Which, from 0.
        chunk: u64,
    },
    /// It is too long, or its end too far away.
    #[error(
        "a protected file has at most {FILE_BYTES_MAX} bytes, and is not written more than {GAP_BYTES_MAX} beyond its end"
    )]
    TooLong,
    /// Its key cannot be had.
    #[error("the key of the protected file cannot be had")]
    Key(#[from] KmsError),
    /// It cannot be read or written.
    #[error("the protected file cannot be read or written")]
    Io(#[from] std::io::Error),
}

/// Where keys of files come from, and who wraps them.
#[derive(Clone)]
pub struct FileKeys {
    ring: KeyRing,
    entropy: Arc<dyn Entropy>,
}

impl FileKeys {
    /// Wrapped by that ring.
    pub fn new(ring: KeyRing, entropy: Arc<dyn Entropy>) -> Self {
        FileKeys { ring, entropy }
    }
}

/// A protected file that is open.
pub struct Protected {
    file: File,
    cipher: FileCipher,
    entropy: Arc<dyn Entropy>,
    bytes: u64,
}

/// Whether a file that begins so is a protected one.
pub fn is_protected(begins: &[u8]) -> bool {
    head::is_ours(begins)
}

/// How long the file is when it is protected, with so much content.
pub fn protected_bytes(content: u64) -> u64 {
    HEAD_BYTES as u64 + content + content.div_ceil(FILE_CHUNK_BYTES as u64) * SEALED_MORE as u64
}

/// How much content a protected file of that length has, unless a writer died in it.
pub fn content_bytes(protected: u64) -> u64 {
    let (chunk, sealed) = (FILE_CHUNK_BYTES as u64, SEALED_CHUNK_BYTES as u64);
    let body = protected.saturating_sub(HEAD_BYTES as u64);
    body / sealed * chunk + (body % sealed).saturating_sub(SEALED_MORE as u64)
}

impl Protected {
    /// Makes an empty file one without content, under a key of its own.
    ///
    /// # Errors
    /// When the key cannot be wrapped, or the file not be written.
    pub async fn create(file: File, keys: &FileKeys) -> Result<Self, ProtectedError> {
        let mut id = [0; 16];
        keys.entropy.fill(&mut id);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        keys.entropy.fill(&mut key[..]);
        let key = DataKey::new(*key);
        let wrapped = keys.ring.wrap(&key, &head::context(id)).await?;
        let head = Head { id, wrapped };
        file.write_all_at(&head.written().ok_or(ProtectedError::Head)?, 0)?;
        let mut created = Protected {
            cipher: FileCipher::new(&key, id),
            entropy: Arc::clone(&keys.entropy),
            bytes: 0,
            file,
        };
        created.write_length(0)?;
        Ok(created)
    }

    /// Opens one.
    ///
    /// # Errors
    /// When it is none, or its key cannot be had, or it was cut or changed at its beginning.
    pub async fn open(file: File, keys: &FileKeys) -> Result<Self, ProtectedError> {
        let mut begins = [0; HEAD_BYTES];
        let read = read_full(&file, &mut begins, 0)?;
        if !head::is_ours(&begins[..read]) {
            return Err(ProtectedError::NotProtected);
        }
        if read < HEAD_BYTES {
            return Err(ProtectedError::Head);
        }
        let head = Head::read(&begins).ok_or(ProtectedError::Head)?;
        let key = keys
            .ring
            .unwrap(&head.wrapped, &head::context(head.id))
            .await?;
        let cipher = FileCipher::new(&key, head.id);
        let sealed = begins[SEALED_LENGTH_AT..].to_vec();
        let bytes = cipher.open_length(sealed).ok_or(ProtectedError::Head)?;
        Ok(Protected {
            file,
            cipher,
            entropy: Arc::clone(&keys.entropy),
            bytes,
        })
    }

    /// How long the content is, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file as it is stored.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reads content, as much as there is room for and as there is: fewer bytes at its end.
    ///
    /// # Errors
    /// When it cannot be read, or does not open: nothing of a chunk that does not is handed on.
    pub fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, ProtectedError> {
        let left = self.bytes.saturating_sub(offset);
        let wanted = left.min(into.len() as u64) as usize;
        let mut done = 0;
        while done < wanted {
            let (chunk, within) = place(offset + done as u64);
            let plain = self.chunk(chunk)?;
            let taken = (plain.len() - within).min(wanted - done);
            into[done..done + taken].copy_from_slice(&plain[within..within + taken]);
            done += taken;
        }
        Ok(done)
    }

    /// Writes content, over what is there or behind it.
    ///
    /// # Errors
    /// When it cannot be written: what was written before the failure stays.
    pub fn write_at(&mut self, offset: u64, data: &[u8]) -> Result<(), ProtectedError> {
        let end = offset
            .checked_add(data.len() as u64)
            .ok_or(ProtectedError::TooLong)?;
        let is_too_far = offset.saturating_sub(self.bytes) > GAP_BYTES_MAX;
        if end > FILE_BYTES_MAX || is_too_far {
            return Err(ProtectedError::TooLong);
        }
        let zeros = [0; FILE_CHUNK_BYTES];
        while self.bytes < offset {
            let (_, within) = place(self.bytes);
            let gap = (offset - self.bytes).min((FILE_CHUNK_BYTES - within) as u64);
            self.put(self.bytes, &zeros[..gap as usize])?;
        }
        self.put(offset, data)
    }

    /// Cuts the content, or fills it up with zeros.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_bytes(&mut self, bytes: u64) -> Result<(), ProtectedError> {
        if bytes >= self.bytes {
            return self.write_at(bytes, &[]);
        }
        let (chunk, within) = place(bytes);
        let kept = match within {
            0 => None,
            within => Some(self.chunk(chunk)?[..within].to_vec()),
        };
        // The length first: what stands behind it is not read any more, whatever happens now.
        self.write_length(bytes)?;
        if let Some(kept) = kept {
            self.write_chunk(chunk, &kept)?;
        }
        Ok(self.file.set_len(protected_bytes(bytes))?)
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn sync(&self) -> Result<(), ProtectedError> {
        Ok(self.file.sync_all()?)
    }

    fn put(&mut self, offset: u64, data: &[u8]) -> Result<(), ProtectedError> {
        let mut done = 0;
        while done < data.len() {
            let (chunk, within) = place(offset + done as u64);
            let taken = (data.len() - done).min(FILE_CHUNK_BYTES - within);
            let piece = &data[done..done + taken];
            let there = self.within(chunk);
            if within == 0 && taken >= there {
                self.write_chunk(chunk, piece)?;
            } else {
                let mut plain = self.chunk(chunk)?;
                plain.resize(there.max(within + taken), 0);
                plain[within..within + taken].copy_from_slice(piece);
                self.write_chunk(chunk, &plain)?;
            }
            done += taken;
        }
        match offset + data.len() as u64 {
            end if end > self.bytes => self.write_length(end),
            _ => Ok(()),
        }
    }

    /// Bytes of content in that chunk.
    fn within(&self, chunk: u64) -> usize {
        let before = chunk * FILE_CHUNK_BYTES as u64;
        self.bytes
            .saturating_sub(before)
            .min(FILE_CHUNK_BYTES as u64) as usize
    }

    /// A chunk's content: as much of it as counts.
    fn chunk(&self, chunk: u64) -> Result<Vec<u8>, ProtectedError> {
        let expected = self.within(chunk);
        if expected == 0 {
            return Ok(Vec::new());
        }
        let mut sealed = vec![0; SEALED_CHUNK_BYTES];
        let read = read_full(&self.file, &mut sealed, sealed_at(chunk))?;
        sealed.truncate(read);
        let damaged = ProtectedError::Damaged { chunk };
        let Ok(mut plain) = self.cipher.open_chunk(chunk, sealed) else {
            return Err(damaged);
        };
        if plain.len() < expected {
            return Err(damaged);
        }
        plain.truncate(expected);
        Ok(plain)
    }

    fn write_chunk(&self, chunk: u64, plain: &[u8]) -> Result<(), ProtectedError> {
        let sealed = self.cipher.seal_chunk(chunk, plain, self.nonce());
        Ok(self.file.write_all_at(&sealed, sealed_at(chunk))?)
    }

    fn write_length(&mut self, bytes: u64) -> Result<(), ProtectedError> {
        let sealed = self.cipher.seal_length(bytes, self.nonce());
        self.file.write_all_at(&sealed, SEALED_LENGTH_AT as u64)?;
        self.bytes = bytes;
        Ok(())
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        nonce
    }
}

fn place(offset: u64) -> (u64, usize) {
    let chunk = FILE_CHUNK_BYTES as u64;
    (offset / chunk, (offset % chunk) as usize)
}

fn sealed_at(chunk: u64) -> u64 {
    HEAD_BYTES as u64 + chunk * SEALED_CHUNK_BYTES as u64
}

/// Reads until there is no more room or no more to read.
fn read_full(file: &File, into: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut done = 0;
    while done < into.len() {
        match file.read_at(&mut into[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
