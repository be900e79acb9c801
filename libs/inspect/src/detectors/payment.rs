//! Payment card numbers of all issuers, in the groups that people write them in.

use super::bank;
use super::digits::{RUN_BYTES_MAX, Run, Separator, continues_after, continues_before};
use super::token::length_of;
use crate::detect::{Anchor, Candidate, Detector, GroupLengths, Hit, Strength, Verify, luhn};

pub(crate) static CREDIT_CARD: Detector = Detector {
    name: "credit-card",
    title: "Payment card number",
    group: None,
    anchor: Anchor::Number(GroupLengths {
        alone: GroupLengths::bits(12, 19),
        joined: GroupLengths::bits(4, 19),
    }),
    reach: RUN_BYTES_MAX,
    positive: &[
        "card",
        "credit card",
        "debit card",
        "card number",
        "card no",
        "cardholder",
        "cc",
        "ccn",
        "cc number",
        "pan",
        "visa",
        "mastercard",
        "master card",
        "amex",
        "american express",
        "discover",
        "diners",
        "jcb",
        "unionpay",
        "maestro",
        "cvv",
        "cvc",
        "cvv2",
        "cid",
        "expiry",
        "expires",
        "exp date",
        "expiration",
        "valid thru",
        "valid until",
        "payment method",
        "carte",
        "carte bancaire",
        "carte bleue",
        "numéro de carte",
        "kreditkarte",
        "kartennummer",
        "karte",
        "gültig bis",
        "tarjeta",
        "tarjeta de crédito",
        "número de tarjeta",
        "caducidad",
        "cartão",
        "número do cartão",
        "validade",
        "carta di credito",
        "numero carta",
        "scadenza",
        "creditcard",
        "kaartnummer",
        "vervaldatum",
        "kort",
        "kortnummer",
        "karta",
        "numer karty",
        "карта",
        "карты",
        "kart numarası",
        "カード",
        "信用卡",
        "卡号",
        "카드",
        "بطاقة",
        "כרטיס",
    ],
    negative: &[
        "order",
        "order number",
        "order no",
        "order id",
        "tracking",
        "tracking number",
        "ref",
        "reference",
        "invoice",
        "invoice number",
        "invoice no",
        "shipment",
        "parcel",
        "serial",
        "serial number",
        "sku",
        "part number",
        "isbn",
        "imei",
        "barcode",
        "ean",
        "gtin",
        "timestamp",
        "transaction id",
        "ticket",
        "case number",
        "build",
        "meter",
        "bestellung",
        "bestellnummer",
        "rechnung",
        "rechnungsnummer",
        "sendungsnummer",
        "commande",
        "facture",
        "suivi",
        "pedido",
        "factura",
        "rastreo",
        "fattura",
        "ordine",
        "заказ",
        "счет",
        "注文",
        "订单",
    ],
    verify: Verify::At(card),
};

/// Ways to group a card's digits, longest first.
const CARD_SHAPES: [&[usize]; 6] = [
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 3],
    &[6, 10],
];

const TEST_CARDS: [&str; 24] = [
    "4111111111111111",
    "4012888888881881",
    "4242424242424242",
    "4000056655665556",
    "4222222222222",
    "5555555555554444",
    "5105105105105100",
    "5200828282828210",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "378734493671000",
    "6011111111111117",
    "6011000990139424",
    "30569309025904",
    "38520000023237",
    "3056930009020004",
    "3530111333300000",
    "3566002020360505",
    "6200000000000005",
    "5454545454545454",
    "4000000000000002",
    "4444333322221111",
    "5424000000000015",
];

fn card(candidate: &Candidate<'_>) -> Option<Hit> {
    let bytes = candidate.bytes();
    // Shapes start with four digits or six; a card torn in two has four before the break.
    let first = length_of(candidate.ahead(RUN_BYTES_MAX), u8::is_ascii_digit);
    let torn = || {
        matches!(
            candidate.ahead(first + 1).last(),
            Some(b'\r' | b'\n' | b' ')
        )
    };
    let possible = matches!(first, 4 | 6 | 12..=19) || ((4..=15).contains(&first) && torn());
    let whole = || {
        let digits = candidate.ahead(first);
        issuer_strength(digits).is_some() && luhn(digits)
    };
    let excluded = !possible || (first >= 12 && !torn() && !whole());
    if excluded || continues_before(bytes, candidate.at) {
        return None;
    }
    let run = Run::at(candidate);
    whole_card(bytes, &run)
        .or_else(|| grouped_card(candidate, &run))
        .or_else(|| broken_card(bytes, &run))
}

/// All digits in one group.
fn whole_card(bytes: &[u8], run: &Run) -> Option<Hit> {
    // Ids that databases and networks give out have as many digits, and no sign between them either.
    const DIGITS_OF_IDS: usize = 17;
    let (start, end) = run.groups()[0];
    let strength = if end - start < DIGITS_OF_IDS {
        Strength::Plain
    } else {
        Strength::Doubtful
    };
    card_hit(bytes, run, 1, end, strength)
}

fn grouped_card(candidate: &Candidate<'_>, run: &Run) -> Option<Hit> {
    let bytes = candidate.bytes();
    CARD_SHAPES.iter().find_map(|shape| {
        let separator = run.has_shape(shape)?;
        let (_, end) = run.groups()[shape.len() - 1];
        let longer = separator == Separator::Space
            && (four_before(candidate)
                || four_after(candidate, run, shape.len())
                || bank::starts_before(candidate));
        if longer {
            return None;
        }
        card_hit(bytes, run, shape.len(), end, Strength::Plain)
    })
}

/// One group that a line break tore in two: so do many pairs of numbers that are none.
fn broken_card(bytes: &[u8], run: &Run) -> Option<Hit> {
    const PART_DIGITS_MIN: usize = 4;
    let [first, second, ..] = *run.groups() else {
        return None;
    };
    let parts_fit = first.1 - first.0 >= PART_DIGITS_MIN && second.1 - second.0 >= PART_DIGITS_MIN;
    let alone = run
        .separators()
        .get(1)
        .is_none_or(|after| *after == Separator::Break);
    if run.separators()[0] != Separator::Break || !parts_fit || !alone {
        return None;
    }
    card_hit(bytes, run, 2, second.1, Strength::Doubtful)
}

fn card_hit(bytes: &[u8], run: &Run, groups: usize, end: usize, strength: Strength) -> Option<Hit> {
    let digits = run.digits(bytes, groups);
    let issued = issuer_strength(&digits)?;
    let repeated = digits.iter().all(|digit| *digit == digits[0]);
    if repeated || !luhn(&digits) || continues_after(bytes, end) {
        return None;
    }
    let value = digits.text();
    let test_value = TEST_CARDS.contains(&value.as_str());
    let strength = if issued == Strength::Plain {
        strength
    } else {
        issued
    };
    Some(Hit {
        start: run.groups()[0].0,
        end,
        value,
        strength,
        test_value,
    })
}

/// Whether four more digits and a space stand before the number: then it is part of a longer one,
/// unless they end the number found last.
fn four_before(candidate: &Candidate<'_>) -> bool {
    let bytes = candidate.bytes();
    let at = candidate.at;
    at >= 5
        && bytes[at - 1] == b' '
        && bytes[at - 5..at - 1].iter().all(u8::is_ascii_digit)
        && at - 1 > candidate.free_from
}

/// Whether four more digits follow that are neither an expiry date nor the start of another card.
fn four_after(candidate: &Candidate<'_>, run: &Run, groups: usize) -> bool {
    let Some((start, end)) = run.groups().get(groups).copied() else {
        return false;
    };
    if end - start != 4 || run.separators()[groups - 1] != Separator::Space {
        return false;
    }
    let group = &candidate.bytes()[start..end];
    let month = group < b"1300".as_slice() && group > b"0100".as_slice();
    let year = group.starts_with(b"20");
    let another = grouped_once(&Candidate {
        at: start,
        ..*candidate
    });
    !(month || year || another)
}

/// Whether a card in groups stands at the candidate, whatever follows it.
fn grouped_once(candidate: &Candidate<'_>) -> bool {
    let run = Run::at(candidate);
    CARD_SHAPES.iter().any(|shape| {
        run.has_shape(shape).is_some() && {
            let digits = run.digits(candidate.bytes(), shape.len());
            issuer_strength(&digits).is_some() && luhn(&digits)
        }
    })
}

/// Whether an issuer has cards that start and are as long as this; lengths that are hardly issued
/// any more need context.
fn issuer_strength(digits: &[u8]) -> Option<Strength> {
    let length = digits.len();
    if !(12..=19).contains(&length) {
        return None;
    }
    let maestro = matches!(&digits[..2], b"50" | b"56" | b"57" | b"58" | b"63" | b"67");
    // No other card is as short.
    if length == 12 {
        return maestro.then_some(Strength::NeedsContext);
    }
    let prefix = digits[..6]
        .iter()
        .fold(0u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    let lengths: &[usize] = match prefix {
        400_000..=499_999 => &[16, 19],
        510_000..=559_999 | 222_100..=272_099 => &[16],
        340_000..=349_999 | 370_000..=379_999 => &[15],
        300_000..=305_999 | 309_500..=309_599 | 380_000..=399_999 => &[14, 16, 19],
        360_000..=369_999 => &[14, 16, 19],
        601_100..=601_199 | 644_000..=659_999 => &[16, 19],
        620_000..=629_999 => &[16, 17, 18, 19],
        352_800..=358_999 => &[16, 19],
        220_000..=220_499 | 979_200..=979_289 => &[16],
        508_000..=508_999 | 606_000..=608_999 | 817_000..=829_999 => &[16],
        500_000..=509_999 | 560_000..=589_999 | 630_000..=639_999 | 670_000..=679_999 => &[16],
        _ => return None,
    };
    if lengths.contains(&length) {
        return Some(Strength::Plain);
    }
    let old_visa = digits[0] == b'4' && length == 13;
    (old_visa || maestro).then_some(Strength::NeedsContext)
}
