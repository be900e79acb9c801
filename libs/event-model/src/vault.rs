//! What the vault holds. The content stands elsewhere, encrypted; this is everything else that is known
//! of it, its wrapped key included. An item is there when its state says `held`, and not before.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::activity::word_enum;
use crate::{ConnectionId, RemedyId, VaultId, instant};

word_enum! {
    /// Where an item of the vault stands.
    VaultState {
        /// Its content is coming in. It can be gone on with, or given up; it cannot be read.
        Receiving "receiving",
        /// It is there, whole.
        Held "held",
        /// Its key is gone for good; what is left of its content is being removed.
        Deleting "deleting",
        /// It is gone. The entry stays.
        Deleted "deleted",
    }
}

/// Where an item came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VaultOrigin {
    /// A file of a machine, with what is needed to put it back.
    File {
        /// Where it was: an absolute path.
        path: String,
        /// Its permission bits.
        mode: u32,
        /// Its owner's number.
        uid: u32,
        /// Its group's number.
        gid: u32,
        /// When it was last changed.
        #[serde(with = "instant::required")]
        modified_at: DateTime<Utc>,
    },
    /// It was handed over as a stream, with nothing to put back.
    Stream,
    /// An object of a cloud service, which a remedy took away and can put back.
    Service {
        /// The connection.
        connection_id: ConnectionId,
        /// The object, in the service's words.
        object_id: String,
        /// Where it was.
        path: Option<String>,
        /// What took it away.
        remedy_id: RemedyId,
    },
}

/// What the vault has of an object that was taken out of its service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vaulted {
    /// What is left in the object's place, as text.
    pub tombstone: String,
    /// Whether it is left there; if not, the object is deleted.
    pub tombstone_stays: bool,
    /// What is held: one content, or each version that the service kept, the oldest first.
    pub contents: Vec<VaultedContent>,
}

/// One content of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VaultedContent {
    /// The item of the vault.
    pub item: VaultId,
    /// Which of the object's contents, as the snapshot has it; null where there is only one.
    #[schemars(with = "Option<Map<String, Value>>")]
    pub of: Value,
    /// How long it is, in bytes; known when the vault has it and it was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its SHA-256 in hexadecimal; known with its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// An item's data key, which only the key-encryption key opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey {
    /// Who wrapped it: `local` or `transit`.
    pub scheme: String,
    /// The wrapped key, in that scheme's own form.
    pub wrapped: String,
}

/// Why an item must not be deleted, whatever its retention says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalHold {
    /// The case, in the words of who laid it on.
    pub reason: String,
    /// Who laid it on.
    pub by: String,
    /// Since when.
    #[serde(with = "instant::required")]
    pub since: DateTime<Utc>,
}

/// An item of the vault, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultItem {
    /// Its identifier.
    pub id: VaultId,
    /// What it is called.
    pub name: String,
    /// Where it came from.
    pub origin: VaultOrigin,
    /// Which content of the item, from 1: each has a key of its own.
    pub version: u32,
    /// Where it stands.
    pub state: VaultState,
    /// How long its content is, in bytes; known when it is held.
    pub bytes: Option<u64>,
    /// Its data key; gone for good when it is deleted.
    pub key: Option<WrappedKey>,
    /// Not deleted before that.
    #[serde(with = "instant::optional", default)]
    pub keep_until: Option<DateTime<Utc>>,
    /// Not deleted while this lies on it.
    #[serde(default)]
    pub legal_hold: Option<LegalHold>,
    /// When its first byte came.
    #[serde(with = "instant::required")]
    pub received_at: DateTime<Utc>,
    /// When it last changed.
    #[serde(with = "instant::required")]
    pub updated_at: DateTime<Utc>,
    /// Grows with every change.
    pub revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stored form. A new field must read what was written before it.
    #[test]
    fn an_item_is_stored_as_it_was_promised() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let item = VaultItem {
            id: VaultId::new(at, 7),
            name: "salaries.xlsx".into(),
            origin: VaultOrigin::File {
                path: "/srv/salaries.xlsx".into(),
                mode: 0o640,
                uid: 1_000,
                gid: 100,
                modified_at: at,
            },
            version: 1,
            state: VaultState::Held,
            bytes: Some(12),
            key: Some(WrappedKey {
                scheme: "local".into(),
                wrapped: "AQ==".into(),
            }),
            keep_until: None,
            legal_hold: Some(LegalHold {
                reason: "case 7".into(),
                by: "grace".into(),
                since: at,
            }),
            received_at: at,
            updated_at: at,
            revision: 2,
        };
        let written = serde_json::to_string(&item).unwrap();
        let promised = format!(
            "{{\"id\":\"{}\",\"name\":\"salaries.xlsx\",\"origin\":{{\"kind\":\"file\",\
             \"path\":\"/srv/salaries.xlsx\",\"mode\":416,\"uid\":1000,\"gid\":100,\
             \"modified_at\":\"2023-11-14T22:13:20.000Z\"}},\"version\":1,\"state\":\"held\",\
             \"bytes\":12,\"key\":{{\"scheme\":\"local\",\"wrapped\":\"AQ==\"}},\"keep_until\":null,\
             \"legal_hold\":{{\"reason\":\"case 7\",\"by\":\"grace\",\
             \"since\":\"2023-11-14T22:13:20.000Z\"}},\"received_at\":\"2023-11-14T22:13:20.000Z\",\
             \"updated_at\":\"2023-11-14T22:13:20.000Z\",\"revision\":2}}",
            item.id
        );
        assert_eq!(written, promised);
        assert_eq!(serde_json::from_str::<VaultItem>(&written).unwrap(), item);
        let older = written.replace("\"keep_until\":null,", "");
        assert_eq!(serde_json::from_str::<VaultItem>(&older).unwrap(), item);
    }
}
