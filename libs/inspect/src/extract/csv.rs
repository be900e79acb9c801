//! Tables in plain text. A table becomes one segment, cells kept apart by tabs and rows by line
//! breaks, and each cell is a [`Field`] that carries its column's header: the header is the best
//! context there is. Quotes may be broken in any way; the walk is linear all the same.

use std::sync::Arc;

use super::harvest::Harvest;
use crate::{Field, Place};

/// Cells that carry their column; the text of later ones is kept without.
const FIELDS_MAX: usize = 1 << 20;
/// Columns whose header is kept, and characters of a header.
const COLUMNS_MAX: usize = 4_096;
const HEADER_CHARS_MAX: usize = 80;
/// Rows that must agree before text is called a table.
const ROWS_COMPARED_MAX: usize = 20;

/// The delimiter, when the rows of `head` agree on one. `expected` is for names that promise a
/// table: then two rows suffice.
pub(crate) fn delimiter_of(head: &str, expected: bool) -> Option<u8> {
    b",;\t|".iter().copied().find(|delimiter| {
        let rows = Cells::new(head, *delimiter).widths(ROWS_COMPARED_MAX);
        let first = rows.first().copied().unwrap_or(0);
        let enough = if expected { 2 } else { 3 };
        first >= 2 && rows.len() >= enough && (expected || rows.iter().all(|w| *w == first))
    })
}

pub(crate) fn extract(harvest: &mut Harvest<'_>, text: &str, place: &Place) {
    let head = &text[..text.floor_char_boundary(text.len().min(16 << 10))];
    let Some(delimiter) = delimiter_of(head, true) else {
        return harvest.push(place.clone(), text);
    };
    let (text, fields) = table(text, delimiter, harvest.text_bytes_left());
    harvest.push_fields(place.clone(), text, fields);
}

fn table(source: &str, delimiter: u8, text_bytes_max: usize) -> (String, Vec<Field>) {
    let unnamed: Arc<str> = Arc::from("");
    let mut headers: Vec<Arc<str>> = Vec::new();
    let mut text = String::with_capacity(source.len().min(text_bytes_max));
    let mut fields: Vec<Field> = Vec::new();
    for cell in Cells::new(source, delimiter) {
        // One byte over is enough for the harvest to see that the bound was reached.
        if text.len() > text_bytes_max {
            break;
        }
        let start = text.len();
        push_cell(&mut text, cell.raw);
        if cell.row == 0 && cell.column < COLUMNS_MAX {
            let header: String = text[start..]
                .trim()
                .chars()
                .take(HEADER_CHARS_MAX)
                .collect();
            headers.push(header.into());
        }
        if fields.len() < FIELDS_MAX && text.len() > start {
            let name = if cell.row == 0 {
                &unnamed
            } else {
                headers.get(cell.column).unwrap_or(&unnamed)
            };
            let place = |position: usize| u32::try_from(position + 1).unwrap_or(u32::MAX);
            let cell = Some((place(cell.row), place(cell.column)));
            fields.push(Field {
                start,
                end: text.len(),
                name: name.clone(),
                cell,
            });
        }
        text.push(if cell.last { '\n' } else { '\t' });
    }
    (text, fields)
}

fn push_cell(text: &mut String, raw: &str) {
    let trimmed = raw.trim();
    match trimmed.strip_prefix('"') {
        Some(quoted) => {
            text.push_str(
                &quoted
                    .strip_suffix('"')
                    .unwrap_or(quoted)
                    .replace("\"\"", "\""),
            );
        }
        None => text.push_str(trimmed),
    }
}

struct Cell<'t> {
    raw: &'t str,
    row: usize,
    column: usize,
    last: bool,
}

struct Cells<'t> {
    text: &'t str,
    delimiter: u8,
    at: usize,
    row: usize,
    column: usize,
}

impl<'t> Cells<'t> {
    fn new(text: &'t str, delimiter: u8) -> Self {
        Self {
            text,
            delimiter,
            at: 0,
            row: 0,
            column: 0,
        }
    }

    /// How many cells each of the first rows has; the row that the sample may have cut is left out.
    fn widths(self, rows_max: usize) -> Vec<usize> {
        let mut widths = Vec::new();
        let whole = self.text.ends_with('\n') || self.text.len() < 4_096;
        for cell in self {
            let cut = cell.last && !cell.raw.is_empty() && !whole;
            if cell.last && !(cell.column == 0 && cell.raw.trim().is_empty()) && !cut {
                widths.push(cell.column + 1);
            }
            if widths.len() == rows_max {
                break;
            }
        }
        widths
    }

    /// Where the cell that starts here ends: at a delimiter or a line's end outside quotes.
    fn end(&self) -> usize {
        let bytes = &self.text.as_bytes()[self.at..];
        let quoted = bytes.first() == Some(&b'"');
        let mut inside = quoted;
        for (position, byte) in bytes.iter().enumerate().skip(usize::from(quoted)) {
            match byte {
                b'"' if quoted => inside = !inside,
                b'\n' if !inside => return self.at + position,
                byte if *byte == self.delimiter && !inside => return self.at + position,
                _ => {}
            }
        }
        self.text.len()
    }
}

impl<'t> Iterator for Cells<'t> {
    type Item = Cell<'t>;

    fn next(&mut self) -> Option<Cell<'t>> {
        if self.at > self.text.len() || (self.at == self.text.len() && self.column == 0) {
            return None;
        }
        let end = self.end();
        let last = self.text.as_bytes().get(end) != Some(&self.delimiter);
        let cell = Cell {
            raw: &self.text[self.at..end],
            row: self.row,
            column: self.column,
            last,
        };
        self.at = end + 1;
        (self.row, self.column) = if last {
            (self.row + 1, 0)
        } else {
            (self.row, self.column + 1)
        };
        Some(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_knows_its_row_its_column_and_its_header() {
        let source = "name,card no,note\n\"Ann, B.\",4111,\"said \"\"hi\"\"\"\nBob,5500,\n";
        let (text, fields) = table(source, b',', 1_000);
        assert_eq!(
            text,
            "name\tcard no\tnote\nAnn, B.\t4111\tsaid \"hi\"\nBob\t5500\t\n"
        );
        let cells: Vec<_> = fields
            .iter()
            .map(|f| (&text[f.start..f.end], &*f.name, f.cell))
            .collect();
        assert_eq!(cells[3], ("Ann, B.", "name", Some((2, 1))));
        assert_eq!(cells[4], ("4111", "card no", Some((2, 2))));
        assert_eq!(cells[5], ("said \"hi\"", "note", Some((2, 3))));
        assert_eq!(cells[7], ("5500", "card no", Some((3, 2))));
    }

    #[test]
    fn only_rows_that_agree_make_a_table() {
        let rows = [
            ("a,b\n1,2\n3,4\n", false, Some(b',')),
            ("a;b;c\n1;2;3\n4;5;6", false, Some(b';')),
            ("a\tb\n1\t2\n3\t4\n", false, Some(b'\t')),
            ("Dear all, hello\nthis is, well, prose\nbye\n", false, None),
            ("one column\nonly\nhere\n", true, None),
            ("a,b\n1,2\n", false, None),
            ("a,b\n1,2\n", true, Some(b',')),
            ("a,b\n1,2,3\n", true, Some(b',')),
        ];
        for (text, expected, delimiter) in rows {
            assert_eq!(delimiter_of(text, expected), delimiter, "{text:?}");
        }
    }

    #[test]
    fn an_unclosed_quote_swallows_the_rest_once() {
        let (text, _) = table("a,b\n\"never closed,1\n2,3\n", b',', 1_000);
        assert_eq!(text, "a\tb\nnever closed,1\n2,3\n");
    }
}
