//! Where a pull stream stands. Only a page that joins it moves it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

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
}

impl Position {
    /// Longest cursor taken from a service, in bytes.
    pub const CURSOR_BYTES_MAX: usize = 8 * 1024;

    /// The position of an opaque cursor.
    pub fn cursor(cursor: impl Into<String>) -> Self {
        Position::Cursor {
            cursor: cursor.into(),
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Position::Start => f.write_str("start"),
            Position::Now => f.write_str("now"),
            Position::Cursor { cursor } => f.write_str(cursor),
        }
    }
}

/// One event as the service sent it, not yet mapped: valid JSON, byte for byte.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The event's JSON.
    pub json: Box<RawValue>,
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
                json: RawValue::from_string("{}".into()).unwrap(),
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
}
