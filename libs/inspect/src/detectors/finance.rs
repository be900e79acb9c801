//! Accounts, routes, securities, wallets; devices and vehicles; documents and dates that only their
//! surroundings tell.

mod wallets;

use super::number::{
    DEVICE_ID, FINANCIAL, HEALTH_ID, NATIONAL_ID, all_digits, digit, is_date, is_repeated,
    mod97_10, number, value, weighted,
};
use crate::detect::{
    Anchor, Detector,
    Strength::{Checked, NeedsContext, Plain},
    Verify, luhn,
};
use wallets::{base58check, bitcoin};

pub(crate) static NUMBERS: &[Detector] = &[
    number(
        "us-aba-routing",
        "US bank routing number",
        FINANCIAL,
        &["9{9}"],
        |c| {
            matches!(value(&c[..2]), 1..=12 | 21..=32 | 61..=72 | 80)
                && weighted(c, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
        },
        Checked,
        &[
            "routing",
            "routing number",
            "aba",
            "aba number",
            "rtn",
            "transit number",
            "routing no",
        ],
    ),
    number(
        "bank-account",
        "Bank account number",
        FINANCIAL,
        &["9{6,17}", "9{2,4}-9{4,8}-9{1,4}"],
        |c| !is_repeated(c),
        NeedsContext,
        &[
            "bank account",
            "account number",
            "account no",
            "acct no",
            "acct number",
            "checking account",
            "savings account",
            "kontonummer",
            "numéro de compte",
            "número de cuenta",
            "número da conta",
            "rekeningnummer",
            "口座番号",
            "계좌번호",
            "银行账号",
        ],
    ),
    number(
        "uk-sort-code",
        "UK sort code",
        FINANCIAL,
        &["99-99-99", "9{6}"],
        |c| !is_repeated(c),
        NeedsContext,
        &["sort code", "sortcode", "sort-code"],
    ),
    number(
        "au-bsb",
        "Australian bank branch number",
        FINANCIAL,
        &["9{3}-9{3}", "9{6}"],
        |c| !is_repeated(c),
        NeedsContext,
        &["bsb", "bsb number", "bank state branch"],
    ),
    number(
        "in-ifsc",
        "Indian bank branch code",
        FINANCIAL,
        &["AAAA9X{6}"],
        |c| c[4] == b'0',
        NeedsContext,
        &["ifsc", "ifsc code", "neft", "rtgs"],
    ),
    number(
        "mx-clabe",
        "Mexican CLABE",
        FINANCIAL,
        &["9{18}"],
        |c| {
            let sum: u32 = c[..17]
                .iter()
                .zip([3, 7, 1].iter().cycle())
                .map(|(byte, weight)| digit(*byte) * weight % 10)
                .sum();
            (10 - sum % 10) % 10 == digit(c[17])
        },
        Checked,
        &["clabe", "clabe interbancaria", "cuenta clabe"],
    ),
    number(
        "isin",
        "International securities number",
        FINANCIAL,
        &["AAX{9}9"],
        isin,
        Checked,
        &[
            "isin",
            "security",
            "securities",
            "wertpapier",
            "bond",
            "fund",
        ],
    ),
    number(
        "cusip",
        "CUSIP",
        FINANCIAL,
        &["9X{7}9"],
        cusip,
        Checked,
        &["cusip"],
    ),
    number(
        "lei",
        "Legal entity identifier",
        FINANCIAL,
        &["X{18}99"],
        |c| c.iter().any(u8::is_ascii_uppercase) && mod97_10(c),
        Plain,
        &["lei", "legal entity", "legal entity identifier"],
    ),
    number(
        "imei",
        "Mobile device identifier",
        DEVICE_ID,
        &["9{15}", "99-9{6}-9{6}-9", "9{6}-99-9{6}-9"],
        |c| luhn(c) && !is_repeated(c),
        Checked,
        &["imei", "device id", "imei number", "handset"],
    ),
    number(
        "iccid",
        "SIM card number",
        DEVICE_ID,
        &["9{19,20}"],
        |c| c.starts_with(b"89") && luhn(c),
        Checked,
        &["iccid", "sim", "sim card", "esim"],
    ),
    number(
        "vin",
        "Vehicle identification number",
        DEVICE_ID,
        &["X{17}"],
        vin,
        Plain,
        &[
            "vin",
            "chassis",
            "vehicle identification",
            "fahrgestellnummer",
            "vehicle",
            "numéro de châssis",
            "bastidor",
        ],
    ),
    number(
        "passport",
        "Passport number",
        NATIONAL_ID,
        &[
            "A9{7,8}", "AA9{7}", "9{8,9}", "99AA9{5}", "AA9{6}", "AAA9{6}",
        ],
        |c| !is_repeated(c),
        NeedsContext,
        &[
            "passport",
            "passport number",
            "passport no",
            "passeport",
            "reisepass",
            "reisepassnummer",
            "pasaporte",
            "passaporto",
            "passaporte",
            "paspoort",
            "paszport",
            "pass nr",
            "паспорт",
            "护照",
            "护照号",
            "パスポート",
            "旅券番号",
            "여권",
            "جواز",
        ],
    ),
    number(
        "drivers-licence",
        "Driver's licence number",
        NATIONAL_ID,
        &[
            "A9{5,14}",
            "9{7,10}",
            "AA9{6,9}",
            "A9{3}-9{4}-9{4}",
            "A9{3}-9{3}-99-9{3}-9",
            "A9{4}-9{5}-9{5}",
            "X{9}",
        ],
        |c| c.iter().filter(|byte| byte.is_ascii_digit()).count() >= 5 && !is_repeated(c),
        NeedsContext,
        &[
            "driver's license",
            "drivers license",
            "driver license",
            "driver's licence",
            "driving licence",
            "dl number",
            "dl no",
            "license number",
            "führerschein",
            "führerscheinnummer",
            "permis de conduire",
            "licencia de conducir",
            "permiso de conducir",
            "patente di guida",
            "rijbewijs",
            "prawo jazdy",
            "cnh",
            "carteira de motorista",
            "водительское удостоверение",
            "运转免许",
            "運転免許",
            "驾驶证",
        ],
    ),
    number(
        "medical-record-number",
        "Medical record number",
        HEALTH_ID,
        &["9{6,10}", "A9{6,9}"],
        |c| !is_repeated(c),
        NeedsContext,
        &[
            "mrn",
            "medical record",
            "medical record number",
            "patient id",
            "patient number",
            "health record",
            "patientennummer",
            "numéro de patient",
        ],
    ),
    number(
        "date-of-birth",
        "Date of birth",
        NATIONAL_ID,
        &[
            "9{4}-99-99",
            "99/99/9{4}",
            "99.99.9{4}",
            "9{4}/99/99",
            "99-99-9{4}",
        ],
        birth_date,
        NeedsContext,
        &[
            "date of birth",
            "dob",
            "d.o.b.",
            "born",
            "birth date",
            "birthdate",
            "birthday",
            "geburtsdatum",
            "geboren",
            "date de naissance",
            "né le",
            "née le",
            "fecha de nacimiento",
            "data di nascita",
            "data de nascimento",
            "geboortedatum",
            "data urodzenia",
            "fødselsdato",
            "födelsedatum",
            "дата рождения",
            "生年月日",
            "出生日期",
            "생년월일",
        ],
    ),
];

/// Wallets: told apart by upper and lower case.
pub(crate) static WALLETS: &[Detector] = &[
    wallet(
        "bitcoin-address",
        "Bitcoin address",
        &["X{26,35}", "AA9X{11,68}"],
        bitcoin,
        &["bitcoin", "btc", "wallet", "address"],
    ),
    wallet(
        "ethereum-address",
        "Ethereum address",
        &["9AH{40}"],
        |c| c.starts_with(b"0x") && !is_repeated(&c[2..]),
        &["ethereum", "eth", "wallet", "address", "erc20"],
    ),
    wallet(
        "litecoin-address",
        "Litecoin address",
        &["X{26,35}"],
        |c| {
            matches!(c[0], b'L' | b'M')
                && base58check(c).is_some_and(|kind| kind == 0x30 || kind == 0x32)
        },
        &["litecoin", "ltc", "wallet", "address"],
    ),
    wallet(
        "dogecoin-address",
        "Dogecoin address",
        &["X{34}"],
        |c| c[0] == b'D' && base58check(c) == Some(0x1E),
        &["dogecoin", "doge", "wallet", "address"],
    ),
    wallet(
        "tron-address",
        "Tron address",
        &["X{34}"],
        |c| c[0] == b'T' && base58check(c) == Some(0x41),
        &["tron", "trx", "usdt", "wallet", "address"],
    ),
];

const fn wallet(
    name: &'static str,
    title: &'static str,
    forms: &'static [&'static str],
    check: fn(&[u8]) -> bool,
    positive: &'static [&'static str],
) -> Detector {
    Detector {
        name,
        title,
        group: Some("wallet-address"),
        anchor: Anchor::Forms(forms),
        reach: 0,
        positive,
        negative: &[],
        verify: Verify::Code {
            check,
            cased: true,
            strength: Plain,
        },
    }
}

/// The digits that a securities number's characters stand for, letters as ten and more.
fn spelled(c: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(2 * c.len());
    for byte in c {
        match byte {
            b'0'..=b'9' => digits.push(*byte),
            letter => {
                let value = letter - b'A' + 10;
                digits.extend([b'0' + value / 10, b'0' + value % 10]);
            }
        }
    }
    digits
}

fn isin(c: &[u8]) -> bool {
    luhn(&spelled(c)) && c[2..].iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
}

fn cusip(c: &[u8]) -> bool {
    let sum: u32 = c[..8]
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            let value = if byte.is_ascii_digit() {
                digit(*byte)
            } else {
                u32::from(byte - b'A') + 10
            };
            let value = value * (at as u32 % 2 + 1);
            value / 10 + value % 10
        })
        .sum();
    !is_repeated(c) && (10 - sum % 10) % 10 == digit(c[8])
}

fn vin(c: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let worth = |byte: u8| match byte {
        b'0'..=b'9' => digit(byte),
        b'A'..=b'H' => u32::from(byte - b'A') + 1,
        b'J'..=b'N' => u32::from(byte - b'J') + 1,
        b'P' | b'R' => u32::from(byte - b'P') + 7,
        _ => u32::from(byte - b'S') + 2,
    };
    let known = c.iter().all(|byte| !b"IOQ".contains(byte));
    let letters = c.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    known && letters >= 3 && all_digits(&c[13..]) && {
        let sum: u32 = c
            .iter()
            .zip(WEIGHTS)
            .map(|(byte, weight)| worth(*byte) * weight)
            .sum();
        b"0123456789X"[(sum % 11) as usize] == c[8]
    }
}

fn birth_date(c: &[u8]) -> bool {
    let lived = |year: &[u8]| (1900..=2030).contains(&value(year));
    (lived(&c[..4]) && is_date(&c[4..6], &c[6..], &[0]))
        || (lived(&c[4..])
            && (is_date(&c[2..4], &c[..2], &[0]) || is_date(&c[..2], &c[2..4], &[0])))
}
