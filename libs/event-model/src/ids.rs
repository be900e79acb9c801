//! Prefixed, sortable identifiers. One kind does not parse as another.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Crockford's base 32: no I, L, O or U, so that an id can be read aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ENCODED_LENGTH: usize = 26;

/// Why a text is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdError {
    /// The prefix is another kind's, or none.
    #[error("`{given}` is not a {kind}: it must start with `{prefix}`")]
    WrongKind {
        /// The text as given, cut to 64 characters.
        given: String,
        /// What was expected, in words.
        kind: &'static str,
        /// The prefix of that kind.
        prefix: &'static str,
    },
    /// What follows the prefix is not 26 characters of Crockford's base 32.
    #[error("`{given}` is not a {kind}: 26 letters and digits must follow the prefix")]
    Malformed {
        /// The text as given, cut to 64 characters.
        given: String,
        /// What was expected, in words.
        kind: &'static str,
    },
}

/// 48 bits of milliseconds since 1970, then 80 bits of chance: sorts by time of making.
fn compose(made_at: DateTime<Utc>, chance: u128) -> u128 {
    let millis = made_at.timestamp_millis().clamp(0, (1 << 48) - 1) as u128;
    (millis << 80) | (chance & ((1 << 80) - 1))
}

fn encode(value: u128) -> [u8; ENCODED_LENGTH] {
    let mut out = [b'0'; ENCODED_LENGTH];
    let mut rest = value;
    for place in out.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    out
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != ENCODED_LENGTH || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        Some((value << 5) | digit as u128)
    })
}

macro_rules! id {
    ($name:ident, $prefix:literal, $kind:literal) => {
        #[doc = concat!("Identifies a ", $kind, ": `", $prefix, "` and 26 characters, sortable by time of making.")]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// An id of that moment; `chance` gives its 80 random bits.
            pub fn new(made_at: DateTime<Utc>, chance: u128) -> Self {
                $name(compose(made_at, chance))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let letters = encode(self.0);
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&letters).expect("the alphabet is ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let given = || text.chars().take(64).collect::<String>();
                let rest = text.strip_prefix($prefix).ok_or_else(|| IdError::WrongKind {
                    given: given(),
                    kind: $kind,
                    prefix: $prefix,
                })?;
                decode(rest)
                    .map($name)
                    .ok_or_else(|| IdError::Malformed { given: given(), kind: $kind })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "[0-7][0-9A-HJKMNP-TV-Z]{25}$")
                })
            }
        }
    };
}

id!(ConnectionId, "conn_", "connection id");
id!(PolicyId, "pol_", "policy id");
id!(IncidentId, "inc_", "incident id");
id!(RemedyId, "rem_", "remedy id");
id!(QuarantineId, "qua_", "quarantine item id");
id!(AuditId, "aud_", "audit entry id");
id!(VaultId, "vlt_", "vault item id");
id!(JobId, "job_", "job id");
id!(ExceptionId, "exc_", "exception id");
id!(ViewId, "view_", "view id");
id!(AccountId, "acc_", "account id");
id!(SessionId, "ses_", "session id");
id!(TokenId, "tok_", "token id");
id!(AccessPolicyId, "acp_", "access policy id");
id!(AccessGroupId, "acg_", "access policy group id");

impl QuarantineId {
    /// The item that a quarantining remedy makes: always the same one for the same remedy.
    pub fn for_remedy(remedy: RemedyId) -> Self {
        QuarantineId(remedy.0)
    }
}

/// The service's own identifier of an activity, or one derived from it. At most [`EventId::LENGTH_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// Longest id kept as it is, in bytes.
    pub const LENGTH_MAX: usize = 512;

    /// The id, unless it is empty or longer than [`Self::LENGTH_MAX`].
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        (!id.is_empty() && id.len() <= Self::LENGTH_MAX).then_some(EventId(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        EventId::new(String::deserialize(d)?)
            .ok_or_else(|| serde::de::Error::custom("an event id must have 1 to 512 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    #[test]
    fn one_kind_does_not_parse_as_another() {
        let at = Utc.timestamp_millis_opt(1_700_000_000_000).unwrap();
        let incident = IncidentId::new(at, 7).to_string();
        assert!(incident.starts_with("inc_01"));
        assert!(matches!(
            incident.parse::<ConnectionId>(),
            Err(IdError::WrongKind { .. })
        ));
        assert!(matches!(
            "inc_0".parse::<IncidentId>(),
            Err(IdError::Malformed { .. })
        ));
        assert!(
            "inc_8ZZZZZZZZZZZZZZZZZZZZZZZZZ"
                .parse::<IncidentId>()
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn ids_survive_text_and_sort_by_time(a in 0i64..1 << 47, b in 0i64..1 << 47, chance: u128) {
            let id = |ms| RemedyId::new(Utc.timestamp_millis_opt(ms).unwrap(), chance);
            prop_assert_eq!(id(a).to_string().parse::<RemedyId>().unwrap(), id(a));
            prop_assert_eq!(a.cmp(&b), id(a).to_string().cmp(&id(b).to_string()));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,80}") {
            let _ = text.parse::<ConnectionId>();
        }
    }
}
