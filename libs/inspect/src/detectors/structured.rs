//! Keys whose structure tells the service: parts of fixed lengths with signs between them.

use super::token::{hit, is_random, length_of, starts_word};
use super::tokens::{SECRET, hex, url_safe};
use crate::detect::{Anchor, Assignment, Candidate, Detector, Hit, Strength, Value, Verify};

pub(crate) static KEYS: &[Detector] = &[
    structured(
        "telegram-token",
        "Telegram bot token",
        Anchor::Sign(b':'),
        60,
        telegram,
    ),
    structured(
        "azure-client-secret",
        "Microsoft Entra client secret",
        Anchor::Sign(b'~'),
        48,
        azure_secret,
    ),
    structured(
        "mailchimp-key",
        "Mailchimp key",
        Anchor::Words(&["us[1-9]"]),
        40,
        mailchimp,
    ),
    structured(
        "discord-bot-token",
        "Discord bot token",
        Anchor::Words(&["[MNO][DTjz][AEIMQUYcgk]"]),
        80,
        discord,
    ),
    Detector {
        name: "azure-sas-signature",
        title: "Signature of an Azure shared access link",
        group: Some(SECRET),
        anchor: Anchor::Assigned,
        reach: 0,
        positive: &[],
        negative: &[],
        verify: Verify::Assigned {
            names: &["sig"],
            value: Value::Check(sas_signature),
        },
    },
];

const fn structured(
    name: &'static str,
    title: &'static str,
    anchor: Anchor,
    reach: usize,
    verify: fn(&Candidate<'_>) -> Option<Hit>,
) -> Detector {
    Detector {
        name,
        title,
        group: Some(SECRET),
        anchor,
        reach,
        positive: &[],
        negative: &[],
        verify: Verify::At(verify),
    }
}

/// The candidate's bytes from `start` to `end`.
fn whole(candidate: &Candidate<'_>, start: usize, end: usize) -> Option<Hit> {
    hit(
        &Candidate {
            at: start,
            ..*candidate
        },
        end - start,
        Strength::Certain,
    )
}

/// Bytes right before the anchor that belong to `allowed`, `most` at most.
fn length_before(candidate: &Candidate<'_>, allowed: fn(&u8) -> bool, most: usize) -> usize {
    let before = &candidate.bytes()[..candidate.at];
    let run = before.iter().rev().take(most);
    run.take_while(|byte| allowed(byte)).count()
}

/// A bot's number, a colon, and 35 characters that begin with two letters A.
fn telegram(candidate: &Candidate<'_>) -> Option<Hit> {
    const CHARS: usize = 35;
    let ahead = &candidate.ahead(CHARS + 2)[1..];
    if !ahead.starts_with(b"AA") || length_of(ahead, url_safe) != CHARS {
        return None;
    }
    let digits = length_before(candidate, u8::is_ascii_digit, 12);
    let start = candidate.at - digits;
    let touched = start
        .checked_sub(1)
        .is_some_and(|before| candidate.bytes()[before].is_ascii_digit());
    let fits = (8..=11).contains(&digits) && !touched && is_random(&ahead[..CHARS]);
    fits.then(|| whole(candidate, start, candidate.at + 1 + CHARS))?
}

/// Three characters, a digit, `Q~`, and 31 to 34 characters.
fn azure_secret(candidate: &Candidate<'_>) -> Option<Hit> {
    const BEFORE: usize = 5;
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.~".contains(byte);
    let start = candidate.at.checked_sub(BEFORE)?;
    let before = &candidate.bytes()[start..candidate.at];
    let shaped = before[4] == b'Q' && before[3].is_ascii_digit() && before[..3].iter().all(allowed);
    let rest = length_of(&candidate.ahead(40)[1..], allowed);
    let touched = start
        .checked_sub(1)
        .is_some_and(|before| candidate.bytes()[before].is_ascii_alphanumeric());
    let body = &candidate.ahead(rest + 1)[1..];
    let fits = shaped && (31..=34).contains(&rest) && !touched && is_random(body);
    fits.then(|| whole(candidate, start, candidate.at + 1 + rest))?
}

/// 32 hexadecimal digits and a data centre.
fn mailchimp(candidate: &Candidate<'_>) -> Option<Hit> {
    const CHARS: usize = 32;
    let centre = length_of(&candidate.ahead(5)[2..], u8::is_ascii_digit);
    let dash = candidate.at.checked_sub(1)?;
    let key = Candidate {
        at: dash,
        ..*candidate
    };
    let digits = length_before(&key, hex, CHARS + 1);
    let ends = candidate
        .bytes()
        .get(candidate.at + 2 + centre)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let start = dash.checked_sub(CHARS)?;
    let body = &candidate.bytes()[start..dash];
    let fits = candidate.before() == b'-' && digits == CHARS && ends && centre <= 2;
    (fits && is_random(body)).then(|| whole(candidate, start, candidate.at + 2 + centre))?
}

/// A user's number in base 64, a time, and a signature, with dots between them.
fn discord(candidate: &Candidate<'_>) -> Option<Hit> {
    if !starts_word(candidate) {
        return None;
    }
    let ahead = candidate.ahead(96);
    let user = length_of(ahead, u8::is_ascii_alphanumeric);
    let time = length_of(ahead.get(user + 1..)?, url_safe);
    let signature = length_of(ahead.get(user + time + 2..)?, url_safe);
    let dots = ahead[user] == b'.' && ahead[user + 1 + time] == b'.';
    let fits =
        (23..=28).contains(&user) && (6..=7).contains(&time) && (27..=45).contains(&signature);
    let end = user + time + 2 + signature;
    (dots && fits && is_random(&ahead[..end])).then(|| hit(candidate, end, Strength::Certain))?
}

/// `sig=` of a link: 32 bytes in base 64, their signs escaped.
fn sas_signature(assignment: &Assignment<'_>) -> Option<Strength> {
    let value = assignment.value.as_bytes();
    let alone = assignment.name_before().is_empty() && assignment.name_rest().is_empty();
    let escaped = value.ends_with(b"%3D") || value.ends_with(b"%3d") || value.ends_with(b"=");
    let fits = (44..=64).contains(&value.len()) && is_random(value);
    (alone && escaped && fits).then_some(Strength::Certain)
}
