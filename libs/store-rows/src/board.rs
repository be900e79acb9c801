//! What happens now, from rows of counts.

use chrono::DateTime;
use event_model::{EventType, Severity};
use ports::{Board, StoreError};

use crate::failure::{corrupt, word};
use crate::instants::instant;

/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// Kind of activity and how many.
pub type OfKind = (String, i64);
/// Policy, severity and how many are open.
pub type OpenOf = (String, String, i64);
/// Day since 1970, severity and how many.
pub type OfDay = (i64, String, i64);
/// Connection and the moment of its last activity in microseconds.
pub type LastOf = (String, Option<i64>);

/// The counts of a board.
#[derive(Debug, Default)]
pub struct Counted {
    /// Activities by kind.
    pub activity: Vec<OfKind>,
    /// People who did them.
    pub actors: i64,
    /// Incidents recorded.
    pub violations: i64,
    /// What is open.
    pub open: Vec<OpenOf>,
    /// Incidents by day.
    pub by_day: Vec<OfDay>,
    /// Last activities.
    pub last: Vec<LastOf>,
}

/// The board of these counts.
///
/// # Errors
/// `Corrupt` when a word, an id or a moment is none.
pub fn board(counted: Counted) -> Result<Board, StoreError> {
    let mut board = Board {
        actors: counted.actors as u64,
        violations: counted.violations as u64,
        ..Board::default()
    };
    for (kind, count) in counted.activity {
        let kind = word("activity", EventType::from_word(&kind))?;
        board.activity.insert(kind, count as u64);
    }
    for (policy, severity, count) in counted.open {
        let policy = policy.parse().map_err(corrupt("policy id"))?;
        let severity = word("severity", Severity::from_word(&severity))?;
        *board.open_by_policy.entry(policy).or_default() += count as u64;
        *board.open_by_severity.entry(severity).or_default() += count as u64;
    }
    for (day, severity, count) in counted.by_day {
        let severity = word("severity", Severity::from_word(&severity))?;
        let day = DateTime::from_timestamp_micros(day.saturating_mul(DAY_MICROS));
        let day = word("day", day)?.date_naive();
        *board.by_day.entry((day, severity)).or_default() += count as u64;
    }
    for (connection, last) in counted.last {
        if let Some(last) = last {
            let connection = connection.parse().map_err(corrupt("connection id"))?;
            board.last_received.insert(connection, instant(last)?);
        }
    }
    Ok(board)
}
