//! Texts made of what the detectors themselves look for: their forms, phrases, prefixes and names at
//! random, near enough to values to be looked at closely. Beside them long runs in which much may
//! start and nothing ends.

use std::sync::OnceLock;

use super::super::ANYTHING;
use super::{BASE64, Kind, Make, PHRASES, Random, hostile, kind, letters};
use crate::detect::{Anchor, Verify, spelled};
use crate::{Detector, detectors};

pub(super) const KINDS: &[Kind] = &[
    kind("every form", ANYTHING, Make::With(forms)),
    kind("every form and phrase", ANYTHING, Make::With(phrased)),
    kind("every prefix", ANYTHING, Make::With(prefixes)),
    kind("every name", ANYTHING, Make::With(names)),
    kind("every phrase", ANYTHING, Make::With(phrases)),
    kind("near accounts", ANYTHING, Make::With(accounts)),
    kind("near cards", ANYTHING, Make::With(cards)),
    kind("near wallets", ANYTHING, Make::With(wallets)),
    kind("near addresses", ANYTHING, Make::With(addresses)),
    kind("near access keys", ANYTHING, Make::With(access_keys)),
    kind("near web tokens", ANYTHING, Make::With(web_tokens)),
    kind("mail without end", ANYTHING, Make::With(mail)),
    kind("prefixes in base64", ANYTHING, Make::With(prefixed)),
    kind("JSON of secrets", ANYTHING, Make::With(secrets)),
    kind("CSV of 500 columns", ANYTHING, Make::With(columns)),
    kind("digits of all scripts", ANYTHING, Make::Pieces(DIGITS)),
    kind("mixed scripts", ANYTHING, Make::Pieces(MIXED)),
    kind(
        "dots and dashes",
        ANYTHING,
        Make::With(|r, t| letters(r, t, b"0123456789.-")),
    ),
    kind(
        "colons and hex",
        ANYTHING,
        Make::With(|r, t| letters(r, t, b"0123456789abcdef:::")),
    ),
    hostile("eyJ-"),
    hostile("eyJhbGciOiJIUzI1NiJ9.ey-"),
    hostile("eyJhbGciOiJub25lIn0.eyJhIjoxfQ "),
    hostile("-----BEGIN PRIVATE KEY-----\na:\n"),
    hostile("http://a:b:c:d@e "),
    hostile("1 2 3 4 5 6 7 8 9 "),
    hostile("é@é.éé "),
    hostile("a.a.a.a.a@b.b.b.b."),
    hostile("us1-"),
    hostile("MDA."),
    hostile("a:b:c:d:"),
    hostile("a=b=c=d="),
    hostile("key:\"key:\"key"),
    hostile("(1)(2)(3)"),
    hostile("1/2/3/"),
    hostile("0\u{301}1"),
    hostile("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0/"),
];

fn all() -> &'static [&'static Detector] {
    static ALL: OnceLock<Vec<&'static Detector>> = OnceLock::new();
    ALL.get_or_init(detectors::built_in)
}

fn any<'t, T>(random: &mut Random, from: &'t [T]) -> Option<&'t T> {
    (!from.is_empty()).then(|| &from[random.below(from.len())])
}

fn digits(random: &mut Random, text: &mut String, count: usize) {
    for _ in 0..count {
        letters(random, text, b"0123456789");
    }
}

fn forms(random: &mut Random, text: &mut String) {
    let detector = all()[random.below(all().len())];
    if let Anchor::Forms(forms) = detector.anchor {
        write(forms[random.below(forms.len())], random, text);
        text.push_str([" ", "\n", ", ", "; "][random.below(4)]);
    }
}

fn phrased(random: &mut Random, text: &mut String) {
    let detector = all()[random.below(all().len())];
    if let Anchor::Forms(forms) = detector.anchor {
        let phrase = any(random, detector.positive).copied();
        text.push_str(phrase.unwrap_or_default());
        text.push(' ');
        write(forms[random.below(forms.len())], random, text);
        text.push('\n');
    }
}

/// Writes a form with characters at random, as the forms of detectors are spelled.
fn write(form: &str, random: &mut Random, text: &mut String) {
    let form = form.trim_start_matches('!').as_bytes();
    let mut at = 0;
    while at < form.len() {
        let sign = form[at];
        at += 1;
        let mut times = 1;
        if form.get(at) == Some(&b'{') {
            let close = at + form[at..].iter().take_while(|byte| **byte != b'}').count();
            let bound = |text: &[u8]| {
                text.iter()
                    .fold(0, |n, byte| 10 * n + usize::from(byte - b'0'))
            };
            let mut bounds = form[at + 1..close].split(|byte| *byte == b',').map(bound);
            let least = bounds.next().unwrap_or(1);
            times = least + random.below(bounds.next().unwrap_or(least) - least + 1);
            at = close + 1;
        }
        for _ in 0..times {
            match sign {
                b'9' => letters(random, text, b"0123456789"),
                b'A' => letters(random, text, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
                b'H' => letters(random, text, b"0123456789abcdef"),
                b'X' => letters(random, text, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
                sign => text.push(char::from(sign)),
            }
        }
    }
}

fn prefix(random: &mut Random, text: &mut String) {
    let detector = all()[random.below(all().len())];
    if let Anchor::Words(words) = detector.anchor {
        let spelled = any(random, words).map(|word| spelled(word));
        let word = spelled.as_deref().and_then(|words| any(random, words));
        text.push_str(word.map_or("", String::as_str));
    }
}

fn prefixes(random: &mut Random, text: &mut String) {
    prefix(random, text);
    for _ in 0..random.below(60) {
        letters(random, text, BASE64);
    }
    text.push_str([" ", "\n", "-", "'"][random.below(4)]);
}

fn prefixed(random: &mut Random, text: &mut String) {
    prefix(random, text);
    for _ in 0..random.below(24) {
        letters(random, text, BASE64);
    }
    text.push_str(["/", "+", "_", "-"][random.below(4)]);
}

fn names(random: &mut Random, text: &mut String) {
    let detector = all()[random.below(all().len())];
    if let Verify::Assigned { names, .. } = detector.verify {
        text.push_str(any(random, names).copied().unwrap_or_default());
        text.push_str(["_key=", "token: ", " = \"", "Secret:'"][random.below(4)]);
        for _ in 0..random.below(48) {
            letters(random, text, BASE64);
        }
        text.push_str(["\n", "\"\n", "'\n", "&"][random.below(4)]);
    }
}

/// Phrases of all detectors, and now and then a number among them.
fn phrases(random: &mut Random, text: &mut String) {
    let detector = all()[random.below(all().len())];
    for phrases in [detector.positive, detector.negative] {
        if let Some(phrase) = any(random, phrases) {
            text.push_str(phrase);
            text.push(' ');
            if random.below(4) == 0 {
                let count = 6 + random.below(8);
                digits(random, text, count);
                text.push(' ');
            }
        }
    }
}

fn accounts(random: &mut Random, text: &mut String) {
    text.push_str(["DE", "GB", "FR", "NO", "MT", "SC"][random.below(6)]);
    for _ in 0..5 {
        digits(random, text, 4);
        text.push_str(["", " "][random.below(2)]);
    }
    text.push('\n');
}

fn cards(random: &mut Random, text: &mut String) {
    text.push_str(["4", "51", "37", "6011"][random.below(4)]);
    let count = 10 + random.below(6);
    for _ in 0..count {
        digits(random, text, 1);
        if random.below(4) == 0 {
            text.push_str([" ", "-"][random.below(2)]);
        }
    }
    text.push_str([" ", "\n"][random.below(2)]);
}

fn wallets(random: &mut Random, text: &mut String) {
    const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    text.push_str(["1", "3", "T", "bc1", "0x"][random.below(5)]);
    for _ in 0..25 + random.below(16) {
        letters(random, text, BASE58);
    }
    text.push(' ');
}

fn addresses(random: &mut Random, text: &mut String) {
    let sign = [".", ":", "-"][random.below(3)];
    for _ in 0..random.below(9) {
        text.push_str(&random.below(300).to_string());
        text.push_str(sign);
    }
    text.push(' ');
}

fn access_keys(random: &mut Random, text: &mut String) {
    text.push_str("AKIA");
    for _ in 0..16 {
        letters(random, text, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    }
    text.push(' ');
}

fn web_tokens(random: &mut Random, text: &mut String) {
    for _ in 0..random.below(40) {
        text.push_str("eyJ-");
    }
    text.push_str("eyJhbGciOiJIUzI1NiJ9.ey");
}

fn mail(random: &mut Random, text: &mut String) {
    for _ in 0..random.below(80) {
        letters(random, text, b"abcdefgh.-_");
    }
    text.push('@');
}

fn secrets(random: &mut Random, text: &mut String) {
    const NAMES: [&str; 6] = ["ssn", "password", "card_number", "iban", "api_key", "phone"];
    text.push_str("{\"");
    text.push_str(NAMES[random.below(NAMES.len())]);
    text.push_str("\": \"");
    let count = 8 + random.below(9);
    digits(random, text, count);
    text.push_str("\"},\n");
}

/// A header of some five hundred names that detectors listen to, a row of numbers, and again.
fn columns(random: &mut Random, text: &mut String) {
    const HEADER_BYTES: usize = 4_000;
    if (text.len() / HEADER_BYTES).is_multiple_of(2) {
        text.push_str(PHRASES[random.below(PHRASES.len())]);
    } else {
        let count = 1 + random.below(12);
        digits(random, text, count);
    }
    text.push(if random.below(500) == 0 { '\n' } else { ',' });
}

const DIGITS: &[&str] = &[
    "0", "٤", "४", "৪", "４", "𝟜", "7", "๔", "९", "\u{200b}", "-", " ", ".", "8", "5",
];

const MIXED: &[&str] = &[
    "卡号",
    "4539",
    "карта ",
    "5787",
    "６３６２",
    "číslo ",
    "1486",
    "\u{200d}",
    "هاتف ",
    "٠١٢",
    "-",
    " ",
    "ＩＢＡＮ",
    "DE75",
    "@",
    "é",
    ".",
    "電話",
];
