//! Exact rows of a table: a customer's name and account number of the same row, near each other.
//! Only salted hashes of the cells are kept, never a cell.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Problem;

/// Rows that a table may have.
pub const ROWS_MAX: usize = 100_000;
const COLUMNS_MAX: usize = 8;
/// Words that one cell may have.
const WORDS_MAX: usize = 6;
/// Letters and digits that a cell must have to be looked for, and may have.
const CELL_BYTES_MIN: usize = 3;
const CELL_BYTES_MAX: usize = 128;
/// How far apart the cells of one row may stand, in bytes.
const WITHIN_MAX: usize = 1_000;

/// Rows of a table as hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// 16 random bytes, as 32 hexadecimal digits, that go before every cell into its hash.
    pub salt: String,
    /// Headers of the columns, 1 to 8. A value of the first must be there.
    pub columns: Vec<String>,
    /// How many columns of one row must be there, the first among them.
    pub together: usize,
    /// How far from the first the others may stand, in bytes; 1,000 at most.
    pub within: usize,
    /// For each row and column the first half of the SHA-256 of salt and cell, in hexadecimal digits;
    /// empty where the cell is.
    pub rows: Vec<Vec<String>>,
    /// Letters and digits that cells of the first column have: what else is in a text is not hashed.
    pub first_lengths: Vec<usize>,
}

impl Rows {
    /// Hashes the columns with these headers of a CSV table, its header first. A cell counts without
    /// its signs and its case.
    ///
    /// # Errors
    /// The problem, with the line or the header, when the table lacks a column, cannot be read, or
    /// is too large.
    pub fn of_csv(
        csv: &str,
        columns: &[&str],
        together: usize,
        salt: [u8; 16],
    ) -> Result<Self, Problem> {
        let mut lines = read_csv(csv);
        let (_, header) = lines.next().ok_or(Problem::Nothing { what: "header" })?;
        let header = header.ok_or(Problem::Line { number: 1 })?;
        let places = columns
            .iter()
            .map(|column| {
                let same = |cell: &String| cell.trim().eq_ignore_ascii_case(column);
                header.iter().position(same).ok_or(Problem::Column {
                    header: (*column).to_owned(),
                })
            })
            .collect::<Result<Vec<usize>, Problem>>()?;
        let mut table = Self {
            salt: hex(&salt),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            together,
            within: 300,
            rows: Vec::new(),
            first_lengths: Vec::new(),
        };
        let mut lengths: HashSet<usize> = HashSet::new();
        for (number, cells) in lines {
            let cells = cells.ok_or(Problem::Line { number })?;
            let bare: Vec<String> = places
                .iter()
                .map(|place| bare_cell(cells.get(*place).map_or("", String::as_str)))
                .collect();
            lengths.extend(bare.first().map(String::len).filter(|length| *length > 0));
            table
                .rows
                .push(bare.iter().map(|cell| digest(&table.salt, cell)).collect());
            if table.rows.len() > ROWS_MAX {
                return Err(Problem::TooMany {
                    what: "rows",
                    max: ROWS_MAX,
                });
            }
        }
        table.first_lengths = lengths.into_iter().collect();
        table.first_lengths.sort_unstable();
        Ok(table)
    }

    fn check(&self) -> Result<(), Problem> {
        let number = |what, min, max| Err(Problem::Number { what, min, max });
        let columns = self.columns.len();
        if self.rows.is_empty() {
            return Err(Problem::Nothing { what: "row" });
        }
        if !(1..=COLUMNS_MAX).contains(&columns) {
            return number("the number of columns", 1, COLUMNS_MAX);
        }
        if !(1..=columns).contains(&self.together) {
            return number("the number of columns together", 1, columns);
        }
        if !(1..=WITHIN_MAX).contains(&self.within) {
            return number("the distance", 1, WITHIN_MAX);
        }
        if self.rows.len() > ROWS_MAX {
            return Err(Problem::TooMany {
                what: "rows",
                max: ROWS_MAX,
            });
        }
        let wrong = self.rows.iter().position(|row| {
            row.len() != columns
                || row
                    .iter()
                    .any(|cell| !cell.is_empty() && key(cell).is_none())
        });
        match wrong {
            Some(row) => Err(Problem::Line { number: row + 1 }),
            None if key(&self.salt).is_none() => Err(Problem::Nothing {
                what: "salt of 32 hexadecimal digits",
            }),
            None => Ok(()),
        }
    }
}

/// Rows, ready to be looked for.
#[derive(Debug)]
pub(crate) struct Table {
    salt: String,
    together: usize,
    within: usize,
    lengths: HashSet<usize>,
    /// The rows that have a cell in the first column.
    first: HashMap<u128, Vec<usize>>,
    rows: Vec<Vec<u128>>,
}

/// A row's values in the text: where the first column's stands, and which row.
pub(crate) struct Met {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) row: usize,
}

/// A word of the text: letters and digits, with where they stand.
struct Word {
    start: usize,
    end: usize,
}

impl Table {
    pub(crate) fn of(rows: &Rows) -> Result<Self, Problem> {
        rows.check()?;
        let cells: Vec<Vec<u128>> = rows
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| key(cell).unwrap_or_default())
                    .collect()
            })
            .collect();
        let mut first: HashMap<u128, Vec<usize>> = HashMap::new();
        for (index, row) in cells.iter().enumerate().filter(|(_, row)| row[0] != 0) {
            first.entry(row[0]).or_default().push(index);
        }
        Ok(Self {
            salt: rows.salt.clone(),
            together: rows.together,
            within: rows.within,
            lengths: rows.first_lengths.iter().copied().collect(),
            first,
            rows: cells,
        })
    }

    /// Every row of which enough values stand near each other. `work` is asked for each value that
    /// is hashed.
    pub(crate) fn each(
        &self,
        text: &str,
        mut work: impl FnMut(usize) -> bool,
        mut found: impl FnMut(Met),
    ) {
        let words = words_of(text);
        for (at, word) in words.iter().enumerate() {
            for (end, cell) in cells_at(text, &words[at..]) {
                if !self.lengths.contains(&cell.len()) {
                    continue;
                }
                if !work(cell.len() + self.salt.len()) {
                    return;
                }
                let Some(rows) = self.first.get(&hash(&self.salt, &cell)) else {
                    continue;
                };
                let span = word.start..end;
                let near = if self.together > 1 {
                    self.hashes_near(text, &words, span.clone(), &mut work)
                } else {
                    HashSet::new()
                };
                for row in rows {
                    let others = self.rows[*row][1..].iter();
                    let there = others
                        .filter(|cell| **cell != 0 && near.contains(cell))
                        .count();
                    if there + 1 >= self.together {
                        found(Met {
                            start: span.start,
                            end: span.end,
                            row: *row,
                        });
                    }
                }
            }
        }
    }

    fn hashes_near(
        &self,
        text: &str,
        words: &[Word],
        span: std::ops::Range<usize>,
        work: &mut impl FnMut(usize) -> bool,
    ) -> HashSet<u128> {
        let from = span.start.saturating_sub(self.within);
        let to = span.end + self.within;
        let first = words.partition_point(|word| word.start < from);
        let mut hashes = HashSet::new();
        let last = words.partition_point(|word| word.end <= to).max(first);
        for (at, word) in words[first..last].iter().enumerate() {
            if span.contains(&word.start) {
                continue;
            }
            for (_, cell) in cells_at(text, &words[first + at..]) {
                if !work(cell.len() + self.salt.len()) {
                    return hashes;
                }
                hashes.insert(hash(&self.salt, &cell));
            }
        }
        hashes
    }
}

/// The cells that may start at the first of these words: it alone, with the next, and so on.
fn cells_at<'t>(text: &'t str, words: &'t [Word]) -> impl Iterator<Item = (usize, String)> + 't {
    let mut cell = String::new();
    words.iter().take(WORDS_MAX).map_while(move |word| {
        cell.extend(
            text[word.start..word.end]
                .chars()
                .flat_map(char::to_lowercase),
        );
        (cell.len() <= CELL_BYTES_MAX).then(|| (word.end, cell.clone()))
    })
}

fn words_of(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, character.is_alphanumeric()) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push(Word {
                    start: from,
                    end: at,
                });
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// A cell without its signs and its case; empty when too little is left to look for, or too much.
fn bare_cell(cell: &str) -> String {
    let bare: String = cell
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let words = words_of(cell).len();
    if (CELL_BYTES_MIN..=CELL_BYTES_MAX).contains(&bare.len()) && words <= WORDS_MAX {
        bare
    } else {
        String::new()
    }
}

fn digest(salt: &str, bare: &str) -> String {
    if bare.is_empty() {
        return String::new();
    }
    format!("{:032x}", hash(salt, bare))
}

fn hash(salt: &str, bare: &str) -> u128 {
    let digest = Sha256::new()
        .chain_update(salt.as_bytes())
        .chain_update(bare.as_bytes())
        .finalize();
    digest[..16]
        .iter()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn key(hexadecimal: &str) -> Option<u128> {
    let digits = hexadecimal.len() == 32;
    u128::from_str_radix(hexadecimal, 16)
        .ok()
        .filter(|_| digits)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of a CSV table (RFC 4180), numbered from 1; `None` for one whose quotes do not close.
fn read_csv(csv: &str) -> impl Iterator<Item = (usize, Option<Vec<String>>)> + '_ {
    let mut rest = csv.trim_start_matches('\u{feff}').chars().peekable();
    let mut line = 0;
    std::iter::from_fn(move || {
        rest.peek()?;
        line += 1;
        let number = line;
        let mut cells = vec![String::new()];
        let mut quoted = false;
        while let Some(character) = rest.next() {
            let cell = cells.last_mut()?;
            match character {
                '"' if quoted && rest.peek() == Some(&'"') => {
                    rest.next();
                    cell.push('"');
                }
                '"' => quoted = !quoted,
                '\n' if !quoted => return Some((number, Some(cells))),
                '\r' if !quoted => {}
                ',' if !quoted => cells.push(String::new()),
                other => {
                    line += usize::from(other == '\n');
                    cell.push(other);
                }
            }
        }
        Some((number, (!quoted).then_some(cells)))
    })
}
