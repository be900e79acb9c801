//! National identity numbers.

use super::digits::{RUN_BYTES_MAX, Run, Separator, continues_after, continues_before};
use super::token::length_of;
use crate::detect::{Anchor, Candidate, Detector, GroupLengths, Hit, Strength, Verify};

pub(crate) static US_SSN: Detector = Detector {
    name: "us-ssn",
    title: "US social security number",
    group: None,
    anchor: Anchor::Number(GroupLengths {
        alone: 1 << 9,
        joined: 1 << 3 | 1 << 9,
    }),
    reach: RUN_BYTES_MAX,
    positive: &[
        "ssn",
        "social security",
        "social security number",
        "social security no",
        "soc sec",
        "social sec",
        "ss#",
        "ssa number",
        "taxpayer id",
        "tax id",
        "tin",
        "w-2",
        "w2",
        "w-9",
        "i-9",
        "1099",
        "seguro social",
        "número de seguro social",
        "numero de seguro social",
        "sécurité sociale",
        "sozialversicherungsnummer",
        "社会保障号",
        "社会保障番号",
    ],
    negative: &[
        "order",
        "order number",
        "invoice",
        "tracking",
        "ref",
        "reference",
        "part number",
        "part no",
        "sku",
        "phone",
        "fax",
        "tel",
        "serial",
        "zip",
        "model",
        "ticket",
        "case number",
        "catalog",
        "item no",
    ],
    verify: Verify::At(ssn),
};

const TEST_NUMBERS: [&str; 6] = [
    "078051120",
    "219099999",
    "123456789",
    "457555462",
    "111111111",
    "333333333",
];

fn ssn(candidate: &Candidate<'_>) -> Option<Hit> {
    let bytes = candidate.bytes();
    let first = length_of(candidate.ahead(10), u8::is_ascii_digit);
    if !matches!(first, 3 | 9) || continues_before(bytes, candidate.at) {
        return None;
    }
    let run = Run::at(candidate);
    let (groups, strength) = match run.has_shape(&[3, 2, 4]) {
        Some(Separator::Dash) => (3, Strength::Plain),
        Some(Separator::Space) if !in_longer_row(bytes, &run) => (3, Strength::Plain),
        Some(Separator::Dot) => (3, Strength::NeedsContext),
        Some(Separator::Space | Separator::Break) => return None,
        None => (1, Strength::NeedsContext),
    };
    let end = run.groups()[groups - 1].1;
    let digits = run.digits(bytes, groups);
    if !issued(&digits) || continues_after(bytes, end) {
        return None;
    }
    let value = digits.text();
    let test_value = TEST_NUMBERS.contains(&value.as_str());
    Some(Hit {
        start: candidate.at,
        end,
        value,
        strength,
        test_value,
    })
}

/// Whether more numbers stand right before or after, parted by a space.
fn in_longer_row(bytes: &[u8], run: &Run) -> bool {
    let start = run.groups()[0].0;
    let before = start >= 2 && bytes[start - 1] == b' ' && bytes[start - 2].is_ascii_digit();
    before || run.separators().get(2) == Some(&Separator::Space)
}

/// Area, group and serial that the Social Security Administration may issue.
fn issued(digits: &[u8]) -> bool {
    digits.len() == 9
        && digits[..3] != *b"000"
        && digits[..3] != *b"666"
        && digits[0] != b'9'
        && digits[3..5] != *b"00"
        && digits[5..] != *b"0000"
}
