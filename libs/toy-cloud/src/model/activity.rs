//! An activity: what the service tells about one action of a user or administrator. Serialised to the letter as section 4 of the
//! API's document has it; every one of the 24 fields that seed 002 asks for can be read from it.

use serde::{Serialize, Serializer};

use super::log::Logged;
use super::permissions::Role;
use crate::clock::Moment;

/// One action that someone did.
#[derive(Debug, Clone, Serialize)]
pub struct Activity {
    /// Unique in the whole service, ascending in the order of doing.
    pub id: String,
    /// Where it was done.
    pub tenant_id: String,
    /// What was done.
    #[serde(rename = "type")]
    pub kind: Kind,
    pub(crate) category: &'static str,
    pub(crate) occurred_at: Moment,
    pub(crate) logged_at: Moment,
    /// Who did it.
    pub actor: Actor,
    /// What it was done to; absent on logins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ActedOn>,
    /// With whom it was shared; there on sharing only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// With what it was done.
    pub client: ClientUsed,
}

impl Logged for Activity {
    fn logged_at(&self) -> Moment {
        self.logged_at
    }
}

/// Who did it.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct Actor {
    pub id: String,
    pub name: String,
    pub email: String,
    pub external: bool,
    pub role: &'static str,
    pub ip: String,
}

/// What it was done to: a file or folder, or the user, app or webhook that an administrator's action is about.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct ActedOn {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
    pub path: Option<String>,
    pub download_url: Option<String>,
    pub version: Option<u64>,
}

/// With whom and how it was shared.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct Share {
    pub from_email: String,
    pub target: Option<Target>,
    pub role: Role,
    pub link: Option<SharedLink>,
}

/// The user it was shared with.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct Target {
    pub id: String,
    pub email: String,
    pub external: bool,
}

/// The link it was shared by.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct SharedLink {
    pub id: String,
    pub url: String,
    pub visibility: super::links::Visibility,
}

/// The program it was done with.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the API's document")]
pub struct ClientUsed {
    pub user_agent: String,
    pub app_id: Option<String>,
}

/// The types of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is named by what was done, as in the API's document"
)]
pub enum Kind {
    FileCreated,
    FileUpdated,
    FileMoved,
    FileRestored,
    FileDownloaded,
    FileViewed,
    FileTrashed,
    FileDeleted,
    FolderCreated,
    FileShared,
    ShareUpdated,
    ShareRemoved,
    LinkCreated,
    LinkUpdated,
    LinkRemoved,
    LinkRestored,
    OwnerChanged,
    UserLogin,
    UserLoginFailed,
    UserCreated,
    UserRoleChanged,
    UserSuspended,
    UserUnsuspended,
    UserSignedOut,
    AppAuthorized,
    WebhookRegistered,
    WebhookDeregistered,
}

const KINDS: [(Kind, &str, &str); 27] = [
    (Kind::FileCreated, "file.created", "data_creation"),
    (Kind::FolderCreated, "folder.created", "data_creation"),
    (Kind::FileUpdated, "file.updated", "data_update"),
    (Kind::FileMoved, "file.moved", "data_update"),
    (Kind::FileRestored, "file.restored", "data_update"),
    (Kind::FileDownloaded, "file.downloaded", "data_access"),
    (Kind::FileViewed, "file.viewed", "data_access"),
    (Kind::FileTrashed, "file.trashed", "data_deletion"),
    (Kind::FileDeleted, "file.deleted", "data_deletion"),
    (Kind::FileShared, "file.shared", "sharing"),
    (Kind::ShareUpdated, "share.updated", "sharing"),
    (Kind::ShareRemoved, "share.removed", "sharing"),
    (Kind::LinkCreated, "link.created", "sharing"),
    (Kind::LinkUpdated, "link.updated", "sharing"),
    (Kind::LinkRemoved, "link.removed", "sharing"),
    (Kind::LinkRestored, "link.restored", "sharing"),
    (Kind::OwnerChanged, "owner.changed", "sharing"),
    (Kind::UserLogin, "user.login", "authentication"),
    (Kind::UserLoginFailed, "user.login_failed", "authentication"),
    (Kind::UserCreated, "user.created", "administration"),
    (Kind::UserRoleChanged, "user.role_changed", "administration"),
    (Kind::UserSuspended, "user.suspended", "administration"),
    (Kind::UserUnsuspended, "user.unsuspended", "administration"),
    (Kind::UserSignedOut, "user.signed_out", "administration"),
    (Kind::AppAuthorized, "app.authorized", "administration"),
    (
        Kind::WebhookRegistered,
        "webhook.registered",
        "administration",
    ),
    (
        Kind::WebhookDeregistered,
        "webhook.deregistered",
        "administration",
    ),
];

impl Kind {
    /// The type's name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub(crate) fn category(self) -> &'static str {
        self.row().2
    }

    pub(crate) fn is_known(name: &str) -> bool {
        KINDS.iter().any(|row| row.1 == name)
    }

    fn row(self) -> &'static (Kind, &'static str, &'static str) {
        KINDS
            .iter()
            .find(|row| row.0 == self)
            .expect("the table names every kind")
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
