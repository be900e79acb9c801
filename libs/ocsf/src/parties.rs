//! Who did it, from where, and to what.

use std::net::IpAddr;

use event_model::Activity;
use serde_json::Value;

use crate::texts::{object, optional, text};

/// What services call files, in lower case.
const FILES: &[&str] = &[
    "file",
    "document",
    "spreadsheet",
    "presentation",
    "pdf",
    "drawing",
    "image",
    "photo",
    "video",
    "text",
    "html",
    "zip",
    "msexcel",
    "msword",
    "mspowerpoint",
    "paper_document",
    "showcase_document",
    "attachment",
    "canvas",
    "form",
];
/// What services call folders, in lower case.
const FOLDERS: &[&str] = &["folder", "directory", "shared_drive"];

/// The actor; nothing when nobody is known. A `user` has a name or an id at the least.
pub(crate) fn actor(activity: &Activity) -> Value {
    let name = activity
        .actor_name
        .as_deref()
        .or(activity.actor_email.as_deref());
    if name.is_none() && activity.actor_id.is_none() {
        return Value::Null;
    }
    let user = object([
        ("uid", optional(&activity.actor_id)),
        ("name", name.map_or(Value::Null, text)),
        ("email_addr", optional(&activity.actor_email)),
    ]);
    object([("user", user)])
}

/// Where the actor was; nothing when the address is none.
pub(crate) fn source(activity: &Activity) -> Value {
    let address = activity.actor_ip_address.as_deref();
    match address.and_then(|text| text.parse::<IpAddr>().ok()) {
        Some(ip) => object([("ip", Value::from(ip.to_string()))]),
        None => Value::Null,
    }
}

/// The object as a file, when it may be one: a `file` has a name at the least.
pub(crate) fn file(activity: &Activity, involves_content: bool) -> Value {
    let kind = activity.object_type.as_deref();
    let (type_id, type_name) = match kind {
        Some("file") => (1, "Regular File"),
        Some("folder") => (2, "Folder"),
        None => (0, "Unknown"),
        Some(other) if involves_content => (99, other),
        Some(_) => return Value::Null,
    };
    named_file(activity, type_id, type_name)
}

fn named_file(activity: &Activity, type_id: u64, type_name: &str) -> Value {
    let name = activity
        .object_name
        .as_deref()
        .or(activity.object_id.as_deref())
        .or(activity.object_path.as_deref());
    let Some(name) = name else { return Value::Null };
    let is_public = activity
        .visibility
        .map(|one| Value::from(one == event_model::Visibility::Public));
    object([
        ("name", text(name)),
        ("type_id", Value::from(type_id)),
        ("type", text(type_name)),
        ("uid", optional(&activity.object_id)),
        ("path", optional(&activity.object_path)),
        ("is_public", is_public.unwrap_or_default()),
    ])
}

/// The object as what a service hosts: a file or a folder, by the word that the service has for it.
/// Nothing when it is something else, or has neither a name nor an id.
pub(crate) fn hosted(activity: &Activity) -> Value {
    let kind = activity.object_type.as_deref().map(str::to_lowercase);
    let (type_id, type_name) = match kind.as_deref() {
        Some(kind) if FILES.contains(&kind) => (1, "Regular File"),
        Some(kind) if FOLDERS.contains(&kind) => (2, "Folder"),
        None if activity.object_name.is_some() || activity.object_path.is_some() => (0, "Unknown"),
        Some(_) | None => return Value::Null,
    };
    named_file(activity, type_id, type_name)
}

/// Whom the activity was about: who was shared with or administered, or the object where it is a user.
/// A `user` has a name or an id at the least.
pub(crate) fn target(activity: &Activity) -> Value {
    let (id, email) = (&activity.target_user_id, &activity.target_user_email);
    if id.is_some() || email.is_some() {
        return object([
            ("uid", optional(id)),
            ("name", optional(email)),
            ("email_addr", optional(email)),
        ]);
    }
    let kind = activity.object_type.as_deref().unwrap_or_default();
    if !kind.eq_ignore_ascii_case("user") {
        return Value::Null;
    }
    object([
        ("uid", optional(&activity.object_id)),
        ("name", optional(&activity.object_name)),
    ])
}

/// The object as a resource of the service, whatever it is.
pub(crate) fn resources(activity: &Activity) -> Value {
    if activity.object_id.is_none() && activity.object_name.is_none() {
        return Value::Null;
    }
    Value::from(vec![object([
        ("uid", optional(&activity.object_id)),
        ("name", optional(&activity.object_name)),
        ("type", optional(&activity.object_type)),
        ("role_id", Value::from(1)),
        ("role", Value::from("Target")),
    ])])
}
