//! Word before 2007: all text, notes, headers, comments and text boxes included, is in the pieces
//! that the table stream lists. Source: [MS-DOC] 2.5.1, 2.4.1 and 2.9.38.

use super::bytes::{Bytes, latin, utf16};
use crate::extract::harvest::Harvest;
use crate::{Place, Reason};

const FLAGS_AT: usize = 0x0A;
const ENCRYPTED: u16 = 0x0100;
const SECOND_TABLE: u16 = 0x0200;
const PIECES_AT: usize = 0x01A2;
/// Pieces of one document.
const PIECES_MAX: usize = 1 << 18;

/// The name of the stream with the tables.
pub(super) fn table_of(main: &[u8]) -> Option<&'static str> {
    let flags = Bytes::at(main, FLAGS_AT)?.u16()?;
    Some(if flags & SECOND_TABLE == 0 {
        "0Table"
    } else {
        "1Table"
    })
}

/// Reads the text; `None` when the pieces do not lead through it.
pub(super) fn extract(
    harvest: &mut Harvest<'_>,
    main: &[u8],
    table: &[u8],
    place: &Place,
) -> Option<()> {
    if Bytes::at(main, FLAGS_AT)?.u16()? & ENCRYPTED != 0 {
        harvest.note(Reason::Encrypted);
        return Some(());
    }
    let pieces = pieces(main, table)?;
    let mut text = String::new();
    let most = harvest.text_bytes_left();
    for (at, characters, is_wide) in pieces {
        let length = characters.checked_mul(if is_wide { 2 } else { 1 })?;
        let bytes = main.get(at..at.checked_add(length)?)?;
        text.push_str(&if is_wide { utf16(bytes) } else { latin(bytes) });
        if text.len() > most {
            break;
        }
    }
    harvest.push(place.clone(), plain(&text));
    Some(())
}

/// Where each piece starts in the main stream, its characters, and whether they take two bytes.
fn pieces(main: &[u8], table: &[u8]) -> Option<Vec<(usize, usize, bool)>> {
    const FORMATS: u8 = 1;
    const PIECES: u8 = 2;
    let mut told = Bytes::at(main, PIECES_AT)?;
    let (at, length) = (told.u32()? as usize, told.u32()? as usize);
    let mut reading = Bytes::new(table.get(at..at.checked_add(length)?)?);
    loop {
        match reading.u8()? {
            FORMATS => {
                let skipped = reading.u16()?;
                reading.take(usize::from(skipped))?;
            }
            PIECES => break,
            _ => return None,
        }
    }
    let bytes = reading.u32()? as usize;
    let count = bytes.checked_sub(4)? / 12;
    if count > PIECES_MAX {
        return None;
    }
    let starts: Option<Vec<u32>> = (0..=count).map(|_| reading.u32()).collect();
    let starts = starts?;
    (0..count)
        .map(|index| {
            reading.u16()?;
            let place = reading.u32()?;
            reading.u16()?;
            let characters = starts[index + 1].checked_sub(starts[index])? as usize;
            let is_wide = place & 0x4000_0000 == 0;
            let at = (place & 0x3FFF_FFFF) as usize;
            Some((if is_wide { at } else { at / 2 }, characters, is_wide))
        })
        .collect()
}

/// The text with what marks paragraphs, cells and fields as readers show it.
fn plain(text: &str) -> String {
    let shown = |character: char| match character {
        '\r' | '\u{b}' | '\u{c}' | '\u{e}' => '\n',
        '\u{7}' => '\t',
        '\u{1e}' => '-',
        '\u{13}' | '\u{14}' | '\u{15}' => ' ',
        other => other,
    };
    text.chars()
        .filter(|c| !matches!(c, '\u{1f}' | '\0' | '\u{1}' | '\u{8}'))
        .map(shown)
        .collect()
}
