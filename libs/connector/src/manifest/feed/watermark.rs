//! Paging by time: spans one after another, each read to its last page before the next is begun.

use std::time::Duration;

use crate::manifest::feed::{
    Moment, Paging, Place, read_moment, read_place, read_pointer, read_status,
};
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::time::{FORMATS, Format};

/// A span of time is asked for, in pages of any order.
#[derive(Debug)]
pub(crate) struct WatermarkPaging {
    pub(crate) items: Pointer,
    pub(crate) since: Moment,
    /// What asks for the events before a moment; absent: the service is asked up to its end.
    pub(crate) until: Option<Moment>,
    /// How long before the last span the next begins: late events, and clocks that differ.
    pub(crate) overlap: Duration,
    /// Longest span, the overlap included.
    pub(crate) window: Option<Duration>,
    pub(crate) next: Onward,
    /// The status that says that what leads to the next page is no longer known.
    pub(crate) expired: Option<u16>,
    pub(crate) fetch: Option<Fetch>,
}

/// What leads to the next page of a span.
#[derive(Debug)]
pub(crate) enum Onward {
    /// A cursor, in that parameter.
    Cursor(Place, String),
    /// The address of the next page.
    Link(Place),
    /// The time of the page's last event: pages are oldest first, and a page of fewer events than
    /// a full one is the last.
    Time {
        at: Pointer,
        format: Format,
        full: usize,
    },
}

/// The items name addresses, and there are the events.
#[derive(Debug)]
pub(crate) struct Fetch {
    /// Where an item has its address.
    pub(crate) uri: Pointer,
    /// Where the answer has the events.
    pub(crate) items: Pointer,
    /// Statuses that say that what was listed is no longer there.
    pub(crate) gone: Vec<u16>,
}

/// Times are asked for in whole seconds: a shorter overlap could fall between them.
const OVERLAP_MIN: Duration = Duration::from_secs(1);
/// Fewest events of a page that is walked by time.
const FULL_MIN: u64 = 2;

pub(super) fn read(fields: &Fields<'_>) -> Option<Paging> {
    let items = fields.require("items").and_then(|node| read_pointer(&node));
    let since = fields.require("since").and_then(|node| read_moment(&node));
    let until = fields.maybe("until", read_moment);
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
    let expired = fields.maybe("expired", |node| {
        let fields = node.fields()?;
        fields.require("status").and_then(|node| read_status(&node))
    });
    let fetch = fields.maybe("fetch", read_fetch);
    let (until, window) = (until?, window?);
    let (overlap, node) = (overlap?, fields.node());
    if window.is_some() && until.is_none() {
        return node.wrong("`window` needs `until`: what asks for the end of a span");
    }
    if window.is_some_and(|window| window < overlap + OVERLAP_MIN) {
        return node.wrong("`window` must be longer than `overlap`, which is a part of it");
    }
    Some(Paging::Watermark(WatermarkPaging {
        items: items?,
        since: since?,
        until,
        overlap,
        window,
        next: next?,
        expired: expired?,
        fetch: fetch?,
    }))
}

fn read_onward(node: &Node<'_>) -> Option<Onward> {
    if !node.is_mapping() {
        return read_place(node).map(Onward::Link);
    }
    let fields = node.fields()?;
    if let Some(at) = fields.get("time") {
        let at = read_pointer(&at);
        let format = fields.read("format", Format::Rfc3339, |node| node.word(&FORMATS));
        let full = fields
            .require("full")
            .and_then(|node| node.integer(FULL_MIN, 10_000));
        return Some(Onward::Time {
            at: at?,
            format: format?,
            full: usize::try_from(full?).ok()?,
        });
    }
    let path = fields.maybe("path", |node| read_pointer(node).map(Place::Path));
    let header = fields.maybe("header", |node| {
        crate::manifest::http::read_header_name(node).map(Place::Header)
    });
    let query = fields.maybe("query", Node::text);
    let place = match (path?, header?) {
        (Some(place), None) | (None, Some(place)) => place,
        _ => return node.wrong("one of `path`, `header`, `time`"),
    };
    Some(match query? {
        Some(query) => Onward::Cursor(place, query),
        None => Onward::Link(place),
    })
}

fn read_fetch(node: &Node<'_>) -> Option<Fetch> {
    let fields = node.fields()?;
    let uri = fields.require("uri").and_then(|node| read_pointer(&node));
    let items = fields.read("items", Pointer::whole(), read_pointer);
    let gone = fields.read("gone", Vec::new(), |node| node.each(read_status));
    Some(Fetch {
        uri: uri?,
        items: items?,
        gone: gone?,
    })
}
