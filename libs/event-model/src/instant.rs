//! RFC 3339 in UTC with at least milliseconds; a service's finer precision is kept.

use chrono::{DateTime, Utc};

use crate::written::write_instant;

/// Writes an instant as RFC 3339 UTC with 3, 6 or 9 fractional digits: the fewest that lose nothing.
///
/// ```
/// # use chrono::{TimeZone, Utc};
/// let at = Utc.timestamp_opt(1_700_000_000, 0).unwrap();
/// assert_eq!(event_model::rfc3339(at), "2023-11-14T22:13:20.000Z");
/// ```
pub fn rfc3339(at: DateTime<Utc>) -> String {
    let mut text = Vec::with_capacity("2023-11-14T22:13:20.000000000Z".len());
    write_instant(at, &mut text);
    String::from_utf8(text).expect("digits and signs are ASCII")
}

/// Serde for a required instant, in the form of [`rfc3339`].
pub(crate) mod required {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &DateTime<Utc>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&super::rfc3339(*at))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<DateTime<Utc>, D::Error> {
        DateTime::<Utc>::deserialize(d)
    }
}

/// Serde for an instant that may be absent, in the form of [`rfc3339`].
pub(crate) mod optional {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<DateTime<Utc>>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => s.serialize_str(&super::rfc3339(*at)),
            None => s.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        Option::<DateTime<Utc>>::deserialize(d)
    }
}

#[cfg(test)]
mod tests {
    use super::rfc3339;
    use chrono::DateTime;

    #[test]
    fn an_instant_keeps_the_precision_it_came_with_and_never_less_than_milliseconds() {
        for (given, written) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"),
            ("2026-01-02T03:04:05.123456Z", "2026-01-02T03:04:05.123456Z"),
            (
                "2026-01-02T03:04:05.123456789Z",
                "2026-01-02T03:04:05.123456789Z",
            ),
            ("2026-01-02T05:04:05+02:00", "2026-01-02T03:04:05.000Z"),
        ] {
            let at = DateTime::parse_from_rfc3339(given).unwrap().to_utc();
            assert_eq!(rfc3339(at), written);
        }
    }
}
