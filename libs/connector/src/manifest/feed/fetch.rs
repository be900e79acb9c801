//! The second stage: what a page lists are addresses, and the events are there.

use crate::manifest::feed::{read_pointer, read_status};
use crate::node::Node;
use crate::pointer::Pointer;

/// The items name addresses, and there are the events.
#[derive(Debug)]
pub(crate) struct Fetch {
    /// Where an item has its address.
    pub(crate) uri: Pointer,
    pub(crate) content: Content,
    /// Statuses that say that what was listed is no longer there.
    pub(crate) gone: Vec<u16>,
    /// Where an item names one version of what is at its address. What was fetched under a name is
    /// not fetched again; without names everything listed is fetched.
    pub(crate) once: Vec<Pointer>,
}

/// What is at an address. Each may be packed with gzip.
#[derive(Debug)]
pub(crate) enum Content {
    /// A JSON document, and where it has the events.
    Json(Pointer),
    /// A JSON value per line.
    JsonLines,
    /// Rows under a header row; each becomes an object of texts.
    Csv,
}

pub(super) fn read(node: &Node<'_>) -> Option<Fetch> {
    let fields = node.fields()?;
    let uri = fields.require("uri").and_then(|node| read_pointer(&node));
    let items = fields.maybe("items", read_pointer);
    let content = fields.read("as", "json", |node| {
        node.word(&[
            ("json", "json"),
            ("json_lines", "json_lines"),
            ("csv", "csv"),
        ])
    });
    let gone = fields.read("gone", Vec::new(), |node| node.each(read_status));
    let once = fields.read("once", Vec::new(), |node| node.each(read_pointer));
    let content = match (content?, items?) {
        ("json", items) => Content::Json(items.unwrap_or_else(Pointer::whole)),
        (_, Some(_)) => return node.wrong("`items` is only for `as: json`"),
        ("csv", None) => Content::Csv,
        (_, None) => Content::JsonLines,
    };
    Some(Fetch {
        uri: uri?,
        content,
        gone: gone?,
        once: once?,
    })
}
