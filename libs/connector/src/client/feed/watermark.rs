//! Pages by time: spans one after another, each read to its last page before the next is begun.
//!
//! INVARIANT: `since` moves to the end of a span only after the span's last page was handed out, and
//! the next span begins `overlap` before that. So the order of pages does not matter, a walk that
//! breaks off is gone on with or made again, and an event that shows up late, by less than the
//! overlap, is in a later span. Spans overlap: events are repeated, never missed.

use chrono::{DateTime, SubsecRound, Utc};
use event_model::{FeedPage, Position, RawEvent, Round, rfc3339};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::call::CallError;
use crate::client::feed::link::of_same_host;
use crate::client::feed::listing::{Listed, NOTHING_NEW};
use crate::client::feed::{PAGE_EVENTS_MAX, moment_after, moment_before};
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, accepted, parse_url};
use crate::egress::Answer;
use crate::manifest::feed::watermark::{Fetch, Onward, WatermarkPaging};
use crate::manifest::feed::{Moment, Stream};
use crate::pointer::Pointer;
use crate::scope::scalar;
use crate::time::{self, Format};

/// Most pages of one span: a service that leads in a circle is found out.
const ROUND_PAGES_MAX: u32 = 10_000;
/// Most addresses that one page may list to be fetched; they are kept with the checkpoint.
const PENDING_MAX: usize = 1_000;
/// Longest such address, in bytes.
const PENDING_BYTES_MAX: usize = 2 * 1024;
/// Most addresses that are fetched for one page.
const FETCHED_MAX: usize = 8;

/// A span of time being read.
struct Span<'a> {
    /// The oldest moment that the service is asked for.
    kept_from: DateTime<Utc>,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    /// What asks for this page; none for the first.
    next: Option<&'a str>,
    /// Pages before this one.
    pages: u32,
}

impl ServiceClient {
    pub(super) async fn page_by_watermark(
        &self,
        stream: &Stream,
        paging: &WatermarkPaging,
        from: &Position,
    ) -> Result<FeedPage, CallError> {
        let now = self.0.clock.now().trunc_subsecs(3);
        let kept_from = moment_before(now, stream.retention.unwrap_or_default());
        let lost = CallError::CursorExpired { resume: None };
        let (since, round) = match from {
            Position::Now => return Ok(page(from, Position::watermark(now), Vec::new(), now)),
            Position::Start => (moment_after(kept_from, paging.overlap), None),
            Position::Watermark { since, round: None } if *since < kept_from => return Err(lost),
            Position::Watermark { since, round } => (*since, round.as_deref()),
            Position::Cursor { .. } | Position::Link { .. } => return Err(lost),
        };
        if let (Some(fetch), Some(round)) = (&paging.fetch, round)
            && !round.pending.is_empty()
        {
            return self.fetched(stream, fetch, from, (since, round), now).await;
        }
        let span = Span {
            kept_from,
            since,
            until: round.map_or_else(|| span_end(paging, since, now), |round| round.until),
            next: round.and_then(|round| round.next.as_deref()),
            pages: round.map_or(0, |round| round.pages),
        };
        // Within one millisecond nothing can be new.
        if span.until <= since {
            return Ok(page(from, from.clone(), Vec::new(), now));
        }
        let answer = self.list(stream, paging, &span).await?;
        if span.next.is_some() && paging.expired == Some(answer.status.as_u16()) {
            // The way on is no longer known: the whole span again, at the next activation.
            let again = Position::watermark(since);
            return Ok(FeedPage {
                more: false,
                ..page(from, again, Vec::new(), now)
            });
        }
        let answer = accepted(answer, &NOTHING_NEW)?;
        let (events, to) = read_page(paging, &span, &answer)?;
        Ok(page(from, to, events, now))
    }

    async fn list(
        &self,
        stream: &Stream,
        paging: &WatermarkPaging,
        span: &Span<'_>,
    ) -> Result<Answer, CallError> {
        let text =
            |moment: &Moment, at| format!("{}{}", moment.prefix, time::write(at, moment.format));
        let since = text(&paging.since, span.asked_from(paging)?);
        let until = paging.until.as_ref();
        let until = until.map(|moment| (moment.query.as_str(), text(moment, span.until)));
        let mut extra = vec![(paging.since.query.as_str(), since.as_str())];
        extra.extend(until.as_ref().map(|(name, text)| (*name, text.as_str())));
        if let (Onward::Cursor(_, query), Some(cursor)) = (&paging.next, span.next) {
            extra.push((query, cursor));
        }
        let scope = self.scope();
        let mut url = self.address(&stream.request, &scope, &extra)?;
        if let (Onward::Link(_), Some(next)) = (&paging.next, span.next) {
            url = of_same_host(&url, next)?;
        }
        self.send_to(url, &stream.request, &scope, ANSWER_BYTES_MAX)
            .await
    }

    /// The events at the next addresses that were listed. What was listed and is gone is a gap.
    async fn fetched(
        &self,
        stream: &Stream,
        fetch: &Fetch,
        from: &Position,
        (since, round): (DateTime<Utc>, &Round),
        now: DateTime<Utc>,
    ) -> Result<FeedPage, CallError> {
        let after = |done: usize| {
            let pending = round.pending[done..].to_vec();
            position(
                since,
                Round {
                    pending,
                    ..round.clone()
                },
            )
        };
        let scope = self.scope();
        let (mut events, mut done) = (Vec::new(), 0);
        for address in round.pending.iter().take(FETCHED_MAX) {
            let sent = self.send_to(
                parse_url(address)?,
                &stream.request,
                &scope,
                ANSWER_BYTES_MAX,
            );
            let answer = sent.await?;
            if fetch.gone.contains(&answer.status.as_u16()) {
                if done > 0 {
                    break;
                }
                let resume = Some(after(1));
                return Err(CallError::CursorExpired { resume });
            }
            let answer = accepted(answer, &NOTHING_NEW)?;
            let listed = Listed::read(&fetch.items, &answer)?;
            if done > 0 && events.len() + listed.items.len() > PAGE_EVENTS_MAX {
                break;
            }
            events.extend(listed.events());
            done += 1;
        }
        Ok(page(from, after(done), events, now))
    }
}

impl Span<'_> {
    /// The moment that this page is asked from.
    fn asked_from(&self, paging: &WatermarkPaging) -> Result<DateTime<Utc>, CallError> {
        match (&paging.next, self.next) {
            (Onward::Time { .. }, Some(next)) => time::parse(next, Format::Rfc3339)
                .ok_or_else(|| CallError::malformed("the position is not a moment")),
            (_, None) => Ok(moment_before(self.since, paging.overlap).max(self.kept_from)),
            _ => Ok(moment_before(self.since, paging.overlap)),
        }
    }

    /// What asks for the page after this one.
    fn next_of(
        &self,
        paging: &WatermarkPaging,
        listed: &Listed<'_>,
    ) -> Result<Option<String>, CallError> {
        let next = match &paging.next {
            Onward::Cursor(place, _) => listed.cursor(place)?,
            Onward::Link(place) => listed.link(place)?,
            Onward::Time { full, .. } if listed.items.len() < *full => None,
            Onward::Time { at, format, .. } => {
                let last = last_time(&listed.items, at, *format)?;
                let asked = self.asked_from(paging)?;
                let written = |at| time::write(at, paging.since.format);
                if last <= asked || written(last) == written(asked) {
                    return Err(CallError::malformed(
                        "there are more events at one moment than one page holds",
                    ));
                }
                Some(rfc3339(last))
            }
        };
        if next.is_some() && next.as_deref() == self.next {
            return Err(CallError::malformed("the next page is the same again"));
        }
        Ok(next)
    }
}

fn read_page(
    paging: &WatermarkPaging,
    span: &Span<'_>,
    answer: &Answer,
) -> Result<(Vec<RawEvent>, Position), CallError> {
    let listed = Listed::read(&paging.items, answer)?;
    let round = Round {
        until: span.until,
        next: span.next_of(paging, &listed)?,
        pending: match &paging.fetch {
            Some(fetch) => addresses(&listed.items, &fetch.uri)?,
            None => Vec::new(),
        },
        pages: span.pages + 1,
    };
    if round.pages >= ROUND_PAGES_MAX && round.next.is_some() {
        return Err(CallError::malformed(format!(
            "one span of time has more than {ROUND_PAGES_MAX} pages"
        )));
    }
    let events = match paging.fetch {
        Some(_) => Vec::new(),
        None => listed.events(),
    };
    Ok((events, position(span.since, round)))
}

/// Where reading goes on: in the round, or after it when nothing of it is left.
fn position(since: DateTime<Utc>, round: Round) -> Position {
    if round.next.is_none() && round.pending.is_empty() {
        return Position::watermark(round.until);
    }
    Position::Watermark {
        since,
        round: Some(Box::new(round)),
    }
}

/// More is waiting within a round, and while the spans have not come up to now.
fn page(from: &Position, to: Position, events: Vec<RawEvent>, now: DateTime<Utc>) -> FeedPage {
    let more = match &to {
        Position::Watermark { since, round } => round.is_some() || *since < now,
        _ => false,
    };
    FeedPage {
        from: from.clone(),
        more: more && to != *from,
        to,
        events,
    }
}

/// The end of the next span: now, or as far as may be asked for at once.
fn span_end(paging: &WatermarkPaging, since: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let begin = moment_before(since, paging.overlap);
    match paging.window {
        Some(window) => now.min(moment_after(begin, window)),
        None => now,
    }
}

/// The time of the last of the events, which must come oldest first.
fn last_time(
    items: &[&RawValue],
    at: &Pointer,
    format: Format,
) -> Result<DateTime<Utc>, CallError> {
    let time_of = |item: &RawValue| {
        let value: Value = serde_json::from_str(at.raw(item)?.get()).ok()?;
        time::parse(&scalar(&value)?, format)
    };
    let ends = items.first().zip(items.last());
    match ends.and_then(|(first, last)| Some((time_of(first)?, time_of(last)?))) {
        Some((first, last)) if first <= last => Ok(last),
        Some(_) => Err(CallError::malformed("the events are not oldest first")),
        None => Err(CallError::malformed(format!(
            "an event has no time at `{at}`"
        ))),
    }
}

/// The addresses that a page lists.
fn addresses(items: &[&RawValue], uri: &Pointer) -> Result<Vec<String>, CallError> {
    if items.len() > PENDING_MAX {
        return Err(CallError::TooLarge { limit: PENDING_MAX });
    }
    let address = |item: &&RawValue| {
        let value: Option<Value> = uri
            .raw(item)
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        let text = value.as_ref().and_then(scalar);
        text.filter(|text| text.len() <= PENDING_BYTES_MAX)
            .map(|text| text.into_owned())
            .ok_or_else(|| CallError::malformed(format!("an item has no address at `{uri}`")))
    };
    items.iter().map(address).collect()
}
