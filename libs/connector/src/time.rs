//! Times as services write them.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 3339; without a zone it is UTC; a space in place of the `T` is taken.
    Rfc3339,
    /// Seconds since 1970, with or without a fraction.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Microseconds since 1970.
    EpochMicros,
    /// RFC 2822, as in HTTP's `Date`.
    Rfc2822,
}

/// The words of a manifest for them.
pub(crate) const FORMATS: [(&str, Format); 5] = [
    ("rfc3339", Format::Rfc3339),
    ("epoch_s", Format::EpochSeconds),
    ("epoch_ms", Format::EpochMillis),
    ("epoch_us", Format::EpochMicros),
    ("rfc2822", Format::Rfc2822),
];

/// How a time is asked for. Each rounds down: what is asked for never begins too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `2026-01-02T03:04:05.678Z`
    Rfc3339,
    /// `2026-01-02T03:04:05Z`
    Rfc3339Seconds,
    /// `2026-01-02T03:04:05`, which the service takes for UTC.
    Zoneless,
    /// Whole seconds since 1970.
    EpochSeconds,
    /// Whole milliseconds since 1970.
    EpochMillis,
}

/// The words of a manifest for them.
pub(crate) const ASKED: [(&str, Asked); 5] = [
    ("rfc3339", Asked::Rfc3339),
    ("rfc3339_s", Asked::Rfc3339Seconds),
    ("zoneless_s", Asked::Zoneless),
    ("epoch_s", Asked::EpochSeconds),
    ("epoch_ms", Asked::EpochMillis),
];

/// Writes a time as a service wants to be asked for it.
pub(crate) fn write(at: DateTime<Utc>, asked: Asked) -> String {
    match asked {
        Asked::Rfc3339 => at.to_rfc3339_opts(SecondsFormat::Millis, true),
        Asked::Rfc3339Seconds => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        Asked::Zoneless => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
        Asked::EpochSeconds => at.timestamp().to_string(),
        Asked::EpochMillis => at.timestamp_millis().to_string(),
    }
}

/// Reads a time; none when it is not one in that format.
pub(crate) fn parse(text: &str, format: Format) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match format {
        Format::Rfc3339 => DateTime::parse_from_rfc3339(text)
            .map(|at| at.to_utc())
            .ok()
            .or_else(|| zoneless(text)),
        Format::EpochSeconds => epoch(text, 1_000_000_000),
        Format::EpochMillis => epoch(text, 1_000_000),
        Format::EpochMicros => epoch(text, 1_000),
        Format::Rfc2822 => DateTime::parse_from_rfc2822(text)
            .map(|at| at.to_utc())
            .ok(),
    }
}

fn zoneless(text: &str) -> Option<DateTime<Utc>> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|at| at.and_utc())
}

/// A decimal number of units of so many nanoseconds each. No floating point: nothing is rounded.
fn epoch(text: &str, unit_nanos: i128) -> Option<DateTime<Utc>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(fraction) || !digits(whole.strip_prefix('-').unwrap_or(whole)) {
        return None;
    }
    let mut nanos = whole.parse::<i64>().ok()? as i128 * unit_nanos;
    let mut unit = unit_nanos;
    for digit in fraction.bytes() {
        unit /= 10;
        nanos += i128::from(digit - b'0') * unit;
    }
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
    DateTime::from_timestamp(seconds, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_asked_for_as_services_want_it_and_rounded_down() {
        let at = parse("1767323045.6789", Format::EpochSeconds).unwrap();
        let written = ASKED.map(|(_, asked)| write(at, asked));
        assert_eq!(
            written,
            [
                "2026-01-02T03:04:05.678Z",
                "2026-01-02T03:04:05Z",
                "2026-01-02T03:04:05",
                "1767323045",
                "1767323045678",
            ]
        );
    }

    #[test]
    fn times_are_read_as_services_write_them() {
        use Format::{EpochMicros, EpochMillis, EpochSeconds, Rfc2822, Rfc3339};
        let rows = [
            (
                Rfc3339,
                "2026-01-02T03:04:05.678Z",
                Some("2026-01-02T03:04:05.678Z"),
            ),
            (
                Rfc3339,
                "2026-01-02T05:04:05+02:00",
                Some("2026-01-02T03:04:05.000Z"),
            ),
            (
                Rfc3339,
                "2026-01-02T03:04:05",
                Some("2026-01-02T03:04:05.000Z"),
            ),
            (
                Rfc3339,
                "2026-01-02 03:04:05.25",
                Some("2026-01-02T03:04:05.250Z"),
            ),
            (Rfc3339, "yesterday", None),
            (EpochSeconds, "1700000000", Some("2023-11-14T22:13:20.000Z")),
            (
                EpochSeconds,
                "1700000000.123456",
                Some("2023-11-14T22:13:20.123456Z"),
            ),
            (
                EpochMillis,
                "1700000000123",
                Some("2023-11-14T22:13:20.123Z"),
            ),
            (
                EpochMicros,
                "1700000000123456",
                Some("2023-11-14T22:13:20.123456Z"),
            ),
            (EpochSeconds, "9223372036854775807", None),
            (EpochSeconds, "1e9", None),
            (EpochSeconds, "", None),
            (
                Rfc2822,
                "Wed, 21 Oct 2015 07:28:00 GMT",
                Some("2015-10-21T07:28:00.000Z"),
            ),
        ];
        for (format, text, expected) in rows {
            let read = parse(text, format).map(event_model::rfc3339);
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
