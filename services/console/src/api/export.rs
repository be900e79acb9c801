//! Incidents as a file: CSV that no spreadsheet takes for a formula, or JSON. Written page by page,
//! at most [`EXPORT_ITEMS_MAX`] incidents; more are reached with `from` and `to`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use event_model::{Field, Incident, PAGE_ITEMS_MAX, PageRequest, rfc3339};
use futures::stream;
use ports::{IncidentFilter, StoreError};

use super::incidents::{FILTERS, filter};
use crate::Shared;
use crate::problem::Problem;
use crate::query::Query;

/// Most incidents of one export.
const EXPORT_ITEMS_MAX: usize = 50_000;

/// The columns before the 24 fields.
const COLUMNS: [&str; 10] = [
    "number",
    "id",
    "status",
    "severity",
    "policy",
    "policy_version",
    "mode",
    "connection_id",
    "created_at",
    "remedies",
];

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Csv,
    Json,
}

impl Format {
    const ALL: [Format; 2] = [Format::Csv, Format::Json];

    fn word(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
        }
    }
}

pub(crate) async fn export(State(console): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let known = [&FILTERS[..], &["format"]].concat();
    let mut query = Query::read(&uri, &known);
    let filter = filter(&mut query);
    let format = query.word("format", &Format::ALL, Format::word);
    query.finish(())?;
    let format = format.unwrap_or(Format::Csv);
    let export = Export {
        console,
        filter,
        format,
        written: 0,
        step: Step::Opening,
    };
    let name = format!("attachment; filename=\"incidents.{}\"", format.word());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    let body = Body::from_stream(stream::try_unfold(export, Export::next));
    Ok((headers, body).into_response())
}

enum Step {
    Opening,
    Page(PageRequest),
    Closing,
    Done,
}

struct Export {
    console: Shared,
    filter: IncidentFilter,
    format: Format,
    written: usize,
    step: Step,
}

impl Export {
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
            Format::Csv => {
                let fields = Field::ALL.into_iter().map(Field::name);
                line(COLUMNS.into_iter().chain(fields))
            }
            Format::Json => "{\"items\":[".to_owned(),
        }
    }

    async fn page(&mut self, request: &PageRequest) -> Result<String, StoreError> {
        let incidents = &self.console.ports.incidents;
        let page = incidents.incident_page(&self.filter, request).await?;
        let mut text = String::new();
        for incident in page.items.iter().take(EXPORT_ITEMS_MAX - self.written) {
            text.push_str(&self.row(incident));
            self.written += 1;
        }
        self.step = match page.next {
            Some(cursor) if self.written < EXPORT_ITEMS_MAX => {
                Step::Page(PageRequest::after(cursor, PAGE_ITEMS_MAX))
            }
            _ => Step::Closing,
        };
        Ok(text)
    }

    fn closing(&self) -> &'static str {
        match self.format {
            Format::Csv => "",
            Format::Json => "],\"next\":null}",
        }
    }
}

impl Export {
    fn row(&self, incident: &Incident) -> String {
        match self.format {
            Format::Csv => csv_row(incident),
            Format::Json => {
                let comma = if self.written == 0 { "" } else { "," };
                let json = serde_json::to_string(incident);
                format!("{comma}{}", json.expect("an incident has only string keys"))
            }
        }
    }
}

fn csv_row(incident: &Incident) -> String {
    let remedies: Vec<String> = incident
        .remedies
        .iter()
        .map(|remedy| format!("{} {}", remedy.kind, remedy.state))
        .collect();
    let own = [
        incident.number.clone(),
        incident.id.to_string(),
        incident.status.to_string(),
        incident.severity.to_string(),
        incident.policy.name.clone(),
        incident.policy.version.to_string(),
        incident.mode.to_string(),
        incident.connection_id.to_string(),
        rfc3339(incident.created_at),
        remedies.join("; "),
    ];
    let fields = Field::ALL.into_iter().map(|field| {
        let value = incident.activity.text(field);
        value.unwrap_or_default().into_owned()
    });
    line(own.into_iter().chain(fields))
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
