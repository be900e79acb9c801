//! Secrets at rest: AES-256-GCM under a key from a file, bound to what they belong to.
//!
//! A sealed value opens only under the context it was sealed for (`grant/conn_…`), so that a row
//! copied onto another does not open there. Keys rotate: everything is sealed with the first key and
//! opened with whichever it names.
//!
//! A sealed value is: version (1 byte, 1), length of the key id (1), key id, nonce (12), ciphertext
//! with its 16-byte tag. What comes before the ciphertext is authenticated together with the
//! context. Nonces are drawn by chance: at most 2^32 values under one key (NIST SP 800-38D, 8.3).

mod keys;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use thiserror::Error;
use zeroize::Zeroizing;

pub use keys::{Key, KeysError};

/// Bytes of chance that each sealing takes.
pub const NONCE_BYTES: usize = 12;

const VERSION: u8 = 1;

/// Why a sealed value did not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnsealError {
    /// It is too short, or of another version.
    #[error("the value is not sealed in a form that this program reads")]
    Malformed,
    /// It was sealed with a key that is not in the key file.
    #[error("the value is sealed with the key `{id}`, which is not known")]
    UnknownKey {
        /// The key's id.
        id: String,
    },
    /// It was changed, or sealed for something else, or the key of that id is another.
    #[error("the value does not open: it was changed or belongs to something else")]
    Refused,
}

struct NamedKey {
    id: String,
    key: LessSafeKey,
}

/// Seals with the current key and opens with any known one.
pub struct Sealer {
    current: NamedKey,
    former: Vec<NamedKey>,
}

impl Sealer {
    /// The first key is the current one.
    ///
    /// # Errors
    /// Without keys, with an id twice, or with an id that is not 1 to 64 letters, digits, `-`, `_`.
    pub fn new(keys: Vec<Key>) -> Result<Self, KeysError> {
        keys::check(&keys)?;
        let mut named = keys.into_iter().map(NamedKey::from);
        let current = named.next().ok_or(KeysError::None)?;
        Ok(Sealer {
            current,
            former: named.collect(),
        })
    }

    /// Seals with the current key. The nonce must be fresh chance for every call.
    pub fn seal(&self, context: &str, plain: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        let id = self.current.id.as_bytes();
        let id_bytes = u8::try_from(id.len()).expect("an id has at most 64 bytes");
        let mut sealed = vec![VERSION, id_bytes];
        sealed.extend_from_slice(id);
        sealed.extend_from_slice(&nonce);
        let aad = associated(&sealed, context);
        let mut body = plain.to_vec();
        self.current
            .key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body)
            .expect("no value reaches the 64 GiB that one nonce may seal");
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what was sealed for that context.
    ///
    /// # Errors
    /// See [`UnsealError`].
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let parts = Parts::of(sealed)?;
        let known = std::iter::once(&self.current).chain(&self.former);
        let named = known
            .into_iter()
            .find(|named| named.id == parts.key_id)
            .ok_or_else(|| UnsealError::UnknownKey {
                id: parts.key_id.to_owned(),
            })?;
        let mut body = Zeroizing::new(parts.body.to_vec());
        let aad = associated(parts.head, context);
        let nonce = Nonce::assume_unique_for_key(parts.nonce);
        let plain_bytes = named
            .key
            .open_in_place(nonce, aad, &mut body)
            .map_err(|_| UnsealError::Refused)?
            .len();
        body.truncate(plain_bytes);
        Ok(body)
    }

    /// Whether it was sealed with another key than the current one.
    pub fn needs_resealing(&self, sealed: &[u8]) -> bool {
        Parts::of(sealed).is_ok_and(|parts| parts.key_id != self.current.id)
    }
}

impl From<Key> for NamedKey {
    fn from(key: Key) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, &key.key[..]).expect("the key has 32 bytes");
        NamedKey {
            id: key.id,
            key: LessSafeKey::new(unbound),
        }
    }
}

/// What is authenticated but not hidden: the head delimits itself, so this is unambiguous.
fn associated(head: &[u8], context: &str) -> Aad<Vec<u8>> {
    Aad::from([head, context.as_bytes()].concat())
}

/// A sealed value taken apart.
struct Parts<'a> {
    head: &'a [u8],
    key_id: &'a str,
    nonce: [u8; NONCE_BYTES],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Result<Self, UnsealError> {
        Self::split(sealed).ok_or(UnsealError::Malformed)
    }

    fn split(sealed: &'a [u8]) -> Option<Self> {
        let (&[version, id_bytes], rest) = sealed.split_first_chunk()?;
        let (id, rest) = rest.split_at_checked(usize::from(id_bytes))?;
        let (nonce, body) = rest.split_first_chunk()?;
        let key_id = std::str::from_utf8(id).ok()?;
        (version == VERSION && body.len() >= AES_256_GCM.tag_len()).then(|| Parts {
            head: &sealed[..sealed.len() - body.len()],
            key_id,
            nonce: *nonce,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, byte: u8) -> Key {
        Key::new(id, [byte; 32])
    }

    fn sealer(keys: &[(&str, u8)]) -> Sealer {
        let keys = keys.iter().map(|(id, byte)| key(id, *byte)).collect();
        Sealer::new(keys).ok().unwrap()
    }

    fn outcome(sealer: &Sealer, context: &str, sealed: &[u8]) -> String {
        match sealer.open(context, sealed) {
            Ok(plain) => String::from_utf8(plain.to_vec()).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_value_opens_for_its_context_and_key_only() {
        let sealed = sealer(&[("a", 1)]).seal("grant/conn_1", b"hunter2", [9; 12]);
        let refused = UnsealError::Refused.to_string();
        for (keys, context, expected) in [
            (&[("a", 1)][..], "grant/conn_1", "hunter2"),
            (&[("b", 2), ("a", 1)], "grant/conn_1", "hunter2"),
            (&[("a", 1)], "grant/conn_2", &refused),
            (&[("a", 1)], "", &refused),
            (&[("a", 2)], "grant/conn_1", &refused),
            (
                &[("b", 1)],
                "grant/conn_1",
                "the value is sealed with the key `a`, which is not known",
            ),
        ] {
            assert_eq!(outcome(&sealer(keys), context, &sealed), expected);
        }
    }

    #[test]
    fn no_flipped_bit_and_no_cut_opens() {
        let sealer = sealer(&[("a", 1)]);
        let sealed = sealer.seal("c", b"hunter2", [9; 12]);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(sealer.open("c", &changed).is_err(), "bit {bit}");
        }
        for bytes in 0..sealed.len() {
            assert!(sealer.open("c", &sealed[..bytes]).is_err(), "{bytes} bytes");
        }
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let old = sealer(&[("a", 1)]);
        let rotated = sealer(&[("b", 2), ("a", 1)]);
        let before = old.seal("c", b"x", [1; 12]);
        let after = rotated.seal("c", b"x", [2; 12]);
        assert!(!old.needs_resealing(&before));
        assert!(rotated.needs_resealing(&before));
        assert!(!rotated.needs_resealing(&after));
        assert_eq!(outcome(&rotated, "c", &before), "x");
        assert_eq!(outcome(&rotated, "c", &after), "x");
    }

    #[test]
    fn the_sealed_form_is_what_was_promised() {
        let sealed = sealer(&[("a", 1)]).seal("c", b"", [9; 12]);
        assert_eq!(sealed[..3], [1, 1, b'a']);
        assert_eq!(sealed[3..15], [9; 12]);
        assert_eq!(sealed.len(), 15 + 16);
    }
}
