//! How completely a stream was read: how far, what is missing, and whether the service wants patience.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{
    AuditId, Checkpoint, Connection, ConnectionId, CoverageGap, GapReason, Position, StreamStanding,
};
use ports::{NewAudit, StoreError};
use telemetry::{Counter, Gauge};

use crate::Poller;
use crate::step::Polled;

/// How far a stream got is noted when it got further by this.
const STANDING_STEP: TimeDelta = TimeDelta::seconds(30);
/// Streams whose last note is remembered; beyond it the memory is begun anew.
const STANDINGS_MAX: usize = 20_000;
/// A shorter pause is over before another process could read of it.
const PAUSE_NOTED_MIN: Duration = Duration::from_secs(1);

impl Poller {
    /// How long the service still wants to be left alone, by what any process was told.
    pub(crate) async fn pause_left(
        &self,
        id: ConnectionId,
    ) -> Result<Option<Duration>, StoreError> {
        let until = self.ports.notes.paused_until(id).await?;
        let left = until.and_then(|until| (until - self.ports.clock.now()).to_std().ok());
        Ok(left.filter(|left| !left.is_zero()))
    }

    /// The service asked for patience: the others, and this process after a restart, shall know.
    pub(crate) async fn note_pause(&self, id: ConnectionId, wait: Duration) {
        let wait = TimeDelta::from_std(wait)
            .ok()
            .filter(|_| wait >= PAUSE_NOTED_MIN);
        let until = wait.and_then(|wait| self.ports.clock.now().checked_add_signed(wait));
        let Some(until) = until else { return };
        if let Err(error) = self.ports.notes.note_pause(id, until).await {
            tracing::warn!(connection.id = %id, error = %error, "a pause could not be noted for the others");
        }
    }

    /// Notes how far the stream was read, now and then.
    pub(crate) async fn note_standing(
        &self,
        id: ConnectionId,
        here: &Checkpoint,
        polled: Polled,
    ) -> Result<(), StoreError> {
        let Some(read_until) = read_until(&here.position, polled, self.ports.clock.now()) else {
            return Ok(());
        };
        let behind = (self.ports.clock.now() - read_until).num_seconds();
        let labels = [&*id.to_string(), &*here.stream];
        self.ports
            .metrics
            .set(Gauge::StreamBehind, &labels, behind as f64);
        {
            let mut noted = self.noted.lock().expect("no holder panics");
            let key = (id, here.stream.clone());
            let last = noted.get(&key);
            if last.is_some_and(|last| (read_until - *last).abs() < STANDING_STEP) {
                return Ok(());
            }
            if noted.len() >= STANDINGS_MAX {
                noted.clear();
            }
            noted.insert(key, read_until);
        }
        let standing = StreamStanding {
            stream: here.stream.clone(),
            read_until,
        };
        self.ports.notes.note_standing(id, &standing).await
    }

    /// Notes what will never be read: in the notes, in the audit trail, and in a metric.
    pub(crate) async fn note_gap(
        &self,
        connection: &Connection,
        here: &Checkpoint,
        reason: GapReason,
        resume: Option<&Position>,
    ) -> Result<(), StoreError> {
        let at = self.ports.clock.now();
        let standings = self.ports.notes.standings(connection.id).await?;
        let standing = standings.iter().find(|one| one.stream == here.stream);
        let (from, to) = missing(&here.position, resume, at);
        let gap = CoverageGap {
            connection_id: connection.id,
            stream: here.stream.clone(),
            from: from.or(standing.map(|standing| standing.read_until)),
            to,
            reason,
            noted_at: at,
        };
        self.ports.notes.note_gap(&gap).await?;
        let goes_on = match resume {
            Some(_) => "where the service says that it can",
            None => "at the oldest kept event",
        };
        let entry = NewAudit {
            id: AuditId::new(at, self.ports.entropy.draw()),
            at,
            actor: "service".into(),
            action: "feed.coverage_gap".into(),
            subject: connection.id.to_string(),
            detail: format!(
                "the stream `{}` has a gap ({reason}): reading goes on {goes_on}",
                here.stream
            ),
        };
        self.ports.audit.audit(&entry).await?;
        self.ports
            .metrics
            .count(Counter::CoverageGaps, &[reason.word()], 1);
        tracing::error!(connection.id = %connection.id, stream = here.stream, reason = %reason, "the feed has a coverage gap");
        Ok(())
    }
}

/// Everything that the service showed before this was read; none while that is not known.
fn read_until(at: &Position, polled: Polled, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match at {
        Position::Watermark { since, .. } => Some(*since),
        _ => (polled == Polled::CaughtUp).then_some(now),
    }
}

/// The stretch that is lost, as far as the positions tell.
fn missing(
    here: &Position,
    resume: Option<&Position>,
    now: DateTime<Utc>,
) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let from = match here {
        Position::Watermark { since, .. } => Some(*since),
        _ => None,
    };
    let to = match (here, resume) {
        // Of a round some of what was listed is gone: it was of that span.
        (
            Position::Watermark {
                round: Some(round), ..
            },
            Some(_),
        ) => Some(round.until),
        (_, Some(Position::Watermark { since, .. })) => Some(*since),
        (here, Some(resume)) if here == resume => Some(now),
        _ => None,
    };
    (from, to)
}

#[cfg(test)]
mod tests {
    use event_model::Round;

    use super::*;

    #[test]
    fn how_far_a_stream_is_and_what_it_lacks_is_told_by_its_positions() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let cursor = Position::cursor("c");
        let mark = Position::watermark;
        let round = Position::Watermark {
            since: at(10),
            round: Some(Box::new(Round {
                until: at(20),
                next: None,
                pending: vec!["x".into()],
                names: Vec::new(),
                skip: 0,
                pages: 1,
            })),
            fetched: Vec::new(),
        };
        let rows = [
            (&mark(at(7)), Polled::MoreWaiting, Some(at(7))),
            (&round, Polled::MoreWaiting, Some(at(10))),
            (&cursor, Polled::MoreWaiting, None),
            (&cursor, Polled::CaughtUp, Some(at(99))),
        ];
        for (position, polled, expected) in rows {
            assert_eq!(read_until(position, polled, at(99)), expected, "{position}");
        }
        let rows = [
            (&cursor, None, (None, None)),
            (&cursor, Some(mark(at(5))), (None, Some(at(5)))),
            (&cursor, Some(cursor.clone()), (None, Some(at(99)))),
            (&mark(at(7)), None, (Some(at(7)), None)),
            (&round, Some(mark(at(20))), (Some(at(10)), Some(at(20)))),
        ];
        for (here, resume, expected) in rows {
            assert_eq!(missing(here, resume.as_ref(), at(99)), expected, "{here}");
        }
    }
}
