//! The vault on a local socket. A connection is a process; each of its requests is judged anew, so a policy
//! that changes, or a process that becomes another, holds from the next request on. Nobody waits for a slow
//! client: one that begins a frame ends it soon, or is cut off.

mod asked;
mod connection;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use ports::{Clock, VaultIndex};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use vault::Vault;

use crate::guarding::Guard;
use crate::witness::Peer;

/// Most connections at a time; more wait until one ends.
pub const CONNECTIONS_MAX: usize = 256;
/// Most connections of one user at a time; more are refused.
const CONNECTIONS_OF_USER_MAX: usize = 64;
/// Most items that a connection has open at a time.
pub const HANDLES_MAX: usize = 16;
/// How long accepting rests after it failed: there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);

/// Serves the vault's items.
pub struct Door {
    guard: Arc<Guard>,
    vault: Vault,
    index: Arc<dyn VaultIndex>,
    clock: Arc<dyn Clock>,
    keep: Option<TimeDelta>,
    of_user: Mutex<HashMap<u32, usize>>,
}

/// A user's place at the door; given back when dropped.
struct Place {
    door: Arc<Door>,
    uid: u32,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_user = self.door.of_user.lock().expect("no holder panics");
        if let Some(count) = of_user.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                of_user.remove(&self.uid);
            }
        }
    }
}

impl Door {
    /// Of that vault and its index; what comes in is kept at least so long.
    pub fn new(
        guard: Arc<Guard>,
        vault: Vault,
        index: Arc<dyn VaultIndex>,
        clock: Arc<dyn Clock>,
        keep: Option<TimeDelta>,
    ) -> Self {
        Door {
            guard,
            vault,
            index,
            clock,
            keep,
            of_user: Mutex::default(),
        }
    }

    /// Serves whoever connects until `stop` ends; then what is under way is given up.
    pub async fn serve(self: Arc<Self>, listener: UnixListener, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            while connections.try_join_next().is_some() {}
            let place = Arc::clone(&places).acquire_owned();
            let accepted = async {
                let place = place.await.expect("the semaphore is never closed");
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let door = Arc::clone(&self);
                    connections.spawn(async move {
                        door.one(stream).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "the socket accepts nobody");
                    tokio::time::sleep(REST).await;
                }
            }
        }
        connections.shutdown().await;
    }

    async fn one(self: Arc<Self>, stream: UnixStream) {
        // At once, while the process that connected is there.
        let peer = match Peer::of(&stream) {
            Ok(peer) => peer,
            Err(unknown) => {
                tracing::info!(%unknown, "a connection is refused");
                return;
            }
        };
        let Some(place) = self.place(peer.uid()) else {
            tracing::warn!(uid = peer.uid(), "a user has too many connections");
            return;
        };
        connection::serve(Arc::clone(&self), stream, peer).await;
        drop(place);
    }

    fn place(self: &Arc<Self>, uid: u32) -> Option<Place> {
        let mut of_user = self.of_user.lock().expect("no holder panics");
        let count = of_user.entry(uid).or_default();
        if *count >= CONNECTIONS_OF_USER_MAX {
            return None;
        }
        *count += 1;
        let door = Arc::clone(self);
        Some(Place { door, uid })
    }
}
