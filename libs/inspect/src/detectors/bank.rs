//! Bank accounts.

use crate::detect::{Anchor, Candidate, Detector, Hit, Strength, Verify, mod97};

pub(crate) static IBAN: Detector = Detector {
    name: "iban",
    title: "International bank account number",
    group: None,
    anchor: Anchor::Account,
    reach: IBAN_BYTES_MAX,
    positive: &[
        "iban", "bank", "account", "konto", "bic", "swift", "compte", "cuenta", "conto",
    ],
    negative: &[],
    verify: Verify::At(iban),
};

/// An IBAN in groups of four, parted by single characters.
const IBAN_BYTES_MAX: usize = 48;

/// How long an IBAN of each country is.
const IBAN_LENGTHS: [(&[u8; 2], usize); 82] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TR", 26),
    (b"UA", 29),
    (b"XK", 20),
];

const TEST_IBANS: [&str; 6] = [
    "GB82WEST12345698765432",
    "GB29NWBK60161331926819",
    "DE89370400440532013000",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "ES9121000418450200051332",
];

/// Whether an account number's country and check digits stand right before the candidate: then its
/// digits are the account's.
pub(crate) fn starts_before(candidate: &Candidate<'_>) -> bool {
    const CHECK_DIGITS_BACK: usize = 3;
    let at = candidate.at.checked_sub(CHECK_DIGITS_BACK);
    at.is_some_and(|at| iban(&Candidate { at, ..*candidate }).is_some())
}

fn iban(candidate: &Candidate<'_>) -> Option<Hit> {
    let bytes = candidate.bytes();
    let start = candidate.at.checked_sub(2)?;
    let country = [
        bytes[start].to_ascii_uppercase(),
        bytes[start + 1].to_ascii_uppercase(),
    ];
    let touched = start
        .checked_sub(1)
        .is_some_and(|b| bytes[b].is_ascii_alphanumeric() || bytes[b] == b'_');
    if touched || !bytes.get(candidate.at + 1)?.is_ascii_digit() {
        return None;
    }
    let (_, length) = IBAN_LENGTHS.iter().find(|(known, _)| **known == country)?;
    let (value, end) = read_iban(bytes, start, *length)?;
    if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) || !mod97(value.as_bytes()) {
        return None;
    }
    let test_value = TEST_IBANS.contains(&value.as_str());
    Some(Hit {
        start,
        end,
        value,
        strength: Strength::Certain,
        test_value,
    })
}

/// Reads `length` letters and digits; between groups of four a space, dash or line break may stand.
fn read_iban(bytes: &[u8], start: usize, length: usize) -> Option<(String, usize)> {
    let mut value = String::with_capacity(length);
    let mut at = start;
    let most = bytes.len().min(start + IBAN_BYTES_MAX);
    while value.len() < length {
        match *bytes[..most].get(at)? {
            byte if byte.is_ascii_alphanumeric() => {
                value.push(char::from(byte.to_ascii_uppercase()))
            }
            b' ' | b'-'
                if value.len().is_multiple_of(4) && bytes[at - 1].is_ascii_alphanumeric() => {}
            b'\r' | b'\n' => {}
            _ => return None,
        }
        at += 1;
    }
    Some((value, at))
}
