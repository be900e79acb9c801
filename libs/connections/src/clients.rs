//! One client a connection, kept ready: all share throttling and budget, and some go gently.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use connector::{Catalogue, Egress, ServiceClient};
use event_model::{Connection, ConnectionId};
use ports::{AdminError, Clock};

use crate::keeper::TokenKeeper;

/// Most clients kept ready at a time; beyond it the cache is begun anew.
const CLIENTS_KEPT_MAX: usize = 20_000;

/// Service clients by connection, with tokens kept for them.
pub struct Clients {
    catalogue: Arc<Catalogue>,
    egress: Egress,
    keeper: Arc<TokenKeeper>,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<ConnectionId, (u64, ServiceClient)>>,
    /// So much of each service's budget is used at most, in percent; all of it when absent.
    gentle: Option<u8>,
}

impl Clients {
    /// No client yet.
    pub fn new(
        catalogue: Arc<Catalogue>,
        egress: Egress,
        keeper: Arc<TokenKeeper>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Clients {
            catalogue,
            egress,
            keeper,
            clock,
            kept: Mutex::default(),
            gentle: None,
        }
    }

    /// The same clients for work that may wait: see [`ServiceClient::gently`].
    pub fn gently(&self, budget_percent: u8) -> Self {
        Clients {
            catalogue: Arc::clone(&self.catalogue),
            egress: self.egress.clone(),
            keeper: Arc::clone(&self.keeper),
            clock: Arc::clone(&self.clock),
            kept: Mutex::default(),
            gentle: Some(budget_percent),
        }
    }

    /// The client for the connection as it was read: another revision gets another client, which
    /// shares throttling and budget with the one before.
    ///
    /// # Errors
    /// `NotFound` when the catalogue no longer has the connection's service.
    pub fn client(&self, connection: &Connection) -> Result<ServiceClient, AdminError> {
        let mut kept = self.kept.lock().expect("no holder panics");
        if let Some((revision, client)) = kept.get(&connection.id)
            && *revision == connection.revision
        {
            return Ok(client.clone());
        }
        let connector =
            self.catalogue
                .get(&connection.service)
                .ok_or_else(|| AdminError::NotFound {
                    what: "service",
                    id: connection.service.clone(),
                })?;
        let connection = Arc::new(connection.clone());
        let client = ServiceClient::new(
            connector,
            Arc::clone(&connection),
            self.egress.clone(),
            self.keeper.source(Arc::clone(&connection)),
            Arc::clone(&self.clock),
        );
        let client = match self.gentle {
            Some(percent) => client.gently(percent),
            None => client,
        };
        if kept.len() >= CLIENTS_KEPT_MAX {
            kept.clear();
        }
        kept.insert(connection.id, (connection.revision, client.clone()));
        Ok(client)
    }

    /// Forgets what is kept for a connection: its grant was replaced by a person.
    pub fn forget(&self, id: ConnectionId) {
        self.kept.lock().expect("no holder panics").remove(&id);
        self.keeper.forget(id);
    }

    /// The services.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Says that the service no longer takes the connection's grant.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn grant_died(&self, id: ConnectionId, reason: &str) -> Result<(), AdminError> {
        self.keeper.grant_died(id, reason).await
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.egress
    }
}
