//! Text that stands beside the pages: every string of every dictionary that is no technical one, wherever it
//! lies (titles of the outline, alternative descriptions, what a structure says instead of what it shows, scripts,
//! choices of a form, names of files and of pages), and forms of the dynamic kind.

use lopdf::{Dictionary, Document, Object, Stream, StringFormat};

use super::inflate;
use crate::Place;
use crate::extract::harvest::Harvest;
use crate::extract::office;

/// Bytes of text gathered beside the pages.
const TEXT_BYTES_MAX: usize = 8 << 20;
/// Parts of a dynamic form.
const PACKETS_MAX: usize = 100;
/// Lists within lists that are looked into for strings.
const LISTS_DEPTH_MAX: usize = 8;
/// Keys whose strings are no text: of encryption, signatures, fonts and times, and how text looks.
const NO_TEXT: [&[u8]; 18] = [
    b"ID",
    b"O",
    b"U",
    b"OE",
    b"UE",
    b"Perms",
    b"Cert",
    b"DA",
    b"DS",
    b"Registry",
    b"Ordering",
    b"CharSet",
    b"Panose",
    b"Lang",
    b"CreationDate",
    b"ModDate",
    b"M",
    b"CheckSum",
];
/// What is read of an annotation where its page is read.
const OF_ANNOTATIONS: [&[u8]; 4] = [b"Contents", b"RC", b"Subj", b"TU"];
/// What is read of a form's field with the form.
const OF_FIELDS: [&[u8]; 2] = [b"T", b"V"];
/// What may be a stream where it is too long for a string.
const TEXT_STREAMS: [&[u8]; 5] = [b"JS", b"V", b"DV", b"RV", b"RC"];

/// Every dictionary of the document: those of streams, and those within others, too.
pub(super) fn dictionaries(document: &Document) -> impl Iterator<Item = &Dictionary> {
    let mut objects = document.objects.values();
    let mut open: Vec<&Object> = Vec::new();
    std::iter::from_fn(move || {
        loop {
            let dictionary = match open.pop().or_else(|| objects.next())? {
                Object::Dictionary(dictionary) => dictionary,
                Object::Stream(stream) => &stream.dict,
                Object::Array(list) => {
                    open.extend(list.iter().rev().filter(|item| holds_others(item)));
                    continue;
                }
                _ => continue,
            };
            let values = dictionary.iter().map(|(_, value)| value);
            open.extend(values.filter(|value| holds_others(value)));
            return Some(dictionary);
        }
    })
}

fn holds_others(object: &Object) -> bool {
    matches!(object, Object::Dictionary(_) | Object::Array(_))
}

/// The text of every dictionary that says something beside the pages, but of `known`.
pub(super) fn text(
    document: &Document,
    harvest: &mut Harvest<'_>,
    known: Option<&Dictionary>,
) -> String {
    let mut text = String::new();
    for dictionary in dictionaries(document) {
        if known.is_some_and(|known| std::ptr::eq(known, dictionary)) {
            continue;
        }
        let is_annotation = dictionary.has(b"Rect");
        let is_field = dictionary.has(b"FT") || dictionary.has(b"Kids");
        let is_signature = dictionary.has(b"ByteRange");
        for (key, value) in dictionary {
            let key = key.as_slice();
            let value = document
                .dereference(value)
                .map_or(value, |(_, found)| found);
            let is_elsewhere = (is_annotation && OF_ANNOTATIONS.contains(&key))
                || (is_field && OF_FIELDS.contains(&key) && !matches!(value, Object::Stream(_)))
                || (is_signature && key == b"Contents");
            if is_elsewhere || NO_TEXT.contains(&key) {
                continue;
            }
            match value {
                Object::Stream(stream) if TEXT_STREAMS.contains(&key) => {
                    append_stream(harvest, stream, &mut text);
                }
                value => append(value, 0, &mut text),
            }
            if text.len() > TEXT_BYTES_MAX {
                harvest.limit("pdf_asides_bytes_max");
                return text;
            }
        }
    }
    text
}

fn append(value: &Object, depth: usize, text: &mut String) {
    match value {
        Object::String(bytes, _) if is_text(bytes) => {
            text.push_str(&decoded(bytes));
            text.push('\n');
        }
        Object::Array(values) if depth < LISTS_DEPTH_MAX && text.len() <= TEXT_BYTES_MAX => {
            values
                .iter()
                .for_each(|value| append(value, depth + 1, text));
        }
        _ => {}
    }
}

fn append_stream(harvest: &mut Harvest<'_>, stream: &Stream, text: &mut String) {
    let content = inflate(harvest, stream).unwrap_or_default();
    text.push_str(&decoded(&content));
    text.push('\n');
}

/// A text string: UTF-16 or UTF-8 with a mark, else PDFDocEncoding. Source: ISO 32000-2, 7.9.2.2.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let told = Object::String(bytes.to_vec(), StringFormat::Literal);
    lopdf::decode_text_string(&told).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned())
}

/// Whether somebody may have written it: tables of colours and keys have bytes that no character has.
fn is_text(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 2] = [b"\xFE\xFF", b"\xEF\xBB\xBF"];
    let is_strange = |byte: &u8| *byte < 0x18 && !matches!(byte, b'\t' | b'\n' | b'\r');
    MARKS.iter().any(|mark| bytes.starts_with(mark))
        || !(bytes.trim_ascii().is_empty() || bytes.iter().any(is_strange))
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
