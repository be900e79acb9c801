//! PowerPoint before 2007: slides, notes, masters and comments are atoms of text in a tree of
//! records. Source: [MS-PPT] 2.3.1 and 2.9.

use super::bytes::{Bytes, latin, utf16};
use crate::extract::harvest::Harvest;
use crate::{Place, Reason};

const WIDE_TEXT: u16 = 0x0FA0;
const NARROW_TEXT: u16 = 0x0FA8;
const STRING: u16 = 0x0FBA;
const ENCRYPTED: u16 = 0x2F14;
/// What later versions added, comments among it. Source: [MS-PPT] 2.3.25.
const ADDED_LATER: u16 = 0x138B;
/// What every record begins with: version, kind and length.
const HEADER_BYTES: usize = 8;

/// Reads the text; `None` when the records do not lead through it.
pub(super) fn extract(harvest: &mut Harvest<'_>, stream: &[u8], place: &Place) -> Option<()> {
    let mut text = String::new();
    let mut reading = Bytes::new(stream);
    let most = harvest.text_bytes_left();
    while reading.rest().len() >= HEADER_BYTES && text.len() <= most {
        let version = reading.u16()?;
        let kind = reading.u16()?;
        let length = reading.u32()? as usize;
        if kind == ENCRYPTED {
            harvest.note(Reason::Encrypted);
            return Some(());
        }
        // A container's records follow as if they stood beside it.
        if version & 0x0F == 0x0F || kind == ADDED_LATER {
            continue;
        }
        let body = reading.take(length)?;
        match kind {
            WIDE_TEXT | STRING => text.push_str(&utf16(body)),
            NARROW_TEXT => text.push_str(&latin(body)),
            _ => continue,
        }
        text.push('\n');
    }
    harvest.push(place.clone(), text.replace(['\r', '\u{b}'], "\n"));
    Some(())
}
