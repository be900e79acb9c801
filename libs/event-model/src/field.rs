//! The names of the 24 fields and where each value came from.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reason::Reason;

macro_rules! fields {
    ($($variant:ident $name:literal $doc:literal;)*) => {
        /// One of the 24 fields of an activity, in the order of CASB Connect's requirements.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Field { $(#[doc = $doc] $variant,)* }

        impl Field {
            /// All 24, in order.
            pub const ALL: [Field; 24] = [$(Field::$variant,)*];

            /// The field's name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Field::$variant => $name,)* }
            }

            /// What the field holds, in a sentence.
            pub const fn describe(self) -> &'static str {
                match self { $(Field::$variant => $doc,)* }
            }

            /// The field of that wire name.
            pub fn from_name(name: &str) -> Option<Field> {
                match name { $($name => Some(Field::$variant),)* _ => None }
            }
        }
    };
}

fields! {
    TenantId "tenant_id" "Unique identifier of the cloud service tenant.";
    EventId "event_id" "Unique identifier of the user activity; derived when the service gives none.";
    EventName "event_name" "Name of the activity in the service's own words.";
    EventTimestamp "event_timestamp" "When the activity was performed.";
    LogTimestamp "log_timestamp" "When the service logged the activity.";
    EventType "event_type" "Kind of activity: data_creation, sharing, authentication and so on.";
    ActorId "actor_id" "Unique identifier of the user who acted.";
    ActorName "actor_name" "Full name of the user who acted.";
    ActorEmail "actor_email" "E-mail address of the user who acted.";
    ActorType "actor_type" "Whether the user who acted is internal or external to the organisation.";
    ActorRole "actor_role" "Role of the user who acted.";
    ActorIpAddress "actor_ip_address" "IP address of the user who acted.";
    ObjectId "object_id" "Unique identifier of the object acted upon.";
    FileDownloadUrl "file_download_url" "Where the object's content can be downloaded with the acquired token.";
    ObjectType "object_type" "Type of the object: file, folder, message and so on.";
    ObjectName "object_name" "Name of the object.";
    ObjectPath "object_path" "Location of the object.";
    FromEmail "from_email" "E-mail address of the user who initiated the sharing.";
    TargetUserEmail "target_user_email" "E-mail address of the user shared with.";
    TargetUserId "target_user_id" "Unique identifier of the user shared with.";
    TargetUserType "target_user_type" "Whether the user shared with is internal or external.";
    Role "role" "Role given to the user shared with.";
    SharedLink "shared_link" "Link active or created on the object.";
    Visibility "visibility" "Visibility of the link: public, organization or restricted.";
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stands before the reason of a field that is absent.
pub(crate) const ABSENT: &str = "absent: ";

/// Where the value of a field came from. On the wire: `native`, `derived`, `config`, `enriched`, or
/// `absent: <reason>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldSource {
    /// Read from the service's event as it came.
    Native,
    /// Computed from the event by a rule of the manifest.
    Derived,
    /// A constant of the connection.
    Config,
    /// Asked of another API of the service.
    Enriched,
    /// Not there, and why.
    Absent(Reason),
}

impl FieldSource {
    /// Whether there is a value.
    pub fn is_present(&self) -> bool {
        !matches!(self, FieldSource::Absent(_))
    }

    /// What it begins with on the wire; of a value that is there, all of it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            FieldSource::Native => "native",
            FieldSource::Derived => "derived",
            FieldSource::Config => "config",
            FieldSource::Enriched => "enriched",
            FieldSource::Absent(_) => ABSENT,
        }
    }
}

impl fmt::Display for FieldSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            FieldSource::Absent(reason) => f.write_str(reason),
            _ => Ok(()),
        }
    }
}

impl Serialize for FieldSource {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            FieldSource::Absent(_) => s.collect_str(self),
            present => s.serialize_str(present.word()),
        }
    }
}

impl<'de> Deserialize<'de> for FieldSource {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(d)?;
        Ok(match text.as_ref() {
            "native" => FieldSource::Native,
            "derived" => FieldSource::Derived,
            "config" => FieldSource::Config,
            "enriched" => FieldSource::Enriched,
            other => match other.strip_prefix(ABSENT) {
                Some(reason) => FieldSource::Absent(reason.to_owned().into()),
                None => return Err(de::Error::custom(format!("unknown provenance `{other}`"))),
            },
        })
    }
}

/// The source of each of the 24 fields. On the wire: an object from field name to source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance([FieldSource; 24]);

impl Provenance {
    /// Every field absent for the same reason.
    pub fn absent(reason: &'static str) -> Self {
        Provenance(std::array::from_fn(|_| {
            FieldSource::Absent(Reason::fixed(reason))
        }))
    }

    /// Where the field's value came from.
    pub fn of(&self, field: Field) -> &FieldSource {
        &self.0[field as usize]
    }

    /// Says where the field's value came from.
    pub fn set(&mut self, field: Field, source: FieldSource) {
        self.0[field as usize] = source;
    }

    /// Each field with its source, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &FieldSource)> {
        Field::ALL.into_iter().zip(self.0.iter())
    }
}

impl Serialize for Provenance {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (field, source) in self.iter() {
            map.serialize_entry(field.name(), source)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Provenance {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Provenance;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from field name to provenance")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Provenance, A::Error> {
                let mut provenance = Provenance::absent("not recorded");
                while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                    let source = map.next_value()?;
                    // A newer writer's field is not an error: it is not one of ours.
                    if let Some(field) = Field::from_name(&name) {
                        provenance.set(field, source);
                    }
                }
                Ok(provenance)
            }
        }
        d.deserialize_map(Fields)
    }
}

impl JsonSchema for Provenance {
    fn schema_name() -> Cow<'static, str> {
        "Provenance".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let properties: serde_json::Map<String, serde_json::Value> = Field::ALL
            .iter()
            .map(|field| {
                let source = serde_json::json!({
                    "type": "string",
                    "pattern": "^(native|derived|config|enriched|absent: .+)$"
                });
                (field.name().to_owned(), source)
            })
            .collect();
        schemars::json_schema!({
            "description": "Where the value of each of the 24 fields came from.",
            "type": "object",
            "properties": properties
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_24_fields_and_their_names_lead_back_to_them() {
        assert_eq!(Field::ALL.len(), 24);
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, index);
            assert_eq!(Field::from_name(field.name()), Some(field));
            assert_eq!(serde_json::to_value(field).unwrap(), field.name());
        }
    }

    #[test]
    fn provenance_survives_the_wire_and_ignores_a_newer_writers_fields() {
        let mut given = Provenance::absent("the service does not send it");
        given.set(Field::EventId, FieldSource::Native);
        given.set(Field::ActorType, FieldSource::Derived);
        let mut json = serde_json::to_value(&given).unwrap();
        assert_eq!(json["actor_type"], "derived");
        assert_eq!(json["role"], "absent: the service does not send it");
        json["a_25th"] = "native".into();
        assert_eq!(serde_json::from_value::<Provenance>(json).unwrap(), given);
    }
}
