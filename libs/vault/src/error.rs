//! Why the vault did not do what it was asked: one kind for all of its acts, each with what a caller or a
//! person can do about it in its words. Damage names the part, so that it can be looked for in the storage.

use chrono::{DateTime, Utc};
use event_model::{VaultId, VaultState, rfc3339};
use ports::StoreError;
use thiserror::Error;

use crate::format::CONTENT_BYTES_MAX;
use crate::kms::KmsError;

/// What is wrong with content at rest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Damage {
    /// A part is not there.
    #[error("part {part} is missing")]
    Missing {
        /// Which.
        part: u32,
    },
    /// A part is longer or shorter than it was.
    #[error("part {part} has {found} bytes and must have {expected}")]
    Length {
        /// Which.
        part: u32,
        /// As it is.
        found: u64,
        /// As it was.
        expected: u64,
    },
    /// A part's head is not one of ours.
    #[error("part {part} does not begin as a part of the vault")]
    Head {
        /// Which.
        part: u32,
    },
    /// Another part stands in a part's place: of this item, or of another one.
    #[error("in the place of part {part} stands {found}")]
    Swapped {
        /// Where.
        part: u32,
        /// What stands there, in words.
        found: String,
    },
    /// Something of a part does not open.
    #[error("part {part} was changed: it does not open")]
    Changed {
        /// Which.
        part: u32,
    },
    /// Everything opens, and it is not what was taken in.
    #[error("its content is not what was taken in")]
    Hash,
}

/// Why the vault did not do what it was asked.
#[derive(Debug, Error)]
pub enum VaultError {
    /// There is no such item.
    #[error("there is no item `{0}` in the vault")]
    NotFound(VaultId),
    /// The item is not in a state in which that can be done.
    #[error("the item `{id}` is {state}")]
    State {
        /// Which.
        id: VaultId,
        /// As it is.
        state: VaultState,
    },
    /// The item's wrapped key is not there.
    #[error("the item `{0}` has no key any more")]
    NoKey(VaultId),
    /// The item must be kept for some time yet.
    #[error("the item `{id}` is kept until {}", rfc3339(*.until))]
    Kept {
        /// Which.
        id: VaultId,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// A legal hold lies on the item.
    #[error("a legal hold lies on the item `{id}`: {reason}")]
    OnHold {
        /// Which.
        id: VaultId,
        /// Why.
        reason: String,
    },
    /// The content at rest is not what it was.
    #[error("the content of `{id}` is damaged: {damage}")]
    Damaged {
        /// Which.
        id: VaultId,
        /// What is wrong.
        damage: Damage,
    },
    /// What comes back is not what is stored of the item.
    #[error("that is not the ciphertext of `{id}`: {damage}")]
    NotItsCiphertext {
        /// Which.
        id: VaultId,
        /// What is wrong.
        damage: Damage,
    },
    /// Bytes beyond the content's end were asked for.
    #[error("bytes {start} to {end} do not lie within the content of {bytes} bytes")]
    Range {
        /// From.
        start: u64,
        /// To, exclusive.
        end: u64,
        /// How many there are.
        bytes: u64,
    },
    /// More content than an item may have.
    #[error("an item has at most {CONTENT_BYTES_MAX} bytes")]
    TooLarge,
    /// Somebody else puts the same item.
    #[error("another put of `{0}` is under way")]
    PutElsewhere(VaultId),
    /// Somebody gave this put up while it went on.
    #[error("the put of `{0}` was given up by someone else")]
    GivenUp(VaultId),
    /// An earlier failure ended this put; it can be gone on with.
    #[error("the put of `{0}` has failed already")]
    PutFailed(VaultId),
    /// The content cannot be read where it comes from.
    #[error("the content cannot be read")]
    Source(#[source] std::io::Error),
    /// The content cannot be written where it goes.
    #[error("the content cannot be written")]
    Target(#[source] std::io::Error),
    /// The storage did not do it.
    #[error("the vault's storage failed")]
    Storage(#[source] object_store::Error),
    /// The data key cannot be had.
    #[error("the data key of `{id}` cannot be had")]
    Key {
        /// Whose.
        id: VaultId,
        /// Why.
        #[source]
        source: KmsError,
    },
    /// The wrapping key cannot be used, or no new one be made.
    #[error(transparent)]
    Keys(KmsError),
    /// The index or the audit trail failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
