//! Taking letters in again, by the same way as everything else: the connection's mapping, the log.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use connector::{Catalogue, Verified};
use event_model::{
    ActivityRecord, Arrival, Assurance, DEAD_LETTER_REPLAYED, DeadLetter, DeadLetterReason,
    DeadLetterReplayed, RawEvent, WIRE_VERSION,
};
use intake::{Intake, Origin};
use ports::{AppendError, Clock, ConnectionStore, Log, LogRecord, Topic};
use serde_json::value::RawValue;

use super::{BATCH_RECORDS_MAX, Found, LetterId, body, read};

/// How often a log that is overloaded is come back to for one letter.
const TRIES_MAX: u32 = 60;

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is so many activities now.
    Taken {
        /// How many.
        activities: usize,
    },
    /// It stays where it is, and why.
    Stays(String),
}

/// What a replay reaches of the world.
pub(crate) struct Replay {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) intake: Intake,
    pub(crate) connections: Arc<dyn ConnectionStore>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Replay {
    /// Takes these letters in, in the order of the topic, and tells what became of each.
    ///
    /// # Errors
    /// When the log or the store fails: what was told is done, the rest is as it was.
    pub(crate) async fn run(
        &self,
        chosen: &HashSet<LetterId>,
        mut tell: impl FnMut(LetterId, &Outcome),
    ) -> anyhow::Result<()> {
        let mut scan = self.log.scan(Topic::DeadLetter).await?;
        let mut left = chosen.len();
        while left > 0 {
            let batch = scan.next(BATCH_RECORDS_MAX).await?;
            if batch.is_empty() {
                break;
            }
            for record in batch {
                let id = LetterId(record.place);
                if !chosen.contains(&id) {
                    continue;
                }
                left -= 1;
                if let Found::Letter(letter) = read(&record)? {
                    let outcome = self.take_in(&letter).await?;
                    if let Outcome::Taken { activities } = outcome {
                        // INVARIANT: what the letter became is durable here, and only now it is marked.
                        self.mark(id, &letter, activities).await?;
                    }
                    tell(id, &outcome);
                }
            }
        }
        Ok(())
    }

    async fn take_in(&self, letter: &DeadLetter) -> anyhow::Result<Outcome> {
        let stays = |why: String| Ok(Outcome::Stays(why));
        let bytes = Bytes::from(body(letter)?);
        if letter.reason == DeadLetterReason::Unreadable {
            return match ActivityRecord::decode(&bytes) {
                Ok(record) => {
                    until_taken(async || self.intake.readmit(record.clone()).await).await?;
                    Ok(Outcome::Taken { activities: 1 })
                }
                Err(error) => stays(error.to_string()),
            };
        }
        let Some(connection) = self.connections.get(letter.connection_id).await? else {
            return stays("its connection is no more".into());
        };
        let Some(connector) = self.catalogue.get(&connection.service) else {
            return stays(format!("there is no connector `{}`", connection.service));
        };
        let events = if letter.whole {
            Verified::kept(&connector, bytes)
                .and_then(|whole| whole.events().map_err(|error| error.detail))
        } else {
            event(&bytes).map(|event| vec![event])
        };
        let events = match events {
            Ok(events) => events,
            Err(why) => return stays(why),
        };
        let mapper = connector.mapper(&connection);
        let mapped = events
            .iter()
            .map(|event| mapper.map(event, letter.received_at));
        let failures: Vec<String> = mapped.filter_map(|one| Some(one.err()?.detail)).collect();
        // Of several events, those that still cannot be mapped become letters of their own.
        if let Some(first) = failures.first()
            && failures.len() == events.len()
        {
            return stays(first.clone());
        }
        // A delivery that was not sure when it came is no surer now.
        let unsure = letter.arrival == Arrival::Push && connector.delivers_unsure();
        let origin = Origin {
            connection: &connection,
            arrival: letter.arrival,
            assurance: if unsure {
                Assurance::Low
            } else {
                Assurance::Signed
            },
            received_at: letter.received_at,
        };
        let accepted =
            until_taken(async || self.intake.accept(origin, &mapper, &events).await).await?;
        Ok(Outcome::Taken {
            activities: accepted.activities,
        })
    }

    async fn mark(
        &self,
        id: LetterId,
        letter: &DeadLetter,
        activities: usize,
    ) -> anyhow::Result<()> {
        let now = self.clock.now();
        let mark = DeadLetterReplayed {
            v: WIRE_VERSION,
            partition: id.0.partition,
            offset: id.0.offset,
            replayed_at: now,
            activities: activities as u64,
        };
        let record = LogRecord {
            key: letter.connection_id.to_string(),
            headers: intake::attributes(
                DEAD_LETTER_REPLAYED,
                &format!("replayed-{id}"),
                letter.connection_id,
                now,
            ),
            value: serde_json::to_vec(&mark)?.into(),
        };
        until_taken(async || {
            self.log
                .append(Topic::DeadLetter, vec![record.clone()])
                .await
        })
        .await
    }
}

fn event(bytes: &Bytes) -> Result<RawEvent, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let json = RawValue::from_string(text.to_owned()).map_err(|error| error.to_string())?;
    Ok(RawEvent { json: json.into() })
}

/// Comes back while the log is overloaded, as it asks.
async fn until_taken<T>(append: impl AsyncFn() -> Result<T, AppendError>) -> anyhow::Result<T> {
    let mut tries = 0;
    loop {
        match append().await {
            Err(AppendError::Overloaded { retry_after }) if tries < TRIES_MAX => {
                tries += 1;
                tokio::time::sleep(retry_after.max(Duration::from_millis(50))).await;
            }
            other => return Ok(other?),
        }
    }
}
