//! Lists as files: CSV that no spreadsheet takes for a formula, JSON, or JSON Lines. Written page by page,
//! at most [`Exported::ITEMS_MAX`] items; more are reached with `from` and `to`.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use event_model::{PAGE_ITEMS_MAX, Page, PageRequest};
use futures::stream;
use ports::StoreError;
use serde::Serialize;

use crate::Shared;
use crate::query::Query;

pub(crate) mod activities;
pub(crate) mod audit;
pub(crate) mod incidents;

/// The form of a file.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Format {
    Csv,
    Json,
    Lines,
}

impl Format {
    const ALL: [Format; 3] = [Format::Csv, Format::Json, Format::Lines];

    fn word(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Lines => "jsonl",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
            Format::Lines => "application/jsonl",
        }
    }

    /// What a query asks for by `format`; CSV unless it does.
    pub(crate) fn asked(query: &mut Query) -> Self {
        let format = query.word("format", &Format::ALL, Format::word);
        format.unwrap_or(Format::Csv)
    }
}

/// A list that can be had as a file.
pub(crate) trait Exported: Send + Sync + 'static {
    /// What the file is called, without an ending.
    const NAME: &'static str;
    /// Most items of one file.
    const ITEMS_MAX: usize = 50_000;
    /// What stands in a line.
    type Item: Serialize + Send;

    /// A page of the list.
    fn page(
        &self,
        console: &Shared,
        request: &PageRequest,
    ) -> impl Future<Output = Result<Page<Self::Item>, StoreError>> + Send;

    /// The heads of the columns of CSV.
    fn columns() -> Vec<&'static str>;

    /// The cells of a line of CSV.
    fn cells(item: &Self::Item) -> Vec<String>;
}

/// The list as an answer that is written while it is sent.
pub(crate) fn file<E: Exported>(console: Shared, what: E, format: Format) -> Response {
    let export = Export {
        console,
        what,
        format,
        written: 0,
        step: Step::Opening,
    };
    let name = format!("attachment; filename=\"{}.{}\"", E::NAME, format.word());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    let body = Body::from_stream(stream::try_unfold(export, Export::next));
    (headers, body).into_response()
}

enum Step {
    Opening,
    Page(PageRequest),
    Closing,
    Done,
}

struct Export<E> {
    console: Shared,
    what: E,
    format: Format,
    written: usize,
    step: Step,
}

impl<E: Exported> Export<E> {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let text = match std::mem::replace(&mut self.step, Step::Done) {
            Step::Opening => {
                self.step = Step::Page(PageRequest::first(PAGE_ITEMS_MAX));
                self.opening()
            }
            Step::Page(request) => self.page(&request).await?,
            Step::Closing => self.closing().to_owned(),
            Step::Done => return Ok(None),
        };
        Ok(Some((Bytes::from(text), self)))
    }

    fn opening(&self) -> String {
        match self.format {
            Format::Csv => line(E::columns().into_iter()),
            Format::Json => "{\"items\":[".to_owned(),
            Format::Lines => String::new(),
        }
    }

    async fn page(&mut self, request: &PageRequest) -> Result<String, StoreError> {
        let page = self.what.page(&self.console, request).await?;
        let mut text = String::new();
        for item in page.items.iter().take(E::ITEMS_MAX - self.written) {
            text.push_str(&self.row(item));
            self.written += 1;
        }
        self.step = match page.next {
            Some(cursor) if self.written < E::ITEMS_MAX => {
                Step::Page(PageRequest::after(cursor, PAGE_ITEMS_MAX))
            }
            _ => Step::Closing,
        };
        Ok(text)
    }

    fn closing(&self) -> &'static str {
        match self.format {
            Format::Csv | Format::Lines => "",
            Format::Json => "],\"next\":null}",
        }
    }

    fn row(&self, item: &E::Item) -> String {
        let json = || serde_json::to_string(item).expect("what is listed has only string keys");
        match self.format {
            Format::Csv => line(E::cells(item).into_iter()),
            Format::Json => {
                let comma = if self.written == 0 { "" } else { "," };
                format!("{comma}{}", json())
            }
            Format::Lines => json() + "\n",
        }
    }
}

/// One line of CSV (RFC 4180), every cell quoted.
fn line(cells: impl Iterator<Item = impl AsRef<str>>) -> String {
    let cells: Vec<String> = cells.map(|value| cell(value.as_ref())).collect();
    cells.join(",") + "\r\n"
}

/// A cell that a spreadsheet shows and never computes: what would start a formula gets an apostrophe.
/// Source: OWASP, "CSV Injection".
fn cell(value: &str) -> String {
    let computes = value
        .trim_start_matches([' ', '\u{a0}', '\u{feff}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let guard = if computes { "'" } else { "" };
    format!("\"{guard}{}\"", value.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula() {
        for (value, written) in [
            ("plain", "\"plain\""),
            ("a \"quoted\" word", "\"a \"\"quoted\"\" word\""),
            (
                "=HYPERLINK(\"http://evil\")",
                "\"'=HYPERLINK(\"\"http://evil\"\")\"",
            ),
            ("+1", "\"'+1\""),
            ("-2+3", "\"'-2+3\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            (" =1", "\"' =1\""),
            ("＝1", "\"'＝1\""),
            ("a=1", "\"a=1\""),
        ] {
            assert_eq!(cell(value), written);
        }
    }
}
