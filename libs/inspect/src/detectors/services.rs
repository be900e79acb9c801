//! Tokens of services that developers use.

use super::token::{hit, is_random, length_of, starts_word};
use crate::detect::{Anchor, Candidate, Detector, Hit, Strength, Verify, base62_crc32};

pub(crate) static GITHUB_TOKEN: Detector = Detector {
    name: "github-token",
    title: "GitHub token",
    group: None,
    anchor: Anchor::Words(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"]),
    reach: 100,
    positive: &[],
    negative: &[],
    verify: Verify::At(github),
};

pub(crate) static SLACK_TOKEN: Detector = Detector {
    name: "slack-token",
    title: "Slack token",
    group: None,
    anchor: Anchor::Words(&[
        "xoxb-",
        "xoxp-",
        "xoxa-",
        "xoxr-",
        "xoxs-",
        "xoxe-",
        "xapp-",
        "hooks.slack.com/services/",
    ]),
    reach: 256,
    positive: &["slack"],
    negative: &[],
    verify: Verify::At(slack),
};

pub(crate) static STRIPE_KEY: Detector = Detector {
    name: "stripe-key",
    title: "Stripe secret key",
    group: None,
    anchor: Anchor::Words(&["sk_live_", "rk_live_", "sk_test_", "rk_test_"]),
    reach: 256,
    positive: &["stripe"],
    negative: &[],
    verify: Verify::At(stripe),
};

fn github(candidate: &Candidate<'_>) -> Option<Hit> {
    if !starts_word(candidate) {
        return None;
    }
    let ahead = candidate.ahead(100);
    if ahead.starts_with(b"github_pat_") {
        fine_grained(candidate, ahead)
    } else {
        classic(candidate, ahead)
    }
}

/// Thirty random characters and the checksum over them: a token that fails it is made up.
fn classic(candidate: &Candidate<'_>, ahead: &[u8]) -> Option<Hit> {
    const CHARS: usize = 36;
    const RANDOM_CHARS: usize = 30;
    let token = &ahead[4..];
    if length_of(token, u8::is_ascii_alphanumeric) != CHARS || !is_random(&token[..CHARS]) {
        return None;
    }
    let (random, checksum) = token[..CHARS].split_at(RANDOM_CHARS);
    let genuine = base62_crc32(random) == checksum;
    hit(
        candidate,
        4 + CHARS,
        if genuine {
            Strength::Certain
        } else {
            Strength::Doubtful
        },
    )
}

fn fine_grained(candidate: &Candidate<'_>, ahead: &[u8]) -> Option<Hit> {
    const PREFIX: usize = 11;
    const ID_CHARS: usize = 22;
    const SECRET_CHARS: usize = 59;
    let token = &ahead[PREFIX..];
    let id = length_of(token, u8::is_ascii_alphanumeric);
    if id != ID_CHARS || token.get(id) != Some(&b'_') {
        return None;
    }
    let secret = &token[id + 1..];
    let fits = length_of(secret, u8::is_ascii_alphanumeric) == SECRET_CHARS;
    (fits && is_random(&secret[..SECRET_CHARS])).then_some(())?;
    hit(
        candidate,
        PREFIX + ID_CHARS + 1 + SECRET_CHARS,
        Strength::Certain,
    )
}

fn slack(candidate: &Candidate<'_>) -> Option<Hit> {
    const LENGTH_MIN: usize = 20;
    let ahead = candidate.ahead(256);
    let webhook = ahead.starts_with(b"hooks");
    let prefix = if webhook {
        b"hooks.slack.com/services/".len()
    } else {
        5
    };
    let token = &ahead[prefix..];
    let length = length_of(
        token,
        if webhook {
            |b| b.is_ascii_alphanumeric() || *b == b'/'
        } else {
            |b| b.is_ascii_alphanumeric() || *b == b'-'
        },
    );
    let token = &token[..length];
    let shaped = if webhook {
        token.starts_with(b"T")
            && token
                .split(|b| *b == b'/')
                .filter(|part| part.len() >= 8)
                .count()
                == 3
    } else {
        token.contains(&b'-') && token.iter().any(u8::is_ascii_digit)
    };
    let begins = webhook || starts_word(candidate);
    (begins && shaped && length >= LENGTH_MIN && is_random(token)).then_some(())?;
    hit(candidate, prefix + length, Strength::Certain)
}

fn stripe(candidate: &Candidate<'_>) -> Option<Hit> {
    const PREFIX: usize = 8;
    let ahead = candidate.ahead(256);
    let length = length_of(&ahead[PREFIX..], u8::is_ascii_alphanumeric);
    let fits = (24..=247).contains(&length) || (length >= 16 && ahead.starts_with(b"rk_"));
    if !starts_word(candidate) || !fits || !is_random(&ahead[PREFIX..PREFIX + length]) {
        return None;
    }
    let test_value = &ahead[2..7] == b"_test";
    hit(candidate, PREFIX + length, Strength::Certain).map(|hit| Hit { test_value, ..hit })
}
