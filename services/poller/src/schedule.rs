//! Which stream is due when. Pure: time and chance come in as parameters.

use std::collections::{BTreeSet, HashMap};
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

/// A stream of a connection.
type Key = (ConnectionId, String);

/// The streams of the enabled connections.
pub(crate) struct Schedule {
    entries: HashMap<Key, Entry>,
    /// INVARIANT: those that are not under way, by when they are due: who looks for what is due need
    /// not look at what is not.
    queue: BTreeSet<(Duration, Key)>,
    pause_max: Duration,
}

impl Schedule {
    pub(crate) fn new(pause_max: Duration) -> Self {
        Schedule {
            entries: HashMap::new(),
            queue: BTreeSet::new(),
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
        let waiting = self.entries.iter().filter(|(_, entry)| !entry.under_way);
        self.queue = waiting
            .map(|(key, entry)| (entry.due, key.clone()))
            .collect();
    }

    /// Streams that are due, at most so many, longest due first; they are under way from now on.
    pub(crate) fn take_due(&mut self, now: Duration, at_most: usize) -> Vec<Key> {
        let mut keys = Vec::new();
        while keys.len() < at_most && self.queue.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, key)) = self.queue.pop_first() else {
                break;
            };
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.under_way = true;
                entry.hurried = None;
                entry.begun = now;
            }
            keys.push(key);
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
        for (key, entry) in &mut self.entries {
            if !ids.contains(&key.0) {
                continue;
            }
            let at = now.max(entry.begun + HURRIED_EVERY);
            // A reading under way may have asked before the news: another follows it.
            match entry.under_way {
                true => entry.hurried = Some(at),
                false if entry.failures == 0 && at < entry.due => {
                    self.queue.remove(&(entry.due, key.clone()));
                    self.queue.insert((at, key.clone()));
                    entry.due = at;
                }
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
        let key = (id, stream.to_owned());
        if let Some(entry) = self.entries.get_mut(&key) {
            self.queue.remove(&(entry.due, key.clone()));
            entry.under_way = false;
            change(entry);
            self.queue.insert((entry.due, key));
        }
    }
}

/// A stream is read at most once in this time for being announced.
const HURRIED_EVERY: Duration = Duration::from_millis(500);
/// New streams of one start are spread over so many places of their interval.
const SPREAD_OVER: u32 = 1_000;

#[cfg(test)]
mod tests {
    use ports::contract::samples;

    use super::*;

    const CONNECTIONS: usize = 10_000;
    /// A service that one stream is read of, and that stream.
    const SERVICE: &str = "okta";
    const STREAM: &str = "system_log";

    fn enabled() -> Vec<Connection> {
        let id = |n| ConnectionId::new(samples::at(n as i64), n as u128);
        let connection = |n| Connection {
            id: id(n),
            service: SERVICE.into(),
            ..samples::connection(1)
        };
        (0..CONNECTIONS).map(connection).collect()
    }

    /// Reads what is due every 10 ms, each at once and to its end. Gives how many at each look.
    fn looks(schedule: &mut Schedule, from: Duration, time: Duration) -> Vec<usize> {
        let look = Duration::from_millis(10);
        let times = (0..).map(|n| from + look * n);
        let times = times.take_while(|now| *now < from + time);
        let read = |now| {
            let due = schedule.take_due(now, usize::MAX);
            for (id, stream) in &due {
                schedule.caught_up(*id, stream, now);
            }
            due.len()
        };
        times.map(read).collect()
    }

    #[test]
    fn a_start_with_ten_thousand_connections_is_no_stampede() {
        let catalogue = Catalogue::built_in();
        let every = catalogue.get(SERVICE).unwrap().poll_every(STREAM);
        let mut schedule = Schedule::new(Duration::from_secs(300));
        let start = Duration::from_secs(100);
        schedule.follow(&enabled(), &catalogue, start);
        let per_look = CONNECTIONS as f64 * 0.010 / every.as_secs_f64();
        // In the first interval as in the tenth: each is read once, at no look more than its part.
        let counts = looks(&mut schedule, start, every * 10);
        for (interval, counts) in counts.chunks(counts.len() / 10).enumerate() {
            let most = counts.iter().max().copied().unwrap_or_default() as f64;
            assert!(most <= per_look * 2.0, "{most} at once in {interval}");
            let read: usize = counts.iter().sum();
            let (least, most) = (CONNECTIONS * 98 / 100, CONNECTIONS * 102 / 100);
            assert!((least..=most).contains(&read), "{read} in {interval}");
        }
    }

    #[test]
    fn who_is_announced_is_read_at_once_and_goes_on_after_its_interval() {
        let catalogue = Catalogue::built_in();
        let mut schedule = Schedule::new(Duration::from_secs(300));
        schedule.follow(&enabled()[..3], &catalogue, Duration::ZERO);
        let start = Duration::from_secs(60);
        for (id, stream) in schedule.take_due(start, 9) {
            schedule.caught_up(id, &stream, start);
        }
        let announced = enabled()[1].id;
        // Not sooner than half a second after the reading before, and once only.
        schedule.hurry(&[announced], start);
        schedule.hurry(&[announced], start);
        assert_eq!(schedule.take_due(start + HURRIED_EVERY / 2, 9), []);
        let due = schedule.take_due(start + HURRIED_EVERY, 9);
        assert_eq!(due, [(announced, STREAM.to_owned())]);
        schedule.caught_up(announced, STREAM, start + HURRIED_EVERY);
        let every = catalogue.get(SERVICE).unwrap().poll_every(STREAM);
        assert_eq!(schedule.take_due(start + every, 9).len(), 2, "the others");
    }

    #[test]
    fn the_longest_due_is_first_and_what_is_under_way_is_not_read_twice() {
        let catalogue = Catalogue::built_in();
        let mut schedule = Schedule::new(Duration::from_secs(300));
        schedule.follow(&enabled()[..5], &catalogue, Duration::ZERO);
        let late = Duration::from_secs(60);
        let first = schedule.take_due(late, 3);
        assert_eq!(first.len(), 3);
        schedule.follow(&enabled()[..5], &catalogue, late);
        let rest = schedule.take_due(late, 9);
        assert_eq!(rest.len(), 2, "three are under way");
        for (id, stream) in rest.iter().chain(&first) {
            schedule.again(*id, stream, late);
        }
        assert_eq!(schedule.take_due(late, 9).len(), 5);
        let (id, stream) = &first[0];
        schedule.failed(*id, stream, late, Some(Duration::from_secs(9)), 0.5);
        assert_eq!(schedule.take_due(late + Duration::from_secs(8), 9), []);
        let due = schedule.take_due(late + Duration::from_secs(9), 9);
        assert_eq!(due, [first[0].clone()]);
    }
}
