//! Identifiers with check digits, as rows of data, and the arithmetic that many of them share.

use crate::detect::{Anchor, Detector, Strength, Verify};

/// Group of the numbers that states give to persons.
pub(crate) const NATIONAL_ID: &str = "national-id";
/// Group of the numbers that persons pay taxes under.
pub(crate) const TAX_ID: &str = "tax-id";
/// Group of the numbers of patients, insured and prescribers.
pub(crate) const HEALTH_ID: &str = "health-id";
/// Group of the numbers of enterprises.
pub(crate) const BUSINESS_ID: &str = "business-id";
/// Group of accounts, routes and securities.
pub(crate) const FINANCIAL: &str = "financial";
/// Group of what names a device or a vehicle.
pub(crate) const DEVICE_ID: &str = "device-id";

/// What numbers that only look alike are called.
const ELSE: &[&str] = &[
    "order",
    "order number",
    "order no",
    "order id",
    "tracking",
    "tracking number",
    "invoice",
    "invoice no",
    "ref",
    "reference",
    "serial",
    "serial number",
    "sku",
    "part number",
    "part no",
    "isbn",
    "barcode",
    "ean",
    "gtin",
    "ticket",
    "model",
    "timestamp",
    "build",
    "version",
    "bestellung",
    "bestellnummer",
    "rechnung",
    "commande",
    "facture",
    "pedido",
    "factura",
    "fattura",
    "заказ",
    "注文",
    "订单",
];

/// A detector of a number by its forms.
pub(crate) const fn number(
    name: &'static str,
    title: &'static str,
    group: &'static str,
    forms: &'static [&'static str],
    check: fn(&[u8]) -> bool,
    strength: Strength,
    positive: &'static [&'static str],
) -> Detector {
    Detector {
        name,
        title,
        group: Some(group),
        anchor: Anchor::Forms(forms),
        reach: 0,
        positive,
        negative: ELSE,
        verify: Verify::Code {
            check,
            cased: false,
            strength,
        },
    }
}

/// The value of a digit.
pub(crate) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// The digits' sum, each times its weight.
pub(crate) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(byte, weight)| digit(*byte) * weight)
        .sum()
}

/// The number that digits write.
pub(crate) fn value(digits: &[u8]) -> u64 {
    digits.iter().fold(0u64, |value, byte| {
        value.wrapping_mul(10).wrapping_add(u64::from(digit(*byte)))
    })
}

/// Whether all digits are the same.
pub(crate) fn is_repeated(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}

pub(crate) fn all_digits(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}

/// Whether two digits of month and two of day, after `month_offset`s are taken off, may be a date.
pub(crate) fn is_date(month: &[u8], day: &[u8], month_offsets: &[u64]) -> bool {
    let (month, day) = (value(month), value(day));
    let days = |month: u64| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    month_offsets
        .iter()
        .filter_map(|offset| month.checked_sub(*offset))
        .any(|month| (1..=days(month)).contains(&day))
}

/// `ddmmyy…`.
pub(crate) fn day_first(bytes: &[u8]) -> bool {
    is_date(&bytes[2..4], &bytes[..2], &[0])
}

/// `yymmdd…`.
pub(crate) fn year_first(bytes: &[u8]) -> bool {
    is_date(&bytes[2..4], &bytes[4..6], &[0])
}

/// ISO 7064 MOD 11,10 with the check digit last.
pub(crate) fn mod11_10(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else {
        return false;
    };
    let product = body.iter().fold(10, |product, byte| {
        let sum = (digit(*byte) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (product + digit(*check)) % 10 == 1
}

/// ISO 7064 MOD 97-10 over digits and letters, check digits last.
pub(crate) fn mod97_10(bytes: &[u8]) -> bool {
    let rest = bytes.iter().fold(0u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + digit(*byte)) % 97,
        letter => (rest * 100 + u32::from(letter.wrapping_sub(b'A')) + 10) % 97,
    });
    rest == 1
}

/// Verhoeff's check over the dihedral group of ten, check digit last.
pub(crate) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTE: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let mut sum = 0;
    for (position, byte) in digits.iter().rev().enumerate() {
        let permuted = (0..position % 8).fold(byte - b'0', |at, _| PERMUTE[usize::from(at)]);
        sum = product(sum, permuted);
    }
    sum == 0
}

/// Where a character stands in `alphabet`.
pub(crate) fn rank(byte: u8, alphabet: &[u8]) -> Option<usize> {
    alphabet.iter().position(|known| *known == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_checks_agree_with_published_vectors() {
        assert!(verhoeff(b"2363") && !verhoeff(b"2364"));
        assert!(mod11_10(b"86095742719") && !mod11_10(b"86095742718"));
        assert!(mod97_10(b"5493001KJTIIGC8Y1R12"));
        assert!(is_date(b"52", b"29", &[0, 50]) && !is_date(b"04", b"31", &[0]));
    }
}
