//! The hashes that services tell of content, so that what was taken can be compared with what there was.

use ring::digest::{Context, Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// Dropbox hashes content in blocks of so many bytes.
/// Source: <https://www.dropbox.com/developers/reference/content-hash>.
const DROPBOX_BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// How a service hashes content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashKind {
    /// SHA-256.
    Sha256,
    /// SHA-1: good enough to see damage, not to see malice.
    Sha1,
    /// SHA-256 of the SHA-256 of each block of 4 MiB.
    Dropbox,
}

impl HashKind {
    pub(crate) const WORDS: [(&str, HashKind); 3] = [
        ("sha256", HashKind::Sha256),
        ("sha1", HashKind::Sha1),
        ("dropbox_hash", HashKind::Dropbox),
    ];
}

/// A hash of content that comes in pieces.
pub struct ContentHash {
    whole: Context,
    /// The block that fills, and how much of it there is.
    block: Option<(Context, usize)>,
}

impl ContentHash {
    /// Of nothing yet.
    pub fn new(kind: HashKind) -> Self {
        let (algorithm, block) = match kind {
            HashKind::Sha256 => (&SHA256, None),
            HashKind::Sha1 => (&SHA1_FOR_LEGACY_USE_ONLY, None),
            HashKind::Dropbox => (&SHA256, Some((Context::new(&SHA256), 0))),
        };
        ContentHash {
            whole: Context::new(algorithm),
            block,
        }
    }

    /// Takes in the next piece.
    pub fn update(&mut self, mut piece: &[u8]) {
        let Some((block, filled)) = &mut self.block else {
            return self.whole.update(piece);
        };
        while !piece.is_empty() {
            let (now, rest) = piece.split_at(piece.len().min(DROPBOX_BLOCK_BYTES - *filled));
            block.update(now);
            *filled += now.len();
            piece = rest;
            if *filled == DROPBOX_BLOCK_BYTES {
                let full = std::mem::replace(block, Context::new(&SHA256));
                self.whole.update(full.finish().as_ref());
                *filled = 0;
            }
        }
    }

    /// The hash, in hexadecimal.
    pub fn finish(mut self) -> String {
        if let Some((block, filled)) = self.block.take()
            && filled > 0
        {
            self.whole.update(block.finish().as_ref());
        }
        let digest: Digest = self.whole.finish();
        hex::encode(digest.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(kind: HashKind, content: &[u8], piece: usize) -> String {
        let mut hash = ContentHash::new(kind);
        content.chunks(piece).for_each(|piece| hash.update(piece));
        hash.finish()
    }

    #[test]
    fn each_hash_is_the_services_own_however_the_content_is_cut() {
        let sha256 = |bytes: &[u8]| ring::digest::digest(&SHA256, bytes);
        let content: Vec<u8> = (0..DROPBOX_BLOCK_BYTES + 5)
            .map(|i| (i % 251) as u8)
            .collect();
        let (first, second) = content.split_at(DROPBOX_BLOCK_BYTES);
        let blocks = [sha256(first).as_ref(), sha256(second).as_ref()].concat();
        let of_blocks = hex::encode(sha256(&blocks));
        let full = hex::encode(sha256(sha256(first).as_ref()));
        let nothing = hex::encode(sha256(&[]));
        // kind | content | hash
        let rows = [
            (
                HashKind::Sha256,
                &b"abc"[..],
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                HashKind::Sha1,
                &b"abc"[..],
                "a9993e364706816aba3e25717850c26c9cd0d89d",
            ),
            (HashKind::Dropbox, &content[..], &of_blocks),
            (HashKind::Dropbox, first, &full),
            (HashKind::Dropbox, &[], &nothing),
        ];
        for (kind, content, expected) in rows {
            for piece in [1 << 20, 65_537, usize::MAX] {
                assert_eq!(hash(kind, content, piece), expected, "{kind:?} by {piece}");
            }
        }
    }
}
