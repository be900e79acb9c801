//! `crawl`: how what exists already is listed, level by level, and how an element becomes an activity.

use std::sync::Arc;

use event_model::ScanKind;

use crate::condition::Condition;
use crate::connector::Connector;
use crate::manifest::feed::{Place, Slot, read_place, read_pointer, read_slot};
use crate::manifest::step::{Request, read_request};
use crate::mapping::Mapping;
use crate::mapping::read::read_mapping;
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::Names;

/// Most levels of one crawl.
const LEVELS_MAX: usize = 4;

/// How one kind of thing is listed.
#[derive(Debug)]
pub(crate) struct Crawl {
    pub(crate) kind: ScanKind,
    /// Outer ones first: for each element of a level the next one is listed. Those of the last are looked at.
    pub(crate) levels: Vec<Level>,
    /// Which elements of the last level have a list of their own: folders.
    pub(crate) descend: Option<Descend>,
    /// What says how an element becomes the 24 fields; as an event does when absent.
    pub(crate) mapped_by: Option<Arc<Connector>>,
}

/// One list.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) request: Request,
    pub(crate) items: Pointer,
    pub(crate) next: Onward,
    /// Whether there is more, where the next page's place is always given.
    pub(crate) more: Option<Condition>,
    /// What of an element the requests below need.
    pub(crate) take: Vec<(String, Taken)>,
    /// Of which elements the level below is listed.
    pub(crate) filter: Option<Condition>,
}

/// What is taken of an element.
#[derive(Debug)]
pub(crate) enum Taken {
    /// What it has there.
    At(Pointer),
    /// Always this: where a list of lists begins.
    Const(String),
}

/// What asks for the next page.
#[derive(Debug)]
pub(crate) enum Onward {
    /// There is one page.
    None,
    /// A cursor that the answer has, with another request after it where the service wants that.
    Cursor {
        place: Place,
        slot: Slot,
        request: Option<Box<Request>>,
    },
    /// An address that the answer has.
    Link(Place),
    /// The number of elements read so far.
    Offset(Slot),
}

/// Elements of the last level that are listed as that level is.
#[derive(Debug)]
pub(crate) struct Descend {
    pub(crate) when: Condition,
    pub(crate) take: Vec<(String, Taken)>,
}

/// Reads `crawl`: `shares`, `content`, or both, each with its own mapping if it has one.
pub(crate) fn read(node: &Node<'_>) -> Option<Vec<(Crawl, Option<Mapping>)>> {
    let fields = node.fields()?;
    let of_kind =
        |kind: ScanKind, key: &'static str| fields.maybe(key, |node| read_crawl(node, kind));
    let shares = of_kind(ScanKind::Shares, "shares");
    let content = of_kind(ScanKind::Content, "content");
    Some([shares?, content?].into_iter().flatten().collect())
}

fn read_crawl(node: &Node<'_>, kind: ScanKind) -> Option<(Crawl, Option<Mapping>)> {
    let fields = node.fields()?;
    let over = fields.read("over", Vec::new(), |node| node.each(read_outer));
    let last = read_level(&fields, Vec::new(), None);
    let descend = fields.maybe("descend", read_descend);
    let mapping = fields.maybe("normalize", read_mapping);
    let mut levels = over?;
    levels.push(last?);
    if levels.len() > LEVELS_MAX {
        return node.wrong(format!("at most {} levels stand in `over`", LEVELS_MAX - 1));
    }
    let crawl = Crawl {
        kind,
        levels,
        descend: descend?,
        mapped_by: None,
    };
    Some((crawl, mapping?))
}

fn read_outer(node: &Node<'_>) -> Option<Level> {
    let fields = node.fields()?;
    let take = fields.require("take").and_then(|node| read_taken(&node));
    let filter = fields.maybe("where", |node| Condition::read(node, &Names::LISTED));
    read_level(&fields, take?, filter?)
}

fn read_level(
    fields: &Fields<'_>,
    take: Vec<(String, Taken)>,
    filter: Option<Condition>,
) -> Option<Level> {
    let request = fields.require("request").and_then(|node| {
        let fields = node.fields()?;
        read_request(&fields, &Names::LISTED)
    });
    let page = fields.require("page").and_then(|node| {
        let fields = node.fields()?;
        let items = fields.require("items").and_then(|node| read_pointer(&node));
        let more = fields.maybe("more", |node| Condition::read(node, &Names::LISTED));
        let next = read_onward(&fields);
        Some((items?, next?, more?))
    });
    let (items, next, more) = page?;
    Some(Level {
        request: request?,
        items,
        next,
        more,
        take,
        filter,
    })
}

/// `next` with `query` or `body`; `link`; `offset` with `query` or `body`; or nothing.
fn read_onward(fields: &Fields<'_>) -> Option<Onward> {
    let next = fields.maybe("next", read_place);
    let link = fields.maybe("link", read_place);
    let offset = fields.read("offset", false, Node::boolean);
    let onward = fields.maybe("continue", |node| {
        let fields = node.fields()?;
        read_request(&fields, &Names::LISTED)
    });
    match (next?, link?, offset?) {
        (None, None, false) => Some(Onward::None),
        (Some(place), None, false) => Some(Onward::Cursor {
            place,
            slot: read_slot(fields)?,
            request: onward?.map(Box::new),
        }),
        (None, Some(place), false) => Some(Onward::Link(place)),
        (None, None, true) => Some(Onward::Offset(read_slot(fields)?)),
        _ => fields
            .node()
            .wrong("of `next`, `link` and `offset` only one can be there"),
    }
}

fn read_descend(node: &Node<'_>) -> Option<Descend> {
    let fields = node.fields()?;
    let when = fields
        .require("when")
        .and_then(|node| Condition::read(&node, &Names::LISTED));
    let take = fields.require("take").and_then(|node| read_taken(&node));
    Some(Descend {
        when: when?,
        take: take?,
    })
}

fn read_taken(node: &Node<'_>) -> Option<Vec<(String, Taken)>> {
    let entries = node.entries()?.into_iter();
    let read: Vec<_> = entries
        .map(|(name, node)| Some((name, read_one_taken(&node)?)))
        .collect();
    read.into_iter().collect()
}

/// A path, or `{const: text}`.
fn read_one_taken(node: &Node<'_>) -> Option<Taken> {
    if !node.is_mapping() {
        return read_pointer(node).map(Taken::At);
    }
    let fields = node.fields()?;
    let constant = fields.require("const").and_then(|node| node.text());
    constant.map(Taken::Const)
}

impl Crawl {
    /// Every request of it.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.levels.iter().flat_map(Level::requests)
    }
}

impl Level {
    /// Its requests: for the first page, and for those after it when they are other ones.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Request> {
        let onward = match &self.next {
            Onward::Cursor { request, .. } => request.as_deref(),
            Onward::None | Onward::Link(_) | Onward::Offset(_) => None,
        };
        std::iter::once(&self.request).chain(onward)
    }
}
