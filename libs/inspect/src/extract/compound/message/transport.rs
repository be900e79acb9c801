//! The form in which Outlook sends its messages through other mail: `winmail.dat`. Source:
//! [MS-OXTNEF] 2.1.3.

use super::{ATTACHMENT, ATTACHMENT_LONG_NAME, BINARY, BODY, Tag};
use crate::Place;
use crate::extract::compound::Bytes;
use crate::extract::harvest::Harvest;

const SIGNATURE: u32 = 0x223E_9F78;
const BODY_ATTRIBUTE: u32 = 0x0002_800C;
const PROPERTIES_ATTRIBUTE: u32 = 0x0006_9003;
const NEXT_ATTACHMENT: u32 = 0x0006_9002;
const ATTACHMENT_TITLE: u32 = 0x0001_8010;
const ATTACHMENT_CONTENT: u32 = 0x0006_800F;
const ATTACHMENT_PROPERTIES: u32 = 0x0006_9005;
const SUBJECT_ATTRIBUTE: u32 = 0x0001_8004;
/// Properties of one list, and values of one property.
const PROPERTIES_MAX: u32 = 4_096;
const VALUES_MAX: u32 = 1_024;

type Parts = Vec<(Tag, Vec<u8>)>;

/// Whether `bytes` have this form.
pub(crate) fn is_transport(bytes: &[u8]) -> bool {
    Bytes::new(bytes).u32() == Some(SIGNATURE)
}

/// Reads the message's body, its properties, and its attachments.
pub(crate) fn extract(harvest: &mut Harvest<'_>, bytes: &[u8], place: &Place, depth: usize) {
    let mut message = Parts::new();
    let mut attachments: Vec<Parts> = Vec::new();
    if walk(bytes, &mut message, &mut attachments).is_none() {
        harvest.malformed("tnef");
    }
    super::extract(harvest, &message, place, depth, false);
    for (index, parts) in attachments.iter().enumerate() {
        if !harvest.member() {
            return;
        }
        let inner = place.within(&format!("attachment {}", index + 1));
        super::extract(harvest, parts, &inner, depth, false);
    }
}

/// Gathers what each attribute holds; `None` when the attributes break off.
fn walk(bytes: &[u8], message: &mut Parts, attachments: &mut Vec<Parts>) -> Option<()> {
    const NARROW: u16 = 0x001E;
    let mut reading = Bytes::new(bytes);
    reading.u32()?;
    reading.u16()?;
    while !reading.rest().is_empty() {
        reading.u8()?;
        let attribute = reading.u32()?;
        let length = reading.u32()? as usize;
        let content = reading.take(length)?;
        reading.u16()?;
        let keep = |parts: &mut Parts, property, kind| {
            parts.push((Tag { property, kind }, content.to_vec()));
        };
        match (attribute, attachments.last_mut()) {
            (NEXT_ATTACHMENT, _) => attachments.push(Parts::new()),
            (BODY_ATTRIBUTE, _) => keep(message, BODY, NARROW),
            (SUBJECT_ATTRIBUTE, _) => keep(message, super::NAMED[0].0, NARROW),
            (PROPERTIES_ATTRIBUTE, _) => properties(content, message)?,
            (ATTACHMENT_TITLE, Some(parts)) => keep(parts, ATTACHMENT_LONG_NAME, NARROW),
            (ATTACHMENT_CONTENT, Some(parts)) => keep(parts, ATTACHMENT, BINARY),
            (ATTACHMENT_PROPERTIES, Some(parts)) => properties(content, parts)?,
            _ => {}
        }
    }
    Some(())
}

/// Appends the properties of a list that hold text or bytes.
fn properties(content: &[u8], parts: &mut Parts) -> Option<()> {
    const SEVERAL: u16 = 0x1000;
    const NAMED_FROM: u16 = 0x8000;
    let mut reading = Bytes::new(content);
    for _ in 0..reading.u32()?.min(PROPERTIES_MAX) {
        let (kind, property) = (reading.u16()?, reading.u16()?);
        if property >= NAMED_FROM {
            reading.take(16)?;
            if reading.u32()? == 0 {
                reading.u32()?;
            } else {
                padded(&mut reading)?;
            }
        }
        let single = kind & !SEVERAL;
        let is_long = matches!(single, 0x0D | 0x1E | 0x1F | BINARY);
        let count = if is_long || kind & SEVERAL != 0 {
            reading.u32()?
        } else {
            1
        };
        for _ in 0..count.min(VALUES_MAX) {
            if is_long {
                let value = padded(&mut reading)?;
                parts.push((
                    Tag {
                        property,
                        kind: single,
                    },
                    value.to_vec(),
                ));
            } else {
                reading.take(match single {
                    0x05..=0x07 | 0x14 | 0x40 => 8,
                    0x48 => 16,
                    _ => 4,
                })?;
            }
        }
    }
    Some(())
}

/// Bytes with their length before them, padded to four.
fn padded<'b>(reading: &mut Bytes<'b>) -> Option<&'b [u8]> {
    let length = reading.u32()? as usize;
    let value = reading.take(length)?;
    reading.take(length.next_multiple_of(4) - length)?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(level: u8, id: u32, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).expect("it is short");
        [
            &[level][..],
            &id.to_le_bytes(),
            &length.to_le_bytes(),
            content,
            &[0, 0],
        ]
        .concat()
    }

    #[test]
    fn bodies_properties_and_attachments_are_gathered() {
        let named = [&[0x1F, 0, 1, 0x80][..], &[7; 16], &[0; 4], &[9, 0, 0, 0]].concat();
        let list = [
            &3u32.to_le_bytes()[..],
            &[3, 0, 1, 0, 5, 0, 0, 0],
            &[
                0x02, 0x01, 0x13, 0x10, 1, 0, 0, 0, 3, 0, 0, 0, b'<', b'p', b'>', 0,
            ],
            &named,
            &[1, 0, 0, 0, 2, 0, 0, 0, b'x', 0, 0, 0],
        ]
        .concat();
        let bytes = [
            &SIGNATURE.to_le_bytes()[..],
            &[1, 0],
            &attribute(1, BODY_ATTRIBUTE, b"hello"),
            &attribute(1, PROPERTIES_ATTRIBUTE, &list),
            &attribute(2, NEXT_ATTACHMENT, &[0; 14]),
            &attribute(2, ATTACHMENT_TITLE, b"a.txt\0"),
            &attribute(2, ATTACHMENT_CONTENT, b"inside"),
        ]
        .concat();
        let (mut message, mut attachments) = (Parts::new(), Vec::new());
        assert_eq!(walk(&bytes, &mut message, &mut attachments), Some(()));
        let held = |parts: &Parts| -> Vec<(u16, Vec<u8>)> {
            parts
                .iter()
                .map(|(tag, content)| (tag.property, content.clone()))
                .collect()
        };
        assert_eq!(
            held(&message),
            [
                (BODY, b"hello".to_vec()),
                (0x1013, b"<p>".to_vec()),
                (0x8001, b"x\0".to_vec())
            ]
        );
        assert_eq!(
            held(&attachments[0]),
            [
                (ATTACHMENT_LONG_NAME, b"a.txt\0".to_vec()),
                (ATTACHMENT, b"inside".to_vec())
            ]
        );
        assert_eq!(
            walk(&bytes[..bytes.len() - 3], &mut message, &mut attachments),
            None
        );
    }
}
