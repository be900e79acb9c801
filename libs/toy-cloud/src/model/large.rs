//! Files that are too large for memory: they stand in a folder, which the configuration names, until nobody
//! has them any more.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use crate::chance::Roll;

/// A large file has at most this many bytes: 64 GiB.
pub(crate) const LARGE_BYTES_MAX: u64 = 64 << 30;
/// Read and written so many bytes at a time.
const PIECE_BYTES: usize = 256 << 10;

/// A file on disk; it is removed with the last that has it.
#[derive(Debug)]
pub(crate) struct Large {
    path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// A file on disk that is being written.
pub(crate) struct LargeDraft {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    hash: Context,
}

impl LargeDraft {
    /// Under a name that nobody else has.
    pub(crate) fn new(folder: &Path) -> std::io::Result<Self> {
        let name = hex::encode(crate::secrets::random_bytes::<16>());
        let path = folder.join(name);
        let file = File::create_new(&path)?;
        Ok(Self {
            path,
            file: BufWriter::with_capacity(PIECE_BYTES, file),
            bytes: 0,
            hash: Context::new(&SHA256),
        })
    }

    /// Adds bytes; false when that is too much.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> std::io::Result<bool> {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
        self.file.write_all(bytes)?;
        Ok(self.bytes <= LARGE_BYTES_MAX)
    }

    pub(crate) fn finish(mut self) -> std::io::Result<Large> {
        self.file.flush()?;
        Ok(Large {
            path: std::mem::take(&mut self.path),
            bytes: self.bytes,
            sha256: hex::encode(self.hash.clone().finish()),
        })
    }
}

impl Drop for LargeDraft {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    if path.as_os_str().is_empty() {
        return;
    }
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, "a large file stays in its folder");
    }
}

impl Large {
    /// Chance that repeats: the same seed makes the same bytes.
    pub(crate) fn made(folder: &Path, bytes: u64, seed: u64) -> std::io::Result<Self> {
        let mut draft = LargeDraft::new(folder)?;
        let (mut piece, mut left) = (vec![0; PIECE_BYTES], bytes);
        let mut roll = Roll::new(seed, crate::chance::Stream::Large, 0);
        while left > 0 {
            for eight in piece.chunks_exact_mut(8) {
                roll = roll.again();
                eight.copy_from_slice(&roll.up_to(u64::MAX).to_le_bytes());
            }
            let now = left.min(PIECE_BYTES as u64);
            draft.add(&piece[..now as usize])?;
            left -= now;
        }
        draft.finish()
    }

    /// What stands there from that byte on, at most a piece.
    pub(crate) fn piece(&self, at: u64, end: u64) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(at))?;
        let mut piece = vec![0; end.saturating_sub(at).min(PIECE_BYTES as u64) as usize];
        file.read_exact(&mut piece)?;
        Ok(piece)
    }
}
