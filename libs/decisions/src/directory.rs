//! Which connection an attempt belongs to, from memory: a decision causes no store access of its own.
//!
//! A connection counts in whatever state it is: a decision needs no grant, and one that only asks is never enabled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use event_model::{ConnectionId, PAGE_ITEMS_MAX, PageRequest};
use ports::{Changes, ConnectionFilter, ConnectionStore, StoreError};

/// Most connections kept in memory.
const CONNECTIONS_MAX: usize = 100_000;

/// Where an attempt is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) connection: ConnectionId,
    pub(crate) service: Arc<str>,
}

/// Why there is no such place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// No connection of that id.
    Connection(ConnectionId),
    /// No connection of that service.
    Service(String),
    /// More than one connection of that service, and how many.
    Ambiguous(String, usize),
}

#[derive(Default)]
struct Known {
    by_id: HashMap<ConnectionId, Arc<str>>,
    by_service: HashMap<Arc<str>, Vec<ConnectionId>>,
}

pub(crate) struct Directory {
    store: Arc<dyn ConnectionStore>,
    changes: Changes,
    known: Mutex<Option<(u64, Arc<Known>)>>,
}

impl Directory {
    pub(crate) fn new(store: Arc<dyn ConnectionStore>) -> Self {
        let changes = store.changes();
        Directory {
            store,
            changes,
            known: Mutex::new(None),
        }
    }

    /// The connection of that id.
    pub(crate) async fn of_id(
        &self,
        id: ConnectionId,
    ) -> Result<Result<Place, NoPlace>, StoreError> {
        let place = |service: &Arc<str>| Place {
            connection: id,
            service: Arc::clone(service),
        };
        if let Some(service) = self.known().await?.by_id.get(&id) {
            return Ok(Ok(place(service)));
        }
        // The signal of a connection made in another process may come later than the connection.
        let found = self.store.get(id).await?;
        let service = found.map(|connection| Arc::from(connection.service.as_str()));
        Ok(service.as_ref().map(place).ok_or(NoPlace::Connection(id)))
    }

    /// The one connection of that service.
    pub(crate) async fn of_service(
        &self,
        service: &str,
    ) -> Result<Result<Place, NoPlace>, StoreError> {
        let known = self.known().await?;
        let found = known.by_service.get_key_value(service);
        Ok(match found {
            None => Err(NoPlace::Service(service.to_owned())),
            Some((name, ids)) => match ids.as_slice() {
                [one] => Ok(Place {
                    connection: *one,
                    service: Arc::clone(name),
                }),
                many => Err(NoPlace::Ambiguous(service.to_owned(), many.len())),
            },
        })
    }

    async fn known(&self) -> Result<Arc<Known>, StoreError> {
        // INVARIANT: the generation is taken before the store is read, so that a change made
        // while reading leaves the directory stale.
        let generation = *self.changes.borrow();
        if let Some((seen, known)) = self.known.lock().expect("no holder panics").as_ref()
            && *seen == generation
        {
            return Ok(Arc::clone(known));
        }
        let known = Arc::new(self.read().await?);
        *self.known.lock().expect("no holder panics") = Some((generation, Arc::clone(&known)));
        Ok(known)
    }

    async fn read(&self) -> Result<Known, StoreError> {
        let mut known = Known::default();
        let mut request = PageRequest::first(PAGE_ITEMS_MAX);
        while known.by_id.len() < CONNECTIONS_MAX {
            let filter = ConnectionFilter::default();
            let page = self.store.page(&filter, &request).await?;
            for connection in page.items {
                let service: Arc<str> = connection.service.as_str().into();
                known.by_id.insert(connection.id, Arc::clone(&service));
                known
                    .by_service
                    .entry(service)
                    .or_default()
                    .push(connection.id);
            }
            match page.next {
                Some(next) => request = PageRequest::after(next, PAGE_ITEMS_MAX),
                None => break,
            }
        }
        Ok(known)
    }
}
