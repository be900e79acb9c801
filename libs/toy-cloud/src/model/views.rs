//! Objects, permissions and links as the API shows them. What is not in here is not shown.

use serde::Serialize;

use super::links::{Link, Visibility};
use super::objects::{Object, ObjectKind, Version};
use super::permissions::{Role, permission_id_of};
use super::tenants::{Tenant, User};
use crate::clock::Moment;

/// A file or folder as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub struct FileView {
    /// The id.
    pub id: String,
    /// `file` or `folder`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// The names of the folders above it and its own, with a slash before each.
    pub path: String,
    /// The folder it is in; null at the root.
    pub parent_id: Option<String>,
    /// Whose it is.
    pub owner: OwnerView,
    /// Bytes of the current version; null for a folder.
    pub size: Option<u64>,
    /// Of the current version, in hexadecimal; null for a folder.
    pub sha256: Option<String>,
    /// Null for a folder.
    pub mime_type: Option<String>,
    /// The current version; 1 for a folder.
    pub version: u64,
    /// The versions kept, oldest first.
    pub versions: Vec<VersionView>,
    /// Whether it, or a folder above it, is in the trash.
    pub trashed: bool,
    /// Whether it, or a folder above it, is for administrators only.
    pub restricted: bool,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

/// An owner.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct OwnerView {
    pub id: String,
    pub email: String,
    pub name: String,
}

/// One version of a file.
#[derive(Debug, Clone, Serialize)]
pub struct VersionView {
    /// Counts from 1.
    pub version: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    created_at: Moment,
}

/// A permission of a user on an object.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct PermissionView {
    pub id: String,
    pub file_id: String,
    pub user: PermittedView,
    pub role: Role,
}

/// Who has a permission.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct PermittedView {
    pub id: String,
    pub email: String,
    pub name: String,
    pub external: bool,
}

/// A link to an object.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct LinkView {
    pub id: String,
    pub url: String,
    pub visibility: Visibility,
    pub role: Role,
    pub created_by: String,
    pub(crate) created_at: Moment,
    pub active: bool,
    pub(crate) expires_at: Option<Moment>,
}

impl Tenant {
    pub(crate) fn file_view(&self, object: &Object) -> FileView {
        let is_file = object.kind == ObjectKind::File;
        let current = object.versions.back();
        let owner = self.users.get(&object.owner);
        FileView {
            id: object.id(),
            kind: object.type_name(),
            name: object.name.clone(),
            path: self.path(object.number),
            parent_id: object.parent.map(|parent| format!("f_{parent}")),
            owner: OwnerView {
                id: object.owner.clone(),
                email: owner.map_or_else(String::new, |owner| owner.email.clone()),
                name: owner.map_or_else(String::new, |owner| owner.name.clone()),
            },
            size: current.map(Version::size),
            sha256: current.map(|version| version.sha256.clone()),
            mime_type: is_file.then(|| object.mime_type.clone()),
            version: object.version(),
            versions: object.versions.iter().map(VersionView::new).collect(),
            trashed: self.is_trashed(object.number),
            restricted: self.is_restricted(object.number),
            created_at: object.created_at,
            updated_at: object.updated_at,
        }
    }
}

impl VersionView {
    fn new(version: &Version) -> Self {
        Self {
            version: version.number,
            sha256: version.sha256.clone(),
            size: version.size(),
            created_at: version.created_at,
        }
    }
}

impl PermissionView {
    pub(super) fn new(number: u64, user: &User, role: Role) -> Self {
        Self {
            id: permission_id_of(number, &user.id),
            file_id: format!("f_{number}"),
            user: PermittedView {
                id: user.id.clone(),
                email: user.email.clone(),
                name: user.name.clone(),
                external: user.external,
            },
            role,
        }
    }
}

impl LinkView {
    pub(super) fn new(link: &Link, base_url: &str) -> Self {
        Self {
            id: link.id.clone(),
            url: format!("{base_url}/s/{}", link.token),
            visibility: link.visibility,
            role: link.role,
            created_by: link.created_by.clone(),
            created_at: link.created_at,
            active: link.active,
            expires_at: link.expires_at,
        }
    }
}
