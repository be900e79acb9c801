//! `pull`: the streams of a service and how each is paged. One variant per paging class.

use std::time::Duration;

use http::{HeaderName, Method};

use crate::condition::Condition;
use crate::manifest::auth::read_pairs;
use crate::manifest::http::read_header_name;
use crate::manifest::step::{Request, read_request};
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::Names;
use crate::template::Template;
use crate::time::{ASKED, Asked};

pub(crate) mod watermark;

use watermark::WatermarkPaging;

/// One stream of activity.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) paging: Paging,
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

/// An opaque cursor, handed back verbatim.
#[derive(Debug)]
pub(crate) struct CursorPaging {
    /// Query parameter that carries the cursor.
    pub(crate) query: String,
    /// Where the answer has the events.
    pub(crate) items: Pointer,
    /// Where the answer has the next cursor.
    pub(crate) next: Place,
    /// Whether more is waiting; when the manifest does not say, a page with events has more.
    pub(crate) more: Option<Condition>,
    /// What asks for the oldest; absent: nothing is sent.
    pub(crate) start: Option<String>,
    pub(crate) now: Option<AskEnd>,
    pub(crate) expired: Option<Expired>,
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
    /// By a status, and where it says how to go on.
    Status(u16, Option<Pointer>),
    /// By a header of an answer that begins again at the oldest event.
    Header(HeaderName),
}

/// Where an answer has what leads on.
#[derive(Debug)]
pub(crate) enum Place {
    Path(Pointer),
    /// A header; of `Link` the address with `rel="next"`.
    Header(HeaderName),
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

/// A moment as a parameter of the query.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) query: String,
    /// What stands before it in the parameter.
    pub(crate) prefix: String,
    pub(crate) format: Asked,
}

/// Polled this often when the manifest does not say.
pub(crate) const DEFAULT_EVERY: Duration = Duration::from_secs(60);

pub(crate) fn read(node: &Node<'_>) -> Option<Vec<Stream>> {
    node.each(read_stream)
}

fn read_stream(node: &Node<'_>) -> Option<Stream> {
    let fields = node.fields()?;
    let name = fields.require("stream").and_then(|node| node.text());
    let request = fields.require("request").and_then(|node| {
        let fields = node.fields()?;
        read_request(&fields, &Names::CONNECTION)
    });
    let paging = fields.require("page").and_then(|node| read_paging(&node));
    let from_start = fields
        .require("first")
        .and_then(|node| node.word(&[("start", true), ("now", false)]));
    let every = fields.read("every", DEFAULT_EVERY, Node::duration);
    let retention = fields.maybe("retention", Node::duration);
    let lag = fields.maybe("lag", Node::duration);
    let (paging, retention) = (paging?, retention?);
    if from_start == Some(false)
        && let Some(missing) = paging.lacks_now()
    {
        return node.wrong(missing);
    }
    if let Paging::Watermark(watermark) = &paging
        && retention.is_none_or(|kept| kept <= watermark.overlap)
    {
        return node.wrong(
            "`retention` must be there, and longer than `overlap`: how far back the oldest event is asked for",
        );
    }
    let request = request?;
    if !matches!(paging, Paging::Cursor(_)) && request.method != Method::GET {
        return node.wrong(
            "pages at addresses that the service gives, or by time, are asked for by `get`",
        );
    }
    Some(Stream {
        name: name?,
        request,
        paging,
        from_start: from_start?,
        every: every?,
        retention,
        lag: lag?,
    })
}

impl Paging {
    /// What `first: now` would need.
    fn lacks_now(&self) -> Option<&'static str> {
        match self {
            Paging::Cursor(cursor) if cursor.now.is_none() => {
                Some("`first: now` needs `page.now`: what asks the service for the end of its feed")
            }
            Paging::Link(link) if link.since.is_none() => Some(
                "`first: now` needs `page.since`: what asks the service for the events from a moment on",
            ),
            _ => None,
        }
    }
}

fn read_paging(node: &Node<'_>) -> Option<Paging> {
    let fields = node.fields()?;
    fields.of_kind(&[
        ("cursor", read_cursor),
        ("link", read_link),
        ("watermark", watermark::read),
    ])
}

fn read_cursor(fields: &Fields<'_>) -> Option<Paging> {
    let query = fields.require("query").and_then(|node| node.text());
    let items = fields.require("items").and_then(|node| read_pointer(&node));
    let next = fields.require("next").and_then(|node| read_place(&node));
    let more = fields.maybe("more", |node| Condition::read(node, &Names::STEP));
    let start = fields.maybe("start", Node::text);
    let now = fields.maybe("now", read_ask_end);
    let expired = fields.maybe("expired", read_expired);
    Some(Paging::Cursor(CursorPaging {
        query: query?,
        items: items?,
        next: next?,
        more: more?,
        start: start?,
        now: now?,
        expired: expired?,
    }))
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
    let header = fields.maybe("header", read_header_name);
    let status = fields.maybe("status", read_status);
    let resume = fields.maybe("resume", read_pointer);
    match (status?, header?, resume?) {
        (Some(status), None, resume) => Some(Expired::Status(status, resume)),
        (None, Some(header), None) => Some(Expired::Header(header)),
        _ => node.wrong("either `status`, with `resume` or without it, or `header`"),
    }
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

fn read_pointer(node: &Node<'_>) -> Option<Pointer> {
    node.take(Pointer::parse(&node.text()?))
}

fn read_status(node: &Node<'_>) -> Option<u16> {
    u16::try_from(node.integer(400, 599)?).ok()
}

/// A path, or `{header: name}`.
fn read_place(node: &Node<'_>) -> Option<Place> {
    if !node.is_mapping() {
        return read_pointer(node).map(Place::Path);
    }
    let fields = node.fields()?;
    let header = fields.require("header");
    header
        .and_then(|node| read_header_name(&node))
        .map(Place::Header)
}

fn read_moment(node: &Node<'_>) -> Option<Moment> {
    let fields = node.fields()?;
    let query = fields.require("query").and_then(|node| node.text());
    let prefix = fields.read("prefix", String::new(), Node::text);
    let format = fields.read("format", Asked::Rfc3339, |node| node.word(&ASKED));
    Some(Moment {
        query: query?,
        prefix: prefix?,
        format: format?,
    })
}
