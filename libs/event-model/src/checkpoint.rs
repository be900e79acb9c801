//! Where a pull stream stands. Only a page that joins it moves it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::instant;
use crate::raw::RawJson;

/// A place in a service's event feed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Position {
    /// Before the oldest event that the service keeps.
    Start,
    /// At the end of the feed, at the time of asking.
    Now,
    /// An opaque cursor that the service gave; handed back verbatim.
    Cursor {
        /// The cursor, at most [`Position::CURSOR_BYTES_MAX`] bytes.
        cursor: String,
    },
    /// The address of the next page, which the service gave.
    Link {
        /// The address, at most [`Position::CURSOR_BYTES_MAX`] bytes.
        url: String,
    },
    /// A moment. What the service shows late is found by asking from a while before it.
    Watermark {
        /// What the service showed of the time before was read to its end.
        #[serde(with = "instant::required")]
        #[schemars(with = "DateTime<Utc>")]
        since: DateTime<Utc>,
        /// The reading of the time after it, while it goes on. `since` moves only after its last page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<Box<Round>>,
        /// What was fetched of late, by its name: it is not fetched again. Oldest first, at most
        /// [`Position::FETCHED_MAX`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fetched: Vec<String>,
    },
}

/// The reading of one span of time, page by page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Round {
    /// The end of the span.
    #[serde(with = "instant::required")]
    #[schemars(with = "DateTime<Utc>")]
    pub until: DateTime<Utc>,
    /// What asks for the next page: a cursor, an address or a moment; absent after the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Addresses that were listed and are still to be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// The names of what is pending, in the same order; empty when the manifest gives none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Events of the first pending address that were handed out already.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// How many pages were listed.
    pub pages: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Position {
    /// Longest cursor or address taken from a service, in bytes.
    pub const CURSOR_BYTES_MAX: usize = 8 * 1024;
    /// Most names of fetched addresses that are remembered.
    pub const FETCHED_MAX: usize = 2_000;

    /// The position of an opaque cursor.
    pub fn cursor(cursor: impl Into<String>) -> Self {
        Position::Cursor {
            cursor: cursor.into(),
        }
    }

    /// The position of a moment, with nothing being read.
    pub fn watermark(since: DateTime<Utc>) -> Self {
        Position::Watermark {
            since,
            round: None,
            fetched: Vec::new(),
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Position::Start => f.write_str("start"),
            Position::Now => f.write_str("now"),
            Position::Cursor { cursor } => f.write_str(cursor),
            Position::Link { url } => f.write_str(url),
            Position::Watermark { since, round, .. } => {
                f.write_str(&instant::rfc3339(*since))?;
                match round {
                    Some(round) => write!(
                        f,
                        ", page {} to {}",
                        round.pages,
                        instant::rfc3339(round.until)
                    ),
                    None => Ok(()),
                }
            }
        }
    }
}

/// One event as the service sent it, not yet mapped: valid JSON, byte for byte.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The event's JSON.
    pub json: RawJson,
}

/// What a service answered when asked for the events after a position.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// The position that was asked after.
    pub from: Position,
    /// Where to continue.
    pub to: Position,
    /// The events between, in the service's order.
    pub events: Vec<RawEvent>,
    /// Whether the service says that more is waiting.
    pub more: bool,
}

/// Why a page does not move a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The page begins somewhere else: there would be a gap or a repetition.
    #[error("the page starts at `{page}` but the checkpoint is at `{checkpoint}`")]
    DoesNotJoin {
        /// Where the page starts.
        page: Position,
        /// Where the checkpoint is.
        checkpoint: Position,
    },
    /// Following it would never end.
    #[error("the service handed back the same cursor with {events} more events")]
    StandsStill {
        /// How many events came with it.
        events: usize,
    },
}

/// Where one stream of one connection stands. It advances only after its page is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    /// The manifest's name of the stream.
    pub stream: String,
    /// Everything before this is in the log.
    pub position: Position,
}

impl Checkpoint {
    /// A stream's first checkpoint.
    pub fn initial(stream: impl Into<String>, position: Position) -> Self {
        Checkpoint {
            stream: stream.into(),
            position,
        }
    }

    /// The checkpoint after a page.
    ///
    /// # Errors
    /// When the page does not start here, or stands still while it carries events and promises more.
    pub fn advance(&self, page: &FeedPage) -> Result<Checkpoint, CheckpointError> {
        if page.from != self.position {
            return Err(CheckpointError::DoesNotJoin {
                page: page.from.clone(),
                checkpoint: self.position.clone(),
            });
        }
        if page.to == page.from && !page.events.is_empty() {
            return Err(CheckpointError::StandsStill {
                events: page.events.len(),
            });
        }
        Ok(Checkpoint {
            stream: self.stream.clone(),
            position: page.to.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "
        # at | from | next | events => outcome
        a | a | b | 2 => b
        a | a | b | 0 => b
        a | a | a | 0 => a
        a | a | a | 3 => the service handed back the same cursor with 3 more events
        a | b | c | 1 => the page starts at `b` but the checkpoint is at `a`
    ";

    #[test]
    fn a_checkpoint_moves_only_over_a_page_that_joins_it() {
        for row in ROWS
            .lines()
            .map(str::trim)
            .filter(|row| !row.is_empty() && !row.starts_with('#'))
        {
            let (given, outcome) = row.split_once(" => ").unwrap();
            let [at, from, next, events] = given.split(" | ").collect::<Vec<_>>()[..] else {
                panic!("{row}")
            };
            let event = || RawEvent {
                json: RawJson::checked("{}"),
            };
            let page = FeedPage {
                from: Position::cursor(from),
                to: Position::cursor(next),
                events: (0..events.parse().unwrap())
                    .map(|_: usize| event())
                    .collect(),
                more: false,
            };
            let moved = match Checkpoint::initial("s", Position::cursor(at)).advance(&page) {
                Ok(there) => there.position.to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(moved, outcome, "{row}");
        }
    }

    /// What older versions stored stays readable, and what is stored today stays as it is.
    #[test]
    fn every_position_is_read_back_as_it_was_stored() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let rows = [
            (Position::Start, r#"{"kind":"start"}"#),
            (Position::Now, r#"{"kind":"now"}"#),
            (Position::cursor("c"), r#"{"kind":"cursor","cursor":"c"}"#),
            (
                Position::Link {
                    url: "https://a.example/?after=1".into(),
                },
                r#"{"kind":"link","url":"https://a.example/?after=1"}"#,
            ),
            (
                Position::watermark(at(0)),
                r#"{"kind":"watermark","since":"1970-01-01T00:00:00.000Z"}"#,
            ),
            (
                Position::Watermark {
                    since: at(0),
                    round: Some(Box::new(Round {
                        until: at(60),
                        next: Some("t".into()),
                        pending: vec!["https://a.example/1".into()],
                        names: Vec::new(),
                        skip: 0,
                        pages: 2,
                    })),
                    fetched: Vec::new(),
                },
                r#"{"kind":"watermark","since":"1970-01-01T00:00:00.000Z","round":{"until":"1970-01-01T00:01:00.000Z","next":"t","pending":["https://a.example/1"],"pages":2}}"#,
            ),
            (
                Position::Watermark {
                    since: at(0),
                    round: Some(Box::new(Round {
                        until: at(60),
                        next: None,
                        pending: vec!["https://a.example/2".into()],
                        names: vec!["b".into()],
                        skip: 10_000,
                        pages: 1,
                    })),
                    fetched: vec!["a".into()],
                },
                r#"{"kind":"watermark","since":"1970-01-01T00:00:00.000Z","round":{"until":"1970-01-01T00:01:00.000Z","pending":["https://a.example/2"],"names":["b"],"skip":10000,"pages":1},"fetched":["a"]}"#,
            ),
        ];
        for (position, stored) in rows {
            assert_eq!(serde_json::to_string(&position).unwrap(), stored);
            let read: Position = serde_json::from_str(stored).unwrap();
            assert_eq!(read, position, "{stored}");
        }
    }
}
