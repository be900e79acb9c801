//! The form of content at rest: where each byte stands. `docs/vault.md` has the same as a table.
//!
//! Content is cut into chunks of 64 KiB, and chunks are put together in parts of 64. A part is one
//! object of the storage: a head of 64 bytes, then its chunks, each sealed on its own with its tag of
//! 16 bytes behind it. After the last chunk of the content comes the trailer, sealed likewise: the
//! length and the SHA-256 of the whole. So a reader that has opened the trailer knows how much there is,
//! and may read any chunk after that.

use std::ops::Range;

use event_model::VaultId;

/// Bytes of content in a chunk; the last one may have fewer.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks in a part; the last one may have fewer.
pub const PART_CHUNKS: usize = 64;
/// Most bytes of content: the chunks' counter has 32 bits, and this stays far below.
pub const CONTENT_BYTES_MAX: u64 = 16 << 40;

pub(crate) const TAG_BYTES: usize = 16;
pub(crate) const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Bytes of content in a full part.
pub(crate) const PART_CONTENT_BYTES: usize = CHUNK_BYTES * PART_CHUNKS;
/// Bytes of a full part as it is stored.
pub(crate) const PART_STORED_BYTES: usize = HEAD_BYTES + SEALED_CHUNK_BYTES * PART_CHUNKS;
/// The length (8 bytes, the greatest first) and the SHA-256 of the content.
pub(crate) const TRAILER_BYTES: usize = 8 + 32;
pub(crate) const SEALED_TRAILER_BYTES: usize = TRAILER_BYTES + TAG_BYTES;
pub(crate) const HEAD_BYTES: usize = 64;
pub(crate) const PREFIX_BYTES: usize = 7;

/// What every head begins with: the form, its version, AES-256-GCM, and the binary logarithms of a chunk's
/// bytes and of a part's chunks.
const FORM: [u8; 12] = *b"TGVAULT1\x01\x10\x06\x00";
const _: () = assert!(1 << FORM[9] == CHUNK_BYTES && 1 << FORM[10] == PART_CHUNKS);
const ID_BYTES: usize = 30;
const ID_AT: usize = 20;
const PREFIX_AT: usize = ID_AT + ID_BYTES;

/// What stands before a part's chunks, and is authenticated with each of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head(pub(crate) [u8; HEAD_BYTES]);

impl Head {
    /// The head of a part. The prefix must be fresh chance for every part that is sealed.
    pub(crate) fn new(id: VaultId, version: u32, part: u32, prefix: [u8; PREFIX_BYTES]) -> Self {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..12].copy_from_slice(&FORM);
        bytes[12..16].copy_from_slice(&version.to_be_bytes());
        bytes[16..20].copy_from_slice(&part.to_be_bytes());
        bytes[ID_AT..PREFIX_AT].copy_from_slice(id.to_string().as_bytes());
        bytes[PREFIX_AT..PREFIX_AT + PREFIX_BYTES].copy_from_slice(&prefix);
        Head(bytes)
    }

    pub(crate) fn prefix(&self) -> [u8; PREFIX_BYTES] {
        let mut prefix = [0; PREFIX_BYTES];
        prefix.copy_from_slice(&self.0[PREFIX_AT..PREFIX_AT + PREFIX_BYTES]);
        prefix
    }

    /// What a part says of itself: to name what is wrong before anything is opened.
    pub(crate) fn said(&self) -> Option<Said> {
        let is_ours = self.0[..12] == FORM;
        let number = |at: usize| {
            let bytes = self.0[at..at + 4].try_into().expect("four bytes");
            u32::from_be_bytes(bytes)
        };
        let id = std::str::from_utf8(&self.0[ID_AT..PREFIX_AT]).ok()?;
        is_ours.then_some(Said {
            id: id.parse().ok()?,
            version: number(12),
            part: number(16),
        })
    }
}

/// Which part of which item a head says it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) id: VaultId,
    pub(crate) version: u32,
    pub(crate) part: u32,
}

/// Where everything of some content stands, given its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) content_bytes: u64,
}

impl Layout {
    /// Chunks of content; the trailer's number is the one after them.
    pub(crate) fn chunks(self) -> u64 {
        self.content_bytes.div_ceil(CHUNK_BYTES as u64)
    }

    /// Parts, the last of which has the trailer.
    pub(crate) fn parts(self) -> u32 {
        (self.chunks() / PART_CHUNKS as u64 + 1) as u32
    }

    /// Chunks of content in that part.
    pub(crate) fn chunks_in(self, part: u32) -> usize {
        let before = u64::from(part) * PART_CHUNKS as u64;
        (self.chunks().saturating_sub(before)).min(PART_CHUNKS as u64) as usize
    }

    /// Bytes of content in that part.
    pub(crate) fn content_in(self, part: u32) -> usize {
        let before = u64::from(part) * PART_CONTENT_BYTES as u64;
        let rest = self.content_bytes.saturating_sub(before);
        rest.min(PART_CONTENT_BYTES as u64) as usize
    }

    /// Bytes of that part as it is stored.
    pub(crate) fn stored_in(self, part: u32) -> u64 {
        let trailer = if part + 1 == self.parts() {
            SEALED_TRAILER_BYTES
        } else {
            0
        };
        let sealed = self.content_in(part) + TAG_BYTES * self.chunks_in(part);
        (HEAD_BYTES + sealed + trailer) as u64
    }

    /// Bytes of all parts before that one, as they are stored.
    fn stored_before(self, part: u32) -> u64 {
        let part = u64::from(part);
        let content = (part * PART_CONTENT_BYTES as u64).min(self.content_bytes);
        let chunks = (part * PART_CHUNKS as u64).min(self.chunks());
        part * HEAD_BYTES as u64 + content + chunks * TAG_BYTES as u64
    }

    /// Bytes of all parts as they are stored.
    pub(crate) fn stored(self) -> u64 {
        let last = self.parts() - 1;
        self.stored_before(last) + self.stored_in(last)
    }

    /// The part in which that byte of all that is stored stands, and how many bytes stand before the part.
    pub(crate) fn part_at(self, byte: u64) -> (u32, u64) {
        let last = self.parts() - 1;
        let part = (byte / PART_STORED_BYTES as u64).min(u64::from(last)) as u32;
        // The last part but one may lack some bytes of its last chunk.
        match part < last && byte >= self.stored_before(part + 1) {
            true => (part + 1, self.stored_before(part + 1)),
            false => (part, self.stored_before(part)),
        }
    }

    /// Where the sealed chunks from one to before another of a part stand in it.
    pub(crate) fn sealed(self, part: u32, chunks: Range<usize>) -> Range<u64> {
        let all = self.chunks_in(part);
        let at = |chunk: usize| match chunk {
            chunk if chunk < all => HEAD_BYTES + chunk * SEALED_CHUNK_BYTES,
            _ => HEAD_BYTES + self.content_in(part) + TAG_BYTES * all,
        };
        at(chunks.start) as u64..at(chunks.end) as u64
    }

    /// Where the trailer stands in the last part.
    pub(crate) fn trailer(self) -> Range<u64> {
        let end = self.stored_in(self.parts() - 1);
        end - SEALED_TRAILER_BYTES as u64..end
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn id() -> VaultId {
        VaultId::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap(), 7)
    }

    #[test]
    fn a_head_stands_as_it_was_promised() {
        let head = Head::new(id(), 3, 258, [9; 7]).0;
        assert_eq!(&head[..8], b"TGVAULT1");
        assert_eq!(head[8..12], [1, 16, 6, 0]);
        assert_eq!(head[12..20], [0, 0, 0, 3, 0, 0, 1, 2]);
        assert_eq!(&head[20..50], id().to_string().as_bytes());
        assert_eq!(head[50..64], [9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0]);
        let said = Head(head).said().unwrap();
        assert_eq!((said.id, said.version, said.part), (id(), 3, 258));
        assert!(Head([0; HEAD_BYTES]).said().is_none());
    }

    #[test]
    fn everything_stands_where_it_was_promised() {
        let (chunk, part) = (CHUNK_BYTES as u64, PART_CONTENT_BYTES as u64);
        // content => chunks, parts, bytes of the last part
        for (bytes, chunks, parts, last) in [
            (0, 0, 1, 64 + 56),
            (1, 1, 1, 64 + 1 + 16 + 56),
            (chunk, 1, 1, 64 + chunk + 16 + 56),
            (chunk + 1, 2, 1, 64 + chunk + 16 + 1 + 16 + 56),
            (part - 1, 64, 2, 64 + 56),
            (part, 64, 2, 64 + 56),
            (part + 1, 65, 2, 64 + 1 + 16 + 56),
        ] {
            let layout = Layout {
                content_bytes: bytes,
            };
            assert_eq!(layout.chunks(), chunks, "{bytes}");
            assert_eq!(layout.parts(), parts, "{bytes}");
            assert_eq!(layout.stored_in(parts - 1), last, "{bytes}");
        }
        let most = Layout {
            content_bytes: CONTENT_BYTES_MAX,
        };
        assert!(most.chunks() < u64::from(u32::MAX));
    }

    proptest! {
        #[test]
        fn parts_hold_the_content_and_nothing_else(content_bytes in 0..=3 * PART_CONTENT_BYTES as u64) {
            let layout = Layout { content_bytes };
            let parts = layout.parts();
            let content: u64 = (0..parts).map(|part| layout.content_in(part) as u64).sum();
            let chunks: u64 = (0..parts).map(|part| layout.chunks_in(part) as u64).sum();
            prop_assert_eq!((content, chunks), (content_bytes, layout.chunks()));
            for part in 0..parts {
                let all = layout.sealed(part, 0..layout.chunks_in(part));
                let end = if part + 1 == parts { layout.trailer().start } else { layout.stored_in(part) };
                prop_assert_eq!(all, HEAD_BYTES as u64..end);
            }
            let stored: u64 = (0..parts).map(|part| layout.stored_in(part)).sum();
            prop_assert_eq!(layout.stored(), stored);
            let mut before = 0;
            for part in 0..parts {
                let last = before + layout.stored_in(part) - 1;
                prop_assert_eq!(layout.part_at(before), (part, before));
                prop_assert_eq!(layout.part_at(last), (part, before));
                before = last + 1;
            }
        }
    }
}
