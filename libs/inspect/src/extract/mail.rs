//! Text out of e-mail: headers, every body in each of its forms, attachments, messages within
//! messages, and what stands between the parts, where no reader looks. A mailbox is read message by
//! message. Signed parts are read; encrypted ones are said to be.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use mail_parser::{
    Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};
use memchr::memmem;

use super::harvest::Harvest;
use super::{charset, compound, extract_part, html};
use crate::{Field, Place, Reason};

/// Messages within a message that are parsed: the parser follows them to any depth.
const NESTED_MENTIONS_MAX: usize = 1_000;
/// Headers of one message that are read.
const HEADERS_MAX: usize = 10_000;
/// Headers that are metadata of the message.
const PROPERTIES: [&str; 12] = [
    "subject",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "message-id",
    "keywords",
    "sensitivity",
    "msip_labels",
    "x-keywords",
];

/// Whether text that begins with `head` is a message; `expected` is for names that promise it.
pub(crate) fn is_mail(head: &str, expected: bool) -> bool {
    /// Headers that only a message has, and those that letters have as well.
    const TELLING: [&str; 10] = [
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "delivered-to",
        "dkim-signature",
        "x-mailer",
        "content-type",
        "authentication-results",
        "x-original-to",
    ];
    const USUAL: [&str; 6] = ["from", "to", "subject", "date", "cc", "reply-to"];
    let mut lines = head.trim_start_matches('\u{feff}').lines().peekable();
    let is_mailbox = lines.next_if(|line| line.starts_with("From ")).is_some();
    let (mut telling, mut usual) = (0, 0);
    for line in lines {
        if line.starts_with([' ', '\t']) && telling + usual > 0 {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else {
            // Anything but an empty line behind the headers is no message.
            let ends = line.trim().is_empty();
            return ends && enough(telling, usual, expected || is_mailbox);
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        let known = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        telling += usize::from(known(&TELLING));
        usual += usize::from(known(&USUAL));
    }
    enough(telling, usual, expected || is_mailbox)
}

fn enough(telling: usize, usual: usize, expected: bool) -> bool {
    if expected {
        telling + usual >= 1
    } else {
        (telling >= 1 && telling + usual >= 2) || usual >= 3
    }
}

pub(crate) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place, depth: usize) {
    if depth >= harvest.limits.depth_max {
        return harvest.limit("depth_max");
    }
    let decoded;
    let bytes = match std::str::from_utf8(bytes) {
        Err(_) if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") => {
            decoded = charset::decode(bytes, None).into_owned();
            decoded.as_bytes()
        }
        _ => bytes,
    };
    // The parser is not ours and reads hostile bytes: should it panic, that is a blind spot.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if !bytes.starts_with(b"From ") {
            return message(harvest, bytes, place, depth);
        }
        for (index, mail) in mailbox(bytes).enumerate() {
            if !harvest.member() {
                return;
            }
            message(
                harvest,
                mail,
                &place.within(&format!("message {}", index + 1)),
                depth,
            );
        }
    }));
    if outcome.is_err() {
        harvest.malformed("mail");
    }
}

/// The messages of a mailbox: each begins with a line `From …`.
fn mailbox(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = std::iter::once(0).chain(memmem::find_iter(bytes, b"\nFrom ").map(|at| at + 1));
    let mut starts = starts.peekable();
    std::iter::from_fn(move || {
        let start = starts.next()?;
        let end = starts.peek().copied().unwrap_or(bytes.len());
        let line = memchr::memchr(b'\n', &bytes[start..end]).map_or(end, |at| start + at + 1);
        Some(&bytes[line..end])
    })
}

fn message(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place, depth: usize) {
    let mentions = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(["message/"]);
    let nested = mentions.map_or(0, |mentions| {
        mentions
            .find_iter(bytes)
            .take(NESTED_MENTIONS_MAX + 1)
            .count()
    });
    if nested > NESTED_MENTIONS_MAX {
        harvest.limit("messages_nested_max");
        return harvest.push(place.clone(), charset::decode(bytes, None));
    }
    match MessageParser::new().default_header_text().parse(bytes) {
        Some(message) => Mail { place, depth }.read(harvest, &message),
        None => {
            harvest.malformed("mail");
            harvest.push(place.clone(), charset::decode(bytes, None));
        }
    }
}

/// The metadata in headers that are kept as text, in another format's message.
pub(crate) fn properties(harvest: &mut Harvest<'_>, headers: &str) {
    if let Some(message) = MessageParser::new()
        .default_header_text()
        .parse_headers(headers.as_bytes())
    {
        for (name, value) in named_headers(&message) {
            if PROPERTIES.contains(&name.to_ascii_lowercase().as_str()) {
                harvest.property(&name, &value);
            }
        }
    }
}

struct Mail<'p> {
    place: &'p Place,
    depth: usize,
}

impl Mail<'_> {
    fn read(&self, harvest: &mut Harvest<'_>, message: &Message<'_>) {
        self.headers(harvest, message);
        let mut bodies = 0;
        for part in &message.parts {
            if !harvest.member() {
                return;
            }
            self.part(harvest, part, &mut bodies);
        }
        harvest.push(self.place.within("between parts"), between_parts(message));
    }

    fn headers(&self, harvest: &mut Harvest<'_>, message: &Message<'_>) {
        let (mut text, mut fields) = (String::new(), Vec::new());
        for (name, value) in named_headers(message) {
            if PROPERTIES.contains(&name.to_ascii_lowercase().as_str()) {
                harvest.property(&name, &value);
            }
            let start = text.len();
            text.push_str(&value);
            if start < text.len() {
                fields.push(Field {
                    start,
                    end: text.len(),
                    name: Arc::from(name),
                    cell: None,
                });
            }
            text.push('\n');
        }
        harvest.push_fields(self.place.within("headers"), text, fields);
    }

    fn part(&self, harvest: &mut Harvest<'_>, part: &MessagePart<'_>, bodies: &mut usize) {
        if part.is_encoding_problem {
            harvest.malformed("mail part");
        }
        if is_encrypted(part) {
            harvest.note(Reason::Encrypted);
        }
        let name = part.attachment_name();
        let place = match name {
            Some(name) => self.place.within(name),
            None => {
                *bodies += usize::from(!matches!(part.body, PartType::Multipart(_)));
                self.place.within(&format!("part {bodies}"))
            }
        };
        if let Some(name) = name {
            harvest.push(place.within("name"), name);
        }
        match &part.body {
            PartType::Html(text) => html::extract(harvest, text.as_bytes(), &place),
            PartType::Text(text) if name.is_none() => harvest.push(place, text.as_ref()),
            PartType::Text(text) => {
                extract_part(harvest, text.as_bytes(), name, &place, self.depth + 1);
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                if compound::is_transport(bytes) {
                    return compound::extract_transport(harvest, bytes, &place, self.depth + 1);
                }
                extract_part(harvest, bytes, name, &place, self.depth + 1);
            }
            PartType::Message(inner) if self.depth + 1 < harvest.limits.depth_max => {
                Mail {
                    place: &place,
                    depth: self.depth + 1,
                }
                .read(harvest, inner);
            }
            PartType::Message(_) => harvest.limit("depth_max"),
            PartType::Multipart(_) => {}
        }
    }
}

/// Whether the part is encrypted by S/MIME or PGP.
fn is_encrypted(part: &MessagePart<'_>) -> bool {
    let Some(kind) = part.content_type() else {
        return false;
    };
    let subtype = kind.subtype().unwrap_or_default().to_ascii_lowercase();
    match subtype.as_str() {
        "encrypted" => kind.ctype().eq_ignore_ascii_case("multipart"),
        "pkcs7-mime" | "x-pkcs7-mime" => !kind
            .attribute("smime-type")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("signed-data")),
        "x-microsoft-rpmsg-message" => true,
        _ => false,
    }
}

/// Each header with its value as a reader shows it.
fn named_headers(message: &Message<'_>) -> Vec<(String, String)> {
    let headers = message.headers().iter().take(HEADERS_MAX);
    headers
        .map(|header| (header.name.as_str().to_owned(), shown(&header.value)))
        .collect()
}

fn shown(value: &HeaderValue<'_>) -> String {
    match value {
        // A long header is folded over lines.
        HeaderValue::Text(text) => text.trim().replace(['\r', '\n'], ""),
        HeaderValue::TextList(list) => list.join(", "),
        HeaderValue::Address(addresses) => shown_addresses(addresses),
        HeaderValue::ContentType(kind) => {
            let attributes = kind.attributes().unwrap_or_default();
            let values: Vec<&str> = attributes
                .iter()
                .map(|attribute| attribute.value.as_ref())
                .collect();
            values.join(" ")
        }
        HeaderValue::DateTime(_) | HeaderValue::Received(_) | HeaderValue::Empty => String::new(),
    }
}

fn shown_addresses(addresses: &Address<'_>) -> String {
    let shown = addresses.iter().map(|one| {
        let (name, address) = (
            one.name().unwrap_or_default(),
            one.address().unwrap_or_default(),
        );
        if name.is_empty() {
            address.to_owned()
        } else {
            format!("{name} <{address}>")
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Text that belongs to no part: before the first boundary, behind the last.
fn between_parts(message: &Message<'_>) -> String {
    let raw = message.raw_message();
    let at = |offset: u32| (offset as usize).min(raw.len());
    let mut covered: Vec<(usize, usize)> = message
        .parts
        .iter()
        .map(|part| match part.body {
            PartType::Multipart(_) => (at(part.offset_header), at(part.offset_body)),
            _ => (at(part.offset_header), at(part.offset_end)),
        })
        .collect();
    covered.sort_unstable();
    let (mut text, mut from) = (String::new(), 0);
    for (start, end) in covered.into_iter().chain([(raw.len(), raw.len())]) {
        if start > from {
            let gap = String::from_utf8_lossy(&raw[from..start]);
            let lines = gap
                .lines()
                .filter(|line| !line.starts_with("--") && !line.trim().is_empty());
            lines.for_each(|line| text.extend([line, "\n"]));
        }
        from = from.max(end);
    }
    text
}
