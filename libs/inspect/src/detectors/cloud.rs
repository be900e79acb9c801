//! Keys to cloud platforms. They count as `cloud-access-key` too.

use memchr::memmem;

use super::token::{hit, is_base64, is_random, length_of, starts_word};
use crate::detect::{Anchor, Candidate, Detector, Hit, Strength, Verify};

const GROUP: Option<&str> = Some("cloud-access-key");

pub(crate) static AWS_ACCESS_KEY: Detector = Detector {
    name: "aws-access-key",
    title: "AWS access key",
    group: GROUP,
    anchor: Anchor::Words(&["AKIA", "ASIA"]),
    reach: 2 * SECRET_WITHIN,
    positive: &[
        "aws_secret_access_key",
        "aws_access_key_id",
        "secret access key",
        "access key id",
    ],
    negative: &[],
    verify: Verify::At(aws),
};

pub(crate) static GCP_SERVICE_ACCOUNT_KEY: Detector = Detector {
    name: "gcp-service-account-key",
    title: "Google Cloud service account key",
    group: GROUP,
    anchor: Anchor::Words(&["private_key_id"]),
    reach: ACCOUNT_WITHIN,
    positive: &["service_account"],
    negative: &[],
    verify: Verify::At(gcp),
};

pub(crate) static GOOGLE_API_KEY: Detector = Detector {
    name: "google-api-key",
    title: "Google API key",
    group: GROUP,
    anchor: Anchor::Words(&["AIza"]),
    reach: 40,
    positive: &[
        "google", "maps", "firebase", "api key", "apikey", "api_key", "youtube", "gemini",
    ],
    negative: &[],
    verify: Verify::At(google),
};

pub(crate) static AZURE_STORAGE_KEY: Detector = Detector {
    name: "azure-storage-key",
    title: "Azure storage account key",
    group: GROUP,
    anchor: Anchor::Words(&[
        "AccountKey=",
        "accountKey=",
        "AZURE_STORAGE_KEY",
        "azure_storage_key",
    ]),
    reach: 128,
    positive: &[
        "azure",
        "defaultendpointsprotocol",
        "blob.core.windows.net",
        "accountname",
    ],
    negative: &[],
    verify: Verify::At(azure),
};

/// How near a secret makes an access key id usable.
const SECRET_WITHIN: usize = 300;
const AWS_SECRET_CHARS: usize = 40;

fn aws(candidate: &Candidate<'_>) -> Option<Hit> {
    const CHARS: usize = 20;
    let ahead = candidate.ahead(CHARS + 1);
    let length = length_of(ahead, u8::is_ascii_alphanumeric);
    let base32 = |byte: &u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte);
    let documented =
        ahead.starts_with(b"AKIAIOSFODNN7") || ahead.get(..CHARS)?.ends_with(b"EXAMPLE");
    if length != CHARS
        || !starts_word(candidate)
        || !ahead[4..CHARS]
            .iter()
            .all(|b| base32(b) || (documented && b.is_ascii_alphanumeric()))
        || !is_random(&ahead[4..CHARS])
    {
        return None;
    }
    let strength = if has_secret_near(candidate) {
        Strength::Certain
    } else {
        Strength::Plain
    };
    hit(candidate, CHARS, strength).map(|hit| Hit {
        test_value: documented,
        ..hit
    })
}

fn has_secret_near(candidate: &Candidate<'_>) -> bool {
    let bytes = candidate.bytes();
    let near = &bytes
        [candidate.at.saturating_sub(SECRET_WITHIN)..bytes.len().min(candidate.at + SECRET_WITHIN)];
    let mut start = 0;
    for (at, byte) in near.iter().chain(b" ").enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+') {
            continue;
        }
        if at - start == AWS_SECRET_CHARS && may_be_secret(&near[start..at]) {
            return true;
        }
        start = at + 1;
    }
    false
}

fn may_be_secret(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_lowercase)
        && word.iter().any(u8::is_ascii_digit)
        && is_random(word)
}

/// How near the other members of a service account's file stand.
const ACCOUNT_WITHIN: usize = 3_000;

fn gcp(candidate: &Candidate<'_>) -> Option<Hit> {
    const KEY_ID_CHARS: usize = 40;
    const GAP_MAX: usize = 12;
    let name = b"private_key_id".len();
    let ahead = &candidate.ahead(name + GAP_MAX + KEY_ID_CHARS + 1)[name..];
    let gap = length_of(ahead, |byte| b"\"' :=\\\t\r\n".contains(byte));
    let id = &ahead[gap..];
    if gap > GAP_MAX
        || length_of(id, u8::is_ascii_hexdigit) != KEY_ID_CHARS
        || !is_random(&id[..KEY_ID_CHARS])
    {
        return None;
    }
    let bytes = candidate.bytes();
    let near = &bytes[candidate.at.saturating_sub(SECRET_WITHIN)
        ..bytes.len().min(candidate.at + ACCOUNT_WITHIN)];
    let usable = memmem::find(near, b"PRIVATE KEY").is_some();
    let strength = if usable {
        Strength::Certain
    } else {
        Strength::Plain
    };
    let found = hit(candidate, name + gap + KEY_ID_CHARS, strength)?;
    Some(Hit {
        value: String::from_utf8(id[..KEY_ID_CHARS].to_vec()).ok()?,
        ..found
    })
}

fn google(candidate: &Candidate<'_>) -> Option<Hit> {
    const CHARS: usize = 39;
    let ahead = candidate.ahead(CHARS + 1);
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    if length_of(ahead, |b| b.is_ascii_alphanumeric() || b"-_".contains(b)) != CHARS
        || !starts_word(candidate)
        || !ahead.iter().take(CHARS).all(token)
        || !is_random(&ahead[4..CHARS])
    {
        return None;
    }
    hit(candidate, CHARS, Strength::Certain)
}

fn azure(candidate: &Candidate<'_>) -> Option<Hit> {
    /// 64 bytes in base 64, without the padding.
    const CHARS: usize = 86;
    const EMULATOR: &[u8] = b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq";
    let ahead = candidate.ahead(128);
    let name = length_of(ahead, |b| b.is_ascii_alphabetic() || *b == b'_');
    let gap = length_of(&ahead[name..], |b| b"\"' :=".contains(b));
    let key = &ahead[name + gap..];
    if length_of(key, is_base64) != CHARS
        || !key[CHARS..].starts_with(b"==")
        || !is_random(&key[..CHARS])
    {
        return None;
    }
    let found = hit(candidate, name + gap + CHARS + 2, Strength::Certain)?;
    let value = String::from_utf8(key[..CHARS].to_vec()).ok()?;
    Some(Hit {
        value,
        test_value: key.starts_with(EMULATOR),
        ..found
    })
}
