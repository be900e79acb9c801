//! Cursors: the sort key of the last item of a page, opaque, of one list only.

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use event_model::{PAGE_ITEMS_MAX, Page, PageRequest};
use ports::StoreError;
use serde::de::DeserializeOwned;

use crate::failure::read;
use crate::instants::micros;

/// Longest cursor read, in bytes.
const CURSOR_BYTES_MAX: usize = 256;

/// Where an item stands in its list: by number, then by text, which has no spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// The first part: a moment in microseconds, a sequence.
    pub number: i64,
    /// The second part: an id.
    pub text: String,
}

/// How many items a page may have.
pub fn limit(request: &PageRequest) -> u32 {
    request.limit.clamp(1, PAGE_ITEMS_MAX)
}

/// The sort key after which the page begins.
///
/// # Errors
/// `BadCursor` when the cursor is not of this list.
pub fn after(list: &str, request: &PageRequest) -> Result<Option<SortKey>, StoreError> {
    let Some(cursor) = &request.cursor else {
        return Ok(None);
    };
    let key = decode(list, cursor).ok_or_else(|| StoreError::BadCursor {
        cursor: cursor.chars().take(64).collect(),
    })?;
    Ok(Some(key))
}

/// A page of rows that were asked for one more than it may have.
pub fn page<T>(list: &str, mut rows: Vec<(SortKey, T)>, request: &PageRequest) -> Page<T> {
    let limit = limit(request) as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = match rows.last() {
        Some((key, _)) if more => Some(encode(list, key)),
        _ => None,
    };
    Page {
        items: rows.into_iter().map(|(_, item)| item).collect(),
        next,
    }
}

/// A page of documents that were asked for one more than it may have.
///
/// # Errors
/// `Corrupt` when one does not read.
pub fn page_of_documents<T: DeserializeOwned, I: Display>(
    list: &'static str,
    documents: &[String],
    request: &PageRequest,
    sorted_by: impl Fn(&T) -> (DateTime<Utc>, I),
) -> Result<Page<T>, StoreError> {
    let rows = documents
        .iter()
        .map(|document| {
            let item: T = read(list, document)?;
            let (at, id) = sorted_by(&item);
            let (number, text) = (micros(at), id.to_string());
            Ok((SortKey { number, text }, item))
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(page(list, rows, request))
}

fn encode(list: &str, key: &SortKey) -> String {
    URL_SAFE_NO_PAD.encode(format!("{} {} {list}", key.number, key.text))
}

fn decode(list: &str, cursor: &str) -> Option<SortKey> {
    if cursor.len() > CURSOR_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.splitn(3, ' ');
    let number = parts.next()?.parse().ok()?;
    let text = parts.next()?.to_owned();
    (parts.next()? == list).then_some(SortKey { number, text })
}
