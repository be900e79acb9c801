//! Calls as they may be shown to others: method, address without values, status, the answer's shape.
//!
//! INVARIANT: of a service's texts only moments get into evidence, and plain words under keys that hold
//! words of the service itself, such as `type`: no token, no address, no name, no content. Headers are
//! not kept.

use std::collections::VecDeque;
use std::sync::Mutex;

use connector::{Witness, Witnessed};
use serde::Serialize;
use serde_json::Value;

/// Most calls that are shown for one row.
pub(super) const CALLS_SHOWN_MAX: usize = 6;
/// Most calls remembered between two looks.
const CALLS_KEPT_MAX: usize = 200;
/// Longest excerpt, in characters.
const EXCERPT_CHARS_MAX: usize = 700;
/// Largest answer that is looked into, in bytes.
const LOOKED_INTO_BYTES_MAX: usize = 1024 * 1024;
/// Deepest level that is shown.
const LEVELS_MAX: usize = 4;
/// Most keys of an object that are shown.
const KEYS_MAX: usize = 14;
/// Longest word that is shown, in characters.
const WORD_CHARS_MAX: usize = 40;

/// One call and its answer, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// `GET api.example.com/v1/events?limit&cursor`.
    pub request: String,
    /// The answer's status.
    pub status: u16,
    /// The shape of the answer.
    pub excerpt: String,
}

/// Hears every call that is made.
#[derive(Debug, Default)]
pub struct Heard(Mutex<VecDeque<Evidence>>);

impl Heard {
    /// What was heard since the last look.
    pub fn take(&self) -> Vec<Evidence> {
        let mut kept = self.0.lock().expect("no holder panics");
        kept.drain(..).collect()
    }
}

impl Witness for Heard {
    fn saw(&self, call: &Witnessed<'_>) {
        let evidence = Evidence {
            request: format!("{} {}", call.method, address(call.url)),
            status: call.status,
            excerpt: excerpt(call.body),
        };
        let mut kept = self.0.lock().expect("no holder panics");
        if kept.len() == CALLS_KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(evidence);
    }
}

/// Host and path; of a query the names only.
fn address(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}"));
    let names: Vec<String> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    let query = match names.is_empty() {
        true => String::new(),
        false => format!("?{}", names.join("&")),
    };
    let path: Vec<&str> = url.path().split('/').map(segment).collect();
    format!(
        "{host}{}{}{query}",
        port.unwrap_or_default(),
        path.join("/")
    )
}

/// A part of a path, unless it may name a person.
fn segment(text: &str) -> &str {
    let names_a_person = text.contains('@') || text.contains("%40");
    if names_a_person { "…" } else { text }
}

fn excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    if body.len() > LOOKED_INTO_BYTES_MAX {
        return format!("{} bytes", body.len());
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => cut(&shape(&value, 0)),
        Err(_) => format!("{} bytes, not JSON", body.len()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}

/// A document with its keys, and of its values those that are plain.
fn shape(value: &Value, level: usize) -> String {
    match value {
        Value::Null | Value::Bool(_) => value.to_string(),
        // A number may be somebody's telephone: short ones only.
        Value::Number(number) if number.to_string().len() <= 6 => number.to_string(),
        Value::Number(_) => "0…".to_owned(),
        Value::String(text) if is_moment(text) => format!("\"{text}\""),
        Value::String(text) => format!("\"… {} characters\"", text.chars().count()),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        _ if level >= LEVELS_MAX => "…".to_owned(),
        Value::Array(items) => match items.split_first() {
            Some((first, [])) => format!("[{}]", shape(first, level + 1)),
            Some((first, rest)) => {
                format!("[{}, and {} more]", shape(first, level + 1), rest.len())
            }
            None => "[]".to_owned(),
        },
        Value::Object(map) => {
            let mut members: Vec<String> = map
                .iter()
                .take(KEYS_MAX)
                .map(|(key, value)| format!("{}: {}", key_shown(key), shown(key, value, level)))
                .collect();
            if map.len() > KEYS_MAX {
                members.push(format!("and {} more", map.len() - KEYS_MAX));
            }
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// Keys are data in some services.
fn key_shown(key: &str) -> &str {
    if key.contains('@') || key.len() > WORD_CHARS_MAX {
        "…"
    } else {
        key
    }
}

/// Keys that hold words of the service.
const TELLING: [&str; 10] = [
    "type",
    "kind",
    "category",
    "action",
    "operation",
    "status",
    "state",
    "role",
    "visibility",
    "error",
];
/// Keys whose numbers may be secrets too.
const SECRET: [&str; 4] = ["token", "secret", "password", "code"];

fn shown(key: &str, value: &Value, level: usize) -> String {
    let key = key.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| key.contains(word));
    match value {
        Value::String(text) if has(&TELLING) && is_word(text) => format!("\"{text}\""),
        Value::Number(_) if has(&SECRET) => "0…".to_owned(),
        value => shape(value, level + 1),
    }
}

/// A word such as `file.created` or `data_access`.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || b"_.:-".contains(&byte);
    !text.is_empty() && text.len() <= WORD_CHARS_MAX && text.bytes().all(plain)
}

/// Digits and what stands between those of a date and a time.
fn is_moment(text: &str) -> bool {
    let dated = text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-');
    let plain = |byte: u8| byte.is_ascii_digit() || b"-:.TZ+ ".contains(&byte);
    dated && (10..=WORD_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_shows_shapes_and_no_person_no_secret_no_content() {
        let rows = [
            (
                r#"{"id": "evt_01J9Z", "type": "file.created"}"#,
                r#"{id: "… 9 characters", type: "file.created"}"#,
            ),
            (
                r#"{"access_token": "abc", "expires_in": 3600}"#,
                r#"{access_token: "… 3 characters", expires_in: 3600}"#,
            ),
            (
                r#"{"email": "a@b.example", "name": "alice"}"#,
                r#"{email: "… 11 characters", name: "… 5 characters"}"#,
            ),
            (r#"[{"n": 1}, {"n": 2}, {"n": 3}]"#, "[{n: 1}, and 2 more]"),
            (
                r#"{"at": "2026-01-02T03:04:05Z", "who": "Alice Doe"}"#,
                r#"{at: "2026-01-02T03:04:05Z", who: "… 9 characters"}"#,
            ),
            (
                r#"{"user": "alice", "role": "administrator"}"#,
                r#"{role: "administrator", user: "… 5 characters"}"#,
            ),
            (r#"{"a@b.example": 1}"#, "{…: 1}"),
            (r#"{"phone": 4915112345678}"#, "{phone: 0…}"),
            ("4111 1111 1111 1111, a card", "27 bytes, not JSON"),
            ("", ""),
        ];
        for (body, expected) in rows {
            assert_eq!(excerpt(body.as_bytes()), expected, "{body}");
        }
        let url =
            url::Url::parse("https://api.x.example:8443/u/a@b.example/files?token=s3cret&limit=5");
        let shown = address(&url.unwrap());
        assert_eq!(shown, "api.x.example:8443/u/…/files?token&limit");
    }

    #[test]
    fn an_excerpt_is_short_however_large_the_answer_is() {
        let wide: Value = (0..500)
            .map(|n| (format!("k{n}"), Value::from(n)))
            .collect();
        let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        for body in [
            wide.to_string(),
            deep,
            "x".repeat(2 * LOOKED_INTO_BYTES_MAX),
        ] {
            assert!(excerpt(body.as_bytes()).chars().count() <= EXCERPT_CHARS_MAX + 2);
        }
    }
}
