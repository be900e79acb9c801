//! Text that stands beside the pages: titles in the outline, alternative descriptions, what a
//! structure says instead of what it shows, scripts, and forms of the dynamic kind.

use lopdf::{Dictionary, Document, Object};

use super::inflate;
use crate::Place;
use crate::extract::harvest::Harvest;
use crate::extract::office;

/// Bytes of text gathered beside the pages.
const TEXT_BYTES_MAX: usize = 8 << 20;
/// Parts of a dynamic form.
const PACKETS_MAX: usize = 100;

/// The text of every object that says something beside the pages.
pub(super) fn text(document: &Document) -> String {
    let mut text = String::new();
    for object in document.objects.values() {
        let dictionary = match object {
            Object::Dictionary(dictionary) => dictionary,
            Object::Stream(stream) => &stream.dict,
            _ => continue,
        };
        let in_outline = dictionary.has(b"Title") && dictionary.has(b"Parent");
        let keys: &[&[u8]] = if in_outline {
            &[b"Title"]
        } else {
            &[b"Alt", b"ActualText", b"JS"]
        };
        for key in keys {
            append(document, dictionary, key, &mut text);
        }
        if text.len() > TEXT_BYTES_MAX {
            break;
        }
    }
    text
}

fn append(document: &Document, dictionary: &Dictionary, key: &[u8], text: &mut String) {
    if let Ok(value @ Object::String(bytes, _)) = dictionary.get_deref(key, document) {
        match lopdf::decode_text_string(value) {
            Ok(decoded) => text.push_str(&decoded),
            Err(_) => text.push_str(&String::from_utf8_lossy(bytes)),
        }
        text.push('\n');
    }
}

/// A form that is XML, whole or in named parts. Source: ISO 32000-1, 12.7.8.
pub(super) fn dynamic_form(
    document: &Document,
    harvest: &mut Harvest<'_>,
    packets: &Object,
    place: &Place,
) {
    let parts = match packets {
        Object::Array(parts) => parts.as_slice(),
        whole => std::slice::from_ref(whole),
    };
    let mut xml = Vec::new();
    for part in parts.iter().take(PACKETS_MAX) {
        if let Ok((_, Object::Stream(stream))) = document.dereference(part) {
            xml.extend(inflate(harvest, stream).unwrap_or_default());
        }
    }
    if xml.is_empty() {
        harvest.unsupported("pdf xfa form");
    } else {
        office::extract_xml(harvest, &xml, place);
    }
}
