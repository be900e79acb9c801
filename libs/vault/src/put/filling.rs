//! A part that fills: content stands where it will be sealed, with room for the tags, so that nothing is
//! copied between the source and the storage.

use std::fs::File;
use std::io::{ErrorKind, IoSliceMut, Read};

use crate::format::{
    CHUNK_BYTES, HEAD_BYTES, PART_CONTENT_BYTES, PART_STORED_BYTES, SEALED_CHUNK_BYTES,
    SEALED_TRAILER_BYTES,
};

/// A part that fills.
pub(super) struct Filling {
    pub(super) stored: Vec<u8>,
    pub(super) content: usize,
}

impl Filling {
    pub(super) fn new(spare: Option<Vec<u8>>) -> Self {
        let mut stored = spare.unwrap_or_default();
        let most = PART_STORED_BYTES + SEALED_TRAILER_BYTES;
        stored.reserve_exact(most.saturating_sub(stored.len()));
        stored.resize(PART_STORED_BYTES, 0);
        Filling { stored, content: 0 }
    }

    /// No part at all: it stands where one was taken away from.
    pub(super) fn none() -> Self {
        Filling {
            stored: Vec::new(),
            content: 0,
        }
    }

    /// The place of what comes next, up to the end of its chunk.
    pub(super) fn place(&mut self) -> &mut [u8] {
        let (chunk, within) = (self.content / CHUNK_BYTES, self.content % CHUNK_BYTES);
        let at = HEAD_BYTES + chunk * SEALED_CHUNK_BYTES;
        &mut self.stored[at + within..at + CHUNK_BYTES]
    }

    /// Reads on until the part is full or the file ends, many chunks at a time; says how many bytes came.
    pub(super) fn read(&mut self, file: &File) -> std::io::Result<usize> {
        let before = self.content;
        while self.content < PART_CONTENT_BYTES {
            let mut file = file;
            match file.read_vectored(&mut self.places()) {
                Ok(0) => break,
                Ok(read) => self.content += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.content - before)
    }

    /// The content that is there, chunk by chunk.
    pub(super) fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let chunks = self.content.div_ceil(CHUNK_BYTES);
        (0..chunks).map(|chunk| {
            let at = HEAD_BYTES + chunk * SEALED_CHUNK_BYTES;
            let bytes = (self.content - chunk * CHUNK_BYTES).min(CHUNK_BYTES);
            &self.stored[at..at + bytes]
        })
    }

    /// The places of everything that comes next: the rest of a chunk, and the chunks after it.
    fn places(&mut self) -> Vec<IoSliceMut<'_>> {
        let (chunk, within) = (self.content / CHUNK_BYTES, self.content % CHUNK_BYTES);
        let chunks = self.stored[HEAD_BYTES..].chunks_mut(SEALED_CHUNK_BYTES);
        let places = chunks.skip(chunk).enumerate().map(|(at, sealed)| {
            let from = if at == 0 { within } else { 0 };
            IoSliceMut::new(&mut sealed[from..CHUNK_BYTES])
        });
        places.collect()
    }
}
