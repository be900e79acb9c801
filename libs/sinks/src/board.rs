//! What a stream of a sink says of itself, for who looks at it.
//!
//! What it promises: a change of state is noted at once, progress at most once in [`NOTED_EVERY`]; that it
//! could not be noted holds nothing up.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{SinkStanding, SinkState, SinkStream};
use ports::{Clock, Place, SinkStandings};

/// Progress is noted no more often.
const NOTED_EVERY: TimeDelta = TimeDelta::seconds(1);
/// Longest error that is kept, in bytes.
const ERROR_BYTES_MAX: usize = 500;

pub(crate) struct Board {
    standing: SinkStanding,
    standings: Arc<dyn SinkStandings>,
    clock: Arc<dyn Clock>,
    noted: Option<(DateTime<Utc>, SinkState)>,
}

impl Board {
    /// Goes on from what was noted before.
    pub(crate) async fn of(
        sink: &str,
        stream: SinkStream,
        standings: &Arc<dyn SinkStandings>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let before = standings.sink_standings().await.unwrap_or_default();
        let before = before
            .into_iter()
            .find(|one| one.sink == sink && one.stream == stream);
        Board {
            standing: before.unwrap_or_else(|| SinkStanding::begun(sink, stream, clock.now())),
            standings: Arc::clone(standings),
            clock: Arc::clone(clock),
            noted: None,
        }
    }

    /// The receiver took events, this one last.
    pub(crate) fn took(&mut self, id: &str) {
        self.standing.last_delivery_at = Some(self.clock.now());
        self.standing.last_delivered = Some(id.to_owned());
    }

    /// It is done with everything up to these places.
    pub(crate) async fn stands(&mut self, places: &[Place], lag: u64) {
        for place in places {
            let at = self.standing.cursor.entry(place.partition).or_default();
            *at = place.offset.max(*at);
        }
        self.standing.lag = lag;
        self.standing.retry_at = None;
        self.standing.state = match lag {
            0 => SinkState::Idle,
            _ => SinkState::Delivering,
        };
        self.note().await;
    }

    /// Events wait for the message that goes out then.
    pub(crate) async fn gathers(&mut self, until: DateTime<Utc>, lag: u64) {
        self.standing.lag = lag;
        self.standing.retry_at = Some(until);
        self.standing.state = SinkState::Gathering;
        self.note().await;
    }

    /// The receiver could not be had.
    pub(crate) async fn put_off(&mut self, reason: &str, until: DateTime<Utc>, lag: u64) {
        self.failed(reason);
        self.standing.lag = lag;
        self.standing.retry_at = Some(until);
        self.standing.state = SinkState::PutOff;
        self.note().await;
    }

    /// What is to be handed on cannot be read.
    pub(crate) async fn unreadable(&mut self, reason: &str) {
        self.failed(reason);
        self.standing.state = SinkState::Unreadable;
        self.note().await;
    }

    /// Something went wrong, and it goes on all the same.
    pub(crate) fn failed(&mut self, reason: &str) {
        let end = reason.floor_char_boundary(ERROR_BYTES_MAX);
        self.standing.last_error = Some(reason[..end].to_owned());
        self.standing.last_error_at = Some(self.clock.now());
    }

    async fn note(&mut self) {
        let (now, state) = (self.clock.now(), self.standing.state);
        let is_known = |(at, before): &(DateTime<Utc>, SinkState)| {
            *before == state && now - *at < NOTED_EVERY && state != SinkState::PutOff
        };
        if self.noted.as_ref().is_some_and(is_known) {
            return;
        }
        self.standing.noted_at = now;
        match self.standings.note_sink(&self.standing).await {
            Ok(()) => self.noted = Some((now, state)),
            Err(error) => tracing::warn!(
                sink = self.standing.sink,
                error = &error as &dyn std::error::Error,
                "how far a sink has come could not be noted"
            ),
        }
    }
}
