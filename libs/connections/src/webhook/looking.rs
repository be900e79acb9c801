//! When a connection's webhook, or its grant, is looked at: what this process remembers of it.

use std::time::Duration;

use event_model::{Connection, ConnectionId};
use ports::WebhookNote;

use crate::Connections;

/// A grant that no person gives is tried again this often.
const GRANT_AGAIN: Duration = Duration::from_secs(60);

/// When a webhook is looked at, by the monotonic clock.
#[derive(Default)]
pub(crate) struct Look {
    /// When the service is next asked what it holds.
    ask_at: Option<Duration>,
    /// Something failed: not before then.
    not_before: Option<Duration>,
}

impl Connections {
    /// Whether the service is to be asked what it holds. The first time is spread over the interval, so
    /// that a start with thousands of connections is no stampede.
    pub(super) fn is_time(&self, id: ConnectionId, every: Option<Duration>) -> bool {
        let Some(every) = every else { return false };
        let now = self.ports.clock.monotonic();
        let spread = || now + every.mul_f64((self.ports.entropy.draw() % 1_000) as f64 / 1_000.0);
        self.with_look(id, |look| *look.ask_at.get_or_insert_with(spread) <= now)
    }

    pub(super) fn ask_again_in(&self, id: ConnectionId, pause: Duration) {
        let at = self.ports.clock.monotonic() + pause;
        self.with_look(id, |look| look.ask_at = Some(at));
    }

    /// Whether something failed a moment ago.
    pub(super) fn is_left_alone(&self, id: ConnectionId) -> bool {
        let now = self.ports.clock.monotonic();
        self.with_look(id, |look| look.not_before.is_some_and(|at| at > now))
    }

    pub(super) fn leave_alone(&self, id: ConnectionId, pause: Duration) {
        let at = self.ports.clock.monotonic() + pause;
        self.with_look(id, |look| look.not_before = Some(at));
    }

    fn with_look<T>(&self, id: ConnectionId, with: impl FnOnce(&mut Look) -> T) -> T {
        let mut looks = self.looks.lock().expect("no holder panics");
        with(looks.entry(id).or_default())
    }

    /// The service is asked at once: consent was given again.
    pub(crate) fn look_soon(&self, id: ConnectionId) {
        self.ask_again_in(id, Duration::ZERO);
        self.ports.notes.note(id, WebhookNote::Check);
    }

    /// A grant that no person gives is asked for again: when the service's administrator has mended it,
    /// nobody need do anything here.
    pub(crate) async fn try_grant_again(&self, connection: &Connection) -> bool {
        let id = connection.id;
        let Ok(connector) = self.connector(connection) else {
            return false;
        };
        if connector.needs_consent(connection) || self.is_left_alone(id) {
            return false;
        }
        self.leave_alone(id, GRANT_AGAIN);
        let Ok(health) = self.check_health(id).await else {
            return false;
        };
        if !health.ok {
            return false;
        }
        let now = self.ports.clock.now();
        let stepped = self.step(id, |lifecycle| lifecycle.consented(now)).await;
        stepped.is_ok() && self.ports.gate.open(id).await.is_ok()
    }
}
