//! Numbers of persons and enterprises in Spain, Portugal, Italy and the Low Countries.

use super::number::{
    BUSINESS_ID, NATIONAL_ID, TAX_ID, all_digits, digit, is_date, is_repeated, number, value,
    verhoeff, weighted,
};
use crate::detect::{
    Detector,
    Strength::{Checked, Plain},
    luhn,
};

pub(crate) static NUMBERS: &[Detector] = &[
    number(
        "es-dni",
        "Spanish DNI",
        NATIONAL_ID,
        &[
            "9{8}A",
            "9{8}-A",
            "9{8} A",
            "99.9{3}.9{3}-A",
            "99.9{3}.9{3}A",
        ],
        dni,
        Plain,
        &[
            "dni",
            "nif",
            "documento nacional de identidad",
            "documento de identidad",
            "d.n.i.",
        ],
    ),
    number(
        "es-nie",
        "Spanish NIE",
        NATIONAL_ID,
        &["A9{7}A", "A-9{7}-A", "A9{7}-A"],
        nie,
        Plain,
        &[
            "nie",
            "número de identidad de extranjero",
            "extranjero",
            "tie",
            "n.i.e.",
        ],
    ),
    number(
        "es-cif",
        "Spanish company tax number",
        BUSINESS_ID,
        &["A9{7}X", "A-9{7}X", "A-9{8}"],
        cif,
        Checked,
        &["cif", "nif", "c.i.f."],
    ),
    number(
        "es-nss",
        "Spanish social security number",
        NATIONAL_ID,
        &["9{12}", "99 9{8} 99", "99/9{8}/99", "99-9{8}-99"],
        nss,
        Checked,
        &[
            "seguridad social",
            "número de seguridad social",
            "nss",
            "afiliación",
            "naf",
        ],
    ),
    number(
        "pt-nif",
        "Portuguese tax number",
        TAX_ID,
        &["9{9}", "9{3} 9{3} 9{3}"],
        |c| !matches!(c[0], b'0' | b'4' | b'7') && remainder_11(c, &[9, 8, 7, 6, 5, 4, 3, 2]),
        Checked,
        &[
            "nif",
            "contribuinte",
            "número de contribuinte",
            "nipc",
            "número de identificação fiscal",
            "identificação fiscal",
            "tax number",
        ],
    ),
    number(
        "pt-citizen-card",
        "Portuguese citizen card number",
        NATIONAL_ID,
        &["9{9}AX9", "9{8} 9 AX9", "9{10}A9", "9{8} 9 9A9"],
        citizen_card,
        Plain,
        &[
            "cartão de cidadão",
            "cartão do cidadão",
            "cartao de cidadao",
            "citizen card",
            "documento de identificação",
        ],
    ),
    number(
        "pt-niss",
        "Portuguese social security number",
        NATIONAL_ID,
        &["9{11}"],
        |c| {
            matches!(c[0], b'1' | b'2')
                && 9 - weighted(&c[..10], &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]) % 10
                    == digit(c[10])
        },
        Checked,
        &[
            "niss",
            "segurança social",
            "seguranca social",
            "social security",
        ],
    ),
    number(
        "it-codice-fiscale",
        "Italian tax code",
        NATIONAL_ID,
        &["A{6}XXAXXAXXXA"],
        codice_fiscale,
        Plain,
        &[
            "codice fiscale",
            "cod. fisc",
            "c.f.",
            "cod fiscale",
            "cf",
            "tax code",
        ],
    ),
    number(
        "it-partita-iva",
        "Italian VAT number",
        BUSINESS_ID,
        &["9{11}", "AA9{11}"],
        |c| {
            luhn(&c[c.len() - 11..])
                && !is_repeated(&c[c.len() - 11..])
                && (c.len() == 11 || c.starts_with(b"IT"))
        },
        Checked,
        &["partita iva", "p.iva", "p. iva", "piva", "vat", "iva"],
    ),
    number(
        "nl-bsn",
        "Dutch citizen service number",
        NATIONAL_ID,
        &["9{9}", "9{4}.99.9{3}", "9{4} 99 9{3}", "9{3} 9{3} 9{3}"],
        bsn,
        Checked,
        &[
            "bsn",
            "burgerservicenummer",
            "sofinummer",
            "sofi-nummer",
            "sofi",
            "burger service nummer",
            "citizen service number",
        ],
    ),
    number(
        "nl-vat",
        "Dutch VAT number",
        BUSINESS_ID,
        &["!AA9{9}A99", "!AA 9{9}A99"],
        |c| c.starts_with(b"NL") && c[11] == b'B' && bsn(&c[2..11]),
        Plain,
        &["btw", "btw-nummer", "btw nummer", "vat", "btw-id"],
    ),
    number(
        "be-national-number",
        "Belgian national number",
        NATIONAL_ID,
        &[
            "9{11}",
            "!99.99.99-9{3}.99",
            "99 99 99 9{3} 99",
            "!99.99.99-9{3}-99",
        ],
        be_national,
        Checked,
        &[
            "rijksregisternummer",
            "numéro national",
            "numero national",
            "numéro de registre national",
            "registre national",
            "insz",
            "niss",
            "nationaal nummer",
            "national number",
            "rrn",
        ],
    ),
    number(
        "be-enterprise-number",
        "Belgian enterprise number",
        BUSINESS_ID,
        &["9{10}", "9{4}.9{3}.9{3}", "AA9{10}", "AA 9{4}.9{3}.9{3}"],
        be_enterprise,
        Checked,
        &[
            "ondernemingsnummer",
            "numéro d'entreprise",
            "btw",
            "tva",
            "kbo",
            "bce",
            "vat",
            "enterprise number",
        ],
    ),
    number(
        "lu-matricule",
        "Luxembourg national number",
        NATIONAL_ID,
        &["9{13}", "9{8} 9{5}"],
        |c| {
            is_date(&c[4..6], &c[6..8], &[0])
                && luhn(&c[..12])
                && verhoeff(&[&c[..11], &c[12..]].concat())
        },
        Checked,
        &[
            "matricule",
            "numéro d'identification national",
            "national number",
            "nin",
            "sozialversicherungsnummer",
        ],
    ),
];

fn dni(c: &[u8]) -> bool {
    c[8] == b"TRWAGMYFPDXBNJZSQVHLCKE"[(value(&c[..8]) % 23) as usize] && !is_repeated(&c[..8])
}

fn nie(c: &[u8]) -> bool {
    let first = match c[0] {
        b'X' => b'0',
        b'Y' => b'1',
        b'Z' => b'2',
        _ => return false,
    };
    let mut spelled = c.to_vec();
    spelled[0] = first;
    dni(&spelled)
}

fn cif(c: &[u8]) -> bool {
    let doubled = [c[1], c[3], c[5], c[7]]
        .iter()
        .map(|byte| {
            let twice = 2 * digit(*byte);
            twice / 10 + twice % 10
        })
        .sum::<u32>();
    let sum = doubled
        + [c[2], c[4], c[6]]
            .iter()
            .map(|byte| digit(*byte))
            .sum::<u32>();
    let check = (10 - sum % 10) % 10;
    let as_digit = c[8].is_ascii_digit() && digit(c[8]) == check && !b"NPQRSW".contains(&c[0]);
    let as_letter = c[8] == b"JABCDEFGHI"[check as usize] && !b"ABEH".contains(&c[0]);
    b"ABCDEFGHJNPQRSUVW".contains(&c[0]) && (as_digit || as_letter)
}

fn nss(c: &[u8]) -> bool {
    let (province, serial) = (value(&c[..2]), value(&c[2..10]));
    let number = if serial < 10_000_000 {
        serial + province * 10_000_000
    } else {
        value(&c[..10])
    };
    (1..=53).contains(&province) && number % 97 == value(&c[10..])
}

/// The check digit is eleven less the remainder, ten and eleven counting as zero.
fn remainder_11(c: &[u8], weights: &[u32]) -> bool {
    let check = 11 - weighted(&c[..weights.len()], weights) % 11;
    (if check > 9 { 0 } else { check }) == digit(c[weights.len()])
}

fn citizen_card(c: &[u8]) -> bool {
    let sum: u32 = c
        .iter()
        .rev()
        .enumerate()
        .map(|(position, byte)| {
            let value = if byte.is_ascii_digit() {
                digit(*byte)
            } else {
                u32::from(byte - b'A') + 10
            };
            match position % 2 {
                0 => value,
                _ if 2 * value > 9 => 2 * value - 9,
                _ => 2 * value,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn codice_fiscale(c: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    // Letters stand for digits where two persons would have the same code.
    let plain = |byte: u8| match b"LMNPQRSTUV".iter().position(|letter| *letter == byte) {
        Some(digit) => b'0' + digit as u8,
        None => byte,
    };
    let numbers = [6, 7, 9, 10, 12, 13, 14].map(|at| plain(c[at]));
    let day = value(&numbers[2..4]);
    let sum: u32 = c[..15]
        .iter()
        .enumerate()
        .map(|(position, byte)| {
            let value = if byte.is_ascii_digit() {
                byte - b'0'
            } else {
                byte - b'A'
            };
            if position % 2 == 0 {
                ODD[usize::from(value)]
            } else {
                u32::from(value)
            }
        })
        .sum();
    all_digits(&numbers)
        && b"ABCDEHLMPRST".contains(&c[8])
        && ((1..=31).contains(&day) || (41..=71).contains(&day))
        && u32::from(c[15] - b'A') == sum % 26
}

fn bsn(c: &[u8]) -> bool {
    let sum = weighted(&c[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    !is_repeated(c) && sum >= digit(c[8]) && (sum - digit(c[8])).is_multiple_of(11)
}

fn be_national(c: &[u8]) -> bool {
    let number = value(&c[..9]);
    let key = value(&c[9..]);
    let dated = is_date(&c[2..4], &c[4..6], &[0, 20, 40]) || c[2..6] == *b"0000";
    dated
        && [number, number + 2_000_000_000]
            .iter()
            .any(|number| 97 - number % 97 == key)
}

fn be_enterprise(c: &[u8]) -> bool {
    let Some(digits) = c.strip_prefix(b"BE").or_else(|| all_digits(c).then_some(c)) else {
        return false;
    };
    matches!(digits[0], b'0' | b'1') && 97 - value(&digits[..8]) % 97 == value(&digits[8..])
}
