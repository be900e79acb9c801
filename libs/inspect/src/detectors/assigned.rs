//! Secrets that only the name tells which they are assigned to: `db_password = "…"`, `api-key: …`,
//! `?access_token=…`. Code, `.env`, INI, YAML, JSON and prose all write a name, a sign and a value.
//!
//! Values that stand for a secret (`${VAR}`, `<token>`, `changeme`), code that computes one, and
//! names that only sound like one (`token_type`, `password_policy`) are nothing.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::token::{distinct_at_least, is_uuid, stands_for_a_secret};
use super::tokens::SECRET;
use crate::detect::{Anchor, Assignment, Detector, Strength, Value, Verify};

pub(crate) mod vendors;

/// Values from here to there may be secrets.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 6..=128;
const KEY_CHARS: std::ops::RangeInclusive<usize> = 12..=512;

pub(crate) static PASSWORD: Detector = named(
    "password",
    "Password beside its name",
    &[
        "password",
        "passwd",
        "passphrase",
        "passwort",
        "kennwort",
        "motdepasse",
        "contraseña",
        "contrasena",
        "senha",
        "palavrapasse",
        "wachtwoord",
        "hasło",
        "haslo",
        "пароль",
        "密码",
        "密碼",
        "パスワード",
        "비밀번호",
        "lösenord",
        "adgangskode",
        "passord",
        "salasana",
        "heslo",
        "jelszó",
        "şifre",
        "pwd",
        "pswd",
        "dbpass",
        "userpass",
        "adminpass",
        "rootpass",
        "smtppass",
        "mailpass",
        "authpass",
        "ftppass",
        "sshpass",
        "pgpass",
    ],
    password,
);

pub(crate) static GENERIC_SECRET: Detector = named(
    "generic-secret",
    "Secret, key or token beside its name",
    &[
        "secret",
        "token",
        "apikey",
        "accesskey",
        "authkey",
        "privatekey",
        "secretkey",
        "clientkey",
        "encryptionkey",
        "signingkey",
        "masterkey",
        "servicekey",
        "accountkey",
        "storagekey",
        "sharedkey",
        "sessionkey",
        "credential",
        "apitoken",
        "hmackey",
        "cryptokey",
        "databasekey",
        "licensekey",
        "appkey",
        "authorizationkey",
        "subscriptionkey",
        "key",
        "auth",
    ],
    key,
);

const fn named(
    name: &'static str,
    title: &'static str,
    names: &'static [&'static str],
    check: fn(&Assignment<'_>) -> Option<Strength>,
) -> Detector {
    Detector {
        name,
        title,
        group: Some(SECRET),
        anchor: Anchor::Assigned,
        reach: 0,
        positive: &[],
        negative: &[],
        verify: Verify::Assigned {
            names,
            value: Value::Check(check),
        },
    }
}

/// A key of a service whose name stands before it.
const fn key_of(
    name: &'static str,
    title: &'static str,
    services: &'static [&'static str],
    body: fn(&u8) -> bool,
    chars: (usize, usize),
) -> Detector {
    Detector {
        name,
        title,
        group: Some(SECRET),
        anchor: Anchor::Assigned,
        reach: 0,
        positive: &[],
        negative: &[],
        verify: Verify::Assigned {
            names: services,
            value: Value::Form { body, chars },
        },
    }
}

/// What begins the rest of a name that only speaks of a secret.
const SPEAKS_OF: [&str; 62] = [
    "id",
    "name",
    "type",
    "url",
    "uri",
    "endpoint",
    "path",
    "file",
    "len",
    "size",
    "count",
    "expir",
    "ttl",
    "field",
    "label",
    "hint",
    "policy",
    "min",
    "max",
    "regex",
    "pattern",
    "prefix",
    "header",
    "version",
    "arn",
    "ref",
    "enabled",
    "required",
    "public",
    "class",
    "provider",
    "manager",
    "store",
    "bucket",
    "index",
    "limit",
    "izer",
    "ize",
    "ary",
    "address",
    "format",
    "alg",
    "placeholder",
    "desc",
    "title",
    "text",
    "message",
    "error",
    "reset",
    "strength",
    "cookie",
    "param",
    "hash",
    "digest",
    "salt",
    "less",
    "rule",
    "scope",
    "issu",
    "at",
    "mode",
    "age",
];

/// What stands before the word in names of tokens that open nothing.
const OPENS_NOTHING: [&str; 12] = [
    "csrf",
    "xsrf",
    "page",
    "next",
    "continuation",
    "cancellation",
    "cursor",
    "sync",
    "design",
    "forgery",
    "public",
    "publishable",
];

fn is_meant(assignment: &Assignment<'_>) -> bool {
    let (before, rest) = (assignment.name_before(), assignment.name_rest());
    !SPEAKS_OF.iter().any(|word| rest.starts_with(word))
        && !OPENS_NOTHING.iter().any(|word| before.ends_with(word))
}

fn password(assignment: &Assignment<'_>) -> Option<Strength> {
    let value = assignment.value;
    let shape = Shape::of(value);
    if !PASSWORD_CHARS.contains(&value.len()) || !is_literal(assignment, &shape) {
        return None;
    }
    let mixed = shape.letters() && (shape.digits || shape.signs);
    Some(match shape.classes() {
        _ if is_weak(value) || is_uuid(value.as_bytes()) || is_wordy(value) => Strength::Doubtful,
        3.. if value.len() >= 10 && shape.digits => Strength::Certain,
        _ if mixed || (shape.lower && shape.upper && assignment.quoted) => Strength::Plain,
        _ if assignment.quoted || shape.digits => Strength::Doubtful,
        _ => return None,
    })
}

fn key(assignment: &Assignment<'_>) -> Option<Strength> {
    const BITS_MIN: f64 = 3.0;
    const BITS_SURE: f64 = 3.5;
    const SURE_CHARS: usize = 20;
    let value = assignment.value;
    let shape = Shape::of(value);
    if !KEY_CHARS.contains(&value.len()) || !shape.digits || !shape.letters() {
        return None;
    }
    let bits = entropy(value.as_bytes());
    if bits < BITS_MIN || !is_literal(assignment, &shape) {
        return None;
    }
    // A map has keys, too: a bare one must look its part.
    let bare = matches!(assignment.word(), "key" | "auth");
    let looks = shape.classes() >= 3 && value.len() >= SURE_CHARS;
    let looks = looks && assignment.name_rest().is_empty();
    if bare && !(looks && bits >= BITS_SURE) {
        return None;
    }
    Some(
        if is_weak(value) || is_uuid(value.as_bytes()) || is_wordy(value) {
            Strength::Doubtful
        } else if !bare && bits >= BITS_SURE && value.len() >= SURE_CHARS {
            Strength::Certain
        } else {
            Strength::Plain
        },
    )
}

/// Whether the value is the secret itself, not code, a path or a word that stands for one.
fn is_literal(assignment: &Assignment<'_>, shape: &Shape) -> bool {
    let value = assignment.value;
    let has = |signs: &[u8]| has(value, signs);
    let code = value.bytes().any(|byte| b"()[]{}".contains(&byte))
        || has(b"::")
        || has(b"->")
        || has(b"://")
        || value.starts_with(['/', '.', '~', '@', '&', '\\', '+', '%'])
        || value.starts_with("file:");
    let variable = value.starts_with('$') && !assignment.quoted;
    let spaced = value.contains(char::is_whitespace);
    // A name of another thing: letters, digits only at the end of a part.
    let name = !assignment.quoted && (!shape.digits || has(b"._"));
    is_meant(assignment)
        && !(spaced || variable || name && !shape.signs)
        && (assignment.quoted || !code)
        && !(assignment.quoted && has(b"://"))
        && !(code && (has(b"${") || has(b"{{") || has(b"()")))
        && !stands_for_a_secret(value.as_bytes())
        && distinct_at_least(value.as_bytes(), 4)
}

/// Whether a few signs stand in the value, right behind each other.
fn has(value: &str, signs: &[u8]) -> bool {
    value
        .as_bytes()
        .windows(signs.len())
        .any(|there| there == signs)
}

/// Words that hardly are the whole secret, but may be a careless one.
fn is_weak(value: &str) -> bool {
    const WEAK: [&str; 12] = [
        "password", "passwd", "passwort", "secret", "token", "test", "demo", "default", "admin",
        "123456", "qwerty", "abcdef",
    ];
    static WORDS: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(WEAK)
            .ok()
    });
    words.as_ref().is_some_and(|words| words.is_match(value))
}

/// Whether the value is words and short numbers with signs between them.
fn is_wordy(value: &str) -> bool {
    const NUMBER_CHARS_MAX: usize = 4;
    const SEPARATORS: [char; 6] = ['-', '_', '.', ':', '/', ','];
    let word = |part: &str| {
        let rest = part.get(1..).unwrap_or_default();
        let alike = |letter: fn(&u8) -> bool| rest.bytes().all(|byte| letter(&byte));
        let letters = part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let number = part.bytes().all(|byte| byte.is_ascii_digit());
        (letters && (alike(u8::is_ascii_lowercase) || alike(u8::is_ascii_uppercase)))
            || (number && part.len() <= NUMBER_CHARS_MAX)
    };
    value.contains(SEPARATORS) && value.split(SEPARATORS).all(word)
}

/// Which kinds of characters a value has.
struct Shape {
    lower: bool,
    upper: bool,
    digits: bool,
    signs: bool,
}

impl Shape {
    fn of(value: &str) -> Self {
        let mut shape = Self {
            lower: false,
            upper: false,
            digits: false,
            signs: false,
        };
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | 0x80.. => shape.lower = true,
                b'A'..=b'Z' => shape.upper = true,
                b'0'..=b'9' => shape.digits = true,
                b'-' | b'_' | b'.' | b',' | b':' | b'/' => {}
                sign => shape.signs |= sign.is_ascii_punctuation(),
            }
        }
        shape
    }

    fn letters(&self) -> bool {
        self.lower || self.upper
    }

    fn classes(&self) -> usize {
        [self.lower, self.upper, self.digits, self.signs]
            .into_iter()
            .filter(|kind| *kind)
            .count()
    }
}

/// Shannon's entropy, bits per byte.
pub(crate) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    // A byte that is there once says nothing of its own: most random ones are.
    let repeated = counts.iter().filter(|count| **count > 1);
    let known: f64 = repeated
        .map(|count| f64::from(*count) * f64::from(*count).log2())
        .sum();
    let length = bytes.len().max(1) as f64;
    length.log2() - known / length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_bytes() {
        let rows = [
            ("aaaa", 0.0),
            ("abab", 1.0),
            ("abcd", 2.0),
            ("abcdefgh", 3.0),
        ];
        for (text, bits) in rows {
            assert!((entropy(text.as_bytes()) - bits).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn words_with_signs_between_them_are_told_from_random_characters() {
        let rows = [
            ("my-secret-token-v", true),
            ("access_token_2024", true),
            ("a8f3-9c1e-77aa", false),
            ("Tr0ub4dor-and-3", false),
            ("word", false),
        ];
        for (value, wordy) in rows {
            assert_eq!(is_wordy(value), wordy, "{value}");
        }
    }
}
