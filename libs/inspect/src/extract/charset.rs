//! Text in any charset. A byte order mark decides, then valid UTF-8, then the pattern of zero
//! bytes that UTF-16 leaves, then statistics over the bytes.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes that are looked at to tell what the rest is.
const SAMPLE_BYTES_MAX: usize = 64 << 10;

/// Whether `bytes` read as text rather than as some binary format.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES_MAX)];
    if Encoding::for_bom(sample).is_some() || utf32(sample).is_some() || utf16(sample).is_some() {
        return true;
    }
    let controls = sample
        .iter()
        .filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127))
        .count();
    !sample.contains(&0) && controls * 50 <= sample.len()
}

/// Decodes `bytes`; `declared` is what the document says of itself and counts after a byte order
/// mark and valid UTF-8. What does not decode becomes U+FFFD.
pub(crate) fn decode<'b>(bytes: &'b [u8], declared: Option<&'static Encoding>) -> Cow<'b, str> {
    if let Some(big) = utf32(bytes) {
        return Cow::Owned(decode_utf32(bytes, big));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    if let Some(encoding) = utf16(&bytes[..bytes.len().min(SAMPLE_BYTES_MAX)]) {
        return encoding.decode_without_bom_handling(bytes).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Only the tail is broken: the object was cut in the middle of a character.
        Err(error) if error.error_len().is_none() => UTF_8.decode_without_bom_handling(bytes).0,
        Err(_) => {
            declared
                .unwrap_or_else(|| guess(bytes))
                .decode_without_bom_handling(bytes)
                .0
        }
    }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let first = bytes
        .iter()
        .position(|byte| *byte >= 0x80 || *byte == 0x1B)
        .unwrap_or(0);
    let from = first.saturating_sub(SAMPLE_BYTES_MAX / 2);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[from..bytes.len().min(from + SAMPLE_BYTES_MAX)], true);
    let found = detector.guess(None, Utf8Detection::Allow);
    if found == UTF_8 { WINDOWS_1252 } else { found }
}

/// UTF-16 without a mark leaves zero bytes on one side of each pair and hardly any on the other.
fn utf16(sample: &[u8]) -> Option<&'static Encoding> {
    const PAIRS_MIN: usize = 4;
    let pairs = sample.len() / 2;
    if pairs < PAIRS_MIN {
        return None;
    }
    let zeros = |side: usize| {
        sample
            .iter()
            .skip(side)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 > pairs * 4 && even * 20 < pairs {
        Some(UTF_16LE)
    } else if even * 10 > pairs * 4 && odd * 20 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn utf32(bytes: &[u8]) -> Option<bool> {
    if bytes.starts_with(&[0, 0, 0xFE, 0xFF]) {
        Some(true)
    } else if bytes.starts_with(&[0xFF, 0xFE, 0, 0]) {
        Some(false)
    } else {
        None
    }
}

fn decode_utf32(bytes: &[u8], big: bool) -> String {
    bytes[4..]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|unit| {
            if big {
                u32::from_be_bytes(*unit)
            } else {
                u32::from_le_bytes(*unit)
            }
        })
        .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_the_same_whatever_charset_it_is_written_in() {
        let utf16 = |text: &str, to: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(to).collect()
        };
        let marked = |mark: &[u8], rest: Vec<u8>| [mark, &rest].concat();
        let cyrillic = "Номер карты указан ниже, пожалуйста проверьте его";
        let rows: Vec<(&str, Vec<u8>, String)> = vec![
            ("utf-8", b"caf\xC3\xA9".to_vec(), "café".into()),
            ("utf-8 with mark", b"\xEF\xBB\xBFhi".to_vec(), "hi".into()),
            ("utf-8 cut", b"caf\xC3".to_vec(), "caf\u{FFFD}".into()),
            (
                "utf-16le mark",
                marked(b"\xFF\xFE", utf16("naïve", u16::to_le_bytes)),
                "naïve".into(),
            ),
            (
                "utf-16be mark",
                marked(b"\xFE\xFF", utf16("naïve", u16::to_be_bytes)),
                "naïve".into(),
            ),
            (
                "utf-16le bare",
                utf16("SSN 123-45-6789", u16::to_le_bytes),
                "SSN 123-45-6789".into(),
            ),
            (
                "utf-16be bare",
                utf16("SSN 123-45-6789", u16::to_be_bytes),
                "SSN 123-45-6789".into(),
            ),
            (
                "utf-32le",
                b"\xFF\xFE\0\0A\0\0\0\xE9\0\0\0".to_vec(),
                "Aé".into(),
            ),
            (
                "latin-1",
                b"Gr\xFC\xDFe aus M\xFCnchen an alle".to_vec(),
                "Grüße aus München an alle".into(),
            ),
            (
                "windows-1251",
                encoding_rs::WINDOWS_1251.encode(cyrillic).0.into_owned(),
                cyrillic.into(),
            ),
            (
                "shift-jis",
                encoding_rs::SHIFT_JIS
                    .encode("カード番号は次のとおりです")
                    .0
                    .into_owned(),
                "カード番号は次のとおりです".into(),
            ),
        ];
        for (charset, bytes, text) in rows {
            assert!(is_text(&bytes), "{charset} is text");
            assert_eq!(decode(&bytes, None), text, "{charset}");
        }
    }

    #[test]
    fn binary_bytes_are_not_text() {
        for bytes in [
            &b"\x7FELF\x02\x01\x01\0\0\0\0\0"[..],
            b"\0\0\0\0",
            b"a\0b\x01c\x02\xFF",
        ] {
            assert!(!is_text(bytes), "{bytes:?}");
        }
    }
}
