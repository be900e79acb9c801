//! Numbers of persons and enterprises in Australia, New Zealand, India and its neighbours, and in
//! south-eastern Asia.

use super::number::{
    BUSINESS_ID, HEALTH_ID, NATIONAL_ID, TAX_ID, digit, is_date, is_repeated, number, rank, value,
    verhoeff, weighted, year_first,
};
use crate::detect::{
    Detector,
    Strength::{Checked, NeedsContext, Plain},
};

pub(crate) static NUMBERS: &[Detector] = &[
    number(
        "au-tfn",
        "Australian tax file number",
        TAX_ID,
        &["9{9}", "9{3} 9{3} 9{3}"],
        |c| !is_repeated(c) && weighted(c, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11),
        Checked,
        &["tfn", "tax file number", "tax file no", "tax file"],
    ),
    number(
        "au-medicare",
        "Australian Medicare number",
        HEALTH_ID,
        &["9{10}", "9{11}", "9{4} 9{5} 9", "9{4} 9{5} 9 9"],
        |c| {
            matches!(c[0], b'2'..=b'6')
                && weighted(c, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(c[8])
        },
        Checked,
        &[
            "medicare",
            "medicare number",
            "medicare no",
            "medicare card",
            "irn",
        ],
    ),
    number(
        "au-abn",
        "Australian business number",
        BUSINESS_ID,
        &["9{11}", "99 9{3} 9{3} 9{3}"],
        |c| c[0] != b'0' && weighted(c, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 == 10,
        Checked,
        &["abn", "australian business number", "business number"],
    ),
    number(
        "au-acn",
        "Australian company number",
        BUSINESS_ID,
        &["9{9}", "9{3} 9{3} 9{3}"],
        |c| !is_repeated(c) && weighted(c, &[8, 7, 6, 5, 4, 3, 2, 1, 1]).is_multiple_of(10),
        Checked,
        &["acn", "australian company number", "company number"],
    ),
    number(
        "nz-ird",
        "New Zealand tax number",
        TAX_ID,
        &["9{8,9}", "9{2,3}-9{3}-9{3}"],
        ird,
        Checked,
        &["ird", "ird number", "ird no", "inland revenue"],
    ),
    number(
        "in-aadhaar",
        "Indian Aadhaar number",
        NATIONAL_ID,
        &["9{12}", "9{4} 9{4} 9{4}", "9{4}-9{4}-9{4}"],
        |c| c[0] >= b'2' && verhoeff(c) && !is_repeated(c),
        Checked,
        &["aadhaar", "aadhar", "uidai", "uid", "आधार", "adhaar"],
    ),
    number(
        "in-pan",
        "Indian permanent account number",
        TAX_ID,
        &["A{5}9{4}A"],
        |c| b"PCHFATBLJG".contains(&c[3]) && c[5..9] != *b"0000",
        Plain,
        &[
            "pan",
            "permanent account number",
            "pan card",
            "pan no",
            "income tax",
        ],
    ),
    number(
        "in-gstin",
        "Indian goods and services tax number",
        BUSINESS_ID,
        &["99A{5}9{4}AXAX"],
        gstin,
        Plain,
        &["gstin", "gst", "gst no", "gst number"],
    ),
    number(
        "in-voter-id",
        "Indian voter card number",
        NATIONAL_ID,
        &["AAA9{7}"],
        |_| true,
        NeedsContext,
        &["epic", "voter", "voter id", "election card", "voter card"],
    ),
    number(
        "pk-cnic",
        "Pakistani identity card number",
        NATIONAL_ID,
        &["9{5}-9{7}-9", "9{13}"],
        |c| matches!(c[0], b'1'..=b'7') && c[12] != b'0',
        NeedsContext,
        &[
            "cnic",
            "nic",
            "nadra",
            "national identity card",
            "شناختی کارڈ",
        ],
    ),
    number(
        "sg-nric",
        "Singaporean NRIC or FIN",
        NATIONAL_ID,
        &["A9{7}A"],
        nric,
        Plain,
        &[
            "nric",
            "fin",
            "nric/fin",
            "identity card",
            "nric no",
            "singapore id",
            "ic no",
        ],
    ),
    number(
        "my-mykad",
        "Malaysian identity card number",
        NATIONAL_ID,
        &["!9{6}-99-9{4}", "9{12}"],
        |c| {
            year_first(c)
                && !matches!(value(&c[6..8]), 0 | 17..=20 | 69..=70 | 73 | 80..=81 | 94..=97)
        },
        NeedsContext,
        &[
            "mykad",
            "kad pengenalan",
            "no kp",
            "nric",
            "no. kad pengenalan",
            "no ic",
            "ic no",
        ],
    ),
    number(
        "th-national-id",
        "Thai national identity number",
        NATIONAL_ID,
        &["9{13}", "!9-9{4}-9{5}-99-9", "9 9{4} 9{5} 99 9"],
        |c| {
            matches!(c[0], b'1'..=b'8')
                && (11 - weighted(&c[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10
                    == digit(c[12])
        },
        Checked,
        &[
            "เลขประจำตัวประชาชน",
            "บัตรประชาชน",
            "เลขบัตรประชาชน",
            "thai id",
            "national id",
            "citizen id",
        ],
    ),
    number(
        "id-nik",
        "Indonesian identity number",
        NATIONAL_ID,
        &["9{16}"],
        |c| {
            matches!(value(&c[..2]), 11..=94)
                && is_date(
                    &c[8..10],
                    &[c[6] - if c[6] >= b'4' { 4 } else { 0 }, c[7]],
                    &[0],
                )
        },
        NeedsContext,
        &["nik", "ktp", "nomor induk kependudukan", "no ktp", "e-ktp"],
    ),
    number(
        "vn-cccd",
        "Vietnamese citizen number",
        NATIONAL_ID,
        &["9{12}"],
        |c| c[0] == b'0' && !is_repeated(c),
        NeedsContext,
        &[
            "cccd",
            "căn cước công dân",
            "can cuoc",
            "cmnd",
            "số định danh",
        ],
    ),
];

fn ird(c: &[u8]) -> bool {
    let padded = if c.len() == 8 {
        [b"0", c].concat()
    } else {
        c.to_vec()
    };
    let check = |weights: &[u32]| (11 - weighted(&padded[..8], weights) % 11) % 11;
    let first = check(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let digit_wanted = if first == 10 {
        check(&[7, 4, 3, 2, 5, 2, 7, 6])
    } else {
        first
    };
    (10_000_000..=150_000_000).contains(&value(c)) && digit_wanted == digit(padded[8])
}

fn gstin(c: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let sum: usize = c[..14]
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            let product = rank(*byte, ALPHABET).unwrap_or(0) * (at % 2 + 1);
            product / 36 + product % 36
        })
        .sum();
    (1..=38).contains(&value(&c[..2])) && ALPHABET[(36 - sum % 36) % 36] == c[14]
}

fn nric(c: &[u8]) -> bool {
    let sum = weighted(&c[1..8], &[2, 7, 6, 5, 4, 3, 2]);
    let check = |offset: u32, letters: &[u8; 11]| letters[((sum + offset) % 11) as usize] == c[8];
    match c[0] {
        b'S' => check(0, b"JZIHGFEDCBA"),
        b'T' => check(4, b"JZIHGFEDCBA"),
        b'F' => check(0, b"XWUTRQPNMLK"),
        b'G' => check(4, b"XWUTRQPNMLK"),
        _ => false,
    }
}
