//! Paging by time: spans one after another, each read to its last page before the next is begun.

use std::time::Duration;

use crate::manifest::feed::fetch::{self, Fetch};
use crate::manifest::feed::{
    Moment, Paging, Place, Signal, Slot, read_moment, read_place, read_pointer, read_signal,
    read_slot,
};
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::time::{FORMATS, Format};

/// A span of time is asked for, in pages of any order.
#[derive(Debug)]
pub(crate) struct WatermarkPaging {
    pub(crate) items: Pointer,
    /// What asks for the events from a moment on; absent only where `newest_first` says when a span
    /// has ended.
    pub(crate) since: Option<Moment>,
    /// What asks for the events before a moment; absent: the service is asked up to its end.
    pub(crate) until: Option<Moment>,
    /// Where an event has its time, in a feed that is newest first: a page that ends before the
    /// span's begin is the last.
    pub(crate) newest_first: Option<EventTime>,
    /// How long before the last span the next begins: late events, and clocks that differ.
    pub(crate) overlap: Duration,
    /// Longest span, the overlap included.
    pub(crate) window: Option<Duration>,
    pub(crate) next: Onward,
    /// How the service says that what leads to the next page is no longer known.
    pub(crate) expired: Option<Signal>,
    pub(crate) fetch: Option<Fetch>,
}

/// Where an event has its time, and how it is written.
#[derive(Debug)]
pub(crate) struct EventTime {
    pub(crate) at: Pointer,
    pub(crate) format: Format,
}

/// What leads to the next page of a span.
#[derive(Debug)]
pub(crate) enum Onward {
    /// A cursor, carried there.
    Cursor(Place, Slot),
    /// The address of the next page.
    Link(Place),
    /// The time of the page's last event: pages are oldest first, and a page of fewer events than
    /// a full one is the last.
    Time { of: EventTime, full: usize },
    /// A number that is counted up.
    Count(Count),
}

/// An offset or a page's number.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) slot: Slot,
    /// Of the first page.
    pub(crate) first: u64,
    /// Whether pages are counted; otherwise events are.
    pub(crate) pages: bool,
    /// A page of fewer events is the last; absent: only an empty one is.
    pub(crate) full: Option<usize>,
}

/// Times are asked for in whole seconds: a shorter overlap could fall between them.
const OVERLAP_MIN: Duration = Duration::from_secs(1);
/// Fewest events of a page that is walked by time.
const FULL_MIN: u64 = 2;
const FULL_MAX: u64 = 10_000;

pub(super) fn read(fields: &Fields<'_>) -> Option<Paging> {
    let items = fields.require("items").and_then(|node| read_pointer(&node));
    let since = fields.maybe("since", read_moment);
    let until = fields.maybe("until", read_moment);
    let newest_first = fields.maybe("newest_first", |node| read_time(&node.fields()?));
    let overlap = fields
        .require("overlap")
        .and_then(|node| match node.duration()? {
            overlap if overlap < OVERLAP_MIN => {
                node.wrong("must be `1s` or more: the lag, and what clocks differ by")
            }
            overlap => Some(overlap),
        });
    let window = fields.maybe("window", Node::duration);
    let next = fields.require("next").and_then(|node| read_onward(&node));
    let expired = fields.maybe("expired", |node| read_signal(&node.fields()?));
    let fetch = fields.maybe("fetch", fetch::read);
    let paging = WatermarkPaging {
        items: items?,
        since: since?,
        until: until?,
        newest_first: newest_first?,
        overlap: overlap?,
        window: window?,
        next: next?,
        expired: expired?,
        fetch: fetch?,
    };
    match paging.mistake() {
        Some(mistake) => fields.node().wrong(mistake),
        None => Some(Paging::Watermark(paging)),
    }
}

impl WatermarkPaging {
    /// Whether it follows addresses that the service gives.
    pub(super) fn follows_addresses(&self) -> bool {
        matches!(self.next, Onward::Link(_)) || self.fetch.is_some()
    }

    /// What does not fit together.
    fn mistake(&self) -> Option<&'static str> {
        let by_time = matches!(self.next, Onward::Time { .. });
        if self.since.is_none() && (self.newest_first.is_none() || by_time) {
            return Some(
                "`since` is missing: what asks for the events from a moment on; or, where the service cannot be asked so, `newest_first`",
            );
        }
        if by_time && self.newest_first.is_some() {
            return Some("`next: {time: ..}` is for feeds that are oldest first");
        }
        if self.window.is_some() && self.until.is_none() {
            return Some("`window` needs `until`: what asks for the end of a span");
        }
        let short = |window| window < self.overlap + OVERLAP_MIN;
        self.window
            .is_some_and(short)
            .then_some("`window` must be longer than `overlap`, which is a part of it")
    }
}

/// `time: /path` and `format`.
fn read_time(fields: &Fields<'_>) -> Option<EventTime> {
    let at = fields.require("time").and_then(|node| read_pointer(&node));
    let format = fields.read("format", Format::Rfc3339, |node| node.word(&FORMATS));
    Some(EventTime {
        at: at?,
        format: format?,
    })
}

fn read_full(node: &Node<'_>) -> Option<usize> {
    usize::try_from(node.integer(FULL_MIN, FULL_MAX)?).ok()
}

fn read_onward(node: &Node<'_>) -> Option<Onward> {
    if !node.is_mapping() {
        return read_place(node).map(Onward::Link);
    }
    let fields = node.fields()?;
    if fields.get("time").is_some() {
        let of = read_time(&fields);
        let full = fields.require("full").and_then(|node| read_full(&node));
        return Some(Onward::Time {
            of: of?,
            full: full?,
        });
    }
    let offset = fields.maybe("offset", |node| read_slot(&node.fields()?));
    let page = fields.maybe("page", |node| read_slot(&node.fields()?));
    match (offset?, page?) {
        (None, None) => read_given(&fields),
        (Some(slot), None) => read_count(&fields, slot, false),
        (None, Some(slot)) => read_count(&fields, slot, true),
        _ => node.wrong("`offset` and `page` do not go together"),
    }
}

fn read_count(fields: &Fields<'_>, slot: Slot, pages: bool) -> Option<Onward> {
    let first = fields.read("first", u64::from(pages), |node| node.integer(0, 1));
    let full = fields.maybe("full", read_full);
    Some(Onward::Count(Count {
        slot,
        first: first?,
        pages,
        full: full?,
    }))
}

/// A cursor or an address that the answer has.
fn read_given(fields: &Fields<'_>) -> Option<Onward> {
    let path = fields.maybe("path", |node| read_pointer(node).map(Place::Path));
    let header = fields.maybe("header", |node| {
        crate::manifest::http::read_header_name(node).map(Place::Header)
    });
    let carried = fields.get("query").is_some() || fields.get("body").is_some();
    let place = match (path?, header?) {
        (Some(place), None) | (None, Some(place)) => place,
        _ => {
            return fields
                .node()
                .wrong("one of `path`, `header`, `time`, `offset`, `page`");
        }
    };
    match carried {
        true => read_slot(fields).map(|slot| Onward::Cursor(place, slot)),
        false => Some(Onward::Link(place)),
    }
}
