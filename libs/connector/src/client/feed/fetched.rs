//! The second stage: reads what a page listed, address by address, and forgets none of them.
//!
//! INVARIANT: an address leaves the position only after its last event was handed out, or after the
//! service said that it is gone, which is a gap and is said as one.

use chrono::{DateTime, Utc};
use event_model::{GapReason, Position, RawEvent, Round};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use url::Url;

use crate::call::CallError;
use crate::client::feed::PAGE_EVENTS_MAX;
use crate::client::feed::content::{self, FILE_BYTES_MAX};
use crate::client::feed::listing::NOTHING_NEW;
use crate::client::feed::watermark::position;
use crate::client::{ServiceClient, accepted};
use crate::manifest::feed::Stream;
use crate::manifest::feed::fetch::Fetch;
use crate::scope::scalar;

/// Most addresses that one page may list to be fetched; they are kept with the checkpoint.
const PENDING_MAX: usize = 1_000;
/// Longest such address, in bytes.
const PENDING_BYTES_MAX: usize = 2 * 1024;
/// Most addresses that are fetched for one page.
const FETCHED_MAX: usize = 8;
/// Bytes of a name's hash that are kept.
const NAME_BYTES: usize = 8;

/// A round whose pending addresses are read.
pub(super) struct Walk<'a> {
    pub(super) since: DateTime<Utc>,
    pub(super) round: &'a Round,
    /// Names of what was fetched of late.
    pub(super) fetched: &'a [String],
}

/// What came of one address.
enum Read {
    /// Its events, and whether it has more.
    Events(Vec<RawEvent>, bool),
    Lost(GapReason),
}

impl ServiceClient {
    /// The events at the next addresses, and the position after them. What was listed and is gone,
    /// or is larger than is taken, is a gap.
    pub(super) async fn fetch_pending(
        &self,
        stream: &Stream,
        fetch: &Fetch,
        walk: &Walk<'_>,
    ) -> Result<(Vec<RawEvent>, Position), CallError> {
        let own = self.address_of(&stream.request, &[])?;
        let (mut events, mut done) = (Vec::new(), 0);
        for address in walk.round.pending.iter().take(FETCHED_MAX) {
            let skip = if done == 0 { walk.round.skip } else { 0 };
            let room = PAGE_EVENTS_MAX - events.len();
            let url = own
                .join(address)
                .map_err(|_| CallError::malformed("a listed address is none"))?;
            match self.fetch_one(stream, fetch, url, (skip, room)).await {
                Ok(Read::Events(more, false)) => events.extend(more),
                // Where events were read before, that is found again at the next page.
                Ok(Read::Events(..) | Read::Lost(_)) | Err(_) if done > 0 => break,
                Ok(Read::Events(part, true)) => {
                    let skip = skip + part.len() as u64;
                    return Ok((part, walk.within(skip)));
                }
                Ok(Read::Lost(reason)) => {
                    let resume = Some(walk.after(1));
                    return Err(CallError::CursorExpired { resume, reason });
                }
                Err(error) => return Err(error),
            }
            done += 1;
        }
        Ok((events, walk.after(done)))
    }

    async fn fetch_one(
        &self,
        stream: &Stream,
        fetch: &Fetch,
        url: Url,
        (skip, room): (u64, usize),
    ) -> Result<Read, CallError> {
        let scope = self.scope();
        let sent = self.send_to(url, &stream.request, &scope, FILE_BYTES_MAX);
        let answer = match sent.await {
            Err(CallError::TooLarge { .. }) => return Ok(Read::Lost(GapReason::ContentTooLarge)),
            answer => answer?,
        };
        if fetch.gone.contains(&answer.status.as_u16()) {
            return Ok(Read::Lost(GapReason::ContentGone));
        }
        let answer = accepted(answer, &NOTHING_NEW)?;
        match content::events(&fetch.content, &answer, skip, room) {
            Err(CallError::TooLarge { .. }) => Ok(Read::Lost(GapReason::ContentTooLarge)),
            read => read.map(|(events, more)| Read::Events(events, more)),
        }
    }
}

impl Walk<'_> {
    /// The position after so many of the pending addresses.
    fn after(&self, done: usize) -> Position {
        let mut fetched = self.fetched.to_vec();
        let names = &self.round.names;
        fetched.extend(names.iter().take(done).cloned());
        let beyond = fetched.len().saturating_sub(Position::FETCHED_MAX);
        fetched.drain(..beyond);
        let round = Round {
            pending: self.round.pending[done..].to_vec(),
            names: names.iter().skip(done).cloned().collect(),
            skip: if done == 0 { self.round.skip } else { 0 },
            ..self.round.clone()
        };
        position(self.since, round, fetched)
    }

    /// The position within the first pending address.
    fn within(&self, skip: u64) -> Position {
        let round = Round {
            skip,
            ..self.round.clone()
        };
        position(self.since, round, self.fetched.to_vec())
    }
}

impl Fetch {
    /// The addresses that a page lists, and their names; without those that were fetched already.
    pub(super) fn pending(
        &self,
        items: &[&str],
        fetched: &[String],
    ) -> Result<(Vec<String>, Vec<String>), CallError> {
        let (mut addresses, mut names) = (Vec::new(), Vec::new());
        for item in items {
            let name = (!self.once.is_empty()).then(|| self.name(item));
            if let Some(name) = name {
                if fetched.contains(&name) || names.contains(&name) {
                    continue;
                }
                names.push(name);
            }
            addresses.push(self.address(item)?);
        }
        if addresses.len() > PENDING_MAX {
            return Err(CallError::TooLarge { limit: PENDING_MAX });
        }
        Ok((addresses, names))
    }

    fn address(&self, item: &str) -> Result<String, CallError> {
        let value: Option<Value> = self
            .uri
            .text(item)
            .and_then(|text| serde_json::from_str(text).ok());
        let text = value.as_ref().and_then(scalar);
        text.filter(|text| text.len() <= PENDING_BYTES_MAX)
            .map(|text| text.into_owned())
            .ok_or_else(|| {
                CallError::malformed(format!("an item has no address at `{}`", self.uri))
            })
    }

    /// What names this version of what is at the address.
    fn name(&self, item: &str) -> String {
        let parts: Vec<&str> = [&self.uri]
            .into_iter()
            .chain(&self.once)
            .map(|place| place.text(item).unwrap_or_default())
            .collect();
        let hash = digest(&SHA256, parts.join("\n").as_bytes());
        hex::encode(&hash.as_ref()[..NAME_BYTES])
    }
}
