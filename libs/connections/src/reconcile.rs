//! What a crash or an unreachable service left half done is finished here.

use chrono::TimeDelta;
use event_model::{Connection, ConnectionId, Feed, Lifecycle, PageRequest};
use ports::{AdminError, ConnectionFilter, WebhookNote};

use crate::Connections;

/// An enabling that has not ended after this long was interrupted: a health check, a first page and
/// a registration take less.
const ENABLING_SECONDS_MAX: i64 = 60;
const PAGE: u32 = 200;

impl Connections {
    /// Finishes interrupted enablings, looks after webhooks (renews them, registers them again that the
    /// service dropped), deregisters left-over ones. Takes no input, can run at
    /// any time, and does not retry inside: the next call is the retry. Gives the number of
    /// connections that it changed.
    ///
    /// # Errors
    /// When the store fails. A service that fails is logged, and tried again the next time.
    pub async fn reconcile(&self) -> Result<usize, AdminError> {
        let notes = self.take_notes().await;
        let mut changed = 0;
        for state in ["enabling", "enabled", "needs_consent", "disabled"] {
            let filter = ConnectionFilter {
                state: Some(state.into()),
                ..Default::default()
            };
            let mut request = PageRequest::first(PAGE);
            loop {
                let page = self.ports.connections.page(&filter, &request).await?;
                for connection in &page.items {
                    let noted = notes.get(&connection.id).map(Vec::as_slice);
                    let noted = noted.unwrap_or_default();
                    changed += usize::from(self.finish(connection, noted).await);
                }
                match page.next {
                    Some(next) => request = PageRequest::after(next, PAGE),
                    None => break,
                }
            }
        }
        Ok(changed)
    }

    /// Closes the gate of every disabled connection: after a start, those of one process stand open, and
    /// a process may have died between writing the state and closing the gate.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn close_gates_of_disabled(&self) -> Result<(), AdminError> {
        let filter = ConnectionFilter {
            state: Some("disabled".into()),
            ..Default::default()
        };
        let mut request = PageRequest::first(PAGE);
        loop {
            let page = self.ports.connections.page(&filter, &request).await?;
            for connection in &page.items {
                self.close_gate(connection.id).await?;
            }
            match page.next {
                Some(next) => request = PageRequest::after(next, PAGE),
                None => return Ok(()),
            }
        }
    }

    /// Another process may enable the connection meanwhile and open its gate: then it is opened again.
    /// An open gate before a disabled connection is safe, for who enters looks at the state.
    async fn close_gate(&self, id: ConnectionId) -> Result<(), AdminError> {
        self.ports.gate.close(id).await?;
        let now = self.ports.connections.get(id).await?;
        if now.is_some_and(|connection| connection.lifecycle.word() != "disabled") {
            self.ports.gate.open(id).await?;
        }
        Ok(())
    }

    async fn finish(&self, connection: &Connection, noted: &[WebhookNote]) -> bool {
        let done = match &connection.lifecycle {
            Lifecycle::Enabling { choice, since } if self.is_stale(*since) => {
                self.set_up(connection.id, *choice).await.map(|_| ())
            }
            Lifecycle::Disabled {
                leftover: Some(registration),
                ..
            } => self.deregister(connection, registration).await.map(|_| ()),
            Lifecycle::Enabled {
                feed: Feed::Push { registration },
                ..
            } => return self.look_after(connection, registration, noted).await,
            Lifecycle::NeedsConsent { .. } => return self.try_grant_again(connection).await,
            _ => return false,
        };
        match done {
            Ok(()) => {
                tracing::info!(connection.id = %connection.id, "finished what was left half done");
                true
            }
            Err(error) => {
                let state = connection.lifecycle.word();
                tracing::warn!(connection.id = %connection.id, state, error = %error, "could not finish what was left half done");
                false
            }
        }
    }

    fn is_stale(&self, since: chrono::DateTime<chrono::Utc>) -> bool {
        self.ports.clock.now() - since > TimeDelta::seconds(ENABLING_SECONDS_MAX)
    }
}
