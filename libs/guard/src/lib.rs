//! Enforces access policies on what the vault holds, and on protected files: who asks is told by the kernel,
//! what holds for them by the policies, and nothing is served before both are known.
//!
//! - [`Witness`] says who a process is: user, groups, program, and the chain of what started it.
//! - [`Rules`] is the group of policies that holds, of the store or of a document, read anew when it changes.
//! - [`Guard`] brings both together and writes every refusal into the audit trail.
//! - [`Door`] serves items of the vault on a local socket; [`Client`] speaks to it. The protocol stands in
//!   `docs/vault.md`, byte for byte.
//! - [`Protected`] is a file that is encrypted where it stands; [`InPlace`] makes files into such ones and back.
//! - [`Mounted`] shows items and folders of protected files as files, to each process as its verdict says.
//!
//! What cannot be known is refused: a process that ended or became another, a document with a mistake.

mod client;
mod door;
mod guarding;
mod in_place;
mod mount;
mod protected;
mod rules;
mod wire;
mod witness;

pub use client::{Client, ClientError, Opened};
pub use door::{CONNECTIONS_MAX, Door, HANDLES_MAX};
pub use guarding::{Guard, GuardError, Verdict};
pub use in_place::{BESIDE_PREFIX, Done, InPlace, InPlaceError};
pub use mount::{Mounted, Mounting};
pub use protected::{
    FILE_CHUNK_BYTES, FileKeys, Protected, ProtectedError, content_bytes, is_protected,
    protected_bytes,
};
pub use rules::{Following, Rules, RulesError};
pub use wire::{
    Code, DATA_BYTES_MAX, GREETING, Listed, Malformed, NAME_BYTES_MAX, Reply, Request, Shown,
};
pub use witness::{Asker, Glance, PARENTS_MAX, Peer, Unknown, Witness, WitnessOptions};

#[cfg(test)]
mod tests;
