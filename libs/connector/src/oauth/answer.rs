//! What a token endpoint answers, as services really do: JSON or a form, tokens at the top or below, an end
//! in seconds or as a moment, an error under a success.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event_model::Secret;
use ports::Tokens;
use serde_json::{Map, Value};

use super::OAuthError;
use crate::egress::Answer;
use crate::json;
use crate::manifest::auth::TokenEndpoint;
use crate::scope::scalar;
use crate::time::{self, Format};

/// Most fields of an answer that is a form.
const FORM_FIELDS_MAX: usize = 64;

/// The answer as a document.
pub(super) fn document(answer: &Answer) -> Result<Value, OAuthError> {
    let body = &answer.body;
    match json::value(body) {
        Ok(value) => Ok(value),
        // `access_token=..&token_type=bearer`, as GitHub answers by default.
        Err(error) => match form(body) {
            Some(form) => Ok(form),
            None => Err(OAuthError::Malformed {
                detail: error.detail,
            }),
        },
    }
}

fn form(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'{' | b'"');
    if !text.contains('=') || !text.bytes().all(plain) {
        return None;
    }
    let pairs = url::form_urlencoded::parse(text.as_bytes()).take(FORM_FIELDS_MAX);
    let pairs = pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
    Some(Value::Object(pairs.collect()))
}

/// Reads the tokens; what `before` had and the answer does not repeat stays. Gives what else was said.
pub(super) fn read_tokens(
    answer: Value,
    endpoint: &TokenEndpoint,
    before: Option<&Tokens>,
    now: DateTime<Utc>,
) -> Result<(Tokens, Map<String, Value>), OAuthError> {
    let place = place_of(&answer, endpoint);
    let Value::Object(mut said) = answer else {
        return Err(OAuthError::Malformed {
            detail: "not an object".into(),
        });
    };
    // Nothing of the tokens stays in what is given back.
    let mut held = match place {
        Some(Value::Object(held)) => {
            let firsts = endpoint
                .answer
                .iter()
                .filter_map(|place| place.keys().next());
            for (key, _) in firsts {
                said.remove(key);
            }
            held
        }
        _ => std::mem::take(&mut said),
    };
    let mut take = |keys: &[&str]| {
        let taken: Vec<Value> = keys.iter().filter_map(|key| held.remove(*key)).collect();
        taken.iter().find_map(scalar).map(Cow::into_owned)
    };
    let access_token = take(&["access_token", "token"]);
    let access_token = access_token.ok_or_else(|| OAuthError::Malformed {
        detail: "there is no `access_token`".into(),
    })?;
    let refresh_token = take(&["refresh_token"]).map(Secret::new);
    let lasts = take(&["expires_in"]).and_then(|text| text.parse::<f64>().ok());
    let ends = take(&["expires_at"]).and_then(|text| time::parse(&text, Format::Rfc3339));
    let scope = take(&["scope"]);
    take(&["id_token"]);
    take(&["token_type"]);
    let expires_at = lasts
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .and_then(|lasts| now.checked_add_signed(TimeDelta::from_std(lasts).ok()?));
    let tokens = Tokens {
        access_token: Secret::new(access_token),
        refresh_token: refresh_token.or_else(|| before?.refresh_token.clone()),
        expires_at: expires_at.or(ends),
        scope: scope.or_else(|| before?.scope.clone()),
    };
    if place_is_top(&said) {
        said = held;
    }
    Ok((tokens, said))
}

/// What holds the tokens, where that is not the top.
fn place_of(answer: &Value, endpoint: &TokenEndpoint) -> Option<Value> {
    let has_token = |held: &&Value| held.get("access_token").is_some_and(Value::is_string);
    let places = endpoint.answer.iter();
    let mut held = places
        .filter_map(|place| place.of(answer))
        .filter(has_token);
    held.next().cloned()
}

/// The whole answer was taken for the tokens' place.
fn place_is_top(said: &Map<String, Value>) -> bool {
    said.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::auth::ClientAuth;
    use crate::pointer::Pointer;
    use crate::scope::Names;
    use crate::template::Template;
    use bytes::Bytes;

    fn endpoint(answer: &str) -> TokenEndpoint {
        TokenEndpoint {
            token: Template::parse("https://a.example/token", &Names::CONNECTION).unwrap(),
            revoke: None,
            scopes: Vec::new(),
            audiences: Vec::new(),
            client: ClientAuth::Basic,
            token_extra: Vec::new(),
            dead: Vec::new(),
            tenant_id: Vec::new(),
            answer: vec![Pointer::parse(answer).unwrap()],
        }
    }

    #[test]
    fn tokens_are_found_however_a_service_answers() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        // body => access token, refresh token, seconds left, what else is said
        let rows = [
            (
                r#"{"access_token":"a","refresh_token":"r","expires_in":3600,"tenant":"t"}"#,
                "a r 3600 {\"tenant\":\"t\"}",
            ),
            (r#"{"access_token":"a","expires_in":"3599"}"#, "a - 3599 {}"),
            (r#"{"access_token":"a","expires_in":3599.5}"#, "a - 3599 {}"),
            (r#"{"access_token":"a"}"#, "a - - {}"),
            (
                r#"{"ok":true,"authed_user":{"id":"U","access_token":"xoxp","refresh_token":"r","expires_in":43200},"enterprise":{"id":"E"}}"#,
                "xoxp r 43200 {\"enterprise\":{\"id\":\"E\"},\"ok\":true}",
            ),
            (
                r#"{"ok":true,"access_token":"xoxe","refresh_token":"r2","expires_in":43200}"#,
                "xoxe r2 43200 {\"ok\":true}",
            ),
            (
                r#"{"token":"ghs","expires_at":"2023-11-14T23:13:20Z","permissions":{}}"#,
                "ghs - 3600 {\"permissions\":{}}",
            ),
            (
                "access_token=gho&scope=read%3Aorg&token_type=bearer",
                "gho - - {}",
            ),
            (
                "access_token=a&expires_in=28800&refresh_token=ghr",
                "a ghr 28800 {}",
            ),
            ("<html>access_token=a</html>", "malformed"),
            (r#"["a"]"#, "malformed"),
            ("{}", "malformed"),
            ("", "malformed"),
        ];
        for (body, expected) in rows {
            let answer = Answer {
                status: http::StatusCode::OK,
                headers: http::HeaderMap::new(),
                body: Bytes::copy_from_slice(body.as_bytes()),
                rest: None,
            };
            let read = document(&answer)
                .and_then(|said| read_tokens(said, &endpoint("/authed_user"), None, now));
            let told = match read {
                Err(OAuthError::Malformed { .. }) => "malformed".to_owned(),
                Err(other) => panic!("{body}: {other}"),
                Ok((tokens, said)) => {
                    let left = tokens
                        .expires_at
                        .map(|end| (end - now).num_seconds().to_string());
                    let refresh = tokens.refresh_token.map(|token| token.expose().clone());
                    format!(
                        "{} {} {} {}",
                        tokens.access_token.expose(),
                        refresh.as_deref().unwrap_or("-"),
                        left.as_deref().unwrap_or("-"),
                        Value::Object(said)
                    )
                }
            };
            assert_eq!(told, expected, "{body}");
        }
    }
}
