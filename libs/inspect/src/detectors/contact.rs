//! Ways to reach a person.

use crate::detect::{Anchor, Candidate, Detector, Hit, Strength, Verify};

/// RFC 5321: the part before `@` and the domain after it.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;
/// How far back a URL's scheme is looked for.
const SCHEME_WITHIN: usize = 100;

pub(crate) static EMAIL: Detector = Detector {
    name: "email",
    title: "E-mail address",
    group: None,
    anchor: Anchor::Sign(b'@'),
    reach: LOCAL_BYTES_MAX + DOMAIN_BYTES_MAX,
    positive: &["email", "e-mail", "mail", "contact", "courriel", "correo"],
    negative: &[],
    verify: Verify::At(email),
};

/// What follows the last dot of file names, versions and code, never of an address.
const NOT_TOP_LEVEL: [&str; 24] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "mjs", "ts", "tsx", "json",
    "html", "htm", "php", "py", "rb", "exe", "dll", "pdf", "docx", "xlsx", "local",
];

fn email(candidate: &Candidate<'_>) -> Option<Hit> {
    let bytes = candidate.bytes();
    let start = local_start(bytes, candidate.at)?;
    let end = domain_end(bytes, candidate.at + 1)?;
    memchr::memrchr(b'.', &bytes[candidate.at..end])?;
    let value = candidate.text.get(start..end)?.to_lowercase();
    let (_, domain) = value.split_once('@')?;
    let (_, top) = domain.rsplit_once('.')?;
    let host = domain.len() <= DOMAIN_BYTES_MAX && domain.split('.').all(is_label);
    if !host || !is_top_level(top) || in_url(bytes, start) || value.starts_with("git@") {
        return None;
    }
    let test_value = ["example.com", "example.org", "example.net"].contains(&domain)
        || ["test", "example", "invalid"].contains(&top);
    Some(Hit {
        start,
        end,
        value,
        strength: Strength::Certain,
        test_value,
    })
}

fn local_start(bytes: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(LOCAL_BYTES_MAX + 1);
    let length = bytes[from..at]
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || b"._%+-'".contains(b) || **b >= 0x80)
        .count();
    let local = &bytes[at - length..at];
    let skip = local.iter().take_while(|b| b".'-%+".contains(b)).count();
    let local = &local[skip..];
    let dots = local.windows(2).any(|pair| pair == b"..") || local.ends_with(b".");
    (!local.is_empty() && local.len() <= LOCAL_BYTES_MAX && !dots).then_some(at - local.len())
}

fn domain_end(bytes: &[u8], start: usize) -> Option<usize> {
    let most = bytes.len().min(start + DOMAIN_BYTES_MAX);
    let length = bytes[start..most]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || b".-".contains(b) || **b >= 0x80)
        .count();
    let trimmed = bytes[start..start + length]
        .iter()
        .rev()
        .take_while(|b| b".-".contains(b))
        .count();
    (length > trimmed).then_some(start + length - trimmed)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
}

fn is_top_level(top: &str) -> bool {
    let alphabetic =
        (2..=24).contains(&top.chars().count()) && top.chars().all(char::is_alphabetic);
    (alphabetic || top.starts_with("xn--")) && !NOT_TOP_LEVEL.contains(&top)
}

/// Whether the local part is the user, or the password, of a URL.
fn in_url(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(SCHEME_WITHIN)..start];
    let word = before
        .iter()
        .rev()
        .take_while(|b| !b.is_ascii_whitespace())
        .count();
    let word = &before[before.len() - word..];
    word.ends_with(b"://") || (word.ends_with(b":") && word.windows(3).any(|w| w == b"://"))
}
