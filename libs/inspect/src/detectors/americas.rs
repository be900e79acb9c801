//! Numbers of persons and enterprises in the Americas.

use super::number::{
    BUSINESS_ID, HEALTH_ID, NATIONAL_ID, TAX_ID, all_digits, digit, is_date, is_repeated, number,
    value, weighted,
};
use crate::detect::{
    Detector,
    Strength::{Checked, NeedsContext, Plain},
    luhn,
};

pub(crate) static NUMBERS: &[Detector] = &[
    number(
        "us-itin",
        "US individual taxpayer number",
        TAX_ID,
        &["!9{3}-99-9{4}", "9{3} 99 9{4}", "9{9}"],
        itin,
        NeedsContext,
        &[
            "itin",
            "individual taxpayer",
            "taxpayer id",
            "taxpayer identification",
            "tax id",
            "w-7",
        ],
    ),
    number(
        "us-ein",
        "US employer identification number",
        BUSINESS_ID,
        &["99-9{7}", "9{9}"],
        ein,
        NeedsContext,
        &[
            "ein",
            "fein",
            "employer identification",
            "employer id",
            "federal tax id",
            "employer identification number",
            "federal id",
        ],
    ),
    number(
        "us-npi",
        "US national provider identifier",
        HEALTH_ID,
        &["9{10}"],
        |c| matches!(c[0], b'1' | b'2') && luhn(&[b"80840", c].concat()),
        Checked,
        &[
            "npi",
            "national provider",
            "national provider identifier",
            "provider id",
        ],
    ),
    number(
        "us-dea",
        "US DEA registration number",
        HEALTH_ID,
        &["AX9{7}", "AX-9{7}"],
        dea,
        Checked,
        &[
            "dea",
            "dea number",
            "dea no",
            "drug enforcement",
            "dea registration",
            "prescriber",
        ],
    ),
    number(
        "us-mbi",
        "US Medicare beneficiary identifier",
        HEALTH_ID,
        &["9AX9AX9AA99", "9AX9-AX9-AA99", "9AX9 AX9 AA99"],
        mbi,
        Plain,
        &[
            "mbi",
            "medicare",
            "medicare number",
            "medicare beneficiary",
            "beneficiary",
        ],
    ),
    number(
        "us-passport",
        "US passport number",
        NATIONAL_ID,
        &["A9{8}", "9{9}"],
        |c| !is_repeated(c),
        NeedsContext,
        &["us passport", "u.s. passport", "american passport"],
    ),
    number(
        "ca-sin",
        "Canadian social insurance number",
        NATIONAL_ID,
        &["9{9}", "9{3}-9{3}-9{3}", "9{3} 9{3} 9{3}"],
        |c| !matches!(c[0], b'0' | b'8') && luhn(c) && !is_repeated(c),
        Checked,
        &[
            "sin",
            "social insurance",
            "social insurance number",
            "nas",
            "numéro d'assurance sociale",
            "assurance sociale",
        ],
    ),
    number(
        "ca-business-number",
        "Canadian business number",
        BUSINESS_ID,
        &["9{9}", "9{9}AA9{4}", "9{9} AA9{4}", "9{5} 9{4} AA9{4}"],
        |c| luhn(&c[..9]) && !is_repeated(&c[..9]),
        Checked,
        &[
            "business number",
            "gst",
            "hst",
            "cra business",
            "numéro d'entreprise",
        ],
    ),
    number(
        "br-cpf",
        "Brazilian CPF",
        NATIONAL_ID,
        &["9{11}", "!9{3}.9{3}.9{3}-99"],
        |c| !is_repeated(c) && brazilian(c, 9, 11),
        Checked,
        &["cpf", "cadastro de pessoas físicas", "c.p.f.", "cpf/mf"],
    ),
    number(
        "br-cnpj",
        "Brazilian CNPJ",
        BUSINESS_ID,
        &["9{14}", "!99.9{3}.9{3}/9{4}-99"],
        |c| !is_repeated(c) && brazilian(c, 12, 9),
        Checked,
        &["cnpj", "cadastro nacional da pessoa jurídica", "c.n.p.j."],
    ),
    number(
        "br-pis",
        "Brazilian PIS/PASEP",
        NATIONAL_ID,
        &["9{11}", "9{3}.9{5}.99-9"],
        |c| {
            !is_repeated(c)
                && eleven_less(weighted(&c[..10], &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2])) == digit(c[10])
        },
        Checked,
        &["pis", "pasep", "nis", "nit", "pis/pasep"],
    ),
    number(
        "mx-curp",
        "Mexican CURP",
        NATIONAL_ID,
        &["A{4}9{6}A{6}X9"],
        curp,
        Plain,
        &[
            "curp",
            "clave única de registro de población",
            "clave unica",
        ],
    ),
    number(
        "mx-rfc",
        "Mexican RFC",
        TAX_ID,
        &["A{4}9{6}XXX", "AAA9{6}XXX", "A{4}-9{6}-XXX", "AAA-9{6}-XXX"],
        rfc,
        Checked,
        &["rfc", "registro federal de contribuyentes", "r.f.c."],
    ),
    number(
        "cl-rut",
        "Chilean RUT",
        NATIONAL_ID,
        &["9{7,8}-X", "!99.9{3}.9{3}-X", "!9.9{3}.9{3}-X"],
        rut,
        Checked,
        &[
            "rut",
            "run",
            "r.u.t.",
            "rol único tributario",
            "rol unico tributario",
            "cédula de identidad",
        ],
    ),
    number(
        "ar-cuit",
        "Argentine CUIT or CUIL",
        TAX_ID,
        &["9{11}", "!99-9{8}-9"],
        cuit,
        Checked,
        &[
            "cuit",
            "cuil",
            "c.u.i.t.",
            "clave única de identificación tributaria",
            "afip",
        ],
    ),
    number(
        "ar-dni",
        "Argentine DNI",
        NATIONAL_ID,
        &["9{8}", "99.9{3}.9{3}", "9{7}"],
        |c| c[0] != b'0' && !is_repeated(c),
        NeedsContext,
        &["dni", "documento nacional de identidad", "d.n.i."],
    ),
    number(
        "co-nit",
        "Colombian NIT",
        TAX_ID,
        &["9{9}-9", "9{3}.9{3}.9{3}-9", "9{10}"],
        |c| {
            let sum = weighted(&c[..9], &[41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11;
            (if sum < 2 { sum } else { 11 - sum }) == digit(c[9])
        },
        Checked,
        &[
            "nit",
            "n.i.t.",
            "número de identificación tributaria",
            "rut",
        ],
    ),
    number(
        "pe-ruc",
        "Peruvian RUC",
        TAX_ID,
        &["9{11}"],
        |c| {
            matches!(&c[..2], b"10" | b"15" | b"17" | b"20")
                && (11 - weighted(&c[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10
                    == digit(c[10])
        },
        Checked,
        &["ruc", "r.u.c.", "registro único de contribuyentes"],
    ),
    number(
        "ec-cedula",
        "Ecuadorian identity card number",
        NATIONAL_ID,
        &["9{10}", "9{9}-9"],
        |c| matches!(value(&c[..2]), 1..=24 | 30 | 50) && c[2] < b'7' && luhn(c),
        Checked,
        &["cédula", "cedula", "cédula de identidad", "c.i."],
    ),
    number(
        "uy-cedula",
        "Uruguayan identity card number",
        NATIONAL_ID,
        &["!9.9{3}.9{3}-9", "9{7}-9", "9{8}"],
        |c| weighted(c, &[2, 9, 8, 7, 6, 3, 4, 1]).is_multiple_of(10) && !is_repeated(c),
        Checked,
        &["cédula", "cedula", "cédula de identidad", "c.i."],
    ),
    number(
        "do-cedula",
        "Dominican identity card number",
        NATIONAL_ID,
        &["9{3}-9{7}-9", "9{11}"],
        |c| luhn(c) && !is_repeated(c),
        Checked,
        &["cédula", "cedula", "cédula de identidad"],
    ),
];

/// Groups of the middle digits that are given to taxpayers without a social security number.
fn itin(c: &[u8]) -> bool {
    c[0] == b'9' && matches!(value(&c[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// Campuses of the revenue service, by the first two digits.
fn ein(c: &[u8]) -> bool {
    let campus = value(&c[..2]);
    !matches!(campus, 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97)
        && !is_repeated(c)
}

fn dea(c: &[u8]) -> bool {
    let sum = weighted(&c[2..8], &[1, 2, 1, 2, 1, 2]);
    b"ABCDEFGHJKLMPRSTUX".contains(&c[0]) && sum % 10 == digit(c[8])
}

fn mbi(c: &[u8]) -> bool {
    c[0] != b'0' && c.iter().all(|byte| !b"SLOIBZ".contains(byte))
}

/// Eleven less the remainder; ten and eleven count as zero.
fn eleven_less(sum: u32) -> u32 {
    let check = 11 - sum % 11;
    if check > 9 { 0 } else { check }
}

/// Two check digits, the first over `body` digits, the second over one more; weights count from two
/// at the right and start again after `weight_max`.
fn brazilian(c: &[u8], body: usize, weight_max: u32) -> bool {
    [body, body + 1].into_iter().all(|length| {
        let sum = (0..length)
            .map(|at| {
                let from_right = (length - 1 - at) as u32;
                digit(c[at]) * (from_right % (weight_max - 1) + 2)
            })
            .sum();
        eleven_less(sum) == digit(c[length])
    })
}

fn curp(c: &[u8]) -> bool {
    let worth = |byte: u8| match byte {
        b'0'..=b'9' => digit(byte),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        _ => u32::from(byte - b'O') + 25,
    };
    let sum: u32 = (0u32..)
        .zip(&c[..17])
        .map(|(at, byte)| worth(*byte) * (18 - at))
        .sum();
    is_date(&c[6..8], &c[8..10], &[0])
        && matches!(c[10], b'H' | b'M' | b'X')
        && (10 - sum % 10) % 10 == digit(c[17])
}

fn rfc(c: &[u8]) -> bool {
    let letters = c.len() - 9;
    let worth = |byte: u8| match byte {
        b'0'..=b'9' => digit(byte),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        _ => u32::from(byte - b'O') + 25,
    };
    // A company's three letters count as if a blank stood before them, worth 37.
    let blank = if letters == 3 { 37 * 13 } else { 0 };
    let body = &c[..c.len() - 1];
    let sum: u32 = (2u32..)
        .zip(body.iter().rev())
        .map(|(weight, byte)| worth(*byte) * weight)
        .sum();
    let check = b"0A987654321"[((sum + blank) % 11) as usize];
    is_date(
        &c[letters + 2..letters + 4],
        &c[letters + 4..letters + 6],
        &[0],
    ) && c[c.len() - 1] == check
}

fn rut(c: &[u8]) -> bool {
    let (check, body) = (c[c.len() - 1], &c[..c.len() - 1]);
    let sum: u32 = (0u32..)
        .zip(body.iter().rev())
        .map(|(at, byte)| digit(*byte) * (at % 6 + 2))
        .sum();
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        rest => b'0' + rest as u8,
    };
    all_digits(body) && !is_repeated(body) && check == expected
}

fn cuit(c: &[u8]) -> bool {
    let check = match 11 - weighted(&c[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        10 => 9,
        rest => rest,
    };
    matches!(
        &c[..2],
        b"20" | b"23" | b"24" | b"25" | b"26" | b"27" | b"30" | b"33" | b"34"
    ) && check == digit(c[10])
}
