//! Numbers of persons and enterprises in Asia and Africa.

use super::number::{
    BUSINESS_ID, NATIONAL_ID, TAX_ID, all_digits, digit, is_date, is_repeated, number, rank, value,
    weighted, year_first,
};
use crate::detect::{
    Detector,
    Strength::{Checked, NeedsContext, Plain},
    luhn,
};

pub(crate) static NUMBERS: &[Detector] = &[
    number(
        "cn-resident-id",
        "Chinese resident identity number",
        NATIONAL_ID,
        &["9{17}X"],
        resident,
        Plain,
        &[
            "身份证",
            "身份证号",
            "身份证号码",
            "公民身份号码",
            "resident identity",
            "id card",
            "shenfenzheng",
        ],
    ),
    number(
        "cn-social-credit-code",
        "Chinese unified social credit code",
        BUSINESS_ID,
        &["X{2}9{6}X{10}"],
        social_credit,
        Plain,
        &["统一社会信用代码", "信用代码", "uscc", "social credit code"],
    ),
    number(
        "hk-id",
        "Hong Kong identity card number",
        NATIONAL_ID,
        &["A{1,2}9{6}(X)", "A{1,2}9{6}X"],
        hkid,
        Checked,
        &[
            "hkid",
            "hkid number",
            "hong kong identity",
            "hong kong id",
            "身份證",
            "香港身份證",
        ],
    ),
    number(
        "tw-id",
        "Taiwanese identity number",
        NATIONAL_ID,
        &["A9{9}"],
        tw_id,
        Checked,
        &[
            "身分證",
            "身分證字號",
            "國民身分證",
            "national id",
            "統一證號",
            "taiwan id",
        ],
    ),
    number(
        "jp-my-number",
        "Japanese My Number",
        NATIONAL_ID,
        &["9{12}", "9{4} 9{4} 9{4}", "9{4}-9{4}-9{4}"],
        my_number,
        Checked,
        &[
            "マイナンバー",
            "個人番号",
            "my number",
            "mynumber",
            "個人番号カード",
        ],
    ),
    number(
        "jp-corporate-number",
        "Japanese corporate number",
        BUSINESS_ID,
        &["9{13}"],
        |c| {
            let sum = weighted(&c[1..], &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
            9 - sum % 9 == digit(c[0])
        },
        Checked,
        &["法人番号", "corporate number", "houjin"],
    ),
    number(
        "kr-rrn",
        "Korean resident registration number",
        NATIONAL_ID,
        &["!9{6}-9{7}", "9{13}"],
        rrn,
        Checked,
        &[
            "주민등록번호",
            "주민번호",
            "resident registration",
            "rrn",
            "외국인등록번호",
        ],
    ),
    number(
        "kr-business-number",
        "Korean business registration number",
        BUSINESS_ID,
        &["9{3}-99-9{5}", "9{10}"],
        |c| {
            let sum = weighted(c, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + digit(c[8]) * 5 / 10;
            (10 - sum % 10) % 10 == digit(c[9])
        },
        Checked,
        &[
            "사업자등록번호",
            "사업자번호",
            "business registration",
            "brn",
        ],
    ),
    number(
        "il-id",
        "Israeli identity number",
        NATIONAL_ID,
        &["9{9}", "9{8}-9"],
        |c| luhn(c) && !is_repeated(c),
        Checked,
        &[
            "teudat zehut",
            "תעודת זהות",
            "ת.ז",
            "ת\"ז",
            "מספר זהות",
            "israeli id",
            "id number",
        ],
    ),
    number(
        "ae-emirates-id",
        "Emirates identity number",
        NATIONAL_ID,
        &["!9{3}-9{4}-9{7}-9", "9{15}"],
        |c| c.starts_with(b"784") && luhn(c),
        Checked,
        &[
            "emirates id",
            "emirates identity",
            "الهوية",
            "رقم الهوية",
            "eid",
        ],
    ),
    number(
        "sa-national-id",
        "Saudi national or residence number",
        NATIONAL_ID,
        &["9{10}"],
        |c| matches!(c[0], b'1' | b'2') && luhn(c),
        Checked,
        &[
            "iqama",
            "national id",
            "رقم الهوية",
            "هوية",
            "الإقامة",
            "saudi id",
        ],
    ),
    number(
        "tr-tckn",
        "Turkish identity number",
        NATIONAL_ID,
        &["9{11}"],
        tckn,
        Checked,
        &[
            "tckn",
            "t.c. kimlik",
            "tc kimlik",
            "kimlik no",
            "kimlik numarası",
            "tc no",
            "turkish id",
        ],
    ),
    number(
        "tr-vkn",
        "Turkish tax number",
        TAX_ID,
        &["9{10}"],
        vkn,
        Checked,
        &[
            "vkn",
            "vergi kimlik",
            "vergi no",
            "vergi numarası",
            "vergi kimlik numarası",
        ],
    ),
    number(
        "kz-iin",
        "Kazakh individual number",
        NATIONAL_ID,
        &["9{12}"],
        |c| year_first(c) && matches!(c[6], b'1'..=b'6') && iin(c),
        Checked,
        &[
            "иин",
            "жсн",
            "iin",
            "индивидуальный идентификационный номер",
        ],
    ),
    number(
        "za-id",
        "South African identity number",
        NATIONAL_ID,
        &["9{13}", "9{6} 9{4} 9{3}", "9{6} 9{4} 99 9"],
        |c| year_first(c) && matches!(c[10], b'0'..=b'2') && luhn(c),
        Checked,
        &[
            "id number",
            "identity number",
            "south african id",
            "rsa id",
            "sa id",
            "identiteitsnommer",
            "id no",
        ],
    ),
    number(
        "ng-nin",
        "Nigerian identity or bank verification number",
        NATIONAL_ID,
        &["9{11}"],
        |c| !is_repeated(c),
        NeedsContext,
        &[
            "nin",
            "bvn",
            "national identification number",
            "bank verification number",
        ],
    ),
    number(
        "eg-national-id",
        "Egyptian national number",
        NATIONAL_ID,
        &["9{14}"],
        |c| matches!(c[0], b'2' | b'3') && is_date(&c[3..5], &c[5..7], &[0]),
        NeedsContext,
        &[
            "الرقم القومي",
            "egyptian id",
            "egypt national id",
            "national id",
            "بطاقة",
        ],
    ),
];

fn resident(c: &[u8]) -> bool {
    let sum = weighted(c, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    (11..=82).contains(&value(&c[..2]))
        && (1880..=2099).contains(&value(&c[6..10]))
        && is_date(&c[10..12], &c[12..14], &[0])
        && b"10X98765432"[(sum % 11) as usize] == c[17]
}

fn social_credit(c: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [
        1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
    ];
    let ranks: Option<Vec<usize>> = c.iter().map(|byte| rank(*byte, ALPHABET)).collect();
    ranks.is_some_and(|ranks| {
        let sum: usize = ranks
            .iter()
            .zip(WEIGHTS)
            .map(|(rank, weight)| rank * weight)
            .sum();
        b"123456789ANY".contains(&c[0]) && (31 - sum % 31) % 31 == ranks[17]
    })
}

fn hkid(c: &[u8]) -> bool {
    let Some((check, body)) = c.split_last() else {
        return false;
    };
    let worth = |byte: u8| {
        if byte.is_ascii_digit() {
            digit(byte)
        } else {
            u32::from(byte - b'A') + 10
        }
    };
    let blank = if body.len() == 7 { 36 * 9 } else { 0 };
    let sum: u32 = (2u32..)
        .zip(body.iter().rev())
        .map(|(weight, byte)| worth(*byte) * weight)
        .sum();
    let expected = match (11 - (sum + blank) % 11) % 11 {
        10 => b'A',
        rest => b'0' + rest as u8,
    };
    *check == expected
}

fn tw_id(c: &[u8]) -> bool {
    let Some(letter) = rank(c[0], b"ABCDEFGHJKLMNPQRSTUVXYWZIO") else {
        return false;
    };
    let region = letter as u32 + 10;
    let sum = region / 10 + region % 10 * 9 + weighted(&c[1..], &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(c[1], b'1' | b'2' | b'8' | b'9') && sum.is_multiple_of(10)
}

fn my_number(c: &[u8]) -> bool {
    let rest = weighted(&c[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    !is_repeated(c) && (if rest <= 1 { 0 } else { 11 - rest }) == digit(c[11])
}

/// Numbers given since October 2020 have no check digit.
fn rrn(c: &[u8]) -> bool {
    let sum = weighted(&c[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let recent = matches!(c[6], b'3' | b'4' | b'7' | b'8') && c[0] == b'2';
    year_first(c) && matches!(c[6], b'1'..=b'8') && (recent || (11 - sum % 11) % 10 == digit(c[12]))
}

fn tckn(c: &[u8]) -> bool {
    let odd = weighted(c, &[7, 0, 7, 0, 7, 0, 7, 0, 7]);
    let even = weighted(c, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let all = weighted(c, &[1; 10]);
    c[0] != b'0' && (odd + 100 - even) % 10 == digit(c[9]) && all % 10 == digit(c[10])
}

fn vkn(c: &[u8]) -> bool {
    let sum: u32 = (1u32..=9)
        .zip(c)
        .map(|(at, byte)| {
            let shifted = (digit(*byte) + 10 - at) % 10;
            let power = shifted * 2u32.pow(10 - at) % 9;
            if shifted != 0 && power == 0 { 9 } else { power }
        })
        .sum();
    !is_repeated(c) && (10 - sum % 10) % 10 == digit(c[9])
}

fn iin(c: &[u8]) -> bool {
    let first = weighted(&c[..11], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    let second = weighted(&c[..11], &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
    let check = if first == 10 { second } else { first };
    all_digits(c) && check == digit(c[11])
}
