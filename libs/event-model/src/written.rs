//! Writing JSON fast: texts that need no escape are copied, instants are written digit by digit. What is
//! not plain is left to `serde_json` and `chrono`, and everything is written as they write it.

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
/// Where the digits behind the second begin.
const FRACTION_FROM: usize = 20;
/// A leap second begins here. Source: `chrono`, which keeps it as a second that is longer.
const LEAP_NANOS: u32 = 1_000_000_000;

/// Where the next quote, backslash or control character is, from there on: eight bytes at a time. The
/// length when there is none.
pub fn plain_until(bytes: &[u8], from: usize) -> usize {
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f);
    let mut at = from;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let eight = u64::from_le_bytes(*eight);
        let quotes = eight ^ (ONES * u64::from(b'"'));
        let backslashes = eight ^ (ONES * u64::from(b'\\'));
        // The high bit of every byte that would borrow: exact up to the first, which is what is asked for.
        let control = eight.wrapping_sub(ONES * 0x20) & !eight;
        let quote = quotes.wrapping_sub(ONES) & !quotes;
        let backslash = backslashes.wrapping_sub(ONES) & !backslashes;
        let found = (control | quote | backslash) & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| is_plain(byte)).count()
}

/// A text as a JSON string, with its quotes.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_inside(text, out);
    out.push(b'"');
}

/// What stands between the quotes of a JSON string.
pub(crate) fn write_inside(text: &str, out: &mut Vec<u8>) {
    if plain_until(text.as_bytes(), 0) == text.len() {
        return out.extend_from_slice(text.as_bytes());
    }
    let quoted = serde_json::to_string(text).expect("a text can be written");
    out.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
}

/// An instant as [`crate::rfc3339`] has it.
pub(crate) fn write_instant(at: DateTime<Utc>, out: &mut Vec<u8>) {
    let (date, nanos) = (at.date_naive(), at.nanosecond());
    let (digits, fraction) = match nanos {
        n if n % 1_000_000 == 0 => (3, n / 1_000_000),
        n if n % 1_000 == 0 => (6, n / 1_000),
        n => (9, n),
    };
    let Some(year) = u32::try_from(date.year())
        .ok()
        .filter(|year| *year <= 9_999)
    else {
        return write_by_chrono(at, digits, out);
    };
    if nanos >= LEAP_NANOS {
        return write_by_chrono(at, digits, out);
    }
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    put_digits(year, &mut text[..4]);
    put_digits(date.month(), &mut text[5..7]);
    put_digits(date.day(), &mut text[8..10]);
    put_digits(at.hour(), &mut text[11..13]);
    put_digits(at.minute(), &mut text[14..16]);
    put_digits(at.second(), &mut text[17..19]);
    let end = FRACTION_FROM + digits;
    put_digits(fraction, &mut text[FRACTION_FROM..end]);
    text[end] = b'Z';
    out.extend_from_slice(&text[..=end]);
}

fn write_by_chrono(at: DateTime<Utc>, digits: usize, out: &mut Vec<u8>) {
    let format = match digits {
        3 => SecondsFormat::Millis,
        6 => SecondsFormat::Micros,
        _ => SecondsFormat::Nanos,
    };
    out.extend_from_slice(at.to_rfc3339_opts(format, true).as_bytes());
}

/// Fills it with the last digits of the number.
fn put_digits(mut number: u32, text: &mut [u8]) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_written_as_serde_json_writes_it(text in any::<String>()) {
            let mut written = Vec::new();
            write_text(&text, &mut written);
            prop_assert_eq!(written, serde_json::to_vec(&text).unwrap());
        }

        #[test]
        fn an_instant_is_written_as_chrono_writes_it(
            seconds in -70_000_000_000i64..400_000_000_000,
            nanos in prop_oneof![0u32..2_000_000_000, (0u32..2_000).prop_map(|n| n * 1_000_000), (0u32..2_000_000).prop_map(|n| n * 1_000)],
        ) {
            let Some(at) = DateTime::from_timestamp(seconds, nanos) else { return Ok(()) };
            let format = match nanos {
                n if n % 1_000_000 == 0 => SecondsFormat::Millis,
                n if n % 1_000 == 0 => SecondsFormat::Micros,
                _ => SecondsFormat::Nanos,
            };
            let mut written = Vec::new();
            write_instant(at, &mut written);
            prop_assert_eq!(String::from_utf8(written).unwrap(), at.to_rfc3339_opts(format, true));
        }
    }
}
