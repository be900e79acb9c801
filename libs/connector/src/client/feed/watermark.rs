//! Pages by time: spans one after another, each read to its last page before the next is begun.
//!
//! INVARIANT: `since` moves to the end of a span only after the span's last page was handed out, and
//! the next span begins `overlap` before that. So the order of pages does not matter, a walk that
//! breaks off is gone on with or made again, and an event that shows up late, by less than the
//! overlap, is in a later span. Spans overlap: events are repeated, never missed.

use chrono::{DateTime, SubsecRound, Utc};
use event_model::{FeedPage, GapReason, Position, RawEvent, Round, rfc3339};
use serde_json::Value;

use crate::call::CallError;
use crate::client::feed::fetched::Walk;
use crate::client::feed::link::of_same_host;
use crate::client::feed::listing::{Listed, NOTHING_NEW};
use crate::client::feed::{moment_after, moment_before};
use crate::client::{ServiceClient, accepted};
use crate::condition::Condition;
use crate::egress::Answer;
use crate::manifest::feed::watermark::{EventTime, Onward, WatermarkPaging};
use crate::manifest::feed::{Moment, Slot, Stream};
use crate::scope::Scope;
use crate::scope::scalar;
use crate::time::{self, Format};

/// Most pages of one span: a service that leads in a circle is found out.
const ROUND_PAGES_MAX: u32 = 10_000;

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
    /// Names of what was fetched of late.
    fetched: &'a [String],
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
        let (since, round, fetched) = match from {
            Position::Now => return Ok(page(from, Position::watermark(now), Vec::new(), now)),
            Position::Start => (moment_after(kept_from, paging.overlap), None, &[][..]),
            Position::Watermark {
                since, round: None, ..
            } if *since < kept_from => return Err(lost(GapReason::RetentionExceeded)),
            Position::Watermark {
                since,
                round,
                fetched,
            } => (*since, round.as_deref(), fetched.as_slice()),
            Position::Cursor { .. } | Position::Link { .. } => {
                return Err(lost(GapReason::CursorExpired));
            }
        };
        if let (Some(fetch), Some(round)) = (&paging.fetch, round)
            && !round.pending.is_empty()
        {
            let walk = Walk {
                since,
                round,
                fetched,
            };
            let (events, to) = self.fetch_pending(stream, fetch, &walk).await?;
            return Ok(page(from, to, events, now));
        }
        let span = Span {
            kept_from,
            since,
            until: round.map_or_else(|| span_end(paging, since, now), |round| round.until),
            next: round.and_then(|round| round.next.as_deref()),
            pages: round.map_or(0, |round| round.pages),
            fetched,
        };
        // Within one millisecond nothing can be new.
        if span.until <= since {
            return Ok(page(from, from.clone(), Vec::new(), now));
        }
        let answer = self.list(stream, paging, &span).await?;
        if span.next.is_some()
            && let Some(expired) = &paging.expired
            && expired.seen(&answer, &self.scope())?
        {
            // The way on is no longer known: the whole span again, at the next activation.
            let again = page(from, span.position(None), Vec::new(), now);
            return Ok(FeedPage {
                more: false,
                ..again
            });
        }
        let answer = accepted(answer, &NOTHING_NEW)?;
        let (events, to) = read_page(
            (paging, stream.empty.as_ref()),
            &span,
            &answer,
            &self.scope(),
        )?;
        self.check_onward(stream, paging, &to)?;
        Ok(page(from, to, events, now))
    }

    /// Addresses are looked at before they are kept: one that may not be called would be asked for
    /// again and again, and a page that has one may be right the next time.
    fn check_onward(
        &self,
        stream: &Stream,
        paging: &WatermarkPaging,
        to: &Position,
    ) -> Result<(), CallError> {
        let Position::Watermark {
            round: Some(round), ..
        } = to
        else {
            return Ok(());
        };
        let own = self.address_of(&stream.request, &[])?;
        if let (Onward::Link(_), Some(next)) = (&paging.next, &round.next) {
            of_same_host(&own, next)?;
        }
        for address in &round.pending {
            let url = own.join(address);
            let url = url.map_err(|_| CallError::malformed("a listed address is none"))?;
            self.0.reach.check(&url)?;
        }
        Ok(())
    }

    async fn list(
        &self,
        stream: &Stream,
        paging: &WatermarkPaging,
        span: &Span<'_>,
    ) -> Result<Answer, CallError> {
        let since = span.asked_from(paging)?;
        let mut parts: Vec<(&Slot, Value)> = Vec::new();
        parts.extend(paging.since.as_ref().map(|moment| moment.asked(since)));
        let until = paging.until.as_ref();
        // Written in seconds, the end would leave out what happened in this second. Of a span that is
        // as long as may be asked for it stays: the next one begins there.
        let end = |moment: &Moment| {
            let next = time::not_before(span.until, moment.format);
            let longest = paging
                .window
                .map(|window| moment_after(since.trunc_subsecs(0), window));
            match longest.is_some_and(|longest| next > longest) {
                true => span.until,
                false => next,
            }
        };
        parts.extend(until.map(|moment| moment.asked(end(moment))));
        match (&paging.next, span.next) {
            (Onward::Cursor(_, slot), Some(cursor)) => parts.push((slot, cursor.into())),
            (Onward::Count(count), _) => parts.push((&count.slot, span.count(count.first)?.into())),
            _ => {}
        }
        let mut url = self.address_of(&stream.request, &parts)?;
        if let (Onward::Link(_), Some(next)) = (&paging.next, span.next) {
            url = of_same_host(&url, next)?;
        }
        self.ask_page_at(url, stream, &stream.request, &parts).await
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

    /// The number that asks for this page.
    fn count(&self, first: u64) -> Result<u64, CallError> {
        let Some(next) = self.next else {
            return Ok(first);
        };
        let number = next.parse();
        number.map_err(|_| CallError::malformed("the position is not a number"))
    }

    /// What asks for the page after this one.
    fn next_of(
        &self,
        paging: &WatermarkPaging,
        listed: &Listed<'_>,
    ) -> Result<Option<String>, CallError> {
        if let Some(times) = &paging.newest_first
            && let Some(oldest) = listed.items.last().and_then(|item| times.of(item))
            && oldest < self.asked_from(paging)?
        {
            return Ok(None);
        }
        let next = match &paging.next {
            Onward::Cursor(place, _) => listed.cursor(place)?,
            Onward::Link(place) => listed.link(place)?,
            Onward::Time { full, .. } if listed.items.len() < *full => None,
            Onward::Time { of, .. } => {
                let last = last_time(&listed.items, of)?;
                let asked = self.asked_from(paging)?;
                let format = paging.since.as_ref().map(|since| since.format);
                let written = |at| format.map(|format| time::write(at, format));
                if last <= asked || written(last) == written(asked) {
                    return Err(CallError::malformed(
                        "there are more events at one moment than one page holds",
                    ));
                }
                Some(rfc3339(last))
            }
            Onward::Count(count) => {
                let read = listed.items.len();
                let by = if count.pages { 1 } else { read as u64 };
                let ended = read == 0 || count.full.is_some_and(|full| read < full);
                let next = self.count(count.first)?.saturating_add(by);
                (!ended).then(|| next.to_string())
            }
        };
        if next.is_some() && next.as_deref() == self.next {
            return Err(CallError::malformed("the next page is the same again"));
        }
        Ok(next)
    }

    fn position(&self, round: Option<Round>) -> Position {
        Position::Watermark {
            since: self.since,
            round: round.map(Box::new),
            fetched: self.fetched.to_vec(),
        }
    }
}

/// Where reading goes on is for the caller to say: what the service keeps, from its oldest on.
fn lost(reason: GapReason) -> CallError {
    CallError::CursorExpired {
        resume: None,
        reason,
    }
}

fn read_page(
    (paging, empty): (&WatermarkPaging, Option<&Condition>),
    span: &Span<'_>,
    answer: &Answer,
    scope: &Scope<'_>,
) -> Result<(Vec<RawEvent>, Position), CallError> {
    let listed = Listed::read((&paging.items, empty), answer, scope)?;
    let next = span.next_of(paging, &listed)?;
    let (pending, names) = match &paging.fetch {
        Some(fetch) => fetch.pending(&listed.items, span.fetched)?,
        None => Default::default(),
    };
    let round = Round {
        until: span.until,
        next,
        pending,
        names,
        skip: 0,
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
    Ok((events, position(span.since, round, span.fetched.to_vec())))
}

/// Where reading goes on: in the round, or after it when nothing of it is left.
pub(super) fn position(since: DateTime<Utc>, round: Round, fetched: Vec<String>) -> Position {
    let over = round.next.is_none() && round.pending.is_empty();
    Position::Watermark {
        since: if over { round.until } else { since },
        round: (!over).then(|| Box::new(round)),
        fetched,
    }
}

/// More is waiting within a round, and while the spans have not come up to now.
fn page(from: &Position, to: Position, events: Vec<RawEvent>, now: DateTime<Utc>) -> FeedPage {
    let more = match &to {
        Position::Watermark { since, round, .. } => round.is_some() || *since < now,
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

impl EventTime {
    fn of(&self, item: &str) -> Option<DateTime<Utc>> {
        let value: Value = serde_json::from_str(self.at.text(item)?).ok()?;
        time::parse(&scalar(&value)?, self.format)
    }
}

/// The time of the last of the events, which must come oldest first.
fn last_time(items: &[&str], times: &EventTime) -> Result<DateTime<Utc>, CallError> {
    let ends = items.first().zip(items.last());
    match ends.and_then(|(first, last)| Some((times.of(first)?, times.of(last)?))) {
        Some((first, last)) if first <= last => Ok(last),
        Some(_) => Err(CallError::malformed("the events are not oldest first")),
        None => Err(CallError::malformed(format!(
            "an event has no time at `{}`",
            times.at
        ))),
    }
}
