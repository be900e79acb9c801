//! Files and folders, and who may reach them. What a restricted folder holds, administrators alone can see, whatever permissions
//! say; what is in the trash, only its owner and administrators see.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::labels::LabelView;
use super::large::Large;
use super::links::Link;
use super::permissions::Role;
use super::tenants::{Tenant, UserRole};
use super::{By, Refusal};
use crate::clock::Moment;

/// A tenant has at most this many files and folders.
pub const OBJECTS_MAX: usize = 250_000;
/// A tenant stores at most this many bytes, all versions counted.
pub const STORED_BYTES_MAX: u64 = 2 << 30;
/// A file keeps this many versions; older ones are let go.
pub const VERSIONS_MAX: usize = 100;
/// A folder is at most this deep below the root.
pub const DEPTH_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    File,
    Folder { restricted: bool, home: bool },
}

#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) number: u64,
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
    pub(crate) parent: Option<u64>,
    pub(crate) owner: String,
    pub(crate) mime_type: String,
    /// The newest last; empty for a folder.
    pub(crate) versions: VecDeque<Version>,
    pub(crate) trashed: bool,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    /// By user.
    pub(crate) permissions: BTreeMap<String, Role>,
    pub(crate) links: Vec<Link>,
    pub(crate) labels: Vec<LabelView>,
}

#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) number: u64,
    /// Empty when it is a large one.
    pub(crate) bytes: Bytes,
    pub(crate) large: Option<Arc<Large>>,
    pub(crate) sha256: String,
    pub(crate) created_at: Moment,
}

/// Bytes with their hash and type, made before the model is locked.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(super) bytes: Bytes,
    pub(super) large: Option<Arc<Large>>,
    pub(super) sha256: String,
    pub(super) mime_type: String,
}

impl Content {
    pub(crate) fn new(bytes: Bytes, mime_type: &str) -> Self {
        let sha256 = hex::encode(ring::digest::digest(&ring::digest::SHA256, &bytes));
        let sound = mime_type.len() < 128 && http::HeaderValue::from_str(mime_type).is_ok();
        let mime_type = if sound && !mime_type.is_empty() {
            mime_type
        } else {
            "application/octet-stream"
        };
        Self {
            bytes,
            large: None,
            sha256,
            mime_type: mime_type.to_owned(),
        }
    }

    /// Of what stands on disk.
    pub(crate) fn large(large: Arc<Large>, mime_type: &str) -> Self {
        Self {
            sha256: large.sha256.clone(),
            large: Some(large),
            ..Self::new(Bytes::new(), mime_type)
        }
    }
}

impl Version {
    /// How long it is, in bytes.
    pub(crate) fn size(&self) -> u64 {
        match &self.large {
            Some(large) => large.bytes,
            None => self.bytes.len() as u64,
        }
    }
}

/// What one wants to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Read,
    Write,
}

impl Object {
    pub(crate) fn id(&self) -> String {
        format!("f_{}", self.number)
    }

    pub(crate) fn version(&self) -> u64 {
        self.versions.back().map_or(1, |version| version.number)
    }

    pub(crate) fn type_name(&self) -> &'static str {
        if self.kind == ObjectKind::File {
            "file"
        } else {
            "folder"
        }
    }

    pub(super) fn check_version(&self, if_match: Option<u64>) -> Result<(), Refusal> {
        match if_match {
            Some(expected) if expected != self.version() => Err(Refusal::VersionMismatch),
            _ => Ok(()),
        }
    }

    pub(super) fn size_of_versions(&self) -> u64 {
        self.versions
            .iter()
            .map(|version| version.bytes.len() as u64)
            .sum()
    }
}

/// The number in `f_{number}`.
pub(crate) fn object_number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix("f_")?;
    (!digits.starts_with(['0', '+'])).then(|| digits.parse().ok())?
}

impl Tenant {
    /// The object and the folders above it.
    pub(crate) fn lineage(&self, number: u64) -> impl Iterator<Item = &Object> {
        let parent_of = |object: &&Object| object.parent.and_then(|above| self.objects.get(&above));
        std::iter::successors(self.objects.get(&number), parent_of)
    }

    pub(crate) fn path(&self, number: u64) -> String {
        let mut names: Vec<&str> = self
            .lineage(number)
            .map(|object| object.name.as_str())
            .collect();
        names.push("");
        names.reverse();
        names.join("/")
    }

    pub(crate) fn is_restricted(&self, number: u64) -> bool {
        self.lineage(number).any(|object| {
            matches!(
                object.kind,
                ObjectKind::Folder {
                    restricted: true,
                    ..
                }
            )
        })
    }

    pub(crate) fn is_trashed(&self, number: u64) -> bool {
        self.lineage(number).any(|object| object.trashed)
    }

    /// What the user may do with the object: none when it is not his to see.
    pub(crate) fn role_on(&self, user_id: &str, number: u64) -> Option<Role> {
        let user = self.users.get(user_id)?;
        if user.role == UserRole::Administrator {
            return Some(Role::Owner);
        }
        if self.is_restricted(number) {
            return None;
        }
        let role_of = |object: &Object| {
            if object.owner == user_id {
                Some(Role::Owner)
            } else {
                object.permissions.get(user_id).copied()
            }
        };
        let role = self.lineage(number).filter_map(role_of).max()?;
        (role == Role::Owner || !self.is_trashed(number)).then_some(role)
    }

    pub(crate) fn reach(&self, by: &By, id: &str, reach: Reach) -> Result<&Object, Refusal> {
        let object = object_number(id).and_then(|number| self.objects.get(&number));
        let object = object.ok_or(Refusal::NotFound)?;
        match self
            .role_on(&by.user_id, object.number)
            .ok_or(Refusal::NotFound)?
        {
            Role::Viewer if reach == Reach::Write => {
                Err(Refusal::Forbidden("a viewer may not change this"))
            }
            _ => Ok(object),
        }
    }

    pub(super) fn below(&self, number: u64) -> Vec<u64> {
        let mut found = vec![number];
        let mut next = 0;
        while let Some(parent) = found.get(next).copied() {
            found.extend(self.children.get(&Some(parent)).into_iter().flatten());
            next += 1;
        }
        found
    }

    pub(super) fn folder_named(&self, parent: Option<u64>, name: &str) -> Option<&Object> {
        let siblings = self
            .children
            .get(&parent)?
            .iter()
            .filter_map(|n| self.objects.get(n));
        siblings
            .filter(|object| object.kind != ObjectKind::File && !object.trashed)
            .find(|object| object.name == name)
    }
}
