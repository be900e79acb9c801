//! Numbers of persons and enterprises in Britain, Ireland, Germany, France, Austria and Switzerland.

use super::number::{
    BUSINESS_ID, HEALTH_ID, NATIONAL_ID, TAX_ID, all_digits, day_first, digit, is_date,
    is_repeated, mod11_10, number, value, weighted,
};
use crate::detect::{
    Detector,
    Strength::{Checked, NeedsContext, Plain},
    luhn,
};

pub(crate) static NUMBERS: &[Detector] = &[
    number(
        "uk-nhs-number",
        "UK NHS number",
        HEALTH_ID,
        &["9{3} 9{3} 9{4}", "9{3}-9{3}-9{4}", "9{10}"],
        nhs,
        Checked,
        &[
            "nhs",
            "nhs number",
            "nhs no",
            "national health service",
            "health service number",
            "patient",
        ],
    ),
    number(
        "uk-nino",
        "UK national insurance number",
        NATIONAL_ID,
        &["AA9{6}A", "AA 99 99 99 A", "AA 9{6} A", "AA-99-99-99-A"],
        nino,
        Plain,
        &[
            "national insurance",
            "national insurance number",
            "ni number",
            "nino",
            "ni no",
            "nat ins",
        ],
    ),
    number(
        "uk-utr",
        "UK unique taxpayer reference",
        TAX_ID,
        &["9{10}", "9{5} 9{5}"],
        utr,
        Checked,
        &[
            "utr",
            "unique taxpayer reference",
            "tax reference",
            "self assessment",
            "hmrc",
        ],
    ),
    number(
        "uk-vat",
        "UK VAT number",
        BUSINESS_ID,
        &["!AA9{9}", "!AA 9{3} 9{4} 99", "9{3} 9{4} 99"],
        gb_vat,
        Checked,
        &["vat", "vat number", "vat no", "vat registration", "vat reg"],
    ),
    number(
        "uk-driving-licence",
        "UK driving licence number",
        NATIONAL_ID,
        &["X{5}9{6}X{3}AA", "X{5} 9{6} X{3}AA"],
        gb_licence,
        Plain,
        &[
            "driving licence",
            "driver number",
            "licence number",
            "licence no",
            "dvla",
            "driving license",
        ],
    ),
    number(
        "ie-pps",
        "Irish PPS number",
        NATIONAL_ID,
        &["9{7}A", "9{7}AA", "9{7} A", "9{7} AA"],
        pps,
        Checked,
        &[
            "pps",
            "ppsn",
            "pps number",
            "pps no",
            "personal public service",
            "rsi number",
            "uimhir psp",
        ],
    ),
    number(
        "de-steuer-id",
        "German tax identification number",
        TAX_ID,
        &["9{11}", "99 9{3} 9{3} 9{3}"],
        steuer_id,
        Checked,
        &[
            "steuer-id",
            "steuerid",
            "steuer id",
            "steueridentifikationsnummer",
            "steuerliche identifikationsnummer",
            "idnr",
            "identifikationsnummer",
            "tax id",
            "tin",
            "tax number",
        ],
    ),
    number(
        "de-rentenversicherung",
        "German pension insurance number",
        NATIONAL_ID,
        &["9{8}A9{3}", "99 9{6} A 9{3}", "99 99 99 99 A 9{3}"],
        de_pension,
        Plain,
        &[
            "rentenversicherungsnummer",
            "sozialversicherungsnummer",
            "rvnr",
            "sv-nummer",
            "svnr",
            "versicherungsnummer",
            "pension insurance",
        ],
    ),
    number(
        "de-id-card",
        "German identity card number",
        NATIONAL_ID,
        &["AX{8}", "AX{8}9", "AX{8} 9"],
        de_card,
        NeedsContext,
        &[
            "personalausweis",
            "ausweisnummer",
            "personalausweisnummer",
            "ausweis",
            "identity card",
            "id card",
            "reisepass",
            "reisepassnummer",
            "passnummer",
        ],
    ),
    number(
        "de-vat",
        "German VAT number",
        BUSINESS_ID,
        &["!AA9{9}", "!AA 9{9}", "!AA 9{3} 9{3} 9{3}"],
        |c| c.starts_with(b"DE") && mod11_10(&c[2..]) && c[2] != b'0',
        Plain,
        &[
            "ust-idnr",
            "ust-id",
            "ust id",
            "umsatzsteuer-identifikationsnummer",
            "vat",
            "vat number",
            "mwst",
        ],
    ),
    number(
        "fr-nir",
        "French social security number",
        NATIONAL_ID,
        &[
            "!9{15}",
            "!9 99 99 99 9{3} 9{3} 99",
            "!9{13} 99",
            "!9{6}A9{8}",
            "!9 99 99 9A 9{3} 9{3} 99",
        ],
        nir,
        Plain,
        &[
            "nir",
            "sécurité sociale",
            "securite sociale",
            "numéro de sécurité sociale",
            "insee",
            "n° ss",
            "carte vitale",
            "social security",
            "numéro ss",
        ],
    ),
    number(
        "fr-spi",
        "French tax number",
        TAX_ID,
        &["9{13}", "99 99 9{3} 9{3} 9{3}"],
        |c| c[0] < b'4' && value(&c[..10]) % 511 == value(&c[10..]),
        Checked,
        &[
            "spi",
            "numéro fiscal",
            "numero fiscal",
            "numéro fiscal de référence",
            "impôts",
            "impots",
            "tax number",
            "tin",
        ],
    ),
    number(
        "fr-siren",
        "French company number",
        BUSINESS_ID,
        &["9{9}", "9{3} 9{3} 9{3}"],
        |c| luhn(c) && !is_repeated(c),
        Checked,
        &["siren", "rcs", "n° siren", "numéro siren"],
    ),
    number(
        "fr-siret",
        "French establishment number",
        BUSINESS_ID,
        &["9{14}", "9{3} 9{3} 9{3} 9{5}"],
        |c| luhn(c) && luhn(&c[..9]) && !is_repeated(c),
        Checked,
        &["siret", "n° siret", "numéro siret"],
    ),
    number(
        "fr-vat",
        "French VAT number",
        BUSINESS_ID,
        &["!AA9{11}", "!AA 99 9{9}", "!AA 99 9{3} 9{3} 9{3}"],
        |c| c.starts_with(b"FR") && (12 + 3 * (value(&c[4..]) % 97)) % 97 == value(&c[2..4]),
        Plain,
        &[
            "tva",
            "vat",
            "tva intracommunautaire",
            "numéro de tva",
            "vat number",
        ],
    ),
    number(
        "ch-ahv",
        "Swiss AHV number",
        NATIONAL_ID,
        &["9{3}.9{4}.9{4}.99", "9{13}"],
        |c| c.starts_with(b"756") && ean(c),
        Plain,
        &[
            "ahv",
            "avs",
            "ahv-nr",
            "ahv-nummer",
            "numéro avs",
            "ahvn13",
            "navs",
            "sozialversicherungsnummer",
            "social security",
        ],
    ),
    number(
        "ch-uid",
        "Swiss enterprise number",
        BUSINESS_ID,
        &["AAA-9{3}.9{3}.9{3}", "AAA9{9}", "AAA 9{3}.9{3}.9{3}"],
        ch_uid,
        Plain,
        &[
            "uid",
            "mwst",
            "tva",
            "iva",
            "handelsregister",
            "unternehmens-identifikationsnummer",
            "ide",
        ],
    ),
    number(
        "at-svnr",
        "Austrian social insurance number",
        NATIONAL_ID,
        &["9{10}", "9{4} 9{6}", "9{4}-9{6}"],
        svnr,
        Checked,
        &[
            "svnr",
            "sozialversicherungsnummer",
            "sv-nummer",
            "versicherungsnummer",
            "sv-nr",
            "sozialversicherung",
        ],
    ),
    number(
        "at-vat",
        "Austrian VAT number",
        BUSINESS_ID,
        &["AAA9{8}", "AAA 9{8}"],
        at_vat,
        Plain,
        &[
            "uid",
            "uid-nummer",
            "ust-idnr",
            "umsatzsteuer",
            "vat",
            "atu",
        ],
    ),
];

fn nhs(c: &[u8]) -> bool {
    !is_repeated(c)
        && (11 - weighted(&c[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == digit(c[9])
}

fn nino(c: &[u8]) -> bool {
    let barred = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"]
        .iter()
        .any(|pair| c.starts_with(*pair));
    !barred
        && !b"DFIQUV".contains(&c[0])
        && !b"DFIOQUV".contains(&c[1])
        && matches!(c[8], b'A'..=b'D')
}

fn utr(c: &[u8]) -> bool {
    let rest = weighted(&c[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    b"21987654321"[rest as usize] == c[0]
}

fn gb_vat(c: &[u8]) -> bool {
    let Some(digits) = c.strip_prefix(b"GB").or_else(|| all_digits(c).then_some(c)) else {
        return false;
    };
    let sum = weighted(&digits[..7], &[8, 7, 6, 5, 4, 3, 2]) + value(&digits[7..]) as u32;
    // Numbers given since 2009 are 55 further; which way was published both ways.
    !is_repeated(digits) && [0, 42, 55].contains(&(sum % 97))
}

/// Five of the surname, filled with nines; decade, month (and 50 for women), day, year; initials.
fn gb_licence(c: &[u8]) -> bool {
    let name = c[..5]
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    name >= 1
        && c[name..5].iter().all(|byte| *byte == b'9')
        && is_date(&c[6..8], &c[8..10], &[0, 50])
        && c[11].is_ascii_uppercase()
        && (c[12].is_ascii_uppercase() || c[12] == b'9')
}

fn pps(c: &[u8]) -> bool {
    let second = match c.get(8) {
        None | Some(b'W') => 0,
        Some(letter @ b'A'..=b'I') => u32::from(letter - b'A') + 1,
        Some(_) => return false,
    };
    let rest = (weighted(&c[..7], &[8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23;
    c[7] == b"WABCDEFGHIJKLMNOPQRSTUV"[rest as usize]
}

/// Of the first ten digits one stands twice or three times, and no other twice.
fn steuer_id(c: &[u8]) -> bool {
    let mut counts = [0; 10];
    c[..10]
        .iter()
        .for_each(|byte| counts[digit(*byte) as usize] += 1);
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    c[0] != b'0' && repeated == 1 && most <= 3 && mod11_10(c)
}

fn de_pension(c: &[u8]) -> bool {
    if !is_date(&c[4..6], &c[2..4], &[0]) {
        return false;
    }
    let letter = c[8] - b'A' + 1;
    let mut digits = c[..8].to_vec();
    digits.extend([b'0' + letter / 10, b'0' + letter % 10]);
    digits.extend(&c[9..11]);
    let sum: u32 = digits
        .iter()
        .zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])
        .map(|(byte, weight)| {
            let product = digit(*byte) * weight;
            product / 10 + product % 10
        })
        .sum();
    sum % 10 == digit(c[11])
}

/// Characters that cannot be taken for others; a tenth, where it stands, checks by 7, 3, 1.
fn de_card(c: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte);
    let digits = c.iter().filter(|byte| byte.is_ascii_digit()).count();
    let sum: u32 = c[..9]
        .iter()
        .zip([7, 3, 1].iter().cycle())
        .map(|(byte, weight)| {
            let value = if byte.is_ascii_digit() {
                digit(*byte)
            } else {
                u32::from(byte - b'A') + 10
            };
            value * weight
        })
        .sum();
    b"CFGHJKLMNPRTVWXYZ".contains(&c[0])
        && c[..9].iter().all(allowed)
        && digits >= 2
        && c.get(9).is_none_or(|check| sum % 10 == digit(*check))
}

fn nir(c: &[u8]) -> bool {
    let (body, key) = c.split_at(13);
    let (spelled, off) = match body[6] {
        b'A' => (b'0', 1_000_000),
        b'B' => (b'0', 2_000_000),
        byte => (byte, 0),
    };
    let mut digits = body.to_vec();
    digits[6] = spelled;
    if spelled != body[6] {
        // Corsica's 2A and 2B count as 19 and 18.
        if body[5] != b'2' {
            return false;
        }
        digits[6] = b'0';
    }
    let month = value(&body[3..5]);
    all_digits(&digits)
        && matches!(body[0], b'1' | b'2' | b'3' | b'4' | b'7' | b'8')
        && ((1..=12).contains(&month) || (20..=42).contains(&month) || (50..=99).contains(&month))
        && digits[10..13] != *b"000"
        && value(&digits)
            .checked_sub(off)
            .is_some_and(|number| 97 - number % 97 == value(key))
}

/// EAN-13: digits weigh one and three in turn.
fn ean(c: &[u8]) -> bool {
    weighted(c, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

fn ch_uid(c: &[u8]) -> bool {
    c.starts_with(b"CHE") && {
        let rest = weighted(&c[3..11], &[5, 4, 3, 2, 7, 6, 5, 4]) % 11;
        (11 - rest) % 11 == digit(c[11])
    }
}

fn svnr(c: &[u8]) -> bool {
    let sum = weighted(c, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    let dated = day_first(&c[4..]) || matches!(value(&c[6..8]), 13..=15);
    c[0] != b'0' && dated && sum % 11 == digit(c[3])
}

fn at_vat(c: &[u8]) -> bool {
    c.starts_with(b"ATU") && {
        let sum: u32 = c[3..10]
            .iter()
            .zip([1, 2, 1, 2, 1, 2, 1])
            .map(|(byte, weight)| {
                let product = digit(*byte) * weight;
                product / 10 + product % 10
            })
            .sum();
        (96 - sum) % 10 == digit(c[10])
    }
}
