//! Times as services write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};

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

/// A time that is not earlier once it is written: in seconds, the next whole one.
pub(crate) fn not_before(at: DateTime<Utc>, asked: Asked) -> DateTime<Utc> {
    let in_seconds = match asked {
        Asked::Rfc3339Seconds | Asked::Zoneless | Asked::EpochSeconds => true,
        Asked::Rfc3339 | Asked::EpochMillis => false,
    };
    let whole = at.trunc_subsecs(0);
    match in_seconds && whole < at {
        true => whole + TimeDelta::seconds(1),
        false => at,
    }
}

/// Reads a time; none when it is not one in that format.
pub(crate) fn parse(text: &str, format: Format) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match format {
        Format::Rfc3339 => usual(text).or_else(|| unusual(text)),
        Format::EpochSeconds => epoch(text, 1_000_000_000),
        Format::EpochMillis => epoch(text, 1_000_000),
        Format::EpochMicros => epoch(text, 1_000),
        Format::Rfc2822 => DateTime::parse_from_rfc2822(text)
            .map(|at| at.to_utc())
            .ok(),
    }
}

fn unusual(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text);
    zoned.map(|at| at.to_utc()).ok().or_else(|| zoneless(text))
}

/// RFC 3339 in the form that nearly all services write: `2026-01-02T03:04:05`, up to nine digits of a
/// fraction, and `Z`, `+02:00` or nothing, which is UTC. None also for what only [`unusual`] reads.
fn usual(text: &str) -> Option<DateTime<Utc>> {
    let (moment, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let two = |at: usize| digits(&moment[at..at + 2]);
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, byte)| moment[*at] != *byte) {
        return None;
    }
    let year = i32::try_from(digits(&moment[..4])?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, two(5)?, two(8)?)?;
    let (nanos, zone) = fraction(rest)?;
    let at = day.and_hms_nano_opt(two(11)?, two(14)?, two(17)?, nanos)?;
    let ahead = match zone {
        b"" | b"Z" => TimeDelta::zero(),
        [sign @ (b'+' | b'-'), hours @ .., b':', tens, ones] if hours.len() == 2 => {
            let (hours, minutes) = (digits(hours)?, digits(&[*tens, *ones])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let ahead = TimeDelta::minutes(i64::from(hours * 60 + minutes));
            if *sign == b'-' { -ahead } else { ahead }
        }
        _ => return None,
    };
    at.and_utc().checked_sub_signed(ahead)
}

/// Nanoseconds after the second, and what follows them.
fn fraction(rest: &[u8]) -> Option<(u32, &[u8])> {
    let Some((b'.', after)) = rest.split_first() else {
        return Some((0, rest));
    };
    let count = after
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (fraction, zone) = after.split_at(count);
    let scale = 10u32.pow(9 - u32::try_from(count).ok()?);
    Some((digits(fraction)? * scale, zone))
}

/// At most nine digits as a number.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + u32::from(byte - b'0'))
    })
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_in_the_usual_form_is_read_so_by_the_library_too(
            text in "[0-9]{4}-[0-2][0-9]-[0-4][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,11})?(|Z|[+-][0-2][0-9]:[0-9]{2}|z| |[+-][0-9]{4})",
        ) {
            if let Some(at) = usual(&text) {
                prop_assert_eq!(Some(at), unusual(&text), "{}", text);
            }
        }

        #[test]
        fn a_time_that_may_not_be_earlier_is_not_once_it_is_written(seconds in 0i64..4_000_000_000, nanos in 0u32..1_000_000_000) {
            let at = DateTime::from_timestamp(seconds, nanos).unwrap();
            let at = at.trunc_subsecs(3);
            for (asked, format) in [
                (Asked::Rfc3339, Format::Rfc3339),
                (Asked::Rfc3339Seconds, Format::Rfc3339),
                (Asked::Zoneless, Format::Rfc3339),
                (Asked::EpochSeconds, Format::EpochSeconds),
                (Asked::EpochMillis, Format::EpochMillis),
            ] {
                let written = parse(&write(not_before(at, asked), asked), format).unwrap();
                prop_assert!(written >= at && written - at < TimeDelta::seconds(1), "{:?}", asked);
            }
        }

        #[test]
        fn the_usual_form_is_read_without_the_library(seconds in 0i64..253_402_300_800, nanos in 0u32..1_000_000_000) {
            let at = DateTime::from_timestamp(seconds, nanos).unwrap();
            for digits in [SecondsFormat::Secs, SecondsFormat::Millis, SecondsFormat::Nanos] {
                let text = at.to_rfc3339_opts(digits, true);
                prop_assert_eq!(usual(&text), unusual(&text), "{}", text);
                prop_assert!(usual(&text).is_some());
            }
        }
    }

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
