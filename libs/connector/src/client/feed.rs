//! Pulls a stream, page by page. One function per paging class.

use event_model::{FeedPage, Position, RawEvent};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::call::CallError;
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, accepted, document, not_supported};
use crate::json;
use crate::manifest::feed::{CursorPaging, Paging, Stream};
use crate::scope::{Scope, scalar};

/// Most events of one page.
pub(crate) const PAGE_EVENTS_MAX: usize = 10_000;

impl ServiceClient {
    /// Where a stream is begun: at the oldest event or at the end, as the manifest says. Of a stream
    /// that the manifest does not have, at the end.
    pub async fn first_position(&self, stream: &str) -> Position {
        match self.connector().stream(stream) {
            Some(stream) if stream.from_start => Position::Start,
            _ => Position::Now,
        }
    }

    /// The events after a position. A page may be empty, and hand back the position it was asked
    /// with, while more is waiting: the caller decides how soon it asks again.
    ///
    /// # Errors
    /// `CursorExpired` when the service no longer knows the position; see [`CallError`].
    pub async fn page_after(&self, stream: &str, from: &Position) -> Result<FeedPage, CallError> {
        let found = self.connector().stream(stream);
        let found = found.ok_or_else(|| not_supported(format!("there is no stream `{stream}`")))?;
        match &found.paging {
            Paging::Cursor(paging) => self.page_by_cursor(found, paging, from).await,
        }
    }

    async fn page_by_cursor(
        &self,
        stream: &Stream,
        paging: &CursorPaging,
        from: &Position,
    ) -> Result<FeedPage, CallError> {
        let cursor = match from {
            Position::Start => paging.start.as_deref(),
            Position::Now => Some(
                paging
                    .now
                    .as_deref()
                    .ok_or_else(|| not_supported("the stream cannot be begun at its end"))?,
            ),
            Position::Cursor { cursor } => Some(cursor.as_str()),
        };
        let extra: Vec<(&str, &str)> = cursor
            .iter()
            .map(|cursor| (paging.query.as_str(), *cursor))
            .collect();
        let scope = self.scope();
        let answer = self
            .send(&stream.request, &scope, &extra, ANSWER_BYTES_MAX)
            .await?;
        if let Some((status, resume)) = &paging.expired
            && answer.status.as_u16() == *status
        {
            let body = document(&answer)?;
            let resume = resume.as_ref().and_then(|place| scalar(place.of(&body)?));
            let resume = resume.map(|cursor| Position::cursor(cursor.into_owned()));
            return Err(CallError::CursorExpired { resume });
        }
        let answer = accepted(answer, &[])?;
        read_page(paging, from, &answer.body, &scope)
    }
}

fn read_page(
    paging: &CursorPaging,
    from: &Position,
    body: &[u8],
    scope: &Scope<'_>,
) -> Result<FeedPage, CallError> {
    let broken = |detail: String| CallError::Malformed { detail };
    let whole = json::raw(body).map_err(|error| broken(error.detail))?;
    let items = match paging.items.raw(whole).map(RawValue::get) {
        Some("null") => Vec::new(),
        Some(text) => serde_json::from_str::<Vec<&RawValue>>(text)
            .map_err(|_| broken(format!("there is no list at `{}`", paging.items)))?,
        None => return Err(broken(format!("there is nothing at `{}`", paging.items))),
    };
    if items.len() > PAGE_EVENTS_MAX {
        return Err(CallError::TooLarge {
            limit: PAGE_EVENTS_MAX,
        });
    }
    let next = paging
        .next
        .raw(whole)
        .and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let next = next.as_ref().and_then(scalar);
    let to = match next {
        Some(next) if next.len() > Position::CURSOR_BYTES_MAX => {
            return Err(broken(format!("a cursor of {} bytes", next.len())));
        }
        Some(next) => Position::cursor(next.into_owned()),
        None => from.clone(),
    };
    let more = match &paging.more {
        Some(more) => more.holds(&scope.over(&without_lists(whole))),
        None => !items.is_empty(),
    };
    let events = items
        .into_iter()
        .map(|raw| RawEvent {
            json: raw.to_owned(),
        })
        .collect();
    Ok(FeedPage {
        from: from.clone(),
        to,
        events,
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
    use crate::testing::connection;

    fn page(body: &str) -> Result<FeedPage, CallError> {
        let connector = Catalogue::built_in()
            .get("toy-cloud")
            .expect("it comes with us");
        let Paging::Cursor(paging) = &connector.streams[0].paging;
        let (connection, params) = (connection(None), BTreeMap::new());
        let scope = Scope::new(&connection, &params);
        read_page(paging, &Position::cursor("c1"), body.as_bytes(), &scope)
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
