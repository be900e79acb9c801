//! One page as a service answered it: its items byte for byte, and what leads on.

use event_model::{Position, RawEvent, RawJson};
use http::StatusCode;
use serde_json::Value;

use crate::call::CallError;
use crate::client::feed::PAGE_EVENTS_MAX;
use crate::condition::Condition;
use crate::document::Outline;
use crate::egress::Answer;
use crate::json;
use crate::manifest::feed::Place;
use crate::pointer::Pointer;
use crate::scope::{Scope, scalar};

/// Statuses that stand for an empty page.
pub(super) const NOTHING_NEW: [u16; 2] = [204, 304];

/// One page.
pub(super) struct Listed<'a> {
    /// The body, and one level of it; none when the service answered "nothing new".
    whole: Option<(&'a str, Outline<'a>)>,
    pub(super) items: Vec<&'a str>,
    answer: &'a Answer,
}

impl<'a> Listed<'a> {
    /// Reads an answer that was accepted.
    pub(super) fn read(
        (items, empty): (&Pointer, Option<&Condition>),
        answer: &'a Answer,
        scope: &Scope<'_>,
    ) -> Result<Self, CallError> {
        if is_nothing_new(answer.status) {
            return Ok(Listed {
                whole: None,
                items: Vec::new(),
                answer,
            });
        }
        let whole = json::outline(&answer.body, items);
        let (text, outline, listed) = whole.map_err(|error| CallError::malformed(error.detail))?;
        let items = match items.sent(text, &outline) {
            Some("null") => Vec::new(),
            Some(list) => listed
                .or_else(|| listed_in(list))
                .ok_or_else(|| CallError::malformed(format!("there is no list at `{items}`")))?,
            None if empty.is_some_and(|empty| holds(empty, text, scope)) => Vec::new(),
            None => {
                let detail = format!("there is nothing at `{items}`");
                return Err(CallError::malformed(detail));
            }
        };
        if items.len() > PAGE_EVENTS_MAX {
            return Err(CallError::TooLarge {
                limit: PAGE_EVENTS_MAX,
            });
        }
        Ok(Listed {
            whole: Some((text, outline)),
            items,
            answer,
        })
    }

    /// The items as events.
    pub(super) fn events(&self) -> Vec<RawEvent> {
        let parts = RawJson::parts(&self.answer.body, &self.items).into_iter();
        parts.map(|json| RawEvent { json }).collect()
    }

    /// The page's own values without its lists, so that events are not parsed here; none when the
    /// service answered "nothing new".
    pub(super) fn without_lists(&self) -> Option<Value> {
        let (_, outline) = self.whole.as_ref()?;
        let members: &[_] = match outline {
            Outline::Object(members) => members,
            Outline::List(_) | Outline::Single => &[],
        };
        let small = members.iter().filter(|(_, text)| !text.starts_with('['));
        let kept = small.filter_map(|(key, text)| {
            let value = serde_json::from_str(text).ok()?;
            Some((key.clone().into_owned(), value))
        });
        Some(Value::Object(kept.collect()))
    }

    /// The cursor of the next page.
    pub(super) fn cursor(&self, place: &Place) -> Result<Option<String>, CallError> {
        let found = match place {
            Place::Path(path) => self.value(path),
            Place::Header(name) => self.answer.headers.get(name).and_then(|value| {
                let text = value.to_str().ok()?;
                (!text.is_empty()).then(|| text.to_owned())
            }),
        };
        bounded(found)
    }

    /// The address of the next page, relative or whole.
    pub(super) fn link(&self, place: &Place) -> Result<Option<String>, CallError> {
        let found = match place {
            Place::Path(path) => self.value(path),
            Place::Header(name) => {
                let texts = self.answer.headers.get_all(name).iter();
                texts
                    .filter_map(|value| value.to_str().ok())
                    .find_map(next_of)
            }
        };
        bounded(found)
    }

    fn value(&self, path: &Pointer) -> Option<String> {
        let (text, outline) = self.whole.as_ref()?;
        let value: Value = serde_json::from_str(path.sent(text, outline)?).ok()?;
        scalar(&value).map(|text| text.into_owned())
    }
}

/// The elements of the list that a text is.
fn listed_in(text: &str) -> Option<Vec<&str>> {
    match Outline::of(text) {
        Ok(Outline::List(items)) => Some(items),
        _ => None,
    }
}

fn holds(condition: &Condition, whole: &str, scope: &Scope<'_>) -> bool {
    let document: Option<Value> = serde_json::from_str(whole).ok();
    document.is_some_and(|document| condition.holds(&scope.over(&document)))
}

fn is_nothing_new(status: StatusCode) -> bool {
    NOTHING_NEW.contains(&status.as_u16())
}

/// What will be kept as a position has a bound.
fn bounded(found: Option<String>) -> Result<Option<String>, CallError> {
    match found {
        Some(text) if text.len() > Position::CURSOR_BYTES_MAX => Err(CallError::malformed(
            format!("a cursor of {} bytes", text.len()),
        )),
        found => Ok(found),
    }
}

/// The address with `rel="next"` of a `Link` header (RFC 8288); of any other header its whole value.
fn next_of(header: &str) -> Option<String> {
    if !header.trim_start().starts_with('<') {
        return Some(header.trim().to_owned()).filter(|text| !text.is_empty());
    }
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (address, after) = after.split_once('>')?;
        // Parameters go on to the next address: what stands in quotes has no `<` in practice, and
        // an address that were misread so would not be of this host.
        let parameters = after.split('<').next().unwrap_or_default();
        if parameters.split([';', ',']).any(is_next) {
            return Some(address.to_owned());
        }
        rest = after;
    }
    None
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let value = value.trim().trim_matches('"');
    let named = name.trim().eq_ignore_ascii_case("rel");
    named
        && value
            .split_whitespace()
            .any(|word| word.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_address_is_found_among_the_links_of_a_header() {
        let rows = [
            (
                r#"<https://a.example/1>; rel="next""#,
                Some("https://a.example/1"),
            ),
            (
                r#"<https://a.example/0>; rel="self", <https://a.example/1?x=1,2>; rel=next; title="n""#,
                Some("https://a.example/1?x=1,2"),
            ),
            (r#"<https://a.example/0>; rel="prev first""#, None),
            (
                r#"<https://a.example/9>;REL="last next""#,
                Some("https://a.example/9"),
            ),
            (r#"<https://a.example/0; rel="next""#, None),
            ("https://a.example/plain", Some("https://a.example/plain")),
            ("", None),
        ];
        for (header, expected) in rows {
            assert_eq!(next_of(header).as_deref(), expected, "{header}");
        }
    }
}
