//! Activities as audit records: one schema for what all have, others for files, sharing and the directory.

use serde_json::{Map, Value, json};

use super::graph::address;
use super::sign_in::directory_of;
use crate::model::activity::{ActedOn, Activity, Kind, Share};
use crate::model::links::Visibility;
use crate::model::permissions::Role;

/// In which of the five kinds of content it is told.
pub(super) fn content_type(kind: Kind) -> &'static str {
    match kind {
        Kind::UserLogin
        | Kind::UserLoginFailed
        | Kind::UserCreated
        | Kind::UserRoleChanged
        | Kind::UserSuspended
        | Kind::UserUnsuspended
        | Kind::UserSignedOut
        | Kind::AppAuthorized
        | Kind::WebhookRegistered
        | Kind::WebhookDeregistered => "Audit.AzureActiveDirectory",
        _ => "Audit.SharePoint",
    }
}

/// The record of an activity.
pub(super) fn record(activity: &Activity) -> Value {
    let files = content_type(activity.kind) == "Audit.SharePoint";
    let mut record = Map::new();
    let created = activity.occurred_at.text();
    let zoneless = created.split('.').next().unwrap_or_default().to_owned();
    let fields = [
        ("CreationTime", json!(zoneless)),
        ("Id", json!(activity.id)),
        ("Operation", json!(operation(activity))),
        ("OrganizationId", json!(directory_of(&activity.tenant_id))),
        ("RecordType", json!(record_type(activity.kind))),
        ("UserKey", json!(activity.actor.id)),
        ("UserType", json!(user_type(activity))),
        ("Version", json!(1)),
        (
            "Workload",
            json!(if files {
                "SharePoint"
            } else {
                "AzureActiveDirectory"
            }),
        ),
        ("ClientIP", json!(format!("{}:443", activity.actor.ip))),
        ("UserId", json!(user_id(activity))),
        (
            "AppAccessContext",
            json!({"ClientAppId": activity.client.app_id}),
        ),
    ];
    record.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    match &activity.object {
        Some(object) if files => record.extend(of_file(&activity.tenant_id, object)),
        Some(object) => {
            record.insert("ObjectId".into(), json!(object.name));
        }
        None => {}
    }
    if let Some(share) = &activity.share {
        record.extend(of_share(share));
    }
    Value::Object(record)
}

fn of_file(tenant: &str, object: &ActedOn) -> Map<String, Value> {
    let kind = if object.kind == "file" {
        "File"
    } else {
        "Folder"
    };
    let path = object.path.as_deref().unwrap_or_default();
    let fields = json!({
        "EventSource": "SharePoint",
        "ItemType": kind,
        "ListItemUniqueId": object.id,
        "ObjectId": address(tenant, path),
        "SiteUrl": format!("https://{tenant}.sharepoint.com/sites/all/"),
        "SourceFileName": object.name,
    });
    fields.as_object().cloned().unwrap_or_default()
}

fn of_share(share: &Share) -> Map<String, Value> {
    let role = match share.role {
        Role::Viewer => "View",
        _ => "Edit",
    };
    let fields = match &share.target {
        Some(target) => json!({
            "TargetUserOrGroupName": target.email,
            "TargetUserOrGroupType": if target.external { "Guest" } else { "Member" },
            "EventData": format!("<Permissions granted>{role}</Permissions granted>"),
        }),
        None => json!({"EventData": format!("<Type>{role}</Type>")}),
    };
    fields.as_object().cloned().unwrap_or_default()
}

/// A guest is known in the directory by the name that he has there.
fn user_id(activity: &Activity) -> String {
    match activity.actor.external {
        true => format!(
            "{}#EXT#@{}.onmicrosoft.com",
            activity.actor.email.replace('@', "_"),
            activity.tenant_id
        ),
        false => activity.actor.email.clone(),
    }
}

fn user_type(activity: &Activity) -> u8 {
    match activity.actor.role {
        "administrator" => 2,
        "guest" => 10,
        _ => 0,
    }
}

fn record_type(kind: Kind) -> u8 {
    match kind {
        Kind::FileShared
        | Kind::ShareUpdated
        | Kind::ShareRemoved
        | Kind::LinkCreated
        | Kind::LinkUpdated
        | Kind::LinkRemoved
        | Kind::LinkRestored => 14,
        Kind::UserLogin | Kind::UserLoginFailed => 15,
        kind if content_type(kind) == "Audit.SharePoint" => 6,
        _ => 8,
    }
}

fn operation(activity: &Activity) -> String {
    let name = match activity.kind {
        Kind::FileCreated => "FileUploaded",
        Kind::FolderCreated => "FolderCreated",
        Kind::FileUpdated => "FileModified",
        Kind::FileMoved => "FileMoved",
        Kind::FileRestored => "FileRestored",
        Kind::FileDownloaded => "FileDownloaded",
        Kind::FileViewed => "FileAccessed",
        Kind::FileTrashed => "FileRecycled",
        Kind::FileDeleted => "FileDeletedSecondStageRecycleBin",
        Kind::FileShared | Kind::ShareUpdated => "SharingSet",
        Kind::ShareRemoved => "SharingRevoked",
        Kind::LinkCreated | Kind::LinkRestored => return of_link(activity, "Created"),
        Kind::LinkUpdated => return of_link(activity, "Updated"),
        Kind::LinkRemoved => return of_link(activity, "Removed"),
        Kind::OwnerChanged => "SharingSet",
        Kind::UserSuspended => "Disable account.",
        Kind::UserUnsuspended => "Enable account.",
        Kind::UserSignedOut => "Update StsRefreshTokenValidFrom Timestamp.",
        Kind::UserLogin => "UserLoggedIn",
        Kind::UserLoginFailed => "UserLoginFailed",
        Kind::UserCreated => "Add user.",
        Kind::UserRoleChanged => "Add member to role.",
        Kind::AppAuthorized => "Consent to application.",
        Kind::WebhookRegistered | Kind::WebhookDeregistered => "Update application.",
    };
    name.to_owned()
}

fn of_link(activity: &Activity, what: &str) -> String {
    let link = activity
        .share
        .as_ref()
        .and_then(|share| share.link.as_ref());
    let kind = match link.map(|link| link.visibility) {
        Some(Visibility::Public) => "AnonymousLink",
        Some(Visibility::Organization) => "CompanyLink",
        Some(Visibility::Restricted) | None => "SecureLink",
    };
    format!("{kind}{what}")
}
