//! The checks of wallets' addresses.

use sha2::{Digest, Sha256};

/// An address of either kind, with its check.
pub(super) fn bitcoin(c: &[u8]) -> bool {
    match c {
        [b'1', ..] if c.len() <= 35 => base58check(c) == Some(0),
        [b'3', ..] if c.len() <= 35 => base58check(c) == Some(5),
        [b'b', b'c', b'1', ..] => bech32(&c[3..]),
        [b'B', b'C', b'1', ..] => bech32(&c[3..].to_ascii_lowercase()),
        _ => false,
    }
}

/// The version byte of 20 bytes in base 58 with four bytes of a double SHA-256 behind them.
pub(super) fn base58check(c: &[u8]) -> Option<u8> {
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    static RANKS: [u8; 256] = {
        let mut ranks = [u8::MAX; 256];
        let mut at = 0;
        while at < ALPHABET.len() {
            ranks[ALPHABET[at] as usize] = at as u8;
            at += 1;
        }
        ranks
    };
    /// Characters that are read at once: 58 to their power fits 32 bits.
    const AT_ONCE: usize = 5;
    // The number, 32 bits at a time, the highest first: room for 28 bytes.
    let mut words = [0u32; 7];
    for few in c.chunks(AT_ONCE) {
        let (mut scale, mut carry) = (1u64, 0u64);
        for character in few {
            let rank = RANKS[usize::from(*character)];
            carry = carry * 58 + (rank != u8::MAX).then_some(u64::from(rank))?;
            scale *= 58;
        }
        for word in words.iter_mut().rev() {
            carry += u64::from(*word) * scale;
            *word = carry as u32;
            carry >>= 32;
        }
        if carry != 0 {
            return None;
        }
    }
    let mut bytes = [0u8; 28];
    for (four, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *four = word.to_be_bytes();
    }
    let (spare, bytes) = bytes.split_first_chunk::<3>()?;
    if *spare != [0; 3] {
        return None;
    }
    let (body, check) = bytes.split_at(21);
    let hash = Sha256::digest(Sha256::digest(body));
    (hash[..4] == *check).then_some(body[0])
}

/// BIP 173 and BIP 350 for the prefix `bc`: the remainder of a polynomial is 1 or a constant.
fn bech32(c: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    const BECH32M: u32 = 0x2bc8_30a3;
    let values = c
        .iter()
        .map(|byte| ALPHABET.iter().position(|known| known == byte));
    let Some(values) = values.collect::<Option<Vec<usize>>>() else {
        return false;
    };
    let prefix = [3usize, 3, 0, 2, 3];
    let rest = prefix.into_iter().chain(values).fold(1u32, |rest, value| {
        let top = rest >> 25;
        let shifted = (rest & 0x01ff_ffff) << 5 ^ value as u32;
        GENERATOR
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(shifted, |rest, (_, word)| rest ^ word)
    });
    rest == 1 || rest == BECH32M
}
