//! One normalised activity: the 24 fields.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::Field;
use crate::ids::EventId;
use crate::instant;

macro_rules! word_enum {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$inner])* $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The value's word on the wire.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The value of that word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use word_enum;

word_enum! {
    /// What kind of activity it is.
    EventType {
        /// Something was made: a file uploaded, a folder created.
        DataCreation "data_creation",
        /// Something was changed, moved or renamed.
        DataUpdate "data_update",
        /// Something was read or downloaded.
        DataAccess "data_access",
        /// Something was deleted or trashed.
        DataDeletion "data_deletion",
        /// Who may reach something was changed.
        Sharing "sharing",
        /// Someone logged in, or tried to.
        Authentication "authentication",
        /// Users, roles, settings or applications were administered.
        Administration "administration",
        /// None of these, or unknown.
        Other "other",
    }
}

word_enum! {
    /// Whether a person belongs to the organisation.
    PartyType {
        /// Of the organisation.
        Internal "internal",
        /// Not of the organisation.
        External "external",
    }
}

word_enum! {
    /// Who can use a shared link.
    Visibility {
        /// Anyone who has the link.
        Public "public",
        /// Everyone of the organisation.
        Organization "organization",
        /// Only those named, or who know a password.
        Restricted "restricted",
    }
}

/// One user or administrator activity in a cloud service, as 24 fields.
///
/// Source of the fields: Skyhigh CASB Connect API Requirements, "Activity/Event JSON". Absent is
/// `None` (`null` on the wire); why it is absent stands in the record's [`crate::Provenance`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Activity {
    /// Unique identifier of the cloud service tenant.
    pub tenant_id: Option<String>,
    /// Unique identifier of the activity; derived when the service gives none.
    pub event_id: EventId,
    /// Name of the activity in the service's own words.
    pub event_name: Option<String>,
    /// When it was performed, RFC 3339 UTC with at least milliseconds.
    #[serde(with = "instant::optional")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub event_timestamp: Option<DateTime<Utc>>,
    /// When the service logged it, RFC 3339 UTC with at least milliseconds.
    #[serde(with = "instant::optional")]
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub log_timestamp: Option<DateTime<Utc>>,
    /// Kind of activity.
    pub event_type: EventType,
    /// Unique identifier of the user who acted.
    pub actor_id: Option<String>,
    /// Full name of the user who acted.
    pub actor_name: Option<String>,
    /// E-mail address of the user who acted.
    pub actor_email: Option<String>,
    /// Whether the user who acted is internal or external.
    pub actor_type: Option<PartyType>,
    /// Role of the user who acted.
    pub actor_role: Option<String>,
    /// IP address of the user who acted, without port or brackets.
    pub actor_ip_address: Option<String>,
    /// Unique identifier of the object acted upon.
    pub object_id: Option<String>,
    /// Where the object's content can be downloaded with the acquired token.
    pub file_download_url: Option<String>,
    /// Type of the object: file, folder, message and so on.
    pub object_type: Option<String>,
    /// Name of the object.
    pub object_name: Option<String>,
    /// Location of the object.
    pub object_path: Option<String>,
    /// E-mail address of the user who initiated the sharing.
    pub from_email: Option<String>,
    /// E-mail address of the user shared with.
    pub target_user_email: Option<String>,
    /// Unique identifier of the user shared with.
    pub target_user_id: Option<String>,
    /// Whether the user shared with is internal or external.
    pub target_user_type: Option<PartyType>,
    /// Role given to the user shared with.
    pub role: Option<String>,
    /// Link active or created on the object.
    pub shared_link: Option<String>,
    /// Visibility of the link.
    pub visibility: Option<Visibility>,
}

impl Activity {
    /// An activity of which only its id and kind are known.
    pub fn bare(event_id: EventId, event_type: EventType) -> Self {
        Activity {
            tenant_id: None,
            event_id,
            event_name: None,
            event_timestamp: None,
            log_timestamp: None,
            event_type,
            actor_id: None,
            actor_name: None,
            actor_email: None,
            actor_type: None,
            actor_role: None,
            actor_ip_address: None,
            object_id: None,
            file_download_url: None,
            object_type: None,
            object_name: None,
            object_path: None,
            from_email: None,
            target_user_email: None,
            target_user_id: None,
            target_user_type: None,
            role: None,
            shared_link: None,
            visibility: None,
        }
    }

    /// The field's value as text, as it stands on the wire; `None` when absent.
    pub fn text(&self, field: Field) -> Option<Cow<'_, str>> {
        let instant = |at: Option<DateTime<Utc>>| at.map(|at| Cow::Owned(instant::rfc3339(at)));
        match field {
            Field::TenantId => borrowed(&self.tenant_id),
            Field::EventId => Some(Cow::Borrowed(self.event_id.as_str())),
            Field::EventName => borrowed(&self.event_name),
            Field::EventTimestamp => instant(self.event_timestamp),
            Field::LogTimestamp => instant(self.log_timestamp),
            Field::EventType => Some(Cow::Borrowed(self.event_type.word())),
            Field::ActorId => borrowed(&self.actor_id),
            Field::ActorName => borrowed(&self.actor_name),
            Field::ActorEmail => borrowed(&self.actor_email),
            Field::ActorType => self.actor_type.map(|party| Cow::Borrowed(party.word())),
            Field::ActorRole => borrowed(&self.actor_role),
            Field::ActorIpAddress => borrowed(&self.actor_ip_address),
            Field::ObjectId => borrowed(&self.object_id),
            Field::FileDownloadUrl => borrowed(&self.file_download_url),
            Field::ObjectType => borrowed(&self.object_type),
            Field::ObjectName => borrowed(&self.object_name),
            Field::ObjectPath => borrowed(&self.object_path),
            Field::FromEmail => borrowed(&self.from_email),
            Field::TargetUserEmail => borrowed(&self.target_user_email),
            Field::TargetUserId => borrowed(&self.target_user_id),
            Field::TargetUserType => self
                .target_user_type
                .map(|party| Cow::Borrowed(party.word())),
            Field::Role => borrowed(&self.role),
            Field::SharedLink => borrowed(&self.shared_link),
            Field::Visibility => self.visibility.map(|seen| Cow::Borrowed(seen.word())),
        }
    }

    /// Where a field that holds any text is kept; none for the id, instants and closed sets of words.
    pub fn text_mut(&mut self, field: Field) -> Option<&mut Option<String>> {
        Some(match field {
            Field::TenantId => &mut self.tenant_id,
            Field::EventName => &mut self.event_name,
            Field::ActorId => &mut self.actor_id,
            Field::ActorName => &mut self.actor_name,
            Field::ActorEmail => &mut self.actor_email,
            Field::ActorRole => &mut self.actor_role,
            Field::ActorIpAddress => &mut self.actor_ip_address,
            Field::ObjectId => &mut self.object_id,
            Field::FileDownloadUrl => &mut self.file_download_url,
            Field::ObjectType => &mut self.object_type,
            Field::ObjectName => &mut self.object_name,
            Field::ObjectPath => &mut self.object_path,
            Field::FromEmail => &mut self.from_email,
            Field::TargetUserEmail => &mut self.target_user_email,
            Field::TargetUserId => &mut self.target_user_id,
            Field::Role => &mut self.role,
            Field::SharedLink => &mut self.shared_link,
            Field::EventId
            | Field::EventTimestamp
            | Field::LogTimestamp
            | Field::EventType
            | Field::ActorType
            | Field::TargetUserType
            | Field::Visibility => return None,
        })
    }
}

fn borrowed(value: &Option<String>) -> Option<Cow<'_, str>> {
    value.as_deref().map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_has_the_24_fields_in_order_and_absent_is_null() {
        let activity = Activity::bare(EventId::new("e1").unwrap(), EventType::Other);
        let json = serde_json::to_string(&activity).unwrap();
        let order: Vec<usize> = Field::ALL
            .iter()
            .map(|field| json.find(&format!("\"{}\":", field.name())).unwrap())
            .collect();
        assert!(order.is_sorted());
        assert!(json.contains("\"visibility\":null"));
        assert_eq!(serde_json::from_str::<Activity>(&json).unwrap(), activity);
    }

    #[test]
    fn every_field_reads_as_the_text_it_has_on_the_wire() {
        let mut activity = Activity::bare(EventId::new("e1").unwrap(), EventType::Sharing);
        activity.visibility = Some(Visibility::Public);
        activity.actor_type = Some(PartyType::External);
        activity.event_timestamp = DateTime::from_timestamp_millis(1_700_000_000_123);
        activity.role = Some("editor".into());
        let json = serde_json::to_value(&activity).unwrap();
        for field in Field::ALL {
            assert_eq!(
                activity.text(field).as_deref(),
                json[field.name()].as_str(),
                "{field}"
            );
        }
    }

    #[test]
    fn a_text_is_kept_in_the_field_that_has_its_name() {
        let mut activity = Activity::bare(EventId::new("e1").unwrap(), EventType::Other);
        let mut texts = 0;
        for field in Field::ALL {
            if let Some(slot) = activity.text_mut(field) {
                *slot = Some(field.name().to_owned());
                texts += 1;
                assert_eq!(activity.text(field).as_deref(), Some(field.name()));
            }
        }
        assert_eq!(texts, 17);
    }
}
