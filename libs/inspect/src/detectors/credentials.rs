//! Credentials with a structure of their own, whatever service they are for: web tokens, HTTP
//! authorization, URLs with a password, hashes of passwords, private keys in base 64.

use memchr::memmem;

use super::token::{
    from_base64, is_base64, is_random, length_of, stands_for_a_secret, starts_word,
};
use super::tokens::{SECRET, url_safe};
use crate::detect::{Anchor, Candidate, Detector, Hit, Strength, Verify};

/// Bytes that are looked at of a token, a header and a URL.
const TOKEN_BYTES_MAX: usize = 8_192;
const HEADER_BYTES_MAX: usize = 1_024;
const URL_BYTES_MAX: usize = 256;

pub(crate) static CREDENTIALS: &[Detector] = &[
    credential(
        "json-web-token",
        "JSON web token",
        Anchor::Words(&["eyJ"]),
        256,
        web_token,
    ),
    credential(
        "bearer-token",
        "Token of an authorization header",
        Anchor::Words(&["Bearer ", "bearer "]),
        128,
        bearer,
    ),
    credential(
        "basic-authorization",
        "User and password of an authorization header",
        Anchor::Words(&["Basic ", "basic "]),
        128,
        basic,
    ),
    credential(
        "url-credentials",
        "URL with a password",
        Anchor::Sign(b'@'),
        URL_BYTES_MAX,
        url_credentials,
    ),
    credential(
        "password-hash",
        "Hash of a password",
        Anchor::Sign(b'$'),
        160,
        password_hash,
    ),
    credential(
        "private-key-base64",
        "Private key in base 64",
        Anchor::Words(&["LS0tLS1CRUdJTi"]),
        128,
        encoded_key,
    ),
];

const fn credential(
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

fn found(candidate: &Candidate<'_>, start: usize, end: usize, strength: Strength) -> Option<Hit> {
    Some(Hit {
        start,
        end,
        value: candidate.text.get(start..end)?.to_owned(),
        strength,
        test_value: false,
    })
}

/// RFC 7519: a header that names its algorithm, claims, and a signature.
fn web_token(candidate: &Candidate<'_>) -> Option<Hit> {
    const SIGNATURE_MIN: usize = 16;
    /// Starts of headers that are tried in one run of characters.
    const HEADERS_MAX: u32 = 16;
    /// The claims of the token that every introduction shows: subject 1234567890.
    const INTRODUCED: &[u8] = b"eyJzdWIiOiIxMjM0NTY3ODkwIi";
    if !starts_word(candidate) {
        return None;
    }
    let (header_end, tried) = candidate.run_end(candidate.at, url_safe);
    let header = header_end - candidate.at;
    let ahead = candidate.ahead(HEADER_BYTES_MAX);
    if tried >= HEADERS_MAX || ahead.get(header..header + 3)? != b".ey" {
        return None;
    }
    let says_how = from_base64(&ahead[..header]);
    memmem::find(&says_how, b"\"alg\"")?;
    let ahead = candidate.ahead(TOKEN_BYTES_MAX);
    let claims = length_of(&ahead[header + 1..], url_safe);
    let behind = header + 1 + claims;
    if ahead.get(behind) != Some(&b'.') {
        return None;
    }
    let signature = length_of(&ahead[behind + 1..], url_safe);
    let unsigned = memmem::find(&says_how, b"none").is_some();
    if signature < SIGNATURE_MIN && !unsigned {
        return None;
    }
    let end = candidate.at + behind + 1 + signature;
    let hit = found(candidate, candidate.at, end, Strength::Certain)?;
    Some(Hit {
        test_value: ahead[header + 1..].starts_with(INTRODUCED),
        ..hit
    })
}

fn bearer(candidate: &Candidate<'_>) -> Option<Hit> {
    const CHARS: std::ops::RangeInclusive<usize> = 20..=2_048;
    let name = b"Bearer ".len();
    let ahead = &candidate.ahead(HEADER_BYTES_MAX * 2)[name..];
    let length = length_of(ahead, |b| is_base64(b) || b"._~=".contains(b));
    let token = &ahead[..length];
    let mixed = token.iter().any(u8::is_ascii_digit) && token.iter().any(u8::is_ascii_alphabetic);
    let web_token = token.starts_with(b"eyJ");
    if !CHARS.contains(&length)
        || !mixed
        || web_token
        || !is_random(token)
        || stands_for_a_secret(token)
    {
        return None;
    }
    let start = candidate.at + name;
    found(candidate, start, start + length, Strength::Certain)
}

/// RFC 7617: user, colon, password, in base 64.
fn basic(candidate: &Candidate<'_>) -> Option<Hit> {
    const CHARS: std::ops::RangeInclusive<usize> = 8..=512;
    let name = b"Basic ".len();
    let ahead = &candidate.ahead(name + CHARS.end() + 1)[name..];
    let length = length_of(ahead, |b| is_base64(b) || *b == b'=');
    if !CHARS.contains(&length) {
        return None;
    }
    let said = from_base64(&ahead[..length]);
    let printable = said.iter().all(|byte| (0x20..0x7F).contains(byte));
    let colon = said.iter().position(|byte| *byte == b':')?;
    let password = &said[colon + 1..];
    if !printable || password.len() < 3 || stands_for_a_secret(password) {
        return None;
    }
    let start = candidate.at + name;
    found(candidate, start, start + length, Strength::Certain)
}

/// `scheme://user:password@host`.
fn url_credentials(candidate: &Candidate<'_>) -> Option<Hit> {
    const HOST_BYTES_MAX: usize = 64;
    let bytes = candidate.bytes();
    let before = &bytes[candidate.at.saturating_sub(URL_BYTES_MAX)..candidate.at];
    let allowed = |byte: &&u8| !byte.is_ascii_whitespace() && !b"\"'<>`@".contains(byte);
    let length = before.iter().rev().take_while(allowed).count();
    let before = &before[before.len() - length..];
    // The last colon is before the password, or the scheme's.
    let last = memchr::memrchr(b':', before)?;
    let scheme = memmem::rfind(&before[..last], b"://")?;
    let said = &before[scheme + 3..];
    let colon = memchr::memchr(b':', said)?;
    let (user, password) = (&said[..colon], &said[colon + 1..]);
    let named = scheme > 0 && before[scheme - 1].is_ascii_alphanumeric();
    let host = &candidate.ahead(HOST_BYTES_MAX)[1..];
    let host = &host[..length_of(host, |b| b.is_ascii_alphanumeric() || b".-[:".contains(b))];
    if !named || password.len() < 3 || user.contains(&b'/') || host.is_empty() {
        return None;
    }
    if stands_for_a_secret(password) || password.starts_with(b"$") || password.contains(&b'/') {
        return None;
    }
    let tame = [b"localhost".as_slice(), b"example", b"127.0.0.1", b"host"];
    let careless = [b"pass".as_slice(), b"pwd", b"secret", b"user", b"test"];
    let lower = password.to_ascii_lowercase();
    let doubtful = tame.iter().any(|name| host.starts_with(name))
        || memmem::find(host, b"example.").is_some()
        || careless.iter().any(|word| lower.starts_with(word))
        || password == user;
    let strength = match password.len() {
        _ if doubtful => Strength::Doubtful,
        ..8 => Strength::Plain,
        _ => Strength::Certain,
    };
    let start = candidate.at - password.len();
    found(candidate, start, candidate.at, strength)
}

/// Hashes as `crypt` and its like write them: `$2b$12$…`, `$6$…`, `$argon2id$…`.
fn password_hash(candidate: &Candidate<'_>) -> Option<Hit> {
    const BYTES_MAX: usize = 200;
    let touched = candidate.at.checked_sub(1).is_some_and(|before| {
        candidate.bytes()[before].is_ascii_alphanumeric() || candidate.bytes()[before] == b'$'
    });
    if touched {
        return None;
    }
    let ahead = &candidate.ahead(BYTES_MAX)[1..];
    let kind = ahead.get(..length_of(ahead, |b| b.is_ascii_alphanumeric() || *b == b'-'))?;
    let body: (usize, usize) = match kind {
        b"2a" | b"2b" | b"2x" | b"2y" => (53, 53),
        b"1" | b"apr1" => (22, 22),
        b"5" => (43, 43),
        b"6" => (86, 86),
        b"y" | b"7" | b"gy" => (43, 43),
        b"argon2i" | b"argon2d" | b"argon2id" => (22, 88),
        b"pbkdf2-sha256" | b"pbkdf2-sha512" | b"scrypt" => (40, 90),
        _ => return None,
    };
    let length = length_of(ahead, |b| {
        b.is_ascii_alphanumeric() || b"./$=,+-".contains(b)
    });
    let hash = ahead[..length].rsplit(|byte| *byte == b'$').next()?;
    let parts = ahead[..length].iter().filter(|byte| **byte == b'$').count();
    let fits = (body.0..=body.1).contains(&hash.len()) && is_random(hash);
    if !fits || parts < 2 {
        return None;
    }
    let end = candidate.at + 1 + length;
    found(candidate, candidate.at, end, Strength::Certain)
}

/// `-----BEGIN … PRIVATE KEY-----` in base 64, as clusters' configuration holds it.
fn encoded_key(candidate: &Candidate<'_>) -> Option<Hit> {
    const HEAD_CHARS: usize = 64;
    const CHARS_MIN: usize = 100;
    let ahead = candidate.ahead(TOKEN_BYTES_MAX);
    let head = from_base64(ahead.get(..HEAD_CHARS)?);
    memmem::find(&head, b"PRIVATE KEY")?;
    let length = length_of(ahead, |b| is_base64(b) || *b == b'=');
    let strength = if memmem::find(&head, b"ENCRYPTED").is_some() {
        Strength::Plain
    } else {
        Strength::Certain
    };
    (length >= CHARS_MIN).then_some(())?;
    found(candidate, candidate.at, candidate.at + length, strength)
}
