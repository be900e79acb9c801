//! Tables of word processing and spreadsheets: each cell learns the header above it, whatever the
//! nesting, and whether or not elements are closed in order.

use std::sync::Arc;

use crate::Field;

/// Tables within tables that are followed; deeper ones give text without headers.
const NESTED_MAX: usize = 16;
/// Columns whose header is kept, and characters of a header.
const COLUMNS_MAX: usize = 256;
const HEADER_CHARS_MAX: usize = 80;
/// Cells that carry their header.
const FIELDS_MAX: usize = 1 << 18;

/// Follows the tables of one XML part and names each cell by the first row's cell above it.
#[derive(Default)]
pub(crate) struct Tables {
    open: Vec<Table>,
    deeper: usize,
    fields: Vec<Field>,
}

#[derive(Default)]
struct Table {
    headers: Vec<Arc<str>>,
    row: usize,
    column: usize,
    cell_start: Option<usize>,
    /// Columns that the open cell stands for beside its own.
    cells_more: usize,
}

impl Tables {
    /// An element opens where the text is `at` bytes long.
    pub(crate) fn start(&mut self, name: &str, at: usize) {
        match name {
            "tbl" | "table" | "sheetData" if self.open.len() < NESTED_MAX => {
                self.open.push(Table::default())
            }
            "tbl" | "table" | "sheetData" => self.deeper += 1,
            "tc" | "table-cell" | "covered-table-cell" | "c" => {
                if let Some(table) = self.open.last_mut() {
                    table.cell_start = Some(at);
                }
            }
            _ => {}
        }
    }

    /// The open cell of a spreadsheet names its own place, such as `AB12`: empty cells are left out.
    pub(crate) fn cell_is(&mut self, reference: &str) {
        let Some(table) = self.open.last_mut() else {
            return;
        };
        let letters = reference.bytes().take_while(u8::is_ascii_uppercase).take(3);
        let column = letters.fold(0usize, |column, letter| {
            column * 26 + usize::from(letter - b'A') + 1
        });
        table.column = column.checked_sub(1).unwrap_or(table.column);
    }

    /// The open cell of an OpenDocument table stands for `count` columns.
    pub(crate) fn cells_are(&mut self, count: usize) {
        if let Some(table) = self.open.last_mut() {
            table.cells_more = count.clamp(1, COLUMNS_MAX) - 1;
        }
    }

    /// An element closes behind `text`.
    pub(crate) fn end(&mut self, name: &str, text: &str) {
        match name {
            "tbl" | "table" | "sheetData" if self.deeper > 0 => self.deeper -= 1,
            "tbl" | "table" | "sheetData" => drop(self.open.pop()),
            "tr" | "table-row" | "row" => {
                if let Some(table) = self.open.last_mut() {
                    (table.row, table.column) = (table.row + 1, 0);
                }
            }
            "tc" | "table-cell" | "covered-table-cell" | "c" => self.end_cell(text),
            _ => {}
        }
    }

    fn end_cell(&mut self, text: &str) {
        let Some(table) = self.open.last_mut() else {
            return;
        };
        let Some(start) = table.cell_start.take() else {
            return;
        };
        let content = text.get(start..).unwrap_or_default().trim();
        if table.row == 0 && table.column < COLUMNS_MAX {
            let header: String = content.chars().take(HEADER_CHARS_MAX).collect();
            table
                .headers
                .resize(table.headers.len().max(table.column + 1), Arc::from(""));
            table.headers[table.column] = header.into();
        }
        let last_end = self.fields.last().map_or(0, |field| field.end);
        if table.row > 0 && start >= last_end && self.fields.len() < FIELDS_MAX {
            let name = table
                .headers
                .get(table.column)
                .cloned()
                .unwrap_or_else(|| Arc::from(""));
            let place = |position: usize| u32::try_from(position + 1).unwrap_or(u32::MAX);
            let cell = Some((place(table.row), place(table.column)));
            self.fields.push(Field {
                start,
                end: text.len(),
                name,
                cell,
            });
        }
        table.column += 1 + std::mem::take(&mut table.cells_more);
    }

    /// The cells, ascending and disjoint.
    pub(crate) fn into_fields(self) -> Vec<Field> {
        self.fields
    }
}
