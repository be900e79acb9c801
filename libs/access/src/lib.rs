//! Access policies: who may read protected content as plaintext, as ciphertext or not at all, and who may
//! write it. Pure: a decision is made of the policies and of who asks, and of nothing else.
//!
//! - An [`AccessPolicy`] names a user, a group, a process, or one of the first two with the third, and gives
//!   them a [`Permission`].
//! - An [`AccessGroup`] is a list of policies with a default. What protects something refers to a group.
//! - [`AccessGroup::decide`] goes through the policies in the order of their priority, and the first that is
//!   about the [`Caller`] wins: user or group with process, then process, then user or group, then the
//!   default; within each in the order in which they were added.
//! - A decision only takes away: what the caller may not do anyway ([`Caller::role`]) no policy gives.
//!
//! - A [`Catalogue`] is what the store has of them, put together; [`imported`] and [`exported`] carry a
//!   document in and out.
//!
//! `docs/access-policies.md` has the documents and what each word means.

mod caller;
mod carried;
mod catalogue;
mod decision;
mod document;
mod group;
mod name;
mod permission;

pub use caller::{Account, Caller, Process, Realm};
pub use carried::{ImportError, exported, imported};
pub use catalogue::{Catalogue, DraftMistake, policy_of};
pub use decision::{Class, Considered, Decision, Standing, Winner};
pub use document::{AccessDocument, AccessDocumentError, DOCUMENT_BYTES_MAX, Mistake};
pub use group::{
    AccessGroup, AccessPolicy, Entity, GroupType, LinkError, NAME_CHANCE_BYTES, OsType,
    POLICIES_MAX, PolicyError, name_by_chance,
};
pub use name::{AccountName, NameError, ProcessName};
pub use permission::{Allowed, Operation, Permission, View};

#[cfg(test)]
mod tests;
