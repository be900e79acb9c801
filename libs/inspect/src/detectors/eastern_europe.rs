//! Numbers of persons and enterprises in northern, central and eastern Europe.

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
        "se-personnummer",
        "Swedish personal number",
        NATIONAL_ID,
        &["9{10}", "9{12}", "9{6}-9{4}", "!9{8}-9{4}", "9{6}+9{4}"],
        |c| {
            is_date(
                &c[c.len() - 8..c.len() - 6],
                &c[c.len() - 6..c.len() - 4],
                &[0],
            ) && luhn(&c[c.len() - 10..])
        },
        Checked,
        &[
            "personnummer",
            "personnr",
            "pnr",
            "samordningsnummer",
            "personal number",
            "svensk",
            "person nr",
        ],
    ),
    number(
        "se-organisationsnummer",
        "Swedish organisation number",
        BUSINESS_ID,
        &["9{6}-9{4}", "9{10}"],
        |c| c[2] >= b'2' && luhn(c) && !is_repeated(c),
        Checked,
        &[
            "organisationsnummer",
            "orgnr",
            "org.nr",
            "org nr",
            "org. nummer",
            "organisation number",
        ],
    ),
    number(
        "no-fodselsnummer",
        "Norwegian birth number",
        NATIONAL_ID,
        &["9{11}", "9{6} 9{5}"],
        fodselsnummer,
        Checked,
        &[
            "fødselsnummer",
            "fodselsnummer",
            "personnummer",
            "fnr",
            "fødselsnr",
            "d-nummer",
            "birth number",
        ],
    ),
    number(
        "no-organisasjonsnummer",
        "Norwegian organisation number",
        BUSINESS_ID,
        &["9{9}", "9{3} 9{3} 9{3}"],
        |c| {
            matches!(c[0], b'8' | b'9')
                && weighted(c, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
        },
        Checked,
        &[
            "organisasjonsnummer",
            "orgnr",
            "org.nr",
            "org nr",
            "foretaksregisteret",
            "mva",
        ],
    ),
    number(
        "dk-cpr",
        "Danish CPR number",
        NATIONAL_ID,
        &["9{6}-9{4}", "9{10}", "9{6} 9{4}"],
        day_first,
        NeedsContext,
        &[
            "cpr",
            "cpr-nummer",
            "cpr-nr",
            "cpr nr",
            "cpr nummer",
            "personnummer",
            "cpr number",
        ],
    ),
    number(
        "dk-cvr",
        "Danish company number",
        BUSINESS_ID,
        &["9{8}", "99 99 99 99", "AA9{8}"],
        |c| {
            c[0] != b'0'
                && weighted(&c[c.len() - 8..], &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
        },
        Checked,
        &["cvr", "cvr-nummer", "cvr-nr", "cvr nr", "se-nr", "moms"],
    ),
    number(
        "fi-hetu",
        "Finnish personal identity code",
        NATIONAL_ID,
        &["9{6}-9{3}X", "9{6}+9{3}X", "9{6}A9{3}X"],
        hetu,
        Plain,
        &[
            "hetu",
            "henkilötunnus",
            "henkilotunnus",
            "personbeteckning",
            "personal identity code",
            "sotu",
        ],
    ),
    number(
        "fi-y-tunnus",
        "Finnish business id",
        BUSINESS_ID,
        &["9{7}-9"],
        |c| weighted(c, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11),
        Checked,
        &["y-tunnus", "fo-nummer", "business id", "ly-tunnus", "alv"],
    ),
    number(
        "is-kennitala",
        "Icelandic identity number",
        NATIONAL_ID,
        &["9{6}-9{4}", "9{10}"],
        |c| {
            is_date(&c[2..4], &[(c[0] - b'0') % 4 + b'0', c[1]], &[0])
                && weighted(c, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
                && matches!(c[9], b'0' | b'8' | b'9')
        },
        Checked,
        &["kennitala", "kt", "kt.", "icelandic id"],
    ),
    number(
        "ee-isikukood",
        "Estonian personal code",
        NATIONAL_ID,
        &["9{11}"],
        baltic,
        Checked,
        &["isikukood", "ik", "personal code", "isikukoodi"],
    ),
    number(
        "lt-asmens-kodas",
        "Lithuanian personal code",
        NATIONAL_ID,
        &["9{11}"],
        baltic,
        Checked,
        &["asmens kodas", "a.k.", "asmens kodo", "personal code"],
    ),
    number(
        "lv-personas-kods",
        "Latvian personal code",
        NATIONAL_ID,
        &["9{6}-9{5}", "9{11}"],
        |c| {
            day_first(c)
                && (1101 - weighted(c, &[1, 6, 3, 7, 9, 10, 5, 8, 4, 2])) % 11 == digit(c[10])
        },
        Checked,
        &["personas kods", "p.k.", "personas kodu", "personal code"],
    ),
    number(
        "pl-pesel",
        "Polish PESEL",
        NATIONAL_ID,
        &["9{11}"],
        |c| {
            is_date(&c[2..4], &c[4..6], &[0, 20, 40, 60, 80])
                && weighted(c, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
        },
        Checked,
        &["pesel", "nr pesel", "numer pesel"],
    ),
    number(
        "pl-nip",
        "Polish tax number",
        TAX_ID,
        &[
            "9{10}",
            "9{3}-9{3}-99-99",
            "9{3}-99-99-9{3}",
            "9{3} 9{3} 99 99",
        ],
        |c| c[0] != b'0' && weighted(c, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == digit(c[9]),
        Checked,
        &[
            "nip",
            "numer identyfikacji podatkowej",
            "nr nip",
            "tax number",
        ],
    ),
    number(
        "pl-regon",
        "Polish REGON",
        BUSINESS_ID,
        &["9{9}"],
        |c| weighted(c, &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == digit(c[8]) && !is_repeated(c),
        Checked,
        &["regon", "nr regon", "numer regon"],
    ),
    number(
        "pl-id-card",
        "Polish identity card number",
        NATIONAL_ID,
        &["AAA9{6}", "AAA 9{6}"],
        pl_card,
        Checked,
        &[
            "dowód osobisty",
            "dowod osobisty",
            "dowodu osobistego",
            "seria i numer",
            "dowód",
            "id card",
        ],
    ),
    number(
        "cz-rodne-cislo",
        "Czech or Slovak birth number",
        NATIONAL_ID,
        &["!9{6}/9{4}", "9{10}"],
        |c| is_date(&c[2..4], &c[4..6], &[0, 20, 50, 70]) && value(c).is_multiple_of(11),
        Checked,
        &[
            "rodné číslo",
            "rodne cislo",
            "rodného čísla",
            "r.č.",
            "rč",
            "birth number",
        ],
    ),
    number(
        "cz-ico",
        "Czech or Slovak company number",
        BUSINESS_ID,
        &["9{8}"],
        |c| (11 - weighted(c, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == digit(c[7]),
        Checked,
        &["ičo", "ico", "ič", "identifikační číslo"],
    ),
    number(
        "hu-taj",
        "Hungarian social security number",
        HEALTH_ID,
        &["9{9}", "9{3} 9{3} 9{3}", "9{3}-9{3}-9{3}"],
        |c| weighted(c, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == digit(c[8]) && !is_repeated(c),
        Checked,
        &[
            "taj",
            "taj szám",
            "taj-szám",
            "tajszám",
            "társadalombiztosítási",
            "social security",
        ],
    ),
    number(
        "hu-adoazonosito",
        "Hungarian tax number of a person",
        TAX_ID,
        &["9{10}"],
        |c| c[0] == b'8' && weighted(c, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == digit(c[9]),
        Checked,
        &[
            "adóazonosító",
            "adóazonosító jel",
            "adoazonosito",
            "tax number",
        ],
    ),
    number(
        "ro-cnp",
        "Romanian CNP",
        NATIONAL_ID,
        &["9{13}"],
        |c| {
            c[0] != b'0'
                && is_date(&c[3..5], &c[5..7], &[0])
                && [digit(c[12]), if c[12] == b'1' { 10 } else { 11 }]
                    .contains(&(weighted(c, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11))
        },
        Checked,
        &["cnp", "cod numeric personal", "codul numeric personal"],
    ),
    number(
        "bg-egn",
        "Bulgarian EGN",
        NATIONAL_ID,
        &["9{10}"],
        |c| {
            is_date(&c[2..4], &c[4..6], &[0, 20, 40])
                && weighted(c, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == digit(c[9])
        },
        Checked,
        &["egn", "егн", "единен граждански номер"],
    ),
    number(
        "gr-afm",
        "Greek tax number",
        TAX_ID,
        &["9{9}", "AA9{9}"],
        |c| {
            let c = &c[c.len() - 9..];
            !is_repeated(c)
                && weighted(c, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == digit(c[8])
        },
        Checked,
        &[
            "afm",
            "αφμ",
            "α.φ.μ.",
            "αριθμός φορολογικού μητρώου",
            "tax number",
            "vat",
        ],
    ),
    number(
        "gr-amka",
        "Greek social security number",
        NATIONAL_ID,
        &["9{11}"],
        |c| day_first(c) && luhn(c),
        Checked,
        &["amka", "αμκα", "α.μ.κ.α.", "social security"],
    ),
    number(
        "hr-oib",
        "Croatian OIB",
        NATIONAL_ID,
        &["9{11}", "AA9{11}"],
        |c| mod11_10(&c[c.len() - 11..]) && !is_repeated(&c[c.len() - 11..]),
        Checked,
        &["oib", "osobni identifikacijski broj"],
    ),
    number(
        "jmbg",
        "Unique master citizen number of former Yugoslavia",
        NATIONAL_ID,
        &["9{13}"],
        jmbg,
        Checked,
        &[
            "jmbg",
            "emšo",
            "emso",
            "матични број",
            "jedinstveni matični broj",
            "matični broj",
            "jmb",
            "јмбг",
        ],
    ),
    number(
        "si-davcna",
        "Slovenian tax number",
        TAX_ID,
        &["9{8}", "AA9{8}"],
        |c| {
            let c = &c[c.len() - 8..];
            c[0] != b'0' && (11 - weighted(c, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == digit(c[7])
        },
        Checked,
        &["davčna številka", "davcna stevilka", "davčna", "tax number"],
    ),
    number(
        "ua-rnokpp",
        "Ukrainian tax number",
        TAX_ID,
        &["9{10}"],
        |c| {
            let sum = weighted(&c[1..], &[5, 7, 9, 4, 6, 10, 5, 7]) + 11 * 9 - digit(c[0]);
            sum % 11 % 10 == digit(c[9])
        },
        Checked,
        &[
            "рнокпп",
            "іпн",
            "інн",
            "ідентифікаційний номер",
            "ідентифікаційний код",
            "tax number",
        ],
    ),
    number(
        "ru-inn",
        "Russian tax number",
        TAX_ID,
        &["9{10}", "9{12}"],
        inn,
        Checked,
        &["инн", "inn", "идентификационный номер налогоплательщика"],
    ),
    number(
        "ru-snils",
        "Russian pension number",
        NATIONAL_ID,
        &["9{3}-9{3}-9{3} 99", "9{11}", "9{3}-9{3}-9{3}-99"],
        |c| {
            let sum = weighted(c, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
            u64::from(sum) == value(&c[9..]) && !is_repeated(&c[..9])
        },
        Checked,
        &[
            "снилс",
            "snils",
            "страховой номер",
            "страховое свидетельство",
        ],
    ),
    number(
        "ru-passport",
        "Russian passport number",
        NATIONAL_ID,
        &["99 99 9{6}", "9{4} 9{6}", "9{10}"],
        all_digits,
        NeedsContext,
        &["паспорт", "паспорта", "серия", "серия и номер"],
    ),
];

fn fodselsnummer(c: &[u8]) -> bool {
    // Those without a birth number have four added to the first digit.
    let day = [if c[0] >= b'4' { c[0] - 4 } else { c[0] }, c[1]];
    is_date(&c[2..4], &day, &[0])
        && weighted(c, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(c, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

fn hetu(c: &[u8]) -> bool {
    let (serial, century) = match c.len() {
        11 => (&c[7..10], Some(c[6])),
        _ => (&c[6..9], None),
    };
    let number = value(&c[..6]) * 1000 + value(serial);
    let check = b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(number % 31) as usize];
    day_first(c)
        && century.is_none_or(|letter| b"ABCDEFYXWVU".contains(&letter))
        && c[c.len() - 1] == check
}

fn baltic(c: &[u8]) -> bool {
    let first = weighted(c, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(c, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first == 10 { second % 10 } else { first };
    matches!(c[0], b'1'..=b'8') && is_date(&c[3..5], &c[5..7], &[0]) && check == digit(c[10])
}

fn jmbg(c: &[u8]) -> bool {
    let check = 11 - weighted(c, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    day_first(c)
        && matches!(c[4], b'9' | b'0')
        && (if check > 9 { 0 } else { check }) == digit(c[12])
}

fn inn(c: &[u8]) -> bool {
    const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let fits = |weights: &[u32], at: usize| weighted(&c[..at], weights) % 11 % 10 == digit(c[at]);
    !is_repeated(c)
        && match c.len() {
            10 => fits(&WEIGHTS[2..], 9),
            _ => fits(&WEIGHTS[1..], 10) && fits(&WEIGHTS, 11),
        }
}

/// Letters count from ten, weights are seven, three, one, and the fourth character checks.
fn pl_card(c: &[u8]) -> bool {
    let letters: u32 = c[..3]
        .iter()
        .zip([7, 3, 1])
        .map(|(byte, weight)| (u32::from(byte - b'A') + 10) * weight)
        .sum();
    (letters + weighted(&c[4..], &[7, 3, 1, 7, 3])) % 10 == digit(c[3])
}
