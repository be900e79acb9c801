//! Which stream is due when. Pure: time and chance come in as parameters.

use std::collections::HashMap;
use std::time::Duration;

use connector::Catalogue;
use event_model::{Connection, ConnectionId, FeedChoice};

/// First pause after a failure; doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_millis(500);

struct Entry {
    every: Duration,
    due: Duration,
    failures: u32,
    under_way: bool,
    /// Someone said that there is something new: read again as soon as this moment is over.
    hurried: Option<Duration>,
    /// When it was last begun.
    begun: Duration,
}

/// The streams of the enabled connections.
pub(crate) struct Schedule {
    entries: HashMap<(ConnectionId, String), Entry>,
    pause_max: Duration,
}

impl Schedule {
    pub(crate) fn new(pause_max: Duration) -> Self {
        Schedule {
            entries: HashMap::new(),
            pause_max,
        }
    }

    /// Takes in who is enabled now. New streams are spread over their interval, so that a start with
    /// thousands of connections is no stampede; a single one is read at once.
    pub(crate) fn follow(&mut self, enabled: &[Connection], catalogue: &Catalogue, now: Duration) {
        let mut before = std::mem::take(&mut self.entries);
        for connection in enabled {
            let Some(connector) = catalogue.get(&connection.service) else {
                continue;
            };
            let feed = connection.lifecycle.feed().map(|feed| feed.choice());
            let feed = feed.unwrap_or(FeedChoice::Pull);
            let pushed = feed == FeedChoice::Push;
            for stream in connector.streams_read(feed) {
                let every = match pushed && connector.reconciles(stream) {
                    true => connector.reconcile_every(),
                    false => connector.poll_every(stream),
                };
                let key = (connection.id, stream.to_string());
                let spread = self.entries.len() as u32 % SPREAD_OVER;
                let entry = match before.remove(&key) {
                    Some(entry) => Entry {
                        every,
                        due: entry.due.min(now + every),
                        ..entry
                    },
                    None => {
                        let due = now + every * spread / SPREAD_OVER;
                        Entry {
                            every,
                            due,
                            failures: 0,
                            under_way: false,
                            hurried: None,
                            begun: Duration::ZERO,
                        }
                    }
                };
                self.entries.insert(key, entry);
            }
        }
    }

    /// Streams that are due, at most so many, longest due first; they are under way from now on.
    pub(crate) fn take_due(
        &mut self,
        now: Duration,
        at_most: usize,
    ) -> Vec<(ConnectionId, String)> {
        if at_most == 0 {
            return Vec::new();
        }
        let is_due = |entry: &Entry| !entry.under_way && entry.due <= now;
        let mut due: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| is_due(entry))
            .map(|(key, entry)| (entry.due, key.clone()))
            .collect();
        due.sort();
        due.truncate(at_most);
        let keys: Vec<_> = due.into_iter().map(|(_, key)| key).collect();
        for key in &keys {
            if let Some(entry) = self.entries.get_mut(key) {
                entry.under_way = true;
                entry.hurried = None;
                entry.begun = now;
            }
        }
        keys
    }

    /// Something new is announced: all streams of these connections are read at once, but each not more
    /// often than once in [`HURRIED_EVERY`], however many announce it, and not before a failure's pause
    /// is over.
    pub(crate) fn hurry(&mut self, ids: &[ConnectionId], now: Duration) {
        if ids.is_empty() {
            return;
        }
        for ((id, _), entry) in &mut self.entries {
            if !ids.contains(id) {
                continue;
            }
            let at = now.max(entry.begun + HURRIED_EVERY);
            // A reading under way may have asked before the news: another follows it.
            match entry.under_way {
                true => entry.hurried = Some(at),
                false if entry.failures == 0 => entry.due = entry.due.min(at),
                false => {}
            }
        }
    }

    /// More is waiting: at once, after those that are due already.
    pub(crate) fn again(&mut self, id: ConnectionId, stream: &str, now: Duration) {
        self.settle(id, stream, |entry| {
            entry.failures = 0;
            entry.due = now;
        });
    }

    /// Nothing is waiting: after the interval.
    pub(crate) fn caught_up(&mut self, id: ConnectionId, stream: &str, now: Duration) {
        self.settle(id, stream, |entry| {
            entry.failures = 0;
            let due = now + entry.every;
            entry.due = entry.hurried.take().map_or(due, |at| at.min(due));
        });
    }

    /// After what the service asked for, or a pause that doubles, give or take half of it
    /// (`jitter` in 0..1).
    pub(crate) fn failed(
        &mut self,
        id: ConnectionId,
        stream: &str,
        now: Duration,
        retry_after: Option<Duration>,
        jitter: f64,
    ) {
        let pause_max = self.pause_max;
        self.settle(id, stream, |entry| {
            let doubled = PAUSE_FIRST * 2u32.saturating_pow(entry.failures.min(16));
            entry.failures += 1;
            let pause = doubled.min(pause_max).mul_f64(0.5 + jitter);
            entry.due = now + retry_after.map_or(pause, |asked| asked.max(PAUSE_FIRST));
        });
    }

    fn settle(&mut self, id: ConnectionId, stream: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(&(id, stream.to_owned())) {
            entry.under_way = false;
            change(entry);
        }
    }
}

/// A stream is read at most once in this time for being announced.
const HURRIED_EVERY: Duration = Duration::from_millis(500);
/// New streams of one start are spread over so many places of their interval.
const SPREAD_OVER: u32 = 1_000;
