//! Excel before 2007: cells of every sheet, hidden ones too, with the header of their column; notes,
//! text boxes, headers, footers and names of sheets. Source: [MS-XLS] 2.4.

mod strings;

use std::collections::HashMap;
use std::sync::Arc;

use super::bytes::Bytes;
use super::records::Records;
use super::sweep;
use crate::extract::harvest::Harvest;
use crate::{Field, Place, Reason};
use strings::{Strings, long, short};

/// Cells that carry their header; the text of later ones is kept without.
const FIELDS_MAX: usize = 1 << 18;
/// Characters of a column's header.
const HEADER_CHARS_MAX: usize = 80;

const ENCRYPTED: u16 = 0x002F;
const BEGIN: u16 = 0x0809;
const SHEET_NAME: u16 = 0x0085;
const SHARED_STRINGS: u16 = 0x00FC;
const CONTINUE: u16 = 0x003C;
const SHARED_CELL: u16 = 0x00FD;
const TEXT_CELL: u16 = 0x0204;
const NUMBER_CELL: u16 = 0x0203;
const SMALL_NUMBER_CELL: u16 = 0x027E;
const SMALL_NUMBER_CELLS: u16 = 0x00BD;
const FORMULA_CELL: u16 = 0x0006;
const FORMULA_TEXT: u16 = 0x0207;
const TEXT_BOX: u16 = 0x01B6;
const HEADER: u16 = 0x0014;
const FOOTER: u16 = 0x0015;
const HYPERLINK: u16 = 0x01B8;
const DATA_VALIDATION: u16 = 0x01BE;
const DEFINED_NAME: u16 = 0x0018;
/// What a text in a formula begins with. Source: [MS-XLS] 2.5.198.89.
const TEXT_TOKEN: u8 = 0x17;
/// Where a formula begins in its cell's record. Source: [MS-XLS] 2.4.127.
const FORMULA_AT: usize = 22;

/// Reads the workbook; `None` when its records do not lead through it.
pub(super) fn extract(harvest: &mut Harvest<'_>, stream: &[u8], place: &Place) -> Option<()> {
    let mut records = Records::new(stream);
    if stream.len() < 4 || u16::from_le_bytes([stream[0], stream[1]]) != BEGIN {
        return None;
    }
    let mut book = Book::new(harvest.text_bytes_left());
    let mut following: Option<u16> = None;
    for (kind, body) in records.by_ref() {
        if kind == ENCRYPTED {
            harvest.note(Reason::Encrypted);
            return Some(());
        }
        if book.text_bytes() > book.text_bytes_max {
            break;
        }
        book.record(kind, body, following);
        if kind != CONTINUE {
            following = Some(kind);
        }
        if kind == BEGIN && !book.text.is_empty() {
            book.hand_over(harvest, place);
        }
    }
    book.hand_over(harvest, place);
    harvest.push(place.within("texts"), std::mem::take(&mut book.aside));
    harvest.push(place.within("shared strings"), book.strings.unused());
    if records.is_cut() {
        harvest.malformed("workbook is cut off");
    }
    Some(())
}

struct Book {
    text_bytes_max: usize,
    text: String,
    aside: String,
    fields: Vec<Field>,
    strings: Strings,
    sheets: usize,
    row: Option<u16>,
    headers: HashMap<u16, Arc<str>>,
    header_row: Option<u16>,
    /// The cell whose formula's text comes next.
    awaited: Option<(u16, u16)>,
}

impl Book {
    fn new(text_bytes_max: usize) -> Self {
        Self {
            text_bytes_max,
            text: String::new(),
            aside: String::new(),
            fields: Vec::new(),
            strings: Strings::default(),
            sheets: 0,
            row: None,
            headers: HashMap::new(),
            header_row: None,
            awaited: None,
        }
    }

    fn text_bytes(&self) -> usize {
        self.text.len() + self.aside.len()
    }

    /// Gives what was read of a sheet, and begins the next.
    fn hand_over(&mut self, harvest: &mut Harvest<'_>, place: &Place) {
        if self.text.is_empty() {
            return;
        }
        self.sheets += 1;
        let inner = place.within(&format!("sheet {}", self.sheets));
        let text = std::mem::take(&mut self.text);
        harvest.push_fields(inner, text, std::mem::take(&mut self.fields));
        self.headers.clear();
        (self.row, self.header_row) = (None, None);
        self.text_bytes_max = harvest.text_bytes_left();
    }

    fn record(&mut self, kind: u16, body: &[u8], following: Option<u16>) {
        match kind {
            SHARED_STRINGS => self.strings.begin(body),
            CONTINUE if following == Some(SHARED_STRINGS) => self.strings.go_on(body),
            CONTINUE if following == Some(TEXT_BOX) => self.aside_of(strings::characters(body)),
            SHEET_NAME => self.aside_of(body.get(6..).and_then(short)),
            HEADER | FOOTER => self.aside_of(long(body)),
            FORMULA_TEXT => {
                if let Some((row, column)) = self.awaited.take() {
                    self.cell(row, column, &long(body).unwrap_or_default());
                }
            }
            HYPERLINK | DATA_VALIDATION | DEFINED_NAME => self.sweep(body),
            SMALL_NUMBER_CELLS => drop(self.small_numbers(body)),
            _ => drop(self.cell_record(kind, body)),
        }
    }

    fn aside_of(&mut self, text: Option<String>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.aside.push_str(&text);
            self.aside.push('\n');
        }
    }

    /// Keeps the runs of text in a record whose other parts are of no interest.
    fn sweep(&mut self, body: &[u8]) {
        self.aside_of(Some(sweep::text(body, body.len())));
    }

    fn cell_record(&mut self, kind: u16, body: &[u8]) -> Option<()> {
        let mut reading = Bytes::new(body);
        let (row, column) = (reading.u16()?, reading.u16()?);
        reading.u16()?;
        let text = match kind {
            SHARED_CELL => self.strings.get(reading.u32()? as usize)?.to_owned(),
            TEXT_CELL => long(reading.rest())?,
            NUMBER_CELL => number(reading.f64()?),
            SMALL_NUMBER_CELL => number(small_number(reading.u32()?)),
            FORMULA_CELL => {
                let formula = body.get(FORMULA_AT..).unwrap_or_default();
                if formula.contains(&TEXT_TOKEN) {
                    self.sweep(formula);
                }
                let value = reading.f64()?;
                // A result that is no number ends in two bytes of ones.
                if value.to_bits() >> 48 == 0xFFFF {
                    self.awaited = Some((row, column));
                    return Some(());
                }
                number(value)
            }
            _ => return None,
        };
        self.cell(row, column, &text);
        Some(())
    }

    fn small_numbers(&mut self, body: &[u8]) -> Option<()> {
        let mut reading = Bytes::new(body);
        let (row, first) = (reading.u16()?, reading.u16()?);
        let mut column = first;
        loop {
            reading.u16()?;
            let value = small_number(reading.u32()?);
            self.cell(row, column, &number(value));
            column = column.checked_add(1)?;
        }
    }

    fn cell(&mut self, row: u16, column: u16, text: &str) {
        if self.row.is_some_and(|last| last != row) {
            self.text.push('\n');
        }
        self.row = Some(row);
        let header_row = *self.header_row.get_or_insert(row);
        let start = self.text.len();
        self.text.push_str(text);
        let end = self.text.len();
        self.text.push('\t');
        if row == header_row {
            let header: String = text.trim().chars().take(HEADER_CHARS_MAX).collect();
            self.headers.insert(column, header.into());
        } else if self.fields.len() < FIELDS_MAX && start < end {
            let name = self
                .headers
                .get(&column)
                .cloned()
                .unwrap_or_else(|| Arc::from(""));
            let cell = Some((u32::from(row) + 1, u32::from(column) + 1));
            self.fields.push(Field {
                start,
                end,
                name,
                cell,
            });
        }
    }
}

/// A number as it is typed: whole ones without a point.
fn number(value: f64) -> String {
    format!("{value}")
}

/// A number in four bytes: an integer or the upper half of a float, perhaps a hundredth of it.
fn small_number(told: u32) -> f64 {
    let value = if told & 2 == 0 {
        f64::from_bits(u64::from(told & !3) << 32)
    } else {
        f64::from(told.cast_signed() >> 2)
    };
    if told & 1 == 0 { value } else { value / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_four_bytes_are_read_as_they_were_typed() {
        let rows = [
            ((42u32 << 2) | 2, "42"),
            ((4_250 << 2) | 3, "42.5"),
            ((-7i32 << 2).cast_unsigned() | 2, "-7"),
            ((1.5f64.to_bits() >> 32) as u32, "1.5"),
        ];
        for (told, text) in rows {
            assert_eq!(number(small_number(told)), text);
        }
        assert_eq!(number(4_539_578_763_621_486.0), "4539578763621486");
    }
}
