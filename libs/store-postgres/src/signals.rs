//! What a delivery sets going, told to every process by NOTIFY.
//!
//! Saying does not wait: what is said is heard in this process at once, gathered for a moment, each thing
//! once, and then told to the others in one statement. What cannot be told because the database is away is
//! dropped, as [`ports::Signals`] allows: rhythms make up for it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_model::ConnectionId;
use ports::{Changes, LocalSignals, PullSignals, Signals, WebhookNote, WebhookNotes};
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinHandle;

use crate::PostgresStore;

/// Where it is told, apart from what changed.
pub(crate) const CHANNEL: &str = "tidegate_signals";
/// How long what is said is gathered before it is told.
const GATHERED: Duration = Duration::from_millis(50);
/// Most things gathered; what is said beyond is heard in this process only.
const GATHERED_MAX: usize = 10_000;
/// The word for a pull that is wanted.
const PULL: &str = "pull";

/// The signals of one process among many.
pub struct PostgresSignals {
    inner: Arc<Inner>,
    tasks: [JoinHandle<()>; 2],
}

struct Inner {
    store: Arc<PostgresStore>,
    holder: String,
    pulls: LocalSignals<ConnectionId>,
    notes: LocalSignals<(ConnectionId, WebhookNote)>,
    untold: Mutex<HashSet<Said>>,
    wake: Notify,
}

/// One thing said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Said {
    Pull(ConnectionId),
    Note(ConnectionId, WebhookNote),
}

impl Said {
    /// `HOLDER WORD CONNECTION`.
    fn told_by(self, holder: &str) -> String {
        match self {
            Said::Pull(id) => format!("{holder} {PULL} {id}"),
            Said::Note(id, note) => format!("{holder} {} {id}", note.word()),
        }
    }

    /// What another than `holder` told; none for what is its own, or not to be understood.
    fn by_another(told: &str, holder: &str) -> Option<Self> {
        let mut words = told.split(' ');
        let (by, word, id) = (words.next()?, words.next()?, words.next()?);
        if by == holder {
            return None;
        }
        let id = id.parse().ok()?;
        if word == PULL {
            return Some(Said::Pull(id));
        }
        let note = WebhookNote::ALL
            .into_iter()
            .find(|note| note.word() == word);
        note.map(|note| Said::Note(id, note))
    }
}

impl PostgresSignals {
    /// The signals of the process that `holder` names, a word by which nobody else goes.
    pub fn new(store: Arc<PostgresStore>, holder: &str) -> Self {
        let told = store.watch.told();
        let inner = Arc::new(Inner {
            store,
            holder: holder.to_owned(),
            pulls: LocalSignals::default(),
            notes: LocalSignals::default(),
            untold: Mutex::default(),
            wake: Notify::new(),
        });
        let tasks = [
            tokio::spawn(tell(Arc::clone(&inner))),
            tokio::spawn(hear(Arc::clone(&inner), told)),
        ];
        PostgresSignals { inner, tasks }
    }

    /// Both ways of saying.
    pub fn both(self) -> Signals {
        let signals = Arc::new(self);
        Signals {
            pulls: Arc::clone(&signals) as Arc<dyn PullSignals>,
            notes: signals,
        }
    }
}

impl Drop for PostgresSignals {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Inner {
    fn say(&self, said: Said) {
        self.hear(said);
        let mut untold = self.untold.lock().expect("no holder panics");
        if untold.len() < GATHERED_MAX && untold.insert(said) {
            drop(untold);
            self.wake.notify_one();
        }
    }

    fn hear(&self, said: Said) {
        match said {
            Said::Pull(id) => self.pulls.ask(id),
            Said::Note(id, note) => self.notes.note(id, note),
        }
    }
}

async fn tell(inner: Arc<Inner>) {
    loop {
        inner.wake.notified().await;
        tokio::time::sleep(GATHERED).await;
        let untold = std::mem::take(&mut *inner.untold.lock().expect("no holder panics"));
        let told: Vec<String> = untold
            .into_iter()
            .map(|said| said.told_by(&inner.holder))
            .collect();
        let telling = sqlx::query("SELECT pg_notify($1, told) FROM unnest($2::text[]) AS told")
            .bind(CHANNEL)
            .bind(told)
            .execute(&inner.store.pool);
        if let Err(error) = telling.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the other processes were not told of deliveries");
        }
    }
}

async fn hear(inner: Arc<Inner>, mut told: broadcast::Receiver<String>) {
    loop {
        match told.recv().await {
            Ok(told) => {
                if let Some(said) = Said::by_another(&told, &inner.holder) {
                    inner.hear(said);
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "what other processes told came too fast");
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

impl PullSignals for PostgresSignals {
    fn ask(&self, connection: ConnectionId) {
        self.inner.say(Said::Pull(connection));
    }

    fn asked(&self) -> Changes {
        self.inner.pulls.asked()
    }

    fn take_asked(&self) -> Vec<ConnectionId> {
        self.inner.pulls.take_asked()
    }
}

impl WebhookNotes for PostgresSignals {
    fn note(&self, connection: ConnectionId, note: WebhookNote) {
        self.inner.say(Said::Note(connection, note));
    }

    fn noted(&self) -> Changes {
        self.inner.notes.noted()
    }

    fn take_noted(&self) -> Vec<(ConnectionId, WebhookNote)> {
        self.inner.notes.take_noted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_told_is_understood_and_all_else_is_passed_over() {
        let id = ConnectionId::new(chrono::DateTime::UNIX_EPOCH, 7);
        let notes = WebhookNote::ALL.map(|note| Said::Note(id, note));
        for said in notes.into_iter().chain([Said::Pull(id)]) {
            let told = said.told_by("a1");
            assert_eq!(Said::by_another(&told, "b2"), Some(said), "{told}");
            assert_eq!(Said::by_another(&told, "a1"), None, "{told}");
        }
        let odd = [
            "",
            "a1",
            "a1 pull",
            "a1 pull nobody",
            &format!("a1 else {id}"),
        ];
        for told in odd {
            assert_eq!(Said::by_another(told, "b2"), None, "{told}");
        }
    }
}
