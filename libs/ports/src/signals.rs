//! What a delivery sets going besides its events: a pull at once, and care for the webhook itself.
//!
//! The one who receives deliveries only says so; it does not wait, and nothing depends on it: what is
//! said here is lost when the process dies, and the pull's own rhythm and the regular look at the webhook
//! make up for it. So it is kept in memory, each thing once however often it is said. Of several processes
//! each hears what any of them said; a store of many processes carries it.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use event_model::ConnectionId;
use tokio::sync::watch;

use crate::Changes;

/// Most things waiting to be taken; beyond it what is said is dropped, and found by the regular look.
const WAITING_MAX: usize = 100_000;

/// What a delivery told about its webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookNote {
    /// The first delivery was proved.
    Delivered,
    /// The service is about to end it.
    Renew,
    /// The service dropped it.
    Register,
    /// The grant may no longer be taken.
    Check,
}

impl WebhookNote {
    /// Every note.
    pub const ALL: [WebhookNote; 4] = [
        WebhookNote::Delivered,
        WebhookNote::Renew,
        WebhookNote::Register,
        WebhookNote::Check,
    ];

    /// Its word, by which processes tell it each other.
    pub const fn word(self) -> &'static str {
        match self {
            WebhookNote::Delivered => "delivered",
            WebhookNote::Renew => "renew",
            WebhookNote::Register => "register",
            WebhookNote::Check => "check",
        }
    }
}

/// Both ways of saying, of one process.
#[derive(Clone)]
pub struct Signals {
    /// Pulls that are wanted.
    pub pulls: Arc<dyn PullSignals>,
    /// What webhooks need.
    pub notes: Arc<dyn WebhookNotes>,
}

impl Signals {
    /// Those of a process that is alone.
    pub fn local() -> Self {
        Signals {
            pulls: Arc::new(LocalSignals::default()),
            notes: Arc::new(LocalSignals::default()),
        }
    }
}

/// Asks for pulls at once.
pub trait PullSignals: Send + Sync {
    /// Something new is there.
    fn ask(&self, connection: ConnectionId);

    /// Signals that something was asked.
    fn asked(&self) -> Changes;

    /// Takes what was asked since the last time.
    fn take_asked(&self) -> Vec<ConnectionId>;
}

/// Tells of webhooks.
pub trait WebhookNotes: Send + Sync {
    /// Says so.
    fn note(&self, connection: ConnectionId, note: WebhookNote);

    /// Signals that something was said.
    fn noted(&self) -> Changes;

    /// Takes what was said since the last time.
    fn take_noted(&self) -> Vec<(ConnectionId, WebhookNote)>;
}

/// Things said within one process, each once until it is taken.
pub struct LocalSignals<T> {
    waiting: Mutex<HashSet<T>>,
    changed: watch::Sender<u64>,
}

impl<T> Default for LocalSignals<T> {
    fn default() -> Self {
        LocalSignals {
            waiting: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }
}

impl<T: Eq + Hash> LocalSignals<T> {
    fn say(&self, what: T) {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        if waiting.len() >= WAITING_MAX || !waiting.insert(what) {
            return;
        }
        drop(waiting);
        self.changed.send_modify(|count| *count += 1);
    }

    fn take(&self) -> Vec<T> {
        self.waiting
            .lock()
            .expect("no holder panics")
            .drain()
            .collect()
    }
}

impl PullSignals for LocalSignals<ConnectionId> {
    fn ask(&self, connection: ConnectionId) {
        self.say(connection);
    }

    fn asked(&self) -> Changes {
        self.changed.subscribe()
    }

    fn take_asked(&self) -> Vec<ConnectionId> {
        self.take()
    }
}

impl WebhookNotes for LocalSignals<(ConnectionId, WebhookNote)> {
    fn note(&self, connection: ConnectionId, note: WebhookNote) {
        self.say((connection, note));
    }

    fn noted(&self) -> Changes {
        self.changed.subscribe()
    }

    fn take_noted(&self) -> Vec<(ConnectionId, WebhookNote)> {
        self.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_often_is_taken_once_and_signalled() {
        let signals = LocalSignals::default();
        let mut changes = signals.asked();
        changes.mark_unchanged();
        let id = |n| ConnectionId::new(chrono::DateTime::UNIX_EPOCH, n);
        for _ in 0..3 {
            signals.ask(id(1));
        }
        signals.ask(id(2));
        assert!(changes.has_changed().unwrap());
        assert_eq!(*changes.borrow_and_update(), 2);
        let mut taken = signals.take_asked();
        taken.sort();
        assert_eq!(taken, [id(1), id(2)]);
        assert_eq!(signals.take_asked(), []);
        signals.ask(id(1));
        assert_eq!(signals.take_asked(), [id(1)]);
    }
}
