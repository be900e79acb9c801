//! Paging by an opaque cursor, handed back verbatim; or by the number of events read so far.

use std::time::Duration;

use http::HeaderName;

use crate::condition::Condition;
use crate::manifest::auth::read_pairs;
use crate::manifest::feed::{
    Moment, Paging, Place, Signal, Slot, read_moment, read_place, read_pointer, read_signal,
    read_slot,
};
use crate::manifest::http::read_header_name;
use crate::manifest::step::{Request, read_request};
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::Names;
use crate::template::Template;

/// An opaque cursor, handed back verbatim.
#[derive(Debug)]
pub(crate) struct CursorPaging {
    /// Where a request carries the cursor.
    pub(crate) slot: Slot,
    /// The request after a cursor, when it is another one.
    pub(crate) onward: Option<Request>,
    /// Where the answer has the events.
    pub(crate) items: Pointer,
    pub(crate) next: Next,
    /// Whether more is waiting; when the manifest does not say, a page with events has more.
    pub(crate) more: Option<Condition>,
    /// What asks for the oldest; absent: nothing is sent.
    pub(crate) start: Option<String>,
    pub(crate) now: Option<AskEnd>,
    /// What asks for the events from a moment on, where there is no cursor.
    pub(crate) since: Option<Moment>,
    /// How long before that moment is asked: late events, and clocks that differ.
    pub(crate) overlap: Duration,
    pub(crate) expired: Option<Expired>,
}

/// The next cursor.
#[derive(Debug)]
pub(crate) enum Next {
    /// The answer has it.
    Given(Place),
    /// The number of events read so far.
    Offset,
}

/// What asks for the end of the feed.
#[derive(Debug)]
pub(crate) enum AskEnd {
    /// A cursor.
    Cursor(String),
    /// Parameters in place of the cursor, which give the newest events; these are not taken.
    Query(Vec<(String, Template)>),
}

/// How the service says that it no longer knows the cursor.
#[derive(Debug)]
pub(crate) enum Expired {
    /// By its answer, and where that says how to go on: with a cursor, or from a moment.
    Said {
        signal: Signal,
        resume: Option<Pointer>,
        since: Option<Pointer>,
    },
    /// By a header of an answer that begins again at the oldest event.
    Header(HeaderName),
}

pub(super) fn read(fields: &Fields<'_>) -> Option<Paging> {
    let slot = read_slot(fields);
    let onward = fields.maybe("continue", |node| {
        let fields = node.fields()?;
        read_request(&fields, &Names::CONNECTION)
    });
    let items = fields.require("items").and_then(|node| read_pointer(&node));
    let next = fields.require("next").and_then(|node| read_next(&node));
    let more = fields.maybe("more", |node| Condition::read(node, &Names::STEP));
    let start = fields.maybe("start", Node::text);
    let now = fields.maybe("now", read_ask_end);
    let since = fields.maybe("since", read_moment);
    let overlap = fields.read("overlap", Duration::ZERO, Node::duration);
    let expired = fields.maybe("expired", read_expired);
    Some(Paging::Cursor(CursorPaging {
        slot: slot?,
        onward: onward?,
        items: items?,
        next: next?,
        more: more?,
        start: start?,
        now: now?,
        since: since?,
        overlap: overlap?,
        expired: expired?,
    }))
}

/// A place, or `{offset: true}`.
fn read_next(node: &Node<'_>) -> Option<Next> {
    if node.is_mapping() {
        let fields = node.fields()?;
        if let Some(offset) = fields.get("offset") {
            return match offset.boolean()? {
                true => Some(Next::Offset),
                false => offset.wrong("is `true` or is left out"),
            };
        }
        fields.forgive();
    }
    read_place(node).map(Next::Given)
}

fn read_ask_end(node: &Node<'_>) -> Option<AskEnd> {
    if !node.is_mapping() {
        return node.text().map(AskEnd::Cursor);
    }
    let fields = node.fields()?;
    let query = fields
        .require("query")
        .and_then(|node| read_pairs(&node, &Names::CONNECTION));
    query.map(AskEnd::Query)
}

fn read_expired(node: &Node<'_>) -> Option<Expired> {
    let fields = node.fields()?;
    if let Some(header) = fields.get("header") {
        return read_header_name(&header).map(Expired::Header);
    }
    let signal = read_signal(&fields);
    let resume = fields.maybe("resume", read_pointer);
    let since = fields.maybe("since", read_pointer);
    Some(Expired::Said {
        signal: signal?,
        resume: resume?,
        since: since?,
    })
}
