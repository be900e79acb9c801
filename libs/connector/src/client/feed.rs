//! Pulls a stream, page by page. One file per paging class.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{FeedPage, Position};

use crate::call::CallError;
use crate::client::{ServiceClient, not_supported};
use crate::manifest::feed::Paging;

mod cursor;
mod link;
mod listing;
mod watermark;

/// Most events of one page.
pub(crate) const PAGE_EVENTS_MAX: usize = 10_000;

impl ServiceClient {
    /// Where a stream is begun: at the oldest event or at the end, as the manifest says. Of a stream
    /// that the manifest does not have, at the end.
    pub async fn first_position(&self, stream: &str) -> Position {
        match self.connector().stream(stream) {
            Some(stream) if stream.from_start => Position::Start,
            _ => Position::Now,
        }
    }

    /// The events after a position. A page may be empty, and hand back the position it was asked
    /// with, while more is waiting: the caller decides how soon it asks again. A page may also repeat
    /// events of pages before it: the caller knows events by their ids.
    ///
    /// # Errors
    /// `CursorExpired` when the service no longer knows the position, or it is of another kind than
    /// the manifest's; see [`CallError`].
    pub async fn page_after(&self, stream: &str, from: &Position) -> Result<FeedPage, CallError> {
        let found = self.connector().stream(stream);
        let found = found.ok_or_else(|| not_supported(format!("there is no stream `{stream}`")))?;
        match &found.paging {
            Paging::Cursor(paging) => self.page_by_cursor(found, paging, from).await,
            Paging::Link(paging) => self.page_by_link(found, paging, from).await,
            Paging::Watermark(paging) => self.page_by_watermark(found, paging, from).await,
        }
    }
}

/// A moment so long before another; the earliest one when there is none.
fn moment_before(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).ok();
    by.and_then(|by| at.checked_sub_signed(by))
        .unwrap_or(DateTime::UNIX_EPOCH)
}

/// A moment so long after another; the latest one when there is none.
fn moment_after(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).ok();
    by.and_then(|by| at.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
