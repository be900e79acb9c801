//! Disabled means disabled: calls to a service pass a gate that can be closed and waited upon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use event_model::ConnectionId;
use thiserror::Error;
use tokio::sync::watch;

/// Calls on behalf of the connection are not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the connection `{0}` is closed for calls")]
pub struct GateClosed(pub ConnectionId);

/// Proof that a call to the service may be made; dropping it ends the call.
pub struct Pass {
    connection: ConnectionId,
    doors: Arc<Doors>,
}

impl Pass {
    /// For which connection.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.doors.change(self.connection, |door| door.inside -= 1);
    }
}

/// Lets calls to services through, and can stop them for one connection.
///
/// The order that makes it safe: a role enters first and *then* reads the connection's state; who
/// disables writes the state first and *then* closes the gate.
#[async_trait]
pub trait CallGate: Send + Sync {
    /// Enters.
    ///
    /// # Errors
    /// While the gate is closed for that connection.
    async fn enter(&self, connection: ConnectionId) -> Result<Pass, GateClosed>;

    /// Closes the gate and returns when nobody is inside any more.
    async fn close(&self, connection: ConnectionId);

    /// Opens it again.
    async fn open(&self, connection: ConnectionId);
}

#[derive(Clone, Copy, Default)]
struct Door {
    inside: usize,
    closed: bool,
}

struct Doors {
    doors: Mutex<HashMap<ConnectionId, Door>>,
    changed: watch::Sender<u64>,
}

impl Doors {
    fn change<T>(&self, connection: ConnectionId, change: impl FnOnce(&mut Door) -> T) -> T {
        let mut doors = self.doors.lock().expect("no holder panics");
        let door = doors.entry(connection).or_default();
        let result = change(door);
        // An open door with nobody inside is the default: it need not be remembered.
        if door.inside == 0 && !door.closed {
            doors.remove(&connection);
        }
        drop(doors);
        self.changed.send_modify(|count| *count += 1);
        result
    }
}

/// The gate of one process.
pub struct LocalCallGate(Arc<Doors>);

impl LocalCallGate {
    /// Everything open.
    pub fn new() -> Self {
        LocalCallGate(Arc::new(Doors {
            doors: Mutex::new(HashMap::new()),
            changed: watch::Sender::new(0),
        }))
    }
}

impl Default for LocalCallGate {
    fn default() -> Self {
        LocalCallGate::new()
    }
}

#[async_trait]
impl CallGate for LocalCallGate {
    async fn enter(&self, connection: ConnectionId) -> Result<Pass, GateClosed> {
        self.0.change(connection, |door| {
            if door.closed {
                return Err(GateClosed(connection));
            }
            door.inside += 1;
            Ok(())
        })?;
        Ok(Pass {
            connection,
            doors: Arc::clone(&self.0),
        })
    }

    async fn close(&self, connection: ConnectionId) {
        let mut changed = self.0.changed.subscribe();
        self.0.change(connection, |door| door.closed = true);
        loop {
            changed.borrow_and_update();
            if self.0.is_free(connection) {
                return;
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    async fn open(&self, connection: ConnectionId) {
        self.0.change(connection, |door| door.closed = false);
    }
}

impl Doors {
    /// Whether nobody is inside.
    fn is_free(&self, connection: ConnectionId) -> bool {
        let doors = self.doors.lock().expect("no holder panics");
        doors.get(&connection).is_none_or(|door| door.inside == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn connection() -> ConnectionId {
        ConnectionId::new(chrono::DateTime::UNIX_EPOCH, 1)
    }

    #[tokio::test]
    async fn closing_waits_for_who_is_inside_and_lets_nobody_else_in() {
        let gate = Arc::new(LocalCallGate::new());
        let pass = gate.enter(connection()).await.unwrap();
        let closing = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.close(connection()).await }
        });
        while gate.enter(connection()).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!closing.is_finished(), "someone is still inside");
        drop(pass);
        tokio::time::timeout(Duration::from_secs(5), closing)
            .await
            .unwrap()
            .unwrap();
        gate.open(connection()).await;
        assert!(gate.enter(connection()).await.is_ok());
    }

    #[tokio::test]
    async fn another_connection_is_not_stopped() {
        let gate = LocalCallGate::new();
        gate.close(connection()).await;
        assert!(
            gate.enter(ConnectionId::new(chrono::DateTime::UNIX_EPOCH, 2))
                .await
                .is_ok()
        );
    }
}
