//! Pages by an opaque cursor, handed back verbatim.

use event_model::{FeedPage, Position};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::call::CallError;
use crate::client::feed::listing::{Listed, NOTHING_NEW};
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, accepted, document, not_supported};
use crate::egress::Answer;
use crate::manifest::feed::{AskEnd, CursorPaging, Expired, Stream};
use crate::scope::{Scope, scalar};

impl ServiceClient {
    pub(super) async fn page_by_cursor(
        &self,
        stream: &Stream,
        paging: &CursorPaging,
        from: &Position,
    ) -> Result<FeedPage, CallError> {
        let cursor = match (from, &paging.now) {
            (Position::Start, _) => paging.start.as_deref(),
            (Position::Cursor { cursor }, _) => Some(cursor.as_str()),
            (Position::Now, Some(AskEnd::Cursor(cursor))) => Some(cursor.as_str()),
            (Position::Now, Some(AskEnd::Query(query))) => {
                return self.end_by_query(stream, paging, query).await;
            }
            (Position::Now, None) => {
                return Err(not_supported("the stream cannot be begun at its end"));
            }
            (Position::Link { .. } | Position::Watermark { .. }, _) => {
                return Err(CallError::CursorExpired { resume: None });
            }
        };
        let extra: Vec<(&str, &str)> = cursor
            .iter()
            .map(|cursor| (paging.query.as_str(), *cursor))
            .collect();
        let scope = self.scope();
        let answer = self
            .send(&stream.request, &scope, &extra, ANSWER_BYTES_MAX)
            .await?;
        if let Some(resume) = expired(paging, from, &answer)? {
            return Err(CallError::CursorExpired { resume });
        }
        let answer = accepted(answer, &NOTHING_NEW)?;
        read_page(paging, from, &answer, &scope)
    }

    /// Where the newest events end. Of a feed without events that is its start.
    async fn end_by_query(
        &self,
        stream: &Stream,
        paging: &CursorPaging,
        query: &[(String, crate::template::Template)],
    ) -> Result<FeedPage, CallError> {
        let scope = self.scope();
        let texts = query
            .iter()
            .map(|(name, value)| Ok((name.as_str(), value.text(&scope)?)));
        let texts: Vec<(&str, String)> = texts.collect::<Result<_, CallError>>()?;
        let extra: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let answer = self
            .send(&stream.request, &scope, &extra, ANSWER_BYTES_MAX)
            .await?;
        let answer = accepted(answer, &NOTHING_NEW)?;
        let listed = Listed::read(&paging.items, &answer)?;
        let to = match listed.cursor(&paging.next)? {
            Some(cursor) => Position::cursor(cursor),
            None if listed.items.is_empty() => Position::Start,
            None => return Err(CallError::malformed("the newest events have no cursor")),
        };
        Ok(FeedPage {
            from: Position::Now,
            to,
            events: Vec::new(),
            more: false,
        })
    }
}

/// Whether the cursor is no longer known, and then where to go on, if the service says.
fn expired(
    paging: &CursorPaging,
    from: &Position,
    answer: &Answer,
) -> Result<Option<Option<Position>>, CallError> {
    match &paging.expired {
        Some(Expired::Status(status, resume)) if answer.status.as_u16() == *status => {
            let body = document(answer)?;
            let resume = resume.as_ref().and_then(|place| scalar(place.of(&body)?));
            Ok(Some(
                resume.map(|cursor| Position::cursor(cursor.into_owned())),
            ))
        }
        Some(Expired::Header(name)) => {
            let lost = matches!(from, Position::Cursor { .. }) && answer.headers.contains_key(name);
            Ok(lost.then_some(None))
        }
        _ => Ok(None),
    }
}

fn read_page(
    paging: &CursorPaging,
    from: &Position,
    answer: &Answer,
    scope: &Scope<'_>,
) -> Result<FeedPage, CallError> {
    let listed = Listed::read(&paging.items, answer)?;
    let next = listed.cursor(&paging.next)?;
    let more = match (&paging.more, listed.whole) {
        (Some(more), Some(whole)) => more.holds(&scope.over(&without_lists(whole))),
        _ => !listed.items.is_empty(),
    };
    Ok(FeedPage {
        from: from.clone(),
        to: next.map_or_else(|| from.clone(), Position::cursor),
        events: listed.events(),
        more,
    })
}

/// The page's own values without its events, which are not to be parsed twice.
fn without_lists(whole: &RawValue) -> Value {
    let entries =
        serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(whole.get());
    let kept = entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(key, raw)| {
            let small = !raw.get().starts_with('[');
            let value = small
                .then(|| serde_json::from_str(raw.get()).ok())
                .flatten();
            value.map(|value| (key, value))
        });
    Value::Object(kept.collect::<Map<String, Value>>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::Catalogue;
    use crate::manifest::feed::Paging;
    use crate::testing::connection;

    fn page(body: &str) -> Result<FeedPage, CallError> {
        let connector = Catalogue::built_in()
            .get("toy-cloud")
            .expect("it comes with us");
        let Paging::Cursor(paging) = &connector.streams[0].paging else {
            panic!("toy-cloud pages by cursor")
        };
        let (connection, params) = (connection(None), BTreeMap::new());
        let scope = Scope::new(&connection, &params);
        let answer = Answer {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: body.to_owned().into(),
        };
        read_page(paging, &Position::cursor("c1"), &answer, &scope)
    }

    #[test]
    fn a_page_is_read_as_the_manifest_says_and_a_broken_one_is_refused() {
        let long = format!(r#"{{"items": [], "next": "{}"}}"#, "x".repeat(8 * 1024 + 1));
        let rows = [
            (
                r#"{"items": [{"a":  1}, {}], "next": "c2", "has_more": true}"#,
                "2 to c2, more",
            ),
            (
                r#"{"items": [], "next": "c1", "has_more": true}"#,
                "0 to c1, more",
            ),
            (r#"{"items": [{}], "next": 7, "has_more": false}"#, "1 to 7"),
            (
                r#"{"items": [{}], "next": null, "has_more": "true"}"#,
                "1 to c1, more",
            ),
            (r#"{"items": null, "next": "c2"}"#, "0 to c2"),
            (r#"{"next": "c2"}"#, "malformed"),
            (r#"{"items": {}, "next": "c2"}"#, "malformed"),
            ("[]", "malformed"),
            ("", "malformed"),
            (&long, "malformed"),
        ];
        for (body, expected) in rows {
            let outcome = match page(body) {
                Ok(page) => {
                    let more = if page.more { ", more" } else { "" };
                    format!("{} to {}{more}", page.events.len(), page.to)
                }
                Err(CallError::Malformed { .. }) => "malformed".to_owned(),
                Err(other) => other.to_string(),
            };
            assert_eq!(outcome, expected, "{}", &body[..body.len().min(80)]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_page_makes_its_reader_panic(body in r#"[\[\]{},: "a-z0-9]{0,60}"#, items in r#"[\[\]{},: "0-9]{0,30}"#) {
            let _ = page(&body);
            let _ = page(&format!(r#"{{"items": {items}, "next": {items}}}"#));
        }
    }
}
