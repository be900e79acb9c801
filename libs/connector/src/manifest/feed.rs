//! `pull`: the streams of a service and how each is paged. One variant per paging class.

use std::time::Duration;

use crate::condition::Condition;
use crate::manifest::step::{Request, read_request};
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::Names;

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
}

/// An opaque cursor, handed back verbatim.
#[derive(Debug)]
pub(crate) struct CursorPaging {
    /// Query parameter that carries the cursor.
    pub(crate) query: String,
    /// Where the answer has the events.
    pub(crate) items: Pointer,
    /// Where the answer has the next cursor.
    pub(crate) next: Pointer,
    /// Whether more is waiting; when the manifest does not say, a page with events has more.
    pub(crate) more: Option<Condition>,
    /// What asks for the oldest; absent: nothing is sent.
    pub(crate) start: Option<String>,
    /// What asks for the end.
    pub(crate) now: Option<String>,
    /// How the service says that the cursor is too old, and where it says how to go on.
    pub(crate) expired: Option<(u16, Option<Pointer>)>,
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
    let paging = paging?;
    if from_start == Some(false) && !paging.knows_now() {
        return node
            .wrong("`first: now` needs `page.now`: what asks the service for the end of its feed");
    }
    Some(Stream {
        name: name?,
        request: request?,
        paging,
        from_start: from_start?,
        every: every?,
        retention: retention?,
        lag: lag?,
    })
}

impl Paging {
    fn knows_now(&self) -> bool {
        match self {
            Paging::Cursor(cursor) => cursor.now.is_some(),
        }
    }
}

fn read_paging(node: &Node<'_>) -> Option<Paging> {
    let fields = node.fields()?;
    fields.of_kind(&[("cursor", read_cursor)])
}

fn read_cursor(fields: &Fields<'_>) -> Option<Paging> {
    let pointer = |node: Node<'_>| node.take(Pointer::parse(&node.text()?));
    let query = fields.require("query").and_then(|node| node.text());
    let items = fields.require("items").and_then(pointer);
    let next = fields.require("next").and_then(pointer);
    let more = fields.maybe("more", |node| Condition::read(node, &Names::STEP));
    let start = fields.maybe("start", Node::text);
    let now = fields.maybe("now", Node::text);
    let expired = fields.maybe("expired", |node| {
        let fields = node.fields()?;
        let status = fields
            .require("status")
            .and_then(|node| node.integer(400, 599));
        let resume = fields.maybe("resume", |node| pointer(node.clone()));
        Some((u16::try_from(status?).ok()?, resume?))
    });
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
