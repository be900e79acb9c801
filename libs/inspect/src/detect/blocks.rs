//! Text 64 bytes at a time: which of them are ASCII letters or digits, as bits. Written so that the
//! compiler makes vectors of it on every processor.

/// Bytes of one block.
pub(crate) const BLOCK: usize = 64;

/// One bit for each ASCII letter or digit of a block, the first byte's lowest.
#[inline]
pub(crate) fn words_of(block: &[u8; BLOCK]) -> u64 {
    let mut flags = [0u8; BLOCK];
    for (byte, flag) in block.iter().zip(&mut flags) {
        let is_digit = byte.wrapping_sub(b'0') < 10;
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        *flag = u8::from(is_digit | is_letter);
    }
    gather(&flags)
}

/// The same of the block that starts at `at`; what lies behind the end of `bytes` is no word.
#[inline]
pub(crate) fn words_at(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        Some(block) => words_of(block),
        None => words_of(&padded(bytes, at)),
    }
}

/// One bit for each ASCII digit of the block that starts at `at`.
#[inline]
pub(crate) fn digits_at(bytes: &[u8], at: usize) -> u64 {
    let flags = |block: &[u8; BLOCK]| {
        let mut digits = [0u8; BLOCK];
        for (byte, digit) in block.iter().zip(&mut digits) {
            *digit = u8::from(byte.wrapping_sub(b'0') < 10);
        }
        gather(&digits)
    };
    match bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        Some(block) => flags(block),
        None => flags(&padded(bytes, at)),
    }
}

/// The block that starts at `at`, with zeros behind the end of `bytes`.
pub(crate) fn padded(bytes: &[u8], at: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let rest = bytes.get(at..).unwrap_or_default();
    let length = rest.len().min(BLOCK);
    block[..length].copy_from_slice(&rest[..length]);
    block
}

/// The lowest bits of all bytes.
fn gather(flags: &[u8; BLOCK]) -> u64 {
    // Eight bytes of 0 or 1, times this, have their bits side by side in the highest byte.
    const SIDE_BY_SIDE: u64 = 0x0102_0408_1020_4080;
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().enumerate().fold(0, |bits, (at, eight)| {
        let eight = u64::from_le_bytes(*eight).wrapping_mul(SIDE_BY_SIDE) >> 56;
        bits | eight << (8 * at)
    })
}

/// The places of the bits that are set, lowest first.
pub(crate) fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (bits != 0).then(|| {
            let place = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            place
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_bits_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for place in [0, 1, 7, 8, 31, 63] {
                let mut block = [b'-'; BLOCK];
                block[place] = byte;
                let bit = |set: bool| u64::from(set) << place;
                let word = bit(byte.is_ascii_alphanumeric());
                assert_eq!(words_of(&block), word, "{byte}");
                assert_eq!(digits_at(&block, 0), bit(byte.is_ascii_digit()), "{byte}");
            }
        }
        assert_eq!(words_at(b"--a1", 2), 0b11);
        assert_eq!(digits_at(b"--a1", 2), 0b10);
        assert_eq!(places(0b1001_0001).collect::<Vec<_>>(), [0, 4, 7]);
    }
}
