//! Telephone numbers and addresses of machines.

mod written;

use std::net::{Ipv4Addr, Ipv6Addr};

use super::digits::continues_before;
use crate::detect::{Anchor, Candidate, Detector, GroupLengths, Hit, Strength, Verify};

const PHONE_BYTES_MAX: usize = 32;
const ADDRESS_BYTES_MAX: usize = 45;

pub(crate) static PHONE: Detector = Detector {
    name: "phone",
    title: "Telephone number",
    group: None,
    anchor: Anchor::Number(GroupLengths {
        alone: GroupLengths::bits(8, 17),
        joined: GroupLengths::bits(1, 17),
    }),
    reach: PHONE_BYTES_MAX,
    positive: &[
        "phone",
        "telephone",
        "tel",
        "tel.",
        "mobile",
        "cell",
        "call",
        "fax",
        "whatsapp",
        "sms",
        "phone number",
        "contact",
        "telefon",
        "telefonnummer",
        "handy",
        "mobil",
        "téléphone",
        "portable",
        "teléfono",
        "móvil",
        "telefono",
        "cellulare",
        "telefone",
        "celular",
        "telefoon",
        "телефон",
        "电话",
        "手机",
        "電話",
        "携帯",
        "전화",
        "هاتف",
        // What people say before a number without its name.
        "my number is",
        "my number's",
        "my new number",
        "our number is",
        "his number is",
        "her number is",
        "their number is",
        "reach me at",
        "reach me on",
        "reach us at",
        "reach us on",
        "reach him at",
        "reach him on",
        "reach her at",
        "reach her on",
        "text me",
        "text us",
        "ring me",
        "ring us",
        "dial",
        "voicemail",
        "meine nummer",
        "unsere nummer",
        "ruf mich an",
        "rufen sie mich",
        "rufen sie uns",
        "rückruf",
        "durchwahl",
        "erreichbar unter",
        "erreichen sie mich",
        "erreichen sie uns",
        "erreichst du mich",
        "mon numéro",
        "notre numéro",
        "appelez-moi",
        "appelle-moi",
        "appelez-nous",
        "rappelez-moi",
        "joignable au",
        "me joindre",
        "nous joindre",
        "mi número es",
        "nuestro número es",
        "llámame",
        "llámeme",
        "llámenos",
        "il mio numero",
        "il nostro numero",
        "chiamami",
        "mi chiami",
        "chiamateci",
        "meu número",
        "nosso número é",
        "me liga",
        "me ligue",
        "ligue para",
        "mijn nummer",
        "ons nummer",
        "bel me",
        "bel mij",
        "bel ons",
        "bereikbaar op",
        "mój numer",
        "zadzwoń",
        "mitt nummer",
        "ring mig",
        "ring meg",
        "mit nummer er",
        "numaram",
        "мой номер",
        "позвоните",
        "звоните",
        "我的号码",
        "打给我",
        "我的號碼",
        "私の番号",
        "내 번호",
        "رقمي",
    ],
    negative: &["order", "invoice", "serial", "tracking", "isbn", "version"],
    verify: Verify::At(phone),
};

pub(crate) static IP_ADDRESS: Detector = Detector {
    name: "ip-address",
    title: "Internet address",
    group: None,
    anchor: Anchor::Address,
    reach: ADDRESS_BYTES_MAX,
    positive: &[
        "ip",
        "ip address",
        "ipv4",
        "ipv6",
        "host",
        "server",
        "addr",
        "address",
        "gateway",
        "dns",
    ],
    negative: &["version", "release", "v.", "section", "chapter"],
    verify: Verify::At(ip_address),
};

pub(crate) static MAC_ADDRESS: Detector = Detector {
    name: "mac-address",
    title: "Hardware address of a network card",
    group: None,
    anchor: Anchor::Address,
    reach: 2 * ADDRESS_BYTES_MAX,
    positive: &[
        "mac",
        "mac address",
        "hwaddr",
        "ether",
        "ethernet",
        "physical address",
        "bssid",
    ],
    negative: &["fingerprint", "sha1", "sha256", "md5"],
    verify: Verify::At(mac_address),
};

/// Numbers with a country's code in front, or as people in their own country write them.
fn phone(candidate: &Candidate<'_>) -> Option<Hit> {
    let bytes = candidate.bytes();
    let at = candidate.at;
    let before = |steps: usize| at.checked_sub(steps).map_or(b' ', |place| bytes[place]);
    let international = before(1) == b'+' && !before(2).is_ascii_alphanumeric();
    let bracketed = before(1) == b'(' && !before(2).is_ascii_alphanumeric();
    let start = if international || bracketed {
        at - 1
    } else {
        at
    };
    let told = international || bracketed;
    if !told && (!may_be_national(candidate) || continues_before(bytes, at)) {
        return None;
    }
    let (digits, length, end, signs) = match read_phone(candidate.ahead(PHONE_BYTES_MAX)) {
        Ok(read) => read,
        Err(dead) => {
            candidate.dead_until.set(at + dead);
            return None;
        }
    };
    let value = std::str::from_utf8(&digits[..length]).ok()?;
    let written = candidate.ahead(end);
    let (digits, end) = (length, at + end);
    let strength = if international || (value.starts_with("00") && signs > 0) {
        let country = value.trim_start_matches('0');
        let fits = (8..=15).contains(&country.len()) && digits - country.len() <= 2;
        (fits && is_country(country)).then_some(Strength::Plain)?
    } else {
        let national = (bracketed || value.starts_with('0')) && (9..=12).contains(&digits);
        let american = matches!(digits, 10)
            && (b'2'..=b'9').contains(&value.as_bytes()[0])
            && (b'2'..=b'9').contains(&value.as_bytes()[3]);
        let grouped = (bracketed && american) || (signs >= 2 && (american || national));
        let plain = bracketed && american && signs >= 2;
        match (
            plain,
            grouped || national || american || (signs > 0 && (8..=11).contains(&digits)),
        ) {
            (true, _) => Strength::Plain,
            (false, true) => Strength::NeedsContext,
            (false, false) => return None,
        }
    };
    if !international && written::is_other(written) {
        return None;
    }
    Some(Hit {
        start,
        end,
        value: value.to_owned(),
        strength,
        test_value: false,
    })
}

/// Whether the digits at the anchor may be a whole number as people in its own country write it, or
/// the beginning of one in groups.
fn may_be_national(candidate: &Candidate<'_>) -> bool {
    let ahead = candidate.ahead(DIGITS_MAX + 1);
    let first = ahead
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let grouped = ahead
        .get(first)
        .is_some_and(|sign| PARTS_GROUPS[usize::from(*sign)]);
    grouped || first == 10 || (ahead[0] == b'0' && (9..=12).contains(&first))
}

/// Digits that a number may have.
const DIGITS_MAX: usize = 17;

/// The signs between groups of digits.
static PARTS_GROUPS: [bool; 256] = {
    let mut parts = [false; 256];
    let signs = b" -.()/";
    let mut at = 0;
    while at < signs.len() {
        parts[signs[at] as usize] = true;
        at += 1;
    }
    parts
};

/// The digits of a number in groups, how many, where they end, and how many signs part them; or how
/// many bytes no number starts in.
fn read_phone(ahead: &[u8]) -> Result<([u8; DIGITS_MAX], usize, usize, usize), usize> {
    const DIGITS_MIN: usize = 8;
    let mut digits = [0; DIGITS_MAX];
    let (mut length, mut end, mut signs, mut gap) = (0, 0, 0, 0);
    for (at, byte) in ahead.iter().enumerate() {
        if byte.is_ascii_digit() {
            let Some(place) = digits.get_mut(length) else {
                return Err(0);
            };
            *place = *byte;
            length += 1;
            signs += usize::from(gap > 0);
            gap = 0;
            end = at + 1;
        } else if PARTS_GROUPS[usize::from(*byte)] && gap < 2 {
            gap += 1;
        } else if length < DIGITS_MIN {
            // Whatever starts behind the first digit has fewer.
            return Err(at);
        } else {
            break;
        }
    }
    let touched = ahead
        .get(end)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let repeated = digits[..length].windows(2).all(|pair| pair[0] == pair[1]);
    let fits = length >= DIGITS_MIN && !touched && !repeated;
    fits.then_some((digits, length, end, signs)).ok_or(0)
}

/// Whether the number starts with a country code that the ITU has given out.
fn is_country(number: &str) -> bool {
    let code = |length: usize| {
        number
            .get(..length)
            .and_then(|code| code.parse::<u32>().ok())
    };
    matches!(code(1), Some(1 | 7))
        || matches!(
            code(2),
            Some(
                20
                | 27
                | 30..=34
                | 36
                | 39..=41
                | 43..=49
                | 51..=58
                | 60..=66
                | 81
                | 82
                | 84
                | 86
                | 90..=95
                | 98,
            )
        )
        || matches!(
            code(3),
            Some(
                211..=299
                | 350..=389
                | 420..=423
                | 500..=509
                | 590..=599
                | 670..=692
                | 850..=856
                | 880
                | 886
                | 960..=977
                | 992..=998,
            )
        )
}

fn ip_address(candidate: &Candidate<'_>) -> Option<Hit> {
    // The first group of an address with dots has no dot before it.
    if candidate.before() == b'.' || !in_address(candidate) {
        return None;
    }
    let (start, end) = word_around(candidate, |byte| {
        byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')
    })?;
    let text = candidate.text.get(start..end)?.trim_end_matches(['.', ':']);
    // A port may follow.
    let four = text.split(':').next().unwrap_or_default();
    let colons = text.bytes().filter(|byte| *byte == b':').count();
    let (value, telling) = if colons >= 2 {
        let address: Ipv6Addr = text.parse().ok()?;
        (address.to_string(), colons >= 3 && !address.is_loopback())
    } else {
        let address: Ipv4Addr = four.parse().ok()?;
        let [first, .., last] = address.octets();
        let network = address.is_unspecified() || address.is_broadcast() || first == 0;
        (address.to_string(), !network && (first >= 10 || last >= 10))
    };
    let length = if colons >= 2 { text.len() } else { four.len() };
    Some(Hit {
        start,
        end: start + length,
        value,
        strength: if telling {
            Strength::Plain
        } else {
            Strength::NeedsContext
        },
        test_value: false,
    })
}

/// Whether the signs around the anchor's group may be those of an address: a dot and a digit behind
/// it, or a colon beside it and more of the address beyond.
fn in_address(candidate: &Candidate<'_>) -> bool {
    let bytes = candidate.bytes();
    let letters = bytes[..candidate.at].iter().rev().take(4);
    let start = candidate.at - letters.take_while(|byte| byte.is_ascii_hexdigit()).count();
    let back = |steps: usize| start.checked_sub(steps).map_or(b' ', |at| bytes[at]);
    let group = candidate.ahead(5);
    let end = group.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let end = candidate.at + end.count();
    let ahead = |steps: usize| bytes.get(end + steps).copied().unwrap_or(b' ');
    let goes_on = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
    match ahead(0) {
        b'.' if ahead(1).is_ascii_digit() => true,
        b':' if goes_on(ahead(1)) => true,
        _ => back(1) == b':' && goes_on(back(2)),
    }
}

/// Whether the anchor is in a pair of hexadecimal digits with a sign of such addresses beside it.
fn in_pair(candidate: &Candidate<'_>) -> bool {
    let bytes = candidate.bytes();
    let at = |place: usize| bytes.get(place).copied().unwrap_or(b' ');
    let before = candidate.before();
    let start = candidate.at - usize::from(before.is_ascii_hexdigit());
    let pair = at(start).is_ascii_hexdigit() && at(start + 1).is_ascii_hexdigit();
    let before = start.checked_sub(1).map_or(b' ', at);
    let after = at(start + 2);
    let is_sign = |byte: u8| matches!(byte, b':' | b'-');
    pair && !before.is_ascii_alphanumeric()
        && !after.is_ascii_alphanumeric()
        && (is_sign(before) || is_sign(after))
}

fn mac_address(candidate: &Candidate<'_>) -> Option<Hit> {
    const CHARS: usize = 17;
    if !in_pair(candidate) {
        return None;
    }
    let (start, end) = word_around(candidate, |byte| {
        byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-')
    })?;
    let text = &candidate.bytes()[start..end];
    let sign = *text.get(2)?;
    let shaped = text.len() == CHARS
        && !sign.is_ascii_hexdigit()
        && text.iter().enumerate().all(|(at, byte)| {
            if at % 3 == 2 {
                *byte == sign
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    if !shaped {
        return None;
    }
    let value: String = candidate.text[start..end]
        .chars()
        .filter(char::is_ascii_hexdigit)
        .collect();
    let meant = value.bytes().any(|byte| byte != value.as_bytes()[0]);
    meant.then(|| Hit {
        start,
        end,
        value: value.to_ascii_uppercase(),
        strength: Strength::Plain,
        test_value: false,
    })
}

/// The word of allowed bytes around the anchor; `None` when it is too long or touches letters.
fn word_around(candidate: &Candidate<'_>, allowed: fn(&u8) -> bool) -> Option<(usize, usize)> {
    let bytes = candidate.bytes();
    // Groups of an address have four digits at most, and a sign behind or before them.
    let near = candidate.ahead(5);
    let signed = near.iter().find(|byte| !byte.is_ascii_hexdigit());
    if !signed.is_some_and(|byte| b".:-".contains(byte)) && !b".:-".contains(&candidate.before()) {
        return None;
    }
    let least = candidate
        .at
        .saturating_sub(ADDRESS_BYTES_MAX)
        .max(candidate.free_from);
    let back = bytes[least..candidate.at]
        .iter()
        .rev()
        .take_while(|byte| allowed(byte))
        .count();
    let ahead = candidate.ahead(ADDRESS_BYTES_MAX);
    let length = ahead.iter().take_while(|byte| allowed(byte)).count();
    let (start, end) = (candidate.at - back, candidate.at + length);
    // Whatever else starts in this run is the same, or as long.
    let run_end = if length == ADDRESS_BYTES_MAX {
        end + bytes[end..].iter().take_while(|byte| allowed(byte)).count()
    } else {
        end
    };
    candidate.dead_until.set(run_end);
    let touches = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
    };
    let before = start.checked_sub(1).map(|at| &bytes[at]);
    (!touches(before) && !touches(bytes.get(end)) && back + length >= 3).then_some((start, end))
}
