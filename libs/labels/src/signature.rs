//! Signatures as text: hexadecimal digits or base64, of DER or of r and s behind one another.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Longest signature, in characters.
pub(crate) const SIGNATURE_CHARS_MAX: usize = 1_000;
/// Bytes of the shortest and the longest signature on any of the curves: two numbers of at most 48
/// bytes with their lengths. Real ones on the smallest curve have 64 and more, save for rare luck.
const SIGNATURE_BYTES: std::ops::RangeInclusive<usize> = 40..=112;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The bytes that the text may stand for, likeliest first; space in it does not count.
///
/// # Errors
/// With what it is instead.
pub(crate) fn decode(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if text.len() > SIGNATURE_CHARS_MAX {
        return Err(format!("it has more than {SIGNATURE_CHARS_MAX} characters"));
    }
    let read = [
        hex::decode(&text).ok(),
        STANDARD.decode(&text).ok(),
        URL_SAFE.decode(&text).ok(),
    ];
    let mut read: Vec<Vec<u8>> = read.into_iter().flatten().collect();
    read.dedup();
    let Some(likeliest) = read.first().map(Vec::len) else {
        return Err("it is neither hexadecimal nor base64".to_owned());
    };
    read.retain(|bytes| SIGNATURE_BYTES.contains(&bytes.len()));
    if read.is_empty() {
        return Err(format!("it has {likeliest} bytes"));
    }
    Ok(read)
}

/// As it is written here: DER in hexadecimal digits of the upper case.
pub(crate) fn encode(der: &[u8]) -> String {
    hex::encode_upper(der)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read_from_whatever_text_it_stands_in() {
        let bytes: Vec<u8> = (0..64).map(|n| n * 4 + 3).collect();
        let texts = [
            hex::encode(&bytes),
            hex::encode_upper(&bytes),
            STANDARD.encode(&bytes),
            URL_SAFE.encode(&bytes).trim_end_matches('=').to_owned(),
            format!(
                "{}\r\n{}",
                &hex::encode(&bytes)[..64],
                &hex::encode(&bytes)[64..]
            ),
        ];
        for text in texts {
            assert_eq!(decode(&text).unwrap()[0], bytes, "{text}");
        }
        // text => why it is none
        let rows = [
            ("9A50A1817C4B0ABA32B9699EFBA9033F", "it has 16 bytes"),
            ("", "it has 0 bytes"),
            ("not a signature!", "it is neither hexadecimal nor base64"),
        ];
        for (text, expected) in rows {
            assert_eq!(decode(text).unwrap_err(), expected, "{text}");
        }
        assert!(decode(&"A".repeat(1_001)).is_err());
    }
}
