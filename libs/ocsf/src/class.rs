//! Which class of OCSF an activity belongs to, and which of the class's deeds it is.
//!
//! The kind of the event and of its object decide; among the deeds of a class, the words of the event's
//! name. Source of the ids: <https://schema.ocsf.io/1.7.0>.

use event_model::{Activity, EventType};
use serde_json::Value;

use crate::parties::{actor, hosted, target};
use crate::words::Words;

/// A class of activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    FileHosting,
    Api,
    Authentication,
    Account,
    UserAccess,
}

/// What was done, as a class numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
}

/// Words of a name, all of these groups, and the deed that they stand for.
type Rule = (&'static [&'static [&'static str]], u64, &'static str);

const OTHER: Deed = Deed {
    id: 99,
    name: "Other",
};
const PASSWORD: &[&str] = &["password", "passwd"];
const FACTOR: &[&str] = &["mfa", "2sv", "2fa", "tfa", "factor"];
const ON: &[&str] = &["enabl", "activat", "enroll", "add.", "added."];
const OFF: &[&str] = &["disabl", "deactivat", "remov", "reset", "unenroll"];
const GONE: &[&str] = &[
    "delet",
    "remov",
    "destroy",
    "uninstall",
    "revok",
    "deregister",
    "cancel",
];
const MADE: &[&str] = &[
    "creat", "add.", "added.", "new.", "regist", "install", "invit", "join", "import",
];
const LEAVING: &[&str] = &[
    "logout",
    "logoff",
    "signout",
    "out.",
    "end.",
    "ended.",
    "clear",
    "invalidated",
    "reset",
];
const COMING: &[&str] = &[
    "login", "logon", "signin", "logged", "sso", "start", "started", "sign.",
];
/// Names of administration that speak of somebody's rights.
const RIGHTS: &[&str] = &[
    "role",
    "privilege",
    "permission",
    "grant",
    "assign",
    "admin",
    "owner",
    "member",
    "access",
];
/// Names of administration that speak of somebody's account.
const ACCOUNTS: &[&str] = &["user", "account", "member", "guest", "join", "login"];

/// Names that speak of who is in a group: no account is made or changed by it.
const GROUPS: &[&str] = &["group", "usergroup", "membership"];

const ACCOUNT_DEEDS: &[Rule] = &[
    (&[PASSWORD, &["reset"]], 4, "Password Reset"),
    (&[PASSWORD], 3, "Password Change"),
    (&[FACTOR, OFF], 11, "MFA Factor Disable"),
    (&[FACTOR, ON], 10, "MFA Factor Enable"),
    (&[FACTOR], 99, "Other"),
    (&[&["unlock"]], 12, "Unlock"),
    (&[&["lock"]], 9, "Lock"),
    (
        &[&["suspend", "disabl", "deactivat", "block"]],
        5,
        "Disable",
    ),
    (
        &[&["unsuspend", "enabl", "activat", "reactivat", "unblock"]],
        2,
        "Enable",
    ),
    (&[GONE], 6, "Delete"),
    (&[MADE], 1, "Create"),
];
const FILE_UPDATES: &[Rule] = &[
    (&[&["renam"]], 5, "Rename"),
    (&[&["mov"]], 7, "Move"),
    (
        &[&["restor", "untrash", "undelet", "recover"]],
        8,
        "Restore",
    ),
    (&[&["copy.", "copied", "copies"]], 6, "Copy"),
    (&[&["unlock"]], 11, "Unlock"),
    (&[&["lock"]], 10, "Lock"),
];
const FILE_READS: &[Rule] = &[
    (&[&["download", "export"]], 2, "Download"),
    (&[&["preview", "view"]], 9, "Preview"),
    (&[&["sync"]], 15, "Sync"),
];
const UNSHARES: &[&str] = &[
    "unshar", "remov", "revok", "delet", "disabl", "expir", "declin", "reject", "destroy",
    "unlink", "leav", "left",
];

/// The class of the activity.
pub(crate) fn of(activity: &Activity, words: &Words) -> Class {
    use EventType::{Administration, Authentication};
    let somebody = || !target(activity).is_null();
    match activity.event_type {
        Authentication if changes_account(words) && (somebody() || !actor(activity).is_null()) => {
            Class::Account
        }
        Authentication if actor(activity).get("user").is_some() => Class::Authentication,
        Administration if somebody() && activity.role.is_some() && words.say(RIGHTS) => {
            Class::UserAccess
        }
        Administration if somebody() && words.say(ACCOUNTS) && !words.say(GROUPS) => Class::Account,
        Authentication | Administration => Class::Api,
        _ if hosted(activity).is_null() => Class::Api,
        _ => Class::FileHosting,
    }
}

/// Whether an event about signing in changes how somebody signs in.
fn changes_account(words: &Words) -> bool {
    let changes =
        words.say(&["change", "changed", "reset", "updat"]) || words.say(ON) || words.say(OFF);
    changes && (words.say(PASSWORD) || words.say(FACTOR))
}

/// What a name says of whether somebody came in; nothing where it does not say.
pub(crate) fn outcome(words: &Words) -> (Value, Value) {
    if words.say(&["fail", "denied", "invalid", "reject"]) {
        (Value::from(2), Value::from("Failure"))
    } else if words.say(&["success"]) {
        (Value::from(1), Value::from("Success"))
    } else {
        (Value::Null, Value::Null)
    }
}

impl Class {
    pub(crate) fn uid(self) -> u64 {
        match self {
            Class::FileHosting => 6006,
            Class::Api => 6003,
            Class::Authentication => 3002,
            Class::Account => 3001,
            Class::UserAccess => 3005,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Class::FileHosting => "File Hosting Activity",
            Class::Api => "API Activity",
            Class::Authentication => "Authentication",
            Class::Account => "Account Change",
            Class::UserAccess => "User Access Management",
        }
    }

    pub(crate) fn category(self) -> (u64, &'static str) {
        match self {
            Class::FileHosting | Class::Api => (6, "Application Activity"),
            Class::Authentication | Class::Account | Class::UserAccess => {
                (3, "Identity & Access Management")
            }
        }
    }

    /// What was done.
    pub(crate) fn deed(self, activity: &Activity, words: &Words) -> Deed {
        match self {
            Class::FileHosting => of_file(activity, words),
            Class::Api => of_api(activity, words),
            // A device was added or removed, and nobody came by that.
            Class::Authentication if words.say(&["device"]) => OTHER,
            Class::Authentication if words.say(LEAVING) => deed(2, "Logoff"),
            Class::Authentication if words.say(COMING) => deed(1, "Logon"),
            Class::Authentication => OTHER,
            Class::Account => first(ACCOUNT_DEEDS, words).unwrap_or(OTHER),
            Class::UserAccess if words.say(GONE) || words.say(&["unassign"]) => {
                deed(2, "Revoke Privileges")
            }
            Class::UserAccess => deed(1, "Assign Privileges"),
        }
    }
}

fn deed(id: u64, name: &'static str) -> Deed {
    Deed { id, name }
}

fn first(rules: &[Rule], words: &Words) -> Option<Deed> {
    let fits = |(groups, ..): &&Rule| groups.iter().all(|group| words.say(group));
    rules.iter().find(fits).map(|(_, id, name)| deed(*id, name))
}

fn of_file(activity: &Activity, words: &Words) -> Deed {
    let is_folder = hosted(activity).get("type_id") == Some(&Value::from(2));
    match activity.event_type {
        // What is said of a file is no file.
        EventType::DataCreation if words.say(&["comment", "annotation"]) => OTHER,
        EventType::DataCreation => match first(FILE_UPDATES, words) {
            Some(said) => said,
            // A folder is made, and nothing is uploaded.
            None if is_folder => OTHER,
            None => deed(1, "Upload"),
        },
        EventType::DataUpdate => first(FILE_UPDATES, words).unwrap_or(deed(3, "Update")),
        EventType::DataAccess => first(FILE_READS, words).unwrap_or(deed(14, "Open")),
        EventType::DataDeletion => deed(4, "Delete"),
        EventType::Sharing if words.say(&["setting", "password"]) => deed(3, "Update"),
        EventType::Sharing if words.say(UNSHARES) => deed(13, "Unshare"),
        EventType::Sharing => deed(12, "Share"),
        EventType::Authentication | EventType::Administration | EventType::Other => {
            first(FILE_UPDATES, words).unwrap_or(OTHER)
        }
    }
}

fn of_api(activity: &Activity, words: &Words) -> Deed {
    match activity.event_type {
        EventType::DataCreation => deed(1, "Create"),
        EventType::DataAccess => deed(2, "Read"),
        EventType::DataUpdate | EventType::Sharing => deed(3, "Update"),
        EventType::DataDeletion => deed(4, "Delete"),
        EventType::Authentication | EventType::Administration | EventType::Other => {
            let changed = [
                "updat", "chang", "edit", "set.", "modif", "renam", "grant", "assign", "unassign",
            ];
            let switched = words.say(&["enabl", "disabl"]);
            let joined = words.say(GROUPS) && words.say(&["member", "user"]);
            if switched || joined {
                deed(3, "Update")
            } else if words.say(GONE) {
                deed(4, "Delete")
            } else if words.say(MADE) {
                deed(1, "Create")
            } else if words.say(&changed) {
                deed(3, "Update")
            } else {
                OTHER
            }
        }
    }
}
