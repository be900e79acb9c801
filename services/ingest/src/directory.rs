//! Whose deliveries are taken, kept in memory: a delivery that is taken causes no store access of its own.
//!
//! The signal of a change made in another process comes a little later than the change. So nobody is
//! sent away by what is remembered: before a delivery is answered with "unknown" or "disabled", the
//! store is asked, by a few at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use connector::{Catalogue, Mapper, Receiver};
use event_model::{Connection, ConnectionId, Feed, Lifecycle, PageRequest};
use ports::{Changes, ConnectionFilter, ConnectionStore, StoreError, WebhookSecretStore};
use thiserror::Error;
use tokio::sync::{Mutex, RwLock, Semaphore};

const PAGE: u32 = 500;
/// Connections that are not known to be open, looked up at a time. Strangers can ask for as many as they like.
const LOOKS_AT_ONCE_MAX: usize = 4;

/// What the directory reads.
pub struct DirectoryPorts {
    /// The connections.
    pub connections: Arc<dyn ConnectionStore>,
    /// Their webhook secrets.
    pub secrets: Arc<dyn WebhookSecretStore>,
    /// The services.
    pub catalogue: Arc<Catalogue>,
}

/// How a connection's deliveries are met.
pub(crate) enum Standing {
    /// Taken.
    Open(Box<Open>),
    /// The feed is being set up: questions are answered, deliveries are to come again in a moment.
    Opening(Box<Open>),
    /// The same, of a service that does not deliver.
    NotYet,
    /// Disabled: for good.
    Gone,
    /// Known, but it has no push feed.
    NoPush,
}

/// What it takes to receive a connection's deliveries.
pub(crate) struct Open {
    pub(crate) receiver: Receiver,
    pub(crate) mapper: Mapper,
}

/// Why it cannot be said now how a connection stands.
#[derive(Debug, Error)]
pub(crate) enum FindError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("too many connections are being looked up")]
    Busy,
}

pub(crate) struct Entry {
    pub(crate) connection: Connection,
    pub(crate) standing: Standing,
}

/// The connections by id, as of the last change.
pub struct Directory {
    ports: DirectoryPorts,
    entries: RwLock<HashMap<ConnectionId, Arc<Entry>>>,
    reading: Mutex<()>,
    looks: Semaphore,
    generation: Changes,
    seen: AtomicU64,
}

impl Directory {
    /// An empty directory, read at the first lookup.
    pub fn new(ports: DirectoryPorts) -> Self {
        let generation = ports.connections.changes();
        Directory {
            ports,
            entries: RwLock::default(),
            reading: Mutex::new(()),
            looks: Semaphore::new(LOOKS_AT_ONCE_MAX),
            generation,
            seen: AtomicU64::new(u64::MAX),
        }
    }

    /// The connection. One that is open stands as it did at the last signal; of any other the store
    /// was asked.
    pub(crate) async fn find(
        &self,
        id: ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<Entry>>, FindError> {
        if self.is_stale() {
            self.read_again(now).await?;
        }
        let known = self.entries.read().await.get(&id).cloned();
        match known {
            Some(entry) if matches!(entry.standing, Standing::Open(_)) => Ok(Some(entry)),
            _ => self.look(id, now).await,
        }
    }

    /// Asks the store for one connection.
    async fn look(
        &self,
        id: ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<Entry>>, FindError> {
        let _look = self.looks.try_acquire().map_err(|_| FindError::Busy)?;
        let Some(connection) = self.ports.connections.get(id).await? else {
            return Ok(None);
        };
        let entry = self.entry(connection, now).await?;
        let mut entries = self.entries.write().await;
        let newer = |known: &Arc<Entry>| known.connection.revision > entry.connection.revision;
        match entries.get(&id).filter(|known| newer(known)) {
            Some(known) => Ok(Some(Arc::clone(known))),
            None => {
                entries.insert(id, Arc::clone(&entry));
                Ok(Some(entry))
            }
        }
    }

    fn is_stale(&self) -> bool {
        let seen = self.seen.load(Ordering::Acquire);
        seen != *self.generation.borrow()
    }

    /// One reader at a time; who waited finds it done.
    async fn read_again(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let _alone = self.reading.lock().await;
        if !self.is_stale() {
            return Ok(());
        }
        // INVARIANT: the generation is taken before the store is read, so that a change made while
        // reading leaves the directory stale.
        let generation = *self.generation.borrow();
        let mut fresh = HashMap::new();
        let mut request = PageRequest::first(PAGE);
        loop {
            let page = self
                .ports
                .connections
                .page(&ConnectionFilter::default(), &request)
                .await?;
            for connection in page.items {
                let entry = self.entry(connection, now).await?;
                fresh.insert(entry.connection.id, entry);
            }
            match page.next {
                Some(next) => request = PageRequest::after(next, PAGE),
                None => break,
            }
        }
        *self.entries.write().await = fresh;
        self.seen.store(generation, Ordering::Release);
        Ok(())
    }

    async fn entry(
        &self,
        connection: Connection,
        now: DateTime<Utc>,
    ) -> Result<Arc<Entry>, StoreError> {
        let known = self.entries.read().await.get(&connection.id).cloned();
        if let Some(known) = known.filter(|known| known.connection.revision == connection.revision)
        {
            return Ok(known);
        }
        let standing = match &connection.lifecycle {
            Lifecycle::Enabled {
                feed: Feed::Push { .. },
                ..
            }
            | Lifecycle::NeedsConsent {
                kept: Some(Feed::Push { .. }),
                ..
            } => self.open(&connection, now).await?,
            Lifecycle::Enabling { .. } => match self.open(&connection, now).await? {
                Standing::Open(open) => Standing::Opening(open),
                _ => Standing::NotYet,
            },
            Lifecycle::Disabled { .. } => Standing::Gone,
            Lifecycle::Enabled { .. }
            | Lifecycle::NeedsConsent { .. }
            | Lifecycle::AwaitingConsent { .. }
            | Lifecycle::Authorized { .. } => Standing::NoPush,
        };
        Ok(Arc::new(Entry {
            connection,
            standing,
        }))
    }

    async fn open(
        &self,
        connection: &Connection,
        now: DateTime<Utc>,
    ) -> Result<Standing, StoreError> {
        let Some(connector) = self.ports.catalogue.get(&connection.service) else {
            return Ok(Standing::NoPush);
        };
        let mut secrets = self.ports.secrets.webhook_secrets(connection.id).await?;
        secrets.retain(|secret| secret.not_after.is_none_or(|end| end > now));
        Ok(match connector.receiver(connection, &secrets) {
            Some(receiver) => {
                let mapper = connector.mapper(connection);
                Standing::Open(Box::new(Open { receiver, mapper }))
            }
            None => Standing::NoPush,
        })
    }
}
