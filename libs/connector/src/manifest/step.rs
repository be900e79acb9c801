//! Steps: requests to the service with what is kept of their answers.

use http::{HeaderName, Method};
use regex::Regex;

use crate::condition::{Condition, read_regex};
use crate::manifest::auth::{read_pairs, read_template};
use crate::manifest::http::{read_header_name, read_headers};
use crate::node::{Fields, Node};
use crate::pointer::Pointer;
use crate::scope::{Names, Ref, Word};
use crate::template::{JsonTemplate, Template};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Template,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) headers: Vec<(HeaderName, Template)>,
    pub(crate) body: Body,
    pub(crate) if_match: Option<Template>,
    /// The name of the field of a form that carries the body as a file.
    pub(crate) multipart: Option<String>,
    /// Whose token it is made with, where the service gives tokens about users.
    pub(crate) acting_as: Option<Template>,
}

/// What a request carries.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    None,
    Json(JsonTemplate),
    /// A document in XML; values are escaped.
    Xml(Template),
    Form(Vec<(String, Template)>),
    /// A text as it is.
    Text(Template),
    /// What the vault has of the object.
    Vault,
}

/// A request, when it is made, how often, and what its answer must be and is kept for.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) request: Request,
    pub(crate) when: Option<Condition>,
    pub(crate) for_each: Option<ForEach>,
    /// Statuses taken besides 2xx.
    pub(crate) ok: Vec<u16>,
    pub(crate) pages: Option<Pages>,
    /// Whether the answer's body is left unread.
    pub(crate) ignore_body: bool,
    pub(crate) capture: Vec<(String, Capture)>,
    pub(crate) expect: Vec<Condition>,
    /// The object was changed since the snapshot, if this holds.
    pub(crate) newer: Option<Condition>,
    /// Content of the vault is sent in pieces of so many bytes, a request each.
    pub(crate) piece_bytes: Option<u64>,
}

/// Makes the step once for each element of a list.
#[derive(Debug, Clone)]
pub(crate) struct ForEach {
    pub(crate) list: Ref,
    pub(crate) filter: Option<Condition>,
    /// What an element is called when its request fails.
    pub(crate) label: Option<Template>,
}

/// The answer is one page of a list; the document is the whole list.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pub(crate) items: Pointer,
    pub(crate) next: Pointer,
    /// Query parameter that carries the cursor.
    pub(crate) query: String,
}

/// What is kept of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Capture {
    /// The first of these values of the body that is there.
    Body(Vec<Pointer>),
    /// A header.
    Header(HeaderName),
    /// A text made of other values; with a pattern, what its first group matches.
    Text(Template, Option<Regex>),
    /// Of each element of a list that holds, these values only.
    Each {
        list: Pointer,
        filter: Option<Condition>,
        take: Vec<(String, Pointer)>,
    },
    /// Of the first element of a list that holds.
    First {
        list: Pointer,
        filter: Option<Condition>,
        take: Pointer,
    },
}

const METHODS: [(&str, Method); 5] = [
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("patch", Method::PATCH),
    ("delete", Method::DELETE),
];

/// Reads the request keys of a mapping: `get: /path`, or `method` with `url`, and what goes with it.
pub(crate) fn read_request(fields: &Fields<'_>, names: &Names) -> Option<Request> {
    let mut given = Vec::new();
    for (key, method) in METHODS {
        if let Some(node) = fields.get(key) {
            given.push((method, node));
        }
    }
    let method = fields.maybe("method", |node| {
        let word = node.text()?.to_uppercase();
        node.take(
            Method::from_bytes(word.as_bytes()).map_err(|_| format!("`{word}` is not a method")),
        )
    });
    if let Some(method) = method? {
        given.push((method, fields.require("url")?));
    }
    let query = fields.read("query", Vec::new(), |node| read_pairs(node, names));
    let headers = fields.read("headers", Vec::new(), |node| read_headers(node, names));
    let json = fields.maybe("body", |node| read_json(node, names));
    let xml = fields.maybe("xml", |node| read_template(node, names));
    let form = fields.maybe("form", |node| read_pairs(node, names));
    let text = fields.maybe("text", |node| read_template(node, names));
    let vault = fields.maybe("bytes", |node| read_vault(node, names));
    let multipart = fields.maybe("multipart", read_field_name);
    let if_match = fields.maybe("if_match", |node| read_template(node, names));
    let acting_as = fields.maybe("as", |node| read_template(node, names));
    let [(method, node)] = &given[..] else {
        return fields.node().wrong(
            "a request has one of `get`, `post`, `put`, `patch`, `delete`, or `method` with `url`",
        );
    };
    let url = read_url(node, names);
    let bodies = [
        json?.map(Body::Json),
        form?.map(Body::Form),
        xml?.map(Body::Xml),
        text?.map(Body::Text),
        vault?,
    ];
    let mut bodies = bodies.into_iter().flatten();
    let (body, None) = (bodies.next().unwrap_or(Body::None), bodies.next()) else {
        let wrong = "of `body`, `form`, `xml`, `text` and `bytes` only one can be there";
        return fields.node().wrong(wrong);
    };
    Some(Request {
        method: method.clone(),
        url: url?,
        query: query?,
        headers: headers?,
        body,
        if_match: if_match?,
        multipart: multipart?,
        acting_as: acting_as?,
    })
}

/// `bytes: vault`: the content that the vault has.
fn read_vault(node: &Node<'_>, names: &Names) -> Option<Body> {
    if node.text()? != "vault" {
        return node.wrong("`bytes` is `vault`: what the vault has of the object");
    }
    if !names.snapshot || !names.words.contains(&Word::ContentBytes) {
        return node.wrong("only `undo` of `quarantine_to_vault` has content of the vault");
    }
    Some(Body::Vault)
}

fn read_field_name(node: &Node<'_>) -> Option<String> {
    let name = node.text()?;
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match !name.is_empty() && name.bytes().all(sound) {
        true => Some(name),
        false => node.wrong("the name of a field has letters, digits, `-` and `_`"),
    }
}

/// An address: a path under `http.base`, an absolute one, or one value that is a whole address.
fn read_url(node: &Node<'_>, names: &Names) -> Option<Template> {
    let url = read_template(node, names)?;
    let prefix = url.prefix();
    let rooted = prefix.starts_with('/') && !prefix.starts_with("//");
    if rooted || prefix.starts_with("https://") || url.starts_with_base() || url.is_whole() {
        return Some(url);
    }
    node.wrong("an address starts with `/` or `https://`, or is one value and nothing else")
}

fn read_json(node: &Node<'_>, names: &Names) -> Option<JsonTemplate> {
    if node.is_list() {
        return node
            .each(|node| read_json(node, names))
            .map(JsonTemplate::List);
    }
    if node.is_mapping() {
        let entries = node.entries()?.into_iter();
        let read: Vec<_> = entries
            .map(|(key, node)| Some((key, read_json(&node, names)?)))
            .collect();
        return read
            .into_iter()
            .collect::<Option<_>>()
            .map(JsonTemplate::Object);
    }
    match node.json()? {
        serde_json::Value::String(text) => node
            .take(Template::parse(&text, names))
            .map(JsonTemplate::Text),
        literal => Some(JsonTemplate::Literal(literal)),
    }
}

/// Reads a list of steps; one step is a list of one.
pub(crate) fn read_steps(node: &Node<'_>, names: &Names) -> Option<Vec<Step>> {
    node.each(|node| {
        let fields = node.fields()?;
        read_step(&fields, names)
    })
}

/// Reads one step.
pub(crate) fn read_step(fields: &Fields<'_>, names: &Names) -> Option<Step> {
    let request = read_request(fields, names);
    let when = fields.maybe("when", |node| Condition::read(node, names));
    let filter = fields.maybe("where", |node| Condition::read(node, names));
    let label = fields.maybe("label", |node| read_template(node, names));
    let list = fields.maybe("for_each", |node| {
        node.take(Ref::parse(&node.text()?, names))
    });
    let ok = fields.read("ok", Vec::new(), |node| {
        node.each(|node| {
            node.integer(200, 599)
                .and_then(|status| u16::try_from(status).ok())
        })
    });
    let pages = fields.maybe("pages", read_pages);
    let ignore_body = fields.read("ignore_body", false, Node::boolean);
    let newer = fields.maybe("newer", |node| Condition::read(node, names));
    let piece_bytes = fields.maybe("piece_bytes", Node::size);
    let capture = fields.read("capture", Vec::new(), |node| read_captures(node, names));
    let expect = fields.read("expect", Vec::new(), |node| {
        node.each(|node| Condition::read(node, names))
    });
    let (filter, label) = (filter?, label?);
    let for_each = match list? {
        Some(list) => Some(ForEach {
            list,
            filter,
            label,
        }),
        None if filter.is_some() || label.is_some() => {
            return fields
                .node()
                .wrong("`where` and `label` belong to `for_each`");
        }
        None => None,
    };
    Some(Step {
        request: request?,
        when: when?,
        for_each,
        ok: ok?,
        pages: pages?,
        ignore_body: ignore_body?,
        capture: capture?,
        expect: expect?,
        newer: newer?,
        piece_bytes: piece_bytes?.map(|bytes| bytes as u64),
    })
}

fn read_pages(node: &Node<'_>) -> Option<Pages> {
    let fields = node.fields()?;
    let pointer = |node: Node<'_>| node.take(Pointer::parse(&node.text()?));
    let items = fields.require("items").and_then(pointer);
    let next = fields.require("next").and_then(pointer);
    let query = fields.require("query").and_then(|node| node.text());
    Some(Pages {
        items: items?,
        next: next?,
        query: query?,
    })
}

fn read_captures(node: &Node<'_>, names: &Names) -> Option<Vec<(String, Capture)>> {
    let entries = node.entries()?;
    let read: Vec<_> = entries
        .into_iter()
        .map(|(name, node)| Some((name, read_capture(&node, names)?)))
        .collect();
    read.into_iter().collect()
}

fn read_capture(node: &Node<'_>, names: &Names) -> Option<Capture> {
    let pointer = |node: &Node<'_>| node.take(Pointer::parse(&node.text()?));
    if !node.is_mapping() {
        return node.each(pointer).map(Capture::Body);
    }
    let fields = node.fields()?;
    let header = fields
        .get("header")
        .map(|node| read_header_name(&node).map(Capture::Header));
    let text = fields.get("text").map(|node| {
        let pattern = fields.maybe("pattern", read_regex);
        Some(Capture::Text(read_template(&node, names)?, pattern?))
    });
    let each = fields.get("each").map(|node| {
        let filter = fields.maybe("where", |node| Condition::read(node, names));
        let take = fields.require("take").and_then(|node| read_taken(&node));
        Some(Capture::Each {
            list: pointer(&node)?,
            filter: filter?,
            take: take?,
        })
    });
    let first = fields.get("first").map(|node| {
        let filter = fields.maybe("where", |node| Condition::read(node, names));
        let take = fields.read("take", Pointer::whole(), pointer);
        Some(Capture::First {
            list: pointer(&node)?,
            filter: filter?,
            take: take?,
        })
    });
    let mut given = [header, text, first, each].into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(one), None) => one,
        _ => node.wrong("what is kept is a path, or one of `header`, `text`, `first`, `each`"),
    }
}

fn read_taken(node: &Node<'_>) -> Option<Vec<(String, Pointer)>> {
    let entries = node.entries()?.into_iter();
    let read: Vec<_> = entries
        .map(|(name, node)| Some((name, node.take(Pointer::parse(&node.text()?))?)))
        .collect();
    read.into_iter().collect()
}
