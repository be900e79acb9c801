//! Pages by an opaque cursor, handed back verbatim.

use event_model::{FeedPage, GapReason, Position};
use serde_json::Value;

use crate::call::CallError;
use crate::client::feed::listing::{Listed, NOTHING_NEW};
use crate::client::feed::moment_before;
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, accepted, document, not_supported};
use crate::condition::Condition;
use crate::egress::Answer;
use crate::manifest::feed::{AskEnd, CursorPaging, Expired, Next, Slot, Stream};
use crate::scope::{Scope, scalar};
use crate::time::{self, Format};

impl ServiceClient {
    pub(super) async fn page_by_cursor(
        &self,
        stream: &Stream,
        paging: &CursorPaging,
        from: &Position,
    ) -> Result<FeedPage, CallError> {
        if let (Position::Now, Some(AskEnd::Query(query))) = (from, &paging.now) {
            return self.end_by_query(stream, paging, query).await;
        }
        let now = self.0.clock.now();
        let parts = paging.parts(from, now)?;
        let request = match (from, &paging.onward) {
            (Position::Cursor { .. }, Some(onward)) => onward,
            _ => &stream.request,
        };
        let scope = self.scope();
        let answer = self.ask_page(stream, request, &parts).await?;
        if let Some(resume) = expired(paging, from, &answer, &scope)? {
            return Err(CallError::CursorExpired {
                resume,
                reason: GapReason::CursorExpired,
            });
        }
        let answer = accepted(answer, &NOTHING_NEW)?;
        let page = read_page((paging, stream.empty.as_ref()), from, &answer, &scope)?;
        // Asked from a moment and given no cursor: on from that moment, not from another "now".
        let stays = page.to == Position::Now && paging.since.is_some();
        Ok(FeedPage {
            to: match stays {
                true => Position::watermark(now),
                false => page.to,
            },
            ..page
        })
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
        let listed = Listed::read((&paging.items, stream.empty.as_ref()), &answer, &scope)?;
        let given = match &paging.next {
            Next::Given(place) => listed.cursor(place)?,
            Next::Offset => None,
        };
        let to = match given {
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

impl CursorPaging {
    /// What the request for the events after a position carries.
    fn parts(
        &self,
        from: &Position,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Vec<(&Slot, Value)>, CallError> {
        let cursor = |text: &str| match self.slot {
            // In a body, a number of events is a number.
            Slot::Body(_) if matches!(self.next, Next::Offset) => {
                let number = text.parse::<u64>();
                (
                    &self.slot,
                    number.map_or_else(|_| Value::from(text), Value::from),
                )
            }
            _ => (&self.slot, Value::from(text)),
        };
        let since = |at| {
            let since = self.since.as_ref();
            since.map(|since| since.asked(moment_before(at, self.overlap)))
        };
        match (from, &self.now) {
            (Position::Start, _) => Ok(self.start.iter().map(|text| cursor(text)).collect()),
            (Position::Cursor { cursor: text }, _) => Ok(vec![cursor(text)]),
            (Position::Now, Some(AskEnd::Cursor(text))) => Ok(vec![cursor(text)]),
            (Position::Now, _) => match since(now) {
                Some(part) => Ok(vec![part]),
                None => Err(not_supported("the stream cannot be begun at its end")),
            },
            (Position::Watermark { since: at, .. }, _) if self.since.is_some() => {
                Ok(since(*at).into_iter().collect())
            }
            (Position::Link { .. } | Position::Watermark { .. }, _) => {
                Err(CallError::CursorExpired {
                    resume: None,
                    reason: GapReason::CursorExpired,
                })
            }
        }
    }

    /// The cursor after a page; none when the place does not move.
    fn next(&self, from: &Position, listed: &Listed<'_>) -> Result<Option<String>, CallError> {
        let before = match (&self.next, from) {
            (Next::Given(place), _) => return listed.cursor(place),
            (Next::Offset, _) if listed.items.is_empty() => return Ok(None),
            (Next::Offset, Position::Cursor { cursor }) => cursor.as_str(),
            (Next::Offset, _) => self.start.as_deref().unwrap_or("0"),
        };
        let before: u64 = before
            .parse()
            .map_err(|_| CallError::malformed("the cursor is not a number of events"))?;
        let next = before.saturating_add(listed.items.len() as u64);
        Ok(Some(next.to_string()))
    }
}

/// Whether the cursor is no longer known, and then where to go on, if the service says.
fn expired(
    paging: &CursorPaging,
    from: &Position,
    answer: &Answer,
    scope: &Scope<'_>,
) -> Result<Option<Option<Position>>, CallError> {
    match &paging.expired {
        Some(Expired::Said {
            signal,
            resume,
            since,
        }) if signal.seen(answer, scope)? => {
            let body = document(answer)?;
            let cursor = resume.as_ref().and_then(|place| scalar(place.of(&body)?));
            let moment = since.as_ref().and_then(|place| {
                let text = scalar(place.of(&body)?)?;
                time::parse(&text, Format::Rfc3339)
            });
            let cursor = cursor.map(|cursor| Position::cursor(cursor.into_owned()));
            Ok(Some(cursor.or_else(|| moment.map(Position::watermark))))
        }
        Some(Expired::Header(name)) => {
            let lost = matches!(from, Position::Cursor { .. }) && answer.headers.contains_key(name);
            Ok(lost.then_some(None))
        }
        _ => Ok(None),
    }
}

fn read_page(
    (paging, empty): (&CursorPaging, Option<&Condition>),
    from: &Position,
    answer: &Answer,
    scope: &Scope<'_>,
) -> Result<FeedPage, CallError> {
    let listed = Listed::read((&paging.items, empty), answer, scope)?;
    let next = paging.next(from, &listed)?;
    let more = match (&paging.more, listed.without_lists()) {
        (Some(more), Some(own)) => more.holds(&scope.over(&own)),
        _ => !listed.items.is_empty(),
    };
    Ok(FeedPage {
        from: from.clone(),
        to: next.map_or_else(|| from.clone(), Position::cursor),
        events: listed.events(),
        more,
    })
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
        let Paging::Cursor(paging) = &connector.streams.all().next().unwrap().paging else {
            panic!("toy-cloud pages by cursor")
        };
        let (connection, params) = (connection(None), BTreeMap::new());
        let scope = Scope::new(&connection, &params);
        let answer = Answer {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: body.to_owned().into(),
            rest: None,
        };
        read_page((paging, None), &Position::cursor("c1"), &answer, &scope)
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
