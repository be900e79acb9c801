//! What is at an address that was listed: a document, lines or rows, packed or not.

use std::borrow::Cow;
use std::io::Read;

use event_model::RawEvent;
use flate2::read::MultiGzDecoder;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::call::CallError;
use crate::client::feed::listing::NOTHING_NEW;
use crate::egress::Answer;
use crate::json;
use crate::manifest::feed::fetch::Content;

/// Largest file that is fetched, in bytes, and largest that it may unpack to.
pub(super) const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most columns of a row.
const COLUMNS_MAX: usize = 1_000;
/// How a file begins that is packed with gzip. Source: RFC 1952.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The events of an answer after the first `skip`, at most `room`, and whether there are more.
pub(super) fn events(
    content: &Content,
    answer: &Answer,
    skip: u64,
    room: usize,
) -> Result<(Vec<RawEvent>, bool), CallError> {
    if NOTHING_NEW.contains(&answer.status.as_u16()) {
        return Ok((Vec::new(), false));
    }
    let bytes = unpacked(&answer.body)?;
    let window = |all: &mut dyn Iterator<Item = Result<RawEvent, CallError>>| {
        let mut rest = all.skip(usize::try_from(skip).unwrap_or(usize::MAX));
        let taken = rest.by_ref().take(room).collect::<Result<Vec<_>, _>>()?;
        Ok((taken, rest.next().is_some()))
    };
    match content {
        Content::Json(items) => {
            let whole = json::raw(&bytes).map_err(|error| CallError::malformed(error.detail))?;
            let list = items.raw(whole).map_or("null", RawValue::get);
            let list: Option<Vec<&RawValue>> = serde_json::from_str(list)
                .map_err(|_| CallError::malformed(format!("there is no list at `{items}`")))?;
            let event = |raw: &RawValue| RawEvent {
                json: raw.to_owned().into(),
            };
            window(
                &mut list
                    .unwrap_or_default()
                    .into_iter()
                    .map(|raw| Ok(event(raw))),
            )
        }
        Content::JsonLines => {
            let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            window(
                &mut lines
                    .filter(|line| !line.is_empty())
                    .map(|line| Ok(event_of(line))),
            )
        }
        Content::Csv => window(&mut rows(&bytes)?),
    }
}

fn unpacked(bytes: &[u8]) -> Result<Cow<'_, [u8]>, CallError> {
    if !bytes.starts_with(&GZIP) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut unpacked = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    let read = MultiGzDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut unpacked);
    match read {
        Ok(_) if unpacked.len() > FILE_BYTES_MAX => Err(CallError::TooLarge {
            limit: FILE_BYTES_MAX,
        }),
        Ok(_) => Ok(Cow::Owned(unpacked)),
        Err(_) => Err(CallError::malformed("the file cannot be unpacked")),
    }
}

/// One line. What is not JSON goes on as a text: it is set aside where events are mapped, not lost.
fn event_of(line: &[u8]) -> RawEvent {
    let json = match json::raw(line) {
        Ok(raw) => raw.to_owned(),
        Err(_) => raw_of(&Value::from(String::from_utf8_lossy(line))),
    };
    RawEvent { json: json.into() }
}

/// Rows under a header row, each as an object of texts; empty cells are left out.
fn rows(bytes: &[u8]) -> Result<impl Iterator<Item = Result<RawEvent, CallError>>, CallError> {
    let broken = |_| CallError::malformed("the file is not a table");
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.byte_headers().map_err(broken)?.clone();
    if header.len() > COLUMNS_MAX {
        let detail = format!("a table with more than {COLUMNS_MAX} columns");
        return Err(CallError::malformed(detail));
    }
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).into_owned();
    let columns: Vec<String> = header
        .iter()
        .map(|cell| text(cell).trim_start_matches('\u{feff}').to_owned())
        .collect();
    let row = move |record: csv::ByteRecord| {
        let cells = record.iter().take(COLUMNS_MAX).enumerate();
        let cells = cells.filter(|(_, cell)| !cell.is_empty());
        let named = cells.map(|(index, cell)| {
            let name = columns.get(index).cloned();
            (
                name.unwrap_or_else(|| format!("column_{}", index + 1)),
                text(cell).into(),
            )
        });
        RawEvent {
            json: raw_of(&Value::Object(named.collect::<Map<String, Value>>())).into(),
        }
    };
    Ok(reader
        .into_byte_records()
        .map(move |record| record.map(&row).map_err(broken)))
}

fn raw_of(value: &Value) -> Box<RawValue> {
    to_raw_value(value).expect("a JSON value can be written")
}

#[cfg(test)]
mod tests;
