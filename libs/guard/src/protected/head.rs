//! What stands before a protected file's chunks: 4,096 bytes.

use event_model::WrappedKey;

pub(super) const HEAD_BYTES: usize = 4_096;
/// The nonce, the length (8 bytes) and the tag.
pub(super) const SEALED_LENGTH_AT: usize = HEAD_BYTES - (12 + 8 + 16);
/// What every head begins with: the form and its version, AES-256-GCM, the binary logarithm of a chunk's bytes.
pub(super) const FORM: [u8; 12] = *b"TGFILE01\x01\x10\x00\x00";
const _: () = assert!(1 << FORM[9] == super::FILE_CHUNK_BYTES);
const ID_AT: usize = 12;
const SCHEME_AT: usize = ID_AT + 16;

/// Which file it is, and its wrapped key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: [u8; 16],
    pub(super) wrapped: WrappedKey,
}

/// What a key is wrapped for: it opens for no other file.
pub(super) fn context(id: [u8; 16]) -> String {
    format!("file/{:032x}", u128::from_be_bytes(id))
}

pub(super) fn is_ours(begins: &[u8]) -> bool {
    begins.starts_with(&FORM[..8])
}

impl Head {
    /// Everything but the sealed length; none when the wrapped key has no room.
    pub(super) fn written(&self) -> Option<[u8; HEAD_BYTES]> {
        let mut out = [0; HEAD_BYTES];
        out[..12].copy_from_slice(&FORM);
        out[ID_AT..SCHEME_AT].copy_from_slice(&self.id);
        let (scheme, key) = (
            self.wrapped.scheme.as_bytes(),
            self.wrapped.wrapped.as_bytes(),
        );
        let mut fields = vec![u8::try_from(scheme.len()).ok()?];
        fields.extend_from_slice(scheme);
        fields.extend_from_slice(&u16::try_from(key.len()).ok()?.to_be_bytes());
        fields.extend_from_slice(key);
        let room = out.get_mut(SCHEME_AT..SEALED_LENGTH_AT)?;
        room.get_mut(..fields.len())?.copy_from_slice(&fields);
        Some(out)
    }

    pub(super) fn read(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        if bytes[..12] != FORM {
            return None;
        }
        let id = bytes[ID_AT..SCHEME_AT].try_into().ok()?;
        let (&scheme_bytes, rest) = bytes[SCHEME_AT..SEALED_LENGTH_AT].split_first()?;
        let (scheme, rest) = rest.split_at_checked(usize::from(scheme_bytes))?;
        let (key_bytes, rest) = rest.split_first_chunk()?;
        let key = rest.get(..usize::from(u16::from_be_bytes(*key_bytes)))?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let wrapped = WrappedKey {
            scheme: text(scheme)?,
            wrapped: text(key)?,
        };
        Some(Head { id, wrapped })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_stands_as_it_was_promised() {
        let wrapped = WrappedKey {
            scheme: "local".into(),
            wrapped: "AQ==".into(),
        };
        let head = Head {
            id: [7; 16],
            wrapped,
        };
        let written = head.written().unwrap();
        assert_eq!(&written[..12], b"TGFILE01\x01\x10\x00\x00");
        assert_eq!(written[12..28], [7; 16]);
        assert_eq!(&written[28..40], b"\x05local\x00\x04AQ==");
        assert!(written[40..].iter().all(|byte| *byte == 0));
        assert_eq!(Head::read(&written), Some(head.clone()));
        assert_eq!(
            context([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
            "file/000102030405060708090a0b0c0d0e0f"
        );
        let long = WrappedKey {
            wrapped: "A".repeat(HEAD_BYTES),
            ..head.wrapped
        };
        assert_eq!(
            Head {
                wrapped: long,
                ..head
            }
            .written(),
            None
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_head_or_are_not(bytes in proptest::collection::vec(any::<u8>(), 64)) {
            let mut all = [0; HEAD_BYTES];
            all[..12].copy_from_slice(&FORM);
            all[12..76].copy_from_slice(&bytes);
            if let Some(head) = Head::read(&all) {
                let again = Head::read(&head.written().unwrap());
                prop_assert_eq!(again, Some(head));
            }
        }
    }
}
