//! The vault: content held encrypted, of any size, for as long as it must be kept.
//!
//! - [`Vault`] is what a person or a remedy asks: take in, open, verify, hold, delete, rotate. Every act is
//!   written into the audit trail before it is done.
//! - Content comes in through a [`Put`] and goes out of [`Content`], both streamed: neither holds more than
//!   some parts of 4 MiB in memory, however long the content is.
//! - Each item has a data key of its own, which a [`Kms`] wraps: keys of a file, or the transit engine of
//!   HashiCorp Vault. The wrapped key stands with what else is known of the item in the
//!   [`VaultIndex`](ports::VaultIndex), never beside the content: without its key, content is noise.
//! - [`Storage`] is a folder or a bucket.
//!
//! An item is there when its state says `held`, and that is written last. A put that dies leaves an item
//! that is `receiving`: it cannot be read, and can be gone on with or given up.
//!
//! The form of content at rest stands in `docs/vault.md`, byte for byte.

mod cipher;
mod custody;
mod error;
mod format;
mod item;
mod kms;
mod put;
mod read;
mod storage;

pub use cipher::{DataKey, KEY_BYTES};
pub use custody::Act;
pub use error::{Damage, VaultError};
pub use format::{CHUNK_BYTES, CONTENT_BYTES_MAX, PART_CHUNKS};
pub use item::{
    Mending, NewItem, Rotated, SealedContent, Swept, Vault, VaultPorts, Verified, ciphertext_bytes,
};
pub use kms::{KeyRing, Kms, KmsError, LocalKms, TransitKms, TransitOptions};
pub use put::Put;
pub use read::Content;
pub use storage::{BucketOptions, OpenError, Storage};

#[cfg(test)]
mod tests;
