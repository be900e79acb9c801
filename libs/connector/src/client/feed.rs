//! Pulls a stream, page by page. One file per paging class.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{FeedPage, GapReason, Position};
use serde_json::Value;
use url::Url;

use crate::call::CallError;
use crate::client::run::Run;
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, document, not_supported};
use crate::egress::Answer;
use crate::manifest::feed::{Moment, Paging, Signal, Slot, Stream};
use crate::manifest::step::{Body, Request};
use crate::scope::{Scope, Word};
use crate::template::JsonTemplate;
use crate::time::{self, Asked};

mod content;
mod crawl;
mod cursor;
mod fetched;
mod link;
mod listing;
mod watermark;

pub use crawl::{CrawledElement, CrawledPage};

/// Most events of one page.
pub(crate) const PAGE_EVENTS_MAX: usize = 10_000;
/// A stream that the service stopped is begun again no more often than this.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);

impl ServiceClient {
    /// Where a stream is begun: at the oldest event or at the end, as the manifest says. Of a stream
    /// that the manifest does not have, at the end.
    pub async fn first_position(&self, stream: &str) -> Position {
        match self.connector().stream(stream) {
            Some(stream) if stream.from_start => Position::Start,
            _ => Position::Now,
        }
    }

    /// Makes the service begin a stream, where it must be told to. Harmless when it has begun.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn begin(&self, stream: &str) -> Result<(), CallError> {
        match self.connector().stream(stream) {
            Some(stream) => Run::new(self).must(&stream.setup).await,
            None => Ok(()),
        }
    }

    /// The events after a position. A page may be empty, and hand back the position it was asked
    /// with, while more is waiting: the caller decides how soon it asks again. A page may also repeat
    /// events of pages before it: the caller knows events by their ids.
    ///
    /// # Errors
    /// `CursorExpired` when the service no longer knows the position, or it is of another kind than
    /// the manifest's; see [`CallError`].
    pub async fn page_after(&self, stream: &str, from: &Position) -> Result<FeedPage, CallError> {
        let found = self.connector().stream(stream);
        let found = found.ok_or_else(|| not_supported(format!("there is no stream `{stream}`")))?;
        let page = match &found.paging {
            Paging::Cursor(paging) => self.page_by_cursor(found, paging, from).await,
            Paging::Link(paging) => self.page_by_link(found, paging, from).await,
            Paging::Watermark(paging) => self.page_by_watermark(found, paging, from).await,
        };
        match page {
            Err(CallError::NotBegun) => Err(self.begin_again(found, from).await),
            page => page,
        }
    }

    /// The service has stopped the stream, so what happened meanwhile may be missing: it is told to
    /// begin again, and that is said as a gap.
    async fn begin_again(&self, stream: &Stream, from: &Position) -> CallError {
        let now = self.0.clock.monotonic();
        let soon = {
            let mut begun = self.0.begun.lock().expect("no holder panics");
            let before = begun.get(&stream.name).copied();
            let soon = before.is_some_and(|at| now.saturating_sub(at) < BEGIN_AGAIN_AFTER);
            if !soon {
                begun.insert(stream.name.clone(), now);
            }
            soon
        };
        if soon {
            let detail = "the service was asked to begin the stream, and has not yet".into();
            return CallError::Unavailable { detail };
        }
        match Run::new(self).must(&stream.setup).await {
            Ok(()) => CallError::CursorExpired {
                resume: Some(from.clone()),
                reason: GapReason::NotBegun,
            },
            Err(error) => error,
        }
    }

    /// The address of a page's request.
    fn address_of(&self, request: &Request, parts: &[(&Slot, Value)]) -> Result<Url, CallError> {
        let texts: Vec<(&str, String)> = parts
            .iter()
            .filter_map(|(slot, value)| match slot {
                Slot::Query(name) => Some((name.as_str(), written(value))),
                Slot::Body(_) => None,
            })
            .collect();
        let extra: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        self.address(request, &self.scope(), &extra)
    }

    /// Asks for a page: the request with these parts in the places of its own of the same name.
    async fn ask_page(
        &self,
        stream: &Stream,
        request: &Request,
        parts: &[(&Slot, Value)],
    ) -> Result<Answer, CallError> {
        let url = self.address_of(request, parts)?;
        self.ask_page_at(url, stream, request, parts).await
    }

    async fn ask_page_at(
        &self,
        url: Url,
        stream: &Stream,
        request: &Request,
        parts: &[(&Slot, Value)],
    ) -> Result<Answer, CallError> {
        let scope = self.scope();
        let request = with_body(request, parts, &scope)?;
        let answer = self
            .send_to(url, &request, &scope, ANSWER_BYTES_MAX)
            .await?;
        match &stream.missing {
            Some(missing) if missing.seen(&answer, &scope)? => Err(CallError::NotBegun),
            _ => Ok(answer),
        }
    }
}

impl Signal {
    /// Whether an answer says so.
    pub(crate) fn seen(&self, answer: &Answer, scope: &Scope<'_>) -> Result<bool, CallError> {
        let status = answer.status.as_u16();
        if self.status.is_some_and(|asked| asked != status) {
            return Ok(false);
        }
        // A page of events is no such answer, and is not parsed twice.
        let Some(when) = self.when.as_ref().filter(|_| status >= 400) else {
            return Ok(self.status.is_some());
        };
        let body = document(answer)?;
        let words = [(Word::Status, status.to_string())];
        let scope = Scope {
            words: &words,
            ..scope.over(&body)
        };
        Ok(when.holds(&scope))
    }
}

impl Moment {
    /// The moment as a part of a request.
    fn asked(&self, at: DateTime<Utc>) -> (&Slot, Value) {
        let text = format!(
            "{}{}{}",
            self.prefix,
            time::write(at, self.format),
            self.suffix
        );
        let number = match (self.format, &self.slot) {
            (Asked::EpochSeconds | Asked::EpochMillis, Slot::Body(_)) => text.parse::<i64>().ok(),
            _ => None,
        };
        (
            &self.slot,
            number.map_or_else(|| Value::from(text), Value::from),
        )
    }
}

/// The request with these parts in its JSON body.
fn with_body<'r>(
    request: &'r Request,
    parts: &[(&Slot, Value)],
    scope: &Scope<'_>,
) -> Result<Cow<'r, Request>, CallError> {
    if parts.iter().all(|(slot, _)| matches!(slot, Slot::Query(_))) {
        return Ok(Cow::Borrowed(request));
    }
    let mut body = match &request.body {
        Body::Json(template) => template.value(scope)?.unwrap_or(Value::Null),
        Body::None | Body::Form(_) | Body::Xml(_) | Body::Text(_) | Body::Vault => Value::Null,
    };
    for (slot, value) in parts {
        if let Slot::Body(place) = slot {
            place.put(&mut body, value.clone());
        }
    }
    Ok(Cow::Owned(Request {
        body: Body::Json(JsonTemplate::Literal(body)),
        ..request.clone()
    }))
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A moment so long before another; the earliest one when there is none.
fn moment_before(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).ok();
    by.and_then(|by| at.checked_sub_signed(by))
        .unwrap_or(DateTime::UNIX_EPOCH)
}

/// A moment so long after another; the latest one when there is none.
fn moment_after(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).ok();
    by.and_then(|by| at.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
