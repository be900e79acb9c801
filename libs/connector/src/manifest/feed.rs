//! `pull`: the streams of a service and how each is paged. One variant per paging class.

use std::time::Duration;

use http::{HeaderName, Method};

use crate::condition::Condition;
use crate::manifest::http::read_header_name;
use crate::manifest::step::{Request, Step, read_request, read_steps};
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::Names;
use crate::time::{ASKED, Asked};

pub(crate) mod cursor;
pub(crate) mod fetch;
pub(crate) mod watermark;

pub(crate) use cursor::{AskEnd, CursorPaging, Expired, Next};
use watermark::WatermarkPaging;

/// One stream of activity.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) paging: Paging,
    /// When a page without its list is an empty one; otherwise it is not what the manifest says.
    pub(crate) empty: Option<Condition>,
    /// What makes the service begin the stream; harmless when it has begun.
    pub(crate) setup: Vec<Step>,
    /// How the service says that it has not.
    pub(crate) missing: Option<Signal>,
    /// Whether the first page starts at the oldest event; otherwise at the end.
    pub(crate) from_start: bool,
    pub(crate) every: Duration,
    pub(crate) retention: Option<Duration>,
    pub(crate) lag: Option<Duration>,
}

/// How a stream is walked.
#[derive(Debug)]
pub(crate) enum Paging {
    /// The service hands out an opaque cursor.
    Cursor(CursorPaging),
    /// The service hands out the address of the next page, always.
    Link(LinkPaging),
    /// The service is asked for a span of time.
    Watermark(WatermarkPaging),
}

/// Something that an answer says.
#[derive(Debug, Clone)]
pub(crate) struct Signal {
    pub(crate) status: Option<u16>,
    /// Over the status and the body.
    pub(crate) when: Option<Condition>,
}

/// Where an answer has what leads on.
#[derive(Debug)]
pub(crate) enum Place {
    Path(Pointer),
    /// A header; of `Link` the address with `rel="next"`.
    Header(HeaderName),
}

/// Where a request carries a value.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    /// A parameter of the query.
    Query(String),
    /// A place in the JSON body.
    Body(Pointer),
}

/// The address of the next page is in every answer, also in an empty one.
#[derive(Debug)]
pub(crate) struct LinkPaging {
    pub(crate) items: Pointer,
    pub(crate) next: Place,
    /// What asks for the events from a moment on.
    pub(crate) since: Option<Moment>,
    /// How long before now the end of the feed is asked for: late events, and clocks that differ.
    pub(crate) overlap: Duration,
}

/// A moment as a part of a request.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) slot: Slot,
    /// What stands before it and after it.
    pub(crate) prefix: String,
    pub(crate) suffix: String,
    pub(crate) format: Asked,
}

/// Polled this often when the manifest does not say.
pub(crate) const DEFAULT_EVERY: Duration = Duration::from_secs(60);

pub(crate) fn read(node: &Node<'_>) -> Option<Vec<Stream>> {
    node.each(read_stream)
}

pub(super) fn read_stream(node: &Node<'_>) -> Option<Stream> {
    let fields = node.fields()?;
    let name = fields.require("stream").and_then(|node| node.text());
    let request = fields.require("request").and_then(|node| {
        let fields = node.fields()?;
        read_request(&fields, &Names::CONNECTION)
    });
    let paging = fields.require("page").and_then(|node| read_paging(&node));
    let setup = fields.read("setup", Vec::new(), |node| read_steps(node, &Names::STEP));
    let missing = fields.maybe("missing", |node| read_signal(&node.fields()?));
    let from_start = fields
        .require("first")
        .and_then(|node| node.word(&[("start", true), ("now", false)]));
    let every = fields.read("every", DEFAULT_EVERY, Node::duration);
    let retention = fields.maybe("retention", Node::duration);
    let lag = fields.maybe("lag", Node::duration);
    let (paging, empty) = paging?;
    let stream = Stream {
        name: name?,
        request: request?,
        paging,
        empty,
        setup: setup?,
        missing: missing?,
        from_start: from_start?,
        every: every?,
        retention: retention?,
        lag: lag?,
    };
    match stream.mistake() {
        Some(mistake) => node.wrong(mistake),
        None => Some(stream),
    }
}

impl Stream {
    /// What does not fit together.
    fn mistake(&self) -> Option<&'static str> {
        if !self.from_start
            && let Some(missing) = self.paging.lacks_now()
        {
            return Some(missing);
        }
        if let Paging::Watermark(watermark) = &self.paging
            && self.retention.is_none_or(|kept| kept <= watermark.overlap)
        {
            return Some(
                "`retention` must be there, and longer than `overlap`: how far back the oldest event is asked for",
            );
        }
        if self.paging.follows_addresses() && self.request.method != Method::GET {
            return Some("pages at addresses that the service gives are asked for by `get`");
        }
        let without_setup = self.setup.is_empty() && self.missing.is_some();
        without_setup.then_some("`missing` needs `setup`: what begins the stream again")
    }
}

impl Paging {
    /// What `first: now` would need.
    fn lacks_now(&self) -> Option<&'static str> {
        match self {
            Paging::Cursor(cursor) if cursor.now.is_none() && cursor.since.is_none() => Some(
                "`first: now` needs `page.now`: what asks the service for the end of its feed; or `page.since`",
            ),
            Paging::Link(link) if link.since.is_none() => Some(
                "`first: now` needs `page.since`: what asks the service for the events from a moment on",
            ),
            _ => None,
        }
    }

    fn follows_addresses(&self) -> bool {
        match self {
            Paging::Cursor(_) => false,
            Paging::Link(_) => true,
            Paging::Watermark(watermark) => watermark.follows_addresses(),
        }
    }
}

fn read_paging(node: &Node<'_>) -> Option<(Paging, Option<Condition>)> {
    let fields = node.fields()?;
    let empty = fields.maybe("empty", |node| Condition::read(node, &Names::STEP));
    let paging = fields.of_kind(&[
        ("cursor", cursor::read),
        ("link", read_link),
        ("watermark", watermark::read),
    ]);
    Some((paging?, empty?))
}

fn read_link(fields: &Fields<'_>) -> Option<Paging> {
    let items = fields.require("items").and_then(|node| read_pointer(&node));
    let next = fields.require("next").and_then(|node| read_place(&node));
    let since = fields.maybe("since", read_moment);
    let overlap = fields.read("overlap", Duration::ZERO, Node::duration);
    Some(Paging::Link(LinkPaging {
        items: items?,
        next: next?,
        since: since?,
        overlap: overlap?,
    }))
}

pub(super) fn read_pointer(node: &Node<'_>) -> Option<Pointer> {
    node.take(Pointer::parse(&node.text()?))
}

pub(super) fn read_status(node: &Node<'_>) -> Option<u16> {
    u16::try_from(node.integer(400, 599)?).ok()
}

/// `status`, `when`, or both.
pub(super) fn read_signal(fields: &Fields<'_>) -> Option<Signal> {
    let status = fields.maybe("status", read_status);
    let when = fields.maybe("when", |node| Condition::read(node, &Names::STEP));
    match (status?, when?) {
        (None, None) => fields.node().wrong("needs `status`, `when`, or both"),
        (status, when) => Some(Signal { status, when }),
    }
}

/// A path, or `{header: name}`.
pub(super) fn read_place(node: &Node<'_>) -> Option<Place> {
    if !node.is_mapping() {
        return read_pointer(node).map(Place::Path);
    }
    let fields = node.fields()?;
    let header = fields.require("header");
    header
        .and_then(|node| read_header_name(&node))
        .map(Place::Header)
}

/// `query: name` or `body: /place`.
pub(super) fn read_slot(fields: &Fields<'_>) -> Option<Slot> {
    let query = fields.maybe("query", Node::text);
    let body = fields.maybe("body", read_pointer);
    match (query?, body?) {
        (Some(query), None) => Some(Slot::Query(query)),
        (None, Some(body)) => Some(Slot::Body(body)),
        _ => fields
            .node()
            .wrong("needs `query`, a parameter's name, or `body`, a path in the JSON body"),
    }
}

pub(super) fn read_moment(node: &Node<'_>) -> Option<Moment> {
    let fields = node.fields()?;
    let slot = read_slot(&fields);
    let prefix = fields.read("prefix", String::new(), Node::text);
    let suffix = fields.read("suffix", String::new(), Node::text);
    let format = fields.read("format", Asked::Rfc3339, |node| node.word(&ASKED));
    Some(Moment {
        slot: slot?,
        prefix: prefix?,
        suffix: suffix?,
        format: format?,
    })
}
