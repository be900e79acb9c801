//! An attempt as it is told: a subset of the 24 fields, and what is known beyond them.
//!
//! What is not told is absent and decides nothing. Every mistake of an attempt is found at once.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use event_model::{
    Activity, ConnectionId, EventId, EventType, Field, FieldSource, PartyType, Provenance,
    TriggerAction, Visibility,
};
use policy::{COUNTRY_NOT_LOOKED_UP, Circumstances, FileAttributes, agent_of};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 200;
/// Why a field of an attempt is absent.
const NOT_TOLD: &str = "it was not told with the attempt";
/// Before the id of an attempt: it is never that of an event of the service's feed.
const ID_PREFIX: &str = "inline:";

/// An attempted download, share, login and so on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The connection whose users act; or `service`.
    #[serde(default)]
    pub connection: Option<ConnectionId>,
    /// The service, where it has exactly one connection.
    #[serde(default)]
    pub service: Option<String>,
    /// What is attempted.
    pub action: TriggerAction,
    /// What is known of it, of the 24 fields.
    #[serde(default)]
    pub activity: AttemptedActivity,
    /// From where and with what the user acts.
    #[serde(default)]
    pub request: RequestFacts,
    /// Who acts, beyond the fields.
    #[serde(default)]
    pub user: UserFacts,
    /// With whom is shared, beyond the fields.
    #[serde(default)]
    pub share: AttemptedShare,
    /// The attributes of each file that is acted upon, by `set.attribute`: `_metadata` reads them.
    #[serde(default)]
    pub metadata: Option<Vec<BTreeMap<String, Value>>>,
    /// What the object holds.
    #[serde(default)]
    pub content: Option<AttemptedContent>,
    /// Whatever has the same key is recorded once.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// The fields that can be known before the fact. The id and the type of the event are made here.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each is the field of that name in `Activity`")]
pub struct AttemptedActivity {
    pub tenant_id: Option<String>,
    pub event_name: Option<String>,
    pub event_timestamp: Option<DateTime<Utc>>,
    pub log_timestamp: Option<DateTime<Utc>>,
    pub actor_id: Option<String>,
    pub actor_name: Option<String>,
    pub actor_email: Option<String>,
    pub actor_type: Option<PartyType>,
    pub actor_role: Option<String>,
    pub actor_ip_address: Option<String>,
    pub object_id: Option<String>,
    pub file_download_url: Option<String>,
    pub object_type: Option<String>,
    pub object_name: Option<String>,
    pub object_path: Option<String>,
    pub from_email: Option<String>,
    pub target_user_email: Option<String>,
    pub target_user_id: Option<String>,
    pub target_user_type: Option<PartyType>,
    pub role: Option<String>,
    pub shared_link: Option<String>,
    pub visibility: Option<Visibility>,
}

/// From where and with what the user acts.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RequestFacts {
    /// The program, in the words of `_request.agent`.
    pub agent: Option<String>,
    /// The program, as its `User-Agent` header has it.
    pub user_agent: Option<String>,
    /// Country of the IP address, when the caller knows it: two letters, ISO 3166-1.
    pub country: Option<String>,
    /// Whether the login is one to administer.
    pub is_admin_login: Option<bool>,
}

/// Who acts, beyond the fields.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserFacts {
    /// Every group of the user.
    pub groups: Option<Vec<String>>,
    /// Whether nobody is logged in.
    pub anonymous: Option<bool>,
}

/// With whom is shared, beyond the fields.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttemptedShare {
    /// E-mail addresses of every user that may reach the share.
    pub users: Option<Vec<String>>,
    /// Every group that may reach the share.
    pub groups: Option<Vec<String>>,
}

/// What the object holds: the bytes, or what was found in them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttemptedContent {
    /// The bytes, in base64; they are inspected here and not kept.
    pub base64: Option<String>,
    /// What the object is, by its bytes: `pdf`, `docx` and so on.
    pub kind: Option<String>,
    /// How much of it was read, `full`, `partial` or `none`; `full` when left out.
    pub coverage: Option<String>,
    /// Why not all of it was read.
    pub reason: Option<String>,
    /// Distinct matches by detector.
    pub matches: Option<BTreeMap<String, Matches>>,
    /// Classification labels.
    pub labels: Option<Vec<String>>,
    /// The document's own properties.
    pub properties: Option<BTreeMap<String, String>>,
}

/// How many distinct values were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Matches {
    /// All with high confidence.
    Sure(usize),
    /// Of at least low, medium and high confidence.
    ByConfidence([usize; 3]),
}

/// One mistake of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptMistake {
    /// Where: a JSON pointer into the attempt.
    pub field: String,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl AttemptMistake {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        AttemptMistake {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// An attempt, ready to be evaluated.
pub(crate) struct Prepared {
    pub(crate) activity: Activity,
    pub(crate) provenance: Provenance,
    pub(crate) address: Option<IpAddr>,
    agent: Option<String>,
    country: Option<String>,
    admin_login: Option<bool>,
    user: UserFacts,
    share: AttemptedShare,
    files: Option<Vec<FileAttributes>>,
}

impl Prepared {
    /// What is known beyond the fields; the country as it was looked up, unless it was told.
    pub(crate) fn circumstances<'a>(
        &'a self,
        looked_up: Option<Result<&'a str, &'static str>>,
    ) -> Circumstances<'a> {
        Circumstances {
            agent: self.agent.as_deref(),
            country: match &self.country {
                Some(country) => Ok(country),
                None => looked_up.unwrap_or(Err(COUNTRY_NOT_LOOKED_UP)),
            },
            groups: self.user.groups.as_deref(),
            shared_with_users: self.share.users.as_deref(),
            shared_with_groups: self.share.groups.as_deref(),
            admin_login: self.admin_login,
            anonymous: self.user.anonymous,
            metadata: self.files.as_deref(),
        }
    }

    /// Whether the caller told the country.
    pub(crate) fn has_country(&self) -> bool {
        self.country.is_some()
    }
}

/// The event type that stands for an action.
fn event_type(action: TriggerAction) -> EventType {
    match action {
        TriggerAction::Upload => EventType::DataCreation,
        TriggerAction::Update => EventType::DataUpdate,
        TriggerAction::Download => EventType::DataAccess,
        TriggerAction::Delete => EventType::DataDeletion,
        TriggerAction::Share => EventType::Sharing,
        TriggerAction::Login => EventType::Authentication,
        TriggerAction::Admin => EventType::Administration,
    }
}

impl Attempt {
    /// Makes the attempt ready; its content is left to others.
    pub(crate) fn prepare(
        self,
        now: DateTime<Utc>,
        chance: u128,
    ) -> Result<Prepared, Vec<AttemptMistake>> {
        let mut mistakes = Vec::new();
        let event_id = event_id(self.idempotency_key.as_deref(), chance, &mut mistakes);
        let address = address(self.activity.actor_ip_address.as_deref(), &mut mistakes);
        let country = country(self.request.country, &mut mistakes);
        let files = self.metadata.map(|files| read_files(files, &mut mistakes));
        let agent = self.request.agent.or_else(|| {
            let header = self.request.user_agent.as_deref();
            header.map(|header| agent_of(header).to_owned())
        });
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let given = &self.activity;
        let derived = [
            (Field::EventTimestamp, given.event_timestamp.is_none()),
            (
                Field::ObjectName,
                given.object_name.is_none() && given.object_path.is_some(),
            ),
        ];
        let activity = told(self.activity, event_id, event_type(self.action), now);
        let provenance = sources(&activity, derived);
        Ok(Prepared {
            activity,
            provenance,
            address,
            agent,
            country,
            admin_login: self.request.is_admin_login,
            user: self.user,
            share: self.share,
            files,
        })
    }
}

fn event_id(key: Option<&str>, chance: u128, mistakes: &mut Vec<AttemptMistake>) -> EventId {
    let sound = |key: &str| {
        key.chars().count() <= IDEMPOTENCY_KEY_CHARS_MAX
            && !key.is_empty()
            && key.chars().all(|letter| letter.is_ascii_graphic())
    };
    if key.is_some_and(|key| !sound(key)) {
        let message = format!("is not 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters");
        mistakes.push(AttemptMistake::new("/idempotency_key", message));
    }
    let id = match key {
        Some(key) if sound(key) => format!("{ID_PREFIX}{key}"),
        _ => format!("{ID_PREFIX}{chance:032x}"),
    };
    EventId::new(id).expect("it is short and not empty")
}

fn address(given: Option<&str>, mistakes: &mut Vec<AttemptMistake>) -> Option<IpAddr> {
    let address = given.map(|text| text.trim().parse::<IpAddr>());
    if let Some(Err(_)) = address {
        let field = "/activity/actor_ip_address";
        mistakes.push(AttemptMistake::new(field, "is not an IP address"));
    }
    address?.ok()
}

fn country(given: Option<String>, mistakes: &mut Vec<AttemptMistake>) -> Option<String> {
    let code = given.map(|code| code.to_ascii_uppercase())?;
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some(code);
    }
    let message = "is not a country's two letters, as `US`";
    mistakes.push(AttemptMistake::new("/request/country", message));
    None
}

fn read_files(
    files: Vec<BTreeMap<String, Value>>,
    mistakes: &mut Vec<AttemptMistake>,
) -> Vec<FileAttributes> {
    let mut read = Vec::with_capacity(files.len());
    for (index, file) in files.into_iter().enumerate() {
        let mut attributes = FileAttributes::with_capacity(file.len());
        for (name, value) in file {
            match scalar(&value) {
                Some(text) => attributes.push((name, text)),
                None => {
                    let message =
                        format!("`{name}` is not a text, a number, true, false or a list of these");
                    mistakes.push(AttemptMistake::new(format!("/metadata/{index}"), message));
                }
            }
        }
        read.push(attributes);
    }
    read
}

/// A value as text; of a list, its items separated by semicolons.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => {
            let plain = |item: &Value| (!item.is_array()).then(|| scalar(item)).flatten();
            let items: Option<Vec<String>> = items.iter().map(plain).collect();
            Some(items?.join(";"))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// The 24 fields. The time is now unless it was told, and the name the last part of the path.
fn told(
    given: AttemptedActivity,
    event_id: EventId,
    event_type: EventType,
    now: DateTime<Utc>,
) -> Activity {
    let AttemptedActivity {
        tenant_id,
        event_name,
        event_timestamp,
        log_timestamp,
        actor_id,
        actor_name,
        actor_email,
        actor_type,
        actor_role,
        actor_ip_address,
        object_id,
        file_download_url,
        object_type,
        object_name,
        object_path,
        from_email,
        target_user_email,
        target_user_id,
        target_user_type,
        role,
        shared_link,
        visibility,
    } = given;
    let last = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
    Activity {
        tenant_id,
        event_id,
        event_name,
        event_timestamp: event_timestamp.or(Some(now)),
        log_timestamp,
        event_type,
        actor_id,
        actor_name,
        actor_email,
        actor_type,
        actor_role,
        actor_ip_address,
        object_id,
        file_download_url,
        object_type,
        object_name: object_name.or_else(|| object_path.as_ref().map(last)),
        object_path,
        from_email,
        target_user_email,
        target_user_id,
        target_user_type,
        role,
        shared_link,
        visibility,
    }
}

/// Where each field came from: told, derived or absent.
fn sources(activity: &Activity, derived: [(Field, bool); 2]) -> Provenance {
    let mut provenance = Provenance::absent(NOT_TOLD);
    for field in Field::ALL {
        if is_there(activity, field) {
            provenance.set(field, FieldSource::Native);
        }
    }
    let made_here = [(Field::EventId, true), (Field::EventType, true)];
    for (field, is_derived) in made_here.into_iter().chain(derived) {
        if is_derived {
            provenance.set(field, FieldSource::Derived);
        }
    }
    provenance
}

/// Whether the field has a value; a time is not written out for that.
fn is_there(activity: &Activity, field: Field) -> bool {
    match field {
        Field::EventTimestamp => activity.event_timestamp.is_some(),
        Field::LogTimestamp => activity.log_timestamp.is_some(),
        _ => activity.text(field).is_some(),
    }
}

#[cfg(test)]
mod tests;
