//! Document properties, those that the author named included. Source: [MS-OLEPS] 2.21 and 2.18.

use std::collections::HashMap;

use encoding_rs::{Encoding, UTF_16LE, WINDOWS_1252};

use super::bytes::{Bytes, decode};
use crate::Place;
use crate::extract::harvest::Harvest;

/// Sections of a set, and properties of a section.
const SECTIONS_MAX: u32 = 8;
const PROPERTIES_MAX: u32 = 1_000;
/// Bytes of one value.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// Names of the properties that have a number of their own.
const SUMMARY: [(u32, &str); 7] = [
    (2, "title"),
    (3, "subject"),
    (4, "creator"),
    (5, "keywords"),
    (6, "description"),
    (8, "lastModifiedBy"),
    (18, "application"),
];
const DOCUMENT_SUMMARY: [(u32, &str); 3] = [(2, "category"), (14, "manager"), (15, "company")];
/// The format identifier of the first summary, of the second, and of what the author named.
const SUMMARY_BEGINS: u32 = 0xF29F_85E0;
const NAMED_BEGINS: u32 = 0xD5CD_D505;

pub(super) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place) {
    let mut text = String::new();
    for (format, offset) in sections(bytes).unwrap_or_default() {
        for (name, value) in section(bytes, format, offset).unwrap_or_default() {
            text.push_str(&value);
            text.push('\n');
            harvest.property(&name, &value);
        }
    }
    harvest.push(place.clone(), text);
}

fn sections(bytes: &[u8]) -> Option<Vec<(u32, usize)>> {
    const HEADER_BYTES: usize = 24;
    let mut reading = Bytes::at(bytes, HEADER_BYTES)?;
    let count = reading.u32()?.min(SECTIONS_MAX);
    (0..count)
        .map(|_| {
            let format = reading.u32()?;
            reading.take(12)?;
            Some((format, reading.u32()? as usize))
        })
        .collect()
}

fn section(bytes: &[u8], format: u32, offset: usize) -> Option<Vec<(String, String)>> {
    let section = bytes.get(offset..)?;
    let mut reading = Bytes::at(section, 4)?;
    let count = reading.u32()?.min(PROPERTIES_MAX);
    let mut places = Vec::new();
    for _ in 0..count {
        places.push((reading.u32()?, reading.u32()? as usize));
    }
    let encoding = encoding_of(section, &places);
    let names = match places.iter().find(|(id, _)| *id == 0) {
        Some((_, at)) => dictionary(section, *at, encoding).unwrap_or_default(),
        None => HashMap::new(),
    };
    let known: &[(u32, &str)] = match format {
        SUMMARY_BEGINS => &SUMMARY,
        NAMED_BEGINS => &[],
        _ => &DOCUMENT_SUMMARY,
    };
    let found = places
        .iter()
        .filter(|(id, _)| *id > 1)
        .filter_map(|(id, at)| {
            let value = value(section, *at, encoding)?;
            let own = known
                .iter()
                .find(|(known, _)| known == id)
                .map(|(_, name)| (*name).to_owned());
            let name = names
                .get(id)
                .cloned()
                .or(own)
                .unwrap_or_else(|| format!("property {id}"));
            Some((name, value))
        });
    Some(found.collect())
}

/// The code page that the section declares in its first property.
fn encoding_of(section: &[u8], places: &[(u32, usize)]) -> &'static Encoding {
    let declared = places.iter().find(|(id, _)| *id == 1).and_then(|(_, at)| {
        let mut reading = Bytes::at(section, *at)?;
        reading.u32()?;
        reading.u16()
    });
    match declared {
        Some(1_200) => UTF_16LE,
        Some(65_001) => encoding_rs::UTF_8,
        Some(page) => {
            let label = format!("windows-{page}");
            Encoding::for_label(label.as_bytes()).unwrap_or(WINDOWS_1252)
        }
        None => WINDOWS_1252,
    }
}

/// The names that the author gave.
fn dictionary(
    section: &[u8],
    at: usize,
    encoding: &'static Encoding,
) -> Option<HashMap<u32, String>> {
    let mut reading = Bytes::at(section, at)?;
    let count = reading.u32()?.min(PROPERTIES_MAX);
    let mut names = HashMap::new();
    for _ in 0..count {
        let (id, length) = (reading.u32()?, reading.u32()? as usize);
        let wide = encoding == UTF_16LE;
        let bytes = length.checked_mul(if wide { 2 } else { 1 })?;
        let name = decode(encoding, reading.take(bytes)?);
        if wide {
            reading.take(bytes.next_multiple_of(4) - bytes)?;
        }
        names.insert(id, name.trim_end_matches('\0').to_owned());
    }
    Some(names)
}

fn value(section: &[u8], at: usize, encoding: &'static Encoding) -> Option<String> {
    const TEXT: u32 = 0x1E;
    const WIDE_TEXT: u32 = 0x1F;
    const BOOLEAN: u32 = 0x0B;
    const INTEGER: u32 = 0x03;
    let mut reading = Bytes::at(section, at)?;
    let kind = reading.u32()?;
    let text = match kind {
        TEXT | WIDE_TEXT => {
            let length = reading.u32()? as usize;
            let wide = kind == WIDE_TEXT;
            let bytes = length
                .checked_mul(if wide { 2 } else { 1 })?
                .min(VALUE_BYTES_MAX);
            let rest = reading.rest();
            let encoding = if wide { UTF_16LE } else { encoding };
            decode(encoding, &rest[..rest.len().min(bytes)])
        }
        BOOLEAN => (if reading.u16()? == 0 { "false" } else { "true" }).to_owned(),
        INTEGER => reading.u32()?.cast_signed().to_string(),
        _ => return None,
    };
    let text = text.trim_end_matches('\0').trim();
    (!text.is_empty()).then(|| text.to_owned())
}
