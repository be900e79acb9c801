//! Room for the contents held in memory, shared so that one stalled service does not keep the others out:
//! a connection has half of it at most, and one that let a look wait in vain is passed over for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_model::ConnectionId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// How long a connection is passed over after a look at its content took too long.
const PASSED_OVER: Duration = Duration::from_secs(10);
/// Connections remembered before those that nobody is looking at are forgotten.
const REMEMBERED_MAX: usize = 1_000;

/// So many contents at a time.
pub(crate) struct Room {
    all: Semaphore,
    of_one_max: usize,
    of_each: Mutex<HashMap<ConnectionId, Arc<Semaphore>>>,
    slow_until: Mutex<HashMap<ConnectionId, Duration>>,
}

/// A place in the room, given back when dropped.
pub(crate) struct Place<'a> {
    _of_all: SemaphorePermit<'a>,
    _of_connection: OwnedSemaphorePermit,
}

impl Room {
    pub(crate) fn new(contents_max: usize) -> Self {
        Room {
            all: Semaphore::new(contents_max),
            of_one_max: contents_max.div_ceil(2),
            of_each: Mutex::default(),
            slow_until: Mutex::default(),
        }
    }

    /// Waits for a place.
    pub(crate) async fn enter(&self, id: ConnectionId) -> Place<'_> {
        let of_connection = self.of(id).acquire_owned().await;
        let of_all = self.all.acquire().await;
        Place {
            _of_all: of_all.expect("the room is never closed"),
            _of_connection: of_connection.expect("the room is never closed"),
        }
    }

    /// Whether who came now would have to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.all.available_permits() == 0
    }

    fn of(&self, id: ConnectionId) -> Arc<Semaphore> {
        let mut of_each = self.of_each.lock().expect("no holder panics");
        if of_each.len() >= REMEMBERED_MAX {
            of_each.retain(|_, one| Arc::strong_count(one) > 1);
        }
        let new = || Arc::new(Semaphore::new(self.of_one_max));
        Arc::clone(of_each.entry(id).or_insert_with(new))
    }

    /// A look at a content of the connection took too long.
    pub(crate) fn was_slow(&self, id: ConnectionId, now: Duration) {
        let mut slow_until = self.slow_until.lock().expect("no holder panics");
        slow_until.retain(|_, until| *until > now);
        slow_until.insert(id, now + PASSED_OVER);
    }

    /// Whether the connection is passed over for now.
    pub(crate) fn is_slow(&self, id: ConnectionId, now: Duration) -> bool {
        let slow_until = self.slow_until.lock().expect("no holder panics");
        slow_until.get(&id).is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use futures::FutureExt;

    use super::*;

    fn connection(number: u128) -> ConnectionId {
        ConnectionId::new(DateTime::UNIX_EPOCH, number)
    }

    #[test]
    fn one_connection_has_half_of_the_room_and_the_others_the_rest() {
        let room = Room::new(5);
        let enter = |number| room.enter(connection(number)).now_or_never();
        let held: Vec<_> = (0..3).map(|_| enter(1).unwrap()).collect();
        assert!(enter(1).is_none(), "the stalled one has its half");
        let others = [enter(2).unwrap(), enter(3).unwrap()];
        assert!(enter(4).is_none() && room.is_full(), "the room is full");
        drop(others);
        assert!(!room.is_full());
        assert!(enter(4).is_some());
        drop(held);
        assert!(enter(1).is_some());
    }

    #[test]
    fn a_slow_connection_is_passed_over_for_a_while() {
        let room = Room::new(2);
        let began = Duration::from_secs(100);
        room.was_slow(connection(1), began);
        // seconds after => whether it is passed over
        for (after, expected) in [(0, true), (9, true), (10, false)] {
            let now = began + Duration::from_secs(after);
            assert_eq!(room.is_slow(connection(1), now), expected, "{after}");
            assert!(!room.is_slow(connection(2), now));
        }
    }
}
