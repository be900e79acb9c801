//! What was set aside: to look at, and to take in again once a manifest was mended.
//!
//! The dead-letter topic holds letters and, later, marks that say which were replayed. A letter is
//! marked only after what it became is durable in the activity topic. So an interrupted replay loses
//! nothing and may repeat its last letter, which is harmless: activities are unique by their ids.

mod replay;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use event_model::{
    ConnectionId, DEAD_LETTER_REPLAYED, DeadLetter, DeadLetterReason, DeadLetterReplayed,
};
use ports::{Delivered, Log, Place, Topic};

pub(crate) use replay::{Outcome, Replay};

/// Letters kept in mind at a time.
const ENTRIES_MAX: usize = 200_000;
/// Records read from the log at a time.
const BATCH_RECORDS_MAX: usize = 500;

/// Where a letter stands, as a person writes it: `partition:offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LetterId(pub(crate) Place);

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.partition, self.0.offset)
    }
}

impl FromStr for LetterId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.split_once(':').and_then(|(partition, offset)| {
            Some(Place {
                partition: partition.parse().ok()?,
                offset: offset.parse().ok()?,
            })
        });
        read.map(LetterId).ok_or_else(|| {
            format!("`{text}` is not a letter: `tidegate dead-letter list` shows them, like `0:17`")
        })
    }
}

/// Which letters are meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// These only, when any is named.
    pub(crate) ids: Vec<LetterId>,
    /// Of this connection.
    pub(crate) connection: Option<ConnectionId>,
    /// Set aside for this reason.
    pub(crate) reason: Option<DeadLetterReason>,
    /// Replayed ones too.
    pub(crate) replayed_too: bool,
}

/// A letter without its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: LetterId,
    pub(crate) connection_id: ConnectionId,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) arrival: &'static str,
    pub(crate) reason: DeadLetterReason,
    pub(crate) detail: String,
    pub(crate) bytes: usize,
    pub(crate) replayed_at: Option<DateTime<Utc>>,
}

/// A record of the topic.
enum Found {
    Letter(Box<DeadLetter>),
    Mark(DeadLetterReplayed),
}

impl Filter {
    fn takes(&self, id: LetterId, letter: &DeadLetter) -> bool {
        (self.ids.is_empty() || self.ids.contains(&id))
            && self
                .connection
                .is_none_or(|one| one == letter.connection_id)
            && self.reason.is_none_or(|one| one == letter.reason)
    }
}

/// The letters that are meant, oldest first.
///
/// # Errors
/// When the log cannot be read, or there are more than can be kept in mind.
pub(crate) async fn list(log: &dyn Log, filter: &Filter) -> anyhow::Result<Vec<Entry>> {
    let mut entries = HashMap::new();
    let mut scan = log.scan(Topic::DeadLetter).await?;
    let mut marks = HashMap::new();
    loop {
        let batch = scan.next(BATCH_RECORDS_MAX).await?;
        if batch.is_empty() {
            break;
        }
        for record in batch {
            let id = LetterId(record.place);
            match read(&record)? {
                Found::Letter(letter) if filter.takes(id, &letter) => {
                    entries.insert(id, entry(id, *letter));
                }
                Found::Letter(_) => {}
                Found::Mark(mark) => {
                    let place = Place {
                        partition: mark.partition,
                        offset: mark.offset,
                    };
                    marks.insert(LetterId(place), mark.replayed_at);
                }
            }
        }
        if entries.len() > ENTRIES_MAX {
            bail!(
                "there are more than {ENTRIES_MAX} such letters: narrow them down by --connection or --reason"
            );
        }
    }
    let mut entries: Vec<Entry> = entries.into_values().collect();
    for entry in &mut entries {
        entry.replayed_at = marks.get(&entry.id).copied();
    }
    entries.retain(|entry| filter.replayed_too || entry.replayed_at.is_none());
    entries.sort_by_key(|entry| (entry.received_at, entry.id));
    Ok(entries)
}

/// One letter with its bytes; none when there is none at that place.
///
/// # Errors
/// When the log cannot be read.
pub(crate) async fn find(log: &dyn Log, id: LetterId) -> anyhow::Result<Option<DeadLetter>> {
    let mut scan = log.scan(Topic::DeadLetter).await?;
    loop {
        let batch = scan.next(BATCH_RECORDS_MAX).await?;
        if batch.is_empty() {
            return Ok(None);
        }
        let Some(record) = batch.iter().find(|record| record.place == id.0) else {
            continue;
        };
        return Ok(match read(record)? {
            Found::Letter(letter) => Some(*letter),
            Found::Mark(_) => None,
        });
    }
}

/// The bytes as they came.
pub(crate) fn body(letter: &DeadLetter) -> anyhow::Result<Vec<u8>> {
    STANDARD
        .decode(&letter.body_base64)
        .context("the letter's bytes are not base64")
}

fn read(record: &Delivered) -> anyhow::Result<Found> {
    let is_mark = record
        .record
        .headers
        .iter()
        .any(|(name, value)| name == "ce_type" && value == DEAD_LETTER_REPLAYED);
    let value = &record.record.value;
    let found = if is_mark {
        serde_json::from_slice(value).map(Found::Mark)
    } else {
        serde_json::from_slice(value).map(|letter| Found::Letter(Box::new(letter)))
    };
    found.with_context(|| {
        format!(
            "the record {} of the dead-letter topic is not readable",
            LetterId(record.place)
        )
    })
}

fn entry(id: LetterId, letter: DeadLetter) -> Entry {
    Entry {
        id,
        connection_id: letter.connection_id,
        received_at: letter.received_at,
        arrival: letter.arrival.word(),
        reason: letter.reason,
        detail: letter.detail,
        bytes: letter.body_base64.len() / 4 * 3,
        replayed_at: None,
    }
}

#[cfg(test)]
mod tests;
