//! Sealing and opening of a file's chunks and of its length.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use vault::DataKey;

use super::head::FORM;

const NONCE_BYTES: usize = 12;
/// What is sealed.
const CHUNK: u8 = 0;
const LENGTH: u8 = 1;

/// It does not open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

pub(super) struct FileCipher {
    key: LessSafeKey,
    id: [u8; 16],
}

impl FileCipher {
    pub(super) fn new(key: &DataKey, id: [u8; 16]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, key.bytes()).expect("the key has 32 bytes");
        FileCipher {
            key: LessSafeKey::new(unbound),
            id,
        }
    }

    /// The nonce, the ciphertext and the tag.
    pub(super) fn seal_chunk(&self, chunk: u64, plain: &[u8], nonce: [u8; 12]) -> Vec<u8> {
        self.seal(CHUNK, chunk, plain, nonce)
    }

    pub(super) fn open_chunk(&self, chunk: u64, sealed: Vec<u8>) -> Result<Vec<u8>, Refused> {
        self.open(CHUNK, chunk, sealed)
    }

    pub(super) fn seal_length(&self, bytes: u64, nonce: [u8; 12]) -> Vec<u8> {
        self.seal(LENGTH, 0, &bytes.to_be_bytes(), nonce)
    }

    pub(super) fn open_length(&self, sealed: Vec<u8>) -> Option<u64> {
        let plain = self.open(LENGTH, 0, sealed).ok()?;
        Some(u64::from_be_bytes(plain.try_into().ok()?))
    }

    fn seal(&self, kind: u8, number: u64, plain: &[u8], nonce: [u8; 12]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let place = Aad::from(self.place(kind, number));
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, place, &mut sealed[NONCE_BYTES..])
            .expect("a chunk is far below what one nonce may seal");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    fn open(&self, kind: u8, number: u64, mut sealed: Vec<u8>) -> Result<Vec<u8>, Refused> {
        let nonce = sealed.first_chunk().copied().ok_or(Refused)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let place = Aad::from(self.place(kind, number));
        let opened = self
            .key
            .open_within(nonce, place, &mut sealed, NONCE_BYTES..)
            .map_err(|_| Refused)?;
        let bytes = opened.len();
        sealed.truncate(bytes);
        Ok(sealed)
    }

    /// What is authenticated with it: the form, the file, what it is, and which one.
    fn place(&self, kind: u8, number: u64) -> [u8; 33] {
        let mut place = [0; 33];
        place[..8].copy_from_slice(&FORM[..8]);
        place[8..24].copy_from_slice(&self.id);
        place[24] = kind;
        place[25..].copy_from_slice(&number.to_be_bytes());
        place
    }
}
