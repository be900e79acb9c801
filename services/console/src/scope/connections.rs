//! Connections, and what is done with them, as somebody sees them.

use async_trait::async_trait;
use event_model::{
    Activity, Connection, ConnectionHealth, ConnectionId, FeedChoice, FeedCoverage, Page,
    PageRequest,
};
use ports::{
    AdminError, Callback, Changes, ConnectionAdministration, ConnectionFilter, ConnectionStore,
    NewConnection, NewWebhookSecret, Rehearsal, RehearsedRemedy, ServiceDescription, StoreError,
};

use super::{Within, current, must_see, must_see_all, seen};

const WHAT: &str = "connection";

#[async_trait]
impl ConnectionStore for Within<dyn ConnectionStore> {
    async fn create(&self, connection: &Connection) -> Result<(), StoreError> {
        must_see_all(WHAT)?;
        self.0.create(connection).await
    }

    async fn get(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        Ok(seen(self.0.get(id).await?, |one| one.id))
    }

    async fn update(&self, connection: &Connection) -> Result<Connection, StoreError> {
        must_see(connection.id, WHAT, connection.id)?;
        self.0.update(connection).await
    }

    async fn page(
        &self,
        filter: &ConnectionFilter,
        request: &PageRequest,
    ) -> Result<Page<Connection>, StoreError> {
        let filter = ConnectionFilter {
            within: current().and(&filter.within),
            ..filter.clone()
        };
        self.0.page(&filter, request).await
    }

    fn changes(&self) -> Changes {
        self.0.changes()
    }
}

#[async_trait]
impl ConnectionAdministration for Within<dyn ConnectionAdministration> {
    fn services(&self) -> Vec<ServiceDescription> {
        self.0.services()
    }

    async fn create(&self, new: NewConnection, by: &str) -> Result<Connection, AdminError> {
        must_see_all(WHAT)?;
        self.0.create(new, by).await
    }

    async fn authorize(&self, id: ConnectionId, by: &str) -> Result<String, AdminError> {
        must_see(id, WHAT, id)?;
        self.0.authorize(id, by).await
    }

    /// Nobody is known there: the consent's `state` is the proof.
    async fn callback(&self, callback: Callback) -> Result<Connection, AdminError> {
        self.0.callback(callback).await
    }

    async fn enable(
        &self,
        id: ConnectionId,
        choice: FeedChoice,
        by: &str,
    ) -> Result<Connection, AdminError> {
        must_see(id, WHAT, id)?;
        self.0.enable(id, choice, by).await
    }

    async fn disable(&self, id: ConnectionId, by: &str) -> Result<Connection, AdminError> {
        must_see(id, WHAT, id)?;
        self.0.disable(id, by).await
    }

    async fn put_webhook_secret(
        &self,
        id: ConnectionId,
        new: NewWebhookSecret,
        by: &str,
    ) -> Result<Connection, AdminError> {
        must_see(id, WHAT, id)?;
        self.0.put_webhook_secret(id, new, by).await
    }

    async fn health(&self, id: ConnectionId) -> Result<ConnectionHealth, AdminError> {
        must_see(id, WHAT, id)?;
        self.0.health(id).await
    }

    async fn rehearse(
        &self,
        id: ConnectionId,
        activity: &Activity,
        remedy: &RehearsedRemedy,
    ) -> Result<Rehearsal, AdminError> {
        must_see(id, WHAT, id)?;
        self.0.rehearse(id, activity, remedy).await
    }

    async fn coverage(&self, id: ConnectionId) -> Result<FeedCoverage, AdminError> {
        must_see(id, WHAT, id)?;
        self.0.coverage(id).await
    }
}
