//! Disabled means disabled: calls to a service pass a gate that can be closed and waited upon.
//!
//! With several processes the same holds by leases: a process that may have calls under way for a
//! connection has an entry that it must renew, and closing waits until every entry was given back or
//! ran out. Limit: a process that is frozen in the middle of a call for longer than its entry lasts is
//! not waited for; when it wakes, the call that it was in may still end, and [`Pass::holds`] keeps it
//! from beginning another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use event_model::ConnectionId;
use thiserror::Error;
use tokio::sync::watch;

use crate::{Changes, StoreError};

/// Why a call is not let through.
#[derive(Debug, Error)]
pub enum GateError {
    /// Calls on behalf of the connection are not let through.
    #[error("the connection `{0}` is closed for calls")]
    Closed(ConnectionId),
    /// It cannot be known now whether they are.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Proof that a call to the service may be made; dropping it ends the call.
pub struct Pass {
    connection: ConnectionId,
    doors: Arc<Doors>,
    term: Option<Box<dyn Fn() -> bool + Send + Sync>>,
}

impl Pass {
    /// For which connection.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Whether closing the gate still waits for this pass. Who makes several calls under one pass, or
    /// waits long, asks before each call that changes something.
    pub fn holds(&self) -> bool {
        self.term.as_ref().is_none_or(|holds| holds())
    }

    /// A pass that holds only as long as this says so.
    pub fn only_while(mut self, holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.term = Some(Box::new(holds));
        self
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
    /// While the gate is closed for that connection, or when that cannot be known.
    async fn enter(&self, connection: ConnectionId) -> Result<Pass, GateError>;

    /// Closes the gate and returns when nobody is inside any more.
    ///
    /// # Errors
    /// When the store fails: somebody may still be inside. Close it again.
    async fn close(&self, connection: ConnectionId) -> Result<(), StoreError>;

    /// Opens it again.
    ///
    /// # Errors
    /// When the store fails: it may still be closed.
    async fn open(&self, connection: ConnectionId) -> Result<(), StoreError>;
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

/// For gates of several processes: what each does within itself.
impl LocalCallGate {
    /// Enters at once.
    ///
    /// # Errors
    /// While the gate is closed for that connection.
    pub fn step_in(&self, connection: ConnectionId) -> Result<Pass, GateError> {
        self.0.change(connection, |door| {
            if door.closed {
                return Err(GateError::Closed(connection));
            }
            door.inside += 1;
            Ok(())
        })?;
        Ok(Pass {
            connection,
            doors: Arc::clone(&self.0),
            term: None,
        })
    }

    /// Whether nobody is inside.
    pub fn is_free(&self, connection: ConnectionId) -> bool {
        self.0.is_free(connection)
    }

    /// Signals whoever enters or leaves.
    pub fn changes(&self) -> Changes {
        self.0.changed.subscribe()
    }
}

impl Default for LocalCallGate {
    fn default() -> Self {
        LocalCallGate::new()
    }
}

#[async_trait]
impl CallGate for LocalCallGate {
    async fn enter(&self, connection: ConnectionId) -> Result<Pass, GateError> {
        self.step_in(connection)
    }

    async fn close(&self, connection: ConnectionId) -> Result<(), StoreError> {
        let mut changed = self.changes();
        self.0.change(connection, |door| door.closed = true);
        // The gate outlives this wait, so its signal does not end.
        let _ = changed.wait_for(|_| self.is_free(connection)).await;
        Ok(())
    }

    async fn open(&self, connection: ConnectionId) -> Result<(), StoreError> {
        self.0.change(connection, |door| door.closed = false);
        Ok(())
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

    #[tokio::test]
    async fn the_gate_of_one_process_holds_the_contract() {
        crate::contract::gate::all(&async || {
            let gate: Arc<dyn CallGate> = Arc::new(LocalCallGate::new());
            [Arc::clone(&gate), gate]
        })
        .await;
    }
}
