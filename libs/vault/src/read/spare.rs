//! Memory of pieces, used again: a piece is some megabytes, and having that much made ready by the kernel for
//! each costs as much as opening it.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use crate::format::PART_CONTENT_BYTES;

/// Most memory that waits to be used again, in pieces: one is with who reads, one is being read.
const SPARE_MAX: usize = 1;
/// Pieces that are shorter come rarely one after the other, and are not worth to be kept for.
const KEPT_BYTES_MIN: usize = PART_CONTENT_BYTES;

/// Memory that nobody uses.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Vec<u8>>>);

/// A range of some memory, which comes back when it is dropped.
pub(super) struct Lent {
    memory: Vec<u8>,
    range: Range<usize>,
    of: Arc<Spare>,
}

impl Spare {
    /// Memory for so many bytes, or none: it may be longer, and something stands in it.
    pub(super) fn take(&self, bytes: u64) -> Vec<u8> {
        match bytes >= KEPT_BYTES_MIN as u64 {
            true => self.0.lock().expect("no holder panics").pop(),
            false => None,
        }
        .unwrap_or_default()
    }

    /// The first bytes of that memory.
    pub(super) fn lend(self: &Arc<Self>, memory: Vec<u8>, bytes: usize) -> Lent {
        Lent {
            range: 0..bytes.min(memory.len()),
            memory,
            of: Arc::clone(self),
        }
    }
}

impl Lent {
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.range.clone()]
    }

    /// From now on a range of what it was.
    pub(super) fn narrow(&mut self, to: Range<usize>) {
        let Range { start, end } = self.range.clone();
        self.range = (start + to.start).min(end)..(start + to.end).min(end);
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.memory[self.range.clone()]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        let mut spare = self.of.0.lock().expect("no holder panics");
        if memory.len() >= KEPT_BYTES_MIN && spare.len() < SPARE_MAX {
            spare.push(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_once_nobody_has_it_and_only_as_much_as_is_kept() {
        let spare = Arc::new(Spare::default());
        let part = PART_CONTENT_BYTES;
        assert!(spare.take(part as u64).is_empty());
        let mut lent = spare.lend(vec![7; part + 9], part + 9);
        lent.narrow(2..part + 5);
        lent.narrow(1..4);
        lent.bytes().copy_from_slice(b"abc");
        let at = lent.memory.as_ptr();
        let handed_on = bytes::Bytes::from_owner(lent);
        let slice = handed_on.slice(1..);
        drop(handed_on);
        assert!(spare.take(part as u64).is_empty(), "somebody has it");
        assert_eq!(&slice[..], b"bc");
        drop(slice);
        // The second is one too many, the third too short.
        drop(spare.lend(vec![0; part], 0));
        drop(spare.lend(vec![0; part - 1], 0));
        assert!(spare.take(part as u64 - 1).is_empty(), "less needs none");
        let again = spare.take(part as u64);
        assert_eq!((again.len(), again.as_ptr()), (part + 9, at));
        assert!(spare.take(part as u64).is_empty());
    }
}
