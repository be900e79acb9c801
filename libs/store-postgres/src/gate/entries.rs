//! The entries that this process has in the gate, and who is inside under them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_model::ConnectionId;
use ports::{Changes, Clock, GateError, LocalCallGate, Pass};

/// An entry: until when it surely lives, by this process's monotonic clock.
pub(super) struct Entry {
    ticket: i64,
    until: Arc<Until>,
    used_at: Duration,
    closing: bool,
}

/// A moment that all passes of an entry look at; it moves with each renewal.
struct Until(AtomicU64);

impl Until {
    fn set(&self, at: Duration) {
        self.0.store(at.as_micros() as u64, Ordering::Release);
    }

    fn lies_ahead(&self, clock: &dyn Clock) -> bool {
        let until = Duration::from_micros(self.0.load(Ordering::Acquire));
        clock.monotonic() < until
    }
}

impl Entry {
    pub(super) fn new(ticket: i64, until: Duration) -> Self {
        let moment = Until(AtomicU64::new(0));
        moment.set(until);
        Entry {
            ticket,
            until: Arc::new(moment),
            used_at: until,
            closing: false,
        }
    }
}

/// Entries that were taken out.
#[derive(Default)]
pub(super) struct Unused {
    pub(super) connections: Vec<String>,
    pub(super) tickets: Vec<i64>,
    /// Whether one of them was closing.
    pub(super) closing: bool,
}

#[derive(Default)]
pub(super) struct Entries {
    /// Counts who is inside; its own doors are never closed.
    local: LocalCallGate,
    // INVARIANT: whoever enters under an entry is counted as inside before this lock is given back, and
    // an entry is taken out under it only when nobody is.
    entries: Mutex<HashMap<ConnectionId, Entry>>,
    tickets: AtomicI64,
}

impl Entries {
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<ConnectionId, Entry>) -> T) -> T {
        change(&mut self.entries.lock().expect("no holder panics"))
    }

    pub(super) fn next_ticket(&self) -> i64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Enters, if there is an entry that lives and does not close.
    pub(super) fn step_in(
        &self,
        connection: ConnectionId,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Pass>, GateError> {
        self.change(|entries| {
            let usable =
                |entry: &&mut Entry| !entry.closing && entry.until.lies_ahead(clock.as_ref());
            let Some(entry) = entries.get_mut(&connection).filter(usable) else {
                return Ok(None);
            };
            entry.used_at = clock.monotonic();
            let pass = self.local.step_in(connection)?;
            Ok(Some(bound_to(pass, entry, Arc::clone(clock))))
        })
    }

    /// Is counted as inside, without an entry yet.
    pub(super) fn step_in_waiting(&self, connection: ConnectionId) -> Result<Pass, GateError> {
        self.local.step_in(connection)
    }

    /// Keeps the new entry. Passes given out before it go on under it while theirs lived.
    pub(super) fn admit(&self, pass: Pass, entry: Entry, clock: Arc<dyn Clock>) -> Pass {
        let connection = pass.connection();
        self.change(|entries| {
            let before = entries.remove(&connection);
            let mut entry = entry;
            entry.used_at = clock.monotonic();
            if let Some(before) = before.filter(|old| old.until.lies_ahead(clock.as_ref())) {
                let until = entry.until.0.load(Ordering::Acquire);
                before.until.0.fetch_max(until, Ordering::AcqRel);
                entry.until = before.until;
                // Of two made side by side, the row has the ticket of the later.
                entry.ticket = entry.ticket.max(before.ticket);
            }
            let pass = bound_to(pass, &entry, clock);
            entries.insert(connection, entry);
            pass
        })
    }

    /// Lets nobody else in under the connection's entry.
    pub(super) fn close(&self, connection: ConnectionId) {
        self.change(|entries| {
            if let Some(entry) = entries.get_mut(&connection) {
                entry.closing = true;
            }
        });
    }

    pub(super) fn is_any_closing(&self) -> bool {
        self.change(|entries| entries.values().any(|entry| entry.closing))
    }

    /// Signals whoever leaves.
    pub(super) fn left(&self) -> Changes {
        self.local.changes()
    }

    pub(super) fn connections(&self) -> Vec<String> {
        self.change(|entries| entries.keys().map(ConnectionId::to_string).collect())
    }

    /// Every entry: connections and tickets.
    pub(super) fn all(&self) -> (Vec<String>, Vec<i64>) {
        self.change(|entries| {
            let pairs = entries
                .iter()
                .map(|(id, entry)| (id.to_string(), entry.ticket));
            pairs.unzip()
        })
    }

    /// Takes out what nobody is inside of and what closes or was last used before that moment.
    pub(super) fn take_unused(&self, idle_since: Duration) -> Unused {
        self.change(|entries| {
            let mut taken = Unused::default();
            let unused = entries.extract_if(|id, entry| {
                (entry.closing || entry.used_at < idle_since) && self.local.is_free(*id)
            });
            for (id, entry) in unused {
                taken.connections.push(id.to_string());
                taken.tickets.push(entry.ticket);
                taken.closing |= entry.closing;
            }
            taken
        })
    }

    /// Prolongs those that were renewed, and forgets those that were asked for and were not: their rows
    /// are dead. What was made since under another ticket stays as it is.
    pub(super) fn renewed(&self, asked: &[i64], renewed: Vec<(String, i64)>, until: Duration) {
        let asked: HashSet<i64> = asked.iter().copied().collect();
        let renewed: HashSet<(String, i64)> = renewed.into_iter().collect();
        self.change(|entries| {
            entries.retain(|id, entry| {
                let is_renewed = renewed.contains(&(id.to_string(), entry.ticket));
                if is_renewed {
                    entry.until.set(until);
                }
                is_renewed || !asked.contains(&entry.ticket)
            });
        });
    }
}

fn bound_to(pass: Pass, entry: &Entry, clock: Arc<dyn Clock>) -> Pass {
    let until = Arc::clone(&entry.until);
    pass.only_while(move || until.lies_ahead(clock.as_ref()))
}
