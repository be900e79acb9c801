//! Outlook messages: each property that holds text, the body in each of its forms, and attachments.
//! Sources: [MS-OXMSG] 2.4, [MS-OXPROPS]; the compressed body is [MS-OXRTFCP] 2.2.

mod compressed;
mod transport;

use crate::extract::harvest::Harvest;
use crate::extract::{charset, extract_part, html, mail, rtf};
use crate::{Place, kind};

use super::bytes::utf16;
pub(crate) use transport::{extract as extract_transport, is_transport};

const BODY: u16 = 0x1000;
const BODY_RTF: u16 = 0x1009;
const BODY_HTML: u16 = 0x1013;
const TRANSPORT_HEADERS: u16 = 0x007D;
const ATTACHMENT: u16 = 0x3701;
const ATTACHMENT_NAME: u16 = 0x3704;
const ATTACHMENT_LONG_NAME: u16 = 0x3707;
/// Properties that are metadata of the message.
const NAMED: [(u16, &str); 8] = [
    (0x0037, "Subject"),
    (0x0C1A, "From"),
    (0x0C1F, "From-Address"),
    (0x0E04, "To"),
    (0x0E03, "Cc"),
    (0x0E02, "Bcc"),
    (0x1035, "Message-ID"),
    (0x001A, "Message-Class"),
];

/// A property's number and the type of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    property: u16,
    kind: u16,
}

/// Whether a stream of this name makes its storage a part of a message.
pub(super) fn is_stream(name: &str) -> bool {
    name.starts_with("__substg1.0_") || name == "__properties_version1.0"
}

/// The tag in a stream's name.
pub(super) fn tag(name: &str) -> Option<Tag> {
    let digits = name.strip_prefix("__substg1.0_")?.get(..8)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some(Tag {
        property: (number >> 16) as u16,
        kind: number as u16,
    })
}

/// Reads the properties of one storage: the message, a recipient or an attachment.
pub(super) fn extract(
    harvest: &mut Harvest<'_>,
    parts: &[(Tag, Vec<u8>)],
    place: &Place,
    depth: usize,
    is_root: bool,
) {
    let name = [ATTACHMENT_LONG_NAME, ATTACHMENT_NAME]
        .iter()
        .find_map(|wanted| {
            let part = parts.iter().find(|(tag, _)| tag.property == *wanted);
            part.and_then(|(tag, content)| text_of(*tag, content))
        });
    let mut text = String::new();
    for (tag, content) in parts {
        match (tag.property, tag.kind) {
            (BODY_RTF, _) => {
                match compressed::decompress(content, harvest.expansion_left(content.len())) {
                    Some(body) => {
                        harvest.expanded(body.len());
                        rtf::extract(harvest, &body, &place.within("body"), depth);
                    }
                    None => harvest.malformed("compressed body"),
                }
            }
            (BODY_HTML, _) => html::extract(harvest, content, &place.within("body")),
            (ATTACHMENT, BINARY) => {
                let inner = place.within(name.as_deref().unwrap_or("attachment"));
                extract_part(harvest, content, name.as_deref(), &inner, depth + 1);
            }
            (BODY, _) => {
                let body = text_of(*tag, content).unwrap_or_default();
                harvest.push(place.within("body"), body);
            }
            _ => {
                let Some(value) = text_of(*tag, content) else {
                    continue;
                };
                if tag.property == TRANSPORT_HEADERS {
                    mail::properties(harvest, &value);
                }
                if let Some((_, name)) = NAMED
                    .iter()
                    .find(|(known, _)| *known == tag.property && is_root)
                {
                    harvest.property(name, &value);
                } else if value.starts_with("MSIP_Label_") {
                    harvest.property("msip_labels", &value);
                }
                text.push_str(&value);
                text.push('\n');
            }
        }
    }
    harvest.push(place.within("properties"), text);
}

const BINARY: u16 = 0x0102;

/// The value as text; `None` of a value that is not.
fn text_of(tag: Tag, content: &[u8]) -> Option<String> {
    const NARROW: [u16; 2] = [0x001E, 0x101E];
    const WIDE: [u16; 2] = [0x001F, 0x101F];
    if WIDE.contains(&tag.kind) {
        return Some(utf16(content).trim_end_matches('\0').to_owned());
    }
    let is_text = NARROW.contains(&tag.kind)
        || (tag.kind == BINARY && kind::sniff(content, None) == crate::FileKind::Text);
    is_text.then(|| {
        charset::decode(content, None)
            .trim_end_matches('\0')
            .to_owned()
    })
}
