//! Switching a feed on and off. Intent is written first; then the service is called.

use std::time::Duration;

use connector::ServiceClient;
use event_model::{Checkpoint, Connection, ConnectionId, Feed, FeedChoice, Position};
use ports::AdminError;

use crate::Connections;
use crate::error::service_error;

/// How long the lease on a stream is held while its first place is asked for.
const FIRST_PLACE_LEASE: Duration = Duration::from_secs(60);

impl Connections {
    /// Proves the grant's reach, remembers where the feed stands now, registers the webhook when the
    /// feed is push, and lets the roles through.
    ///
    /// # Errors
    /// `Illegal` when it is not authorized; `Unhealthy` with the checks; `Service` when the webhook
    /// cannot be registered: the connection is then back where enabling can be tried again.
    pub(crate) async fn enable_feed(
        &self,
        id: ConnectionId,
        choice: FeedChoice,
        by: &str,
    ) -> Result<Connection, AdminError> {
        let connection = self.get(id).await?;
        let choice = self.resolve(&connection, choice)?;
        let now = self.ports.clock.now();
        if let (true, Some(feed)) = (
            connection.lifecycle.is_enabled(),
            connection.lifecycle.feed(),
        ) && feed.choice() == choice
        {
            return Ok(connection);
        }
        connection.lifecycle.enabling(choice, now)?;
        let health = self.check_health(id).await?;
        if !health.ok {
            return Err(AdminError::Unhealthy(health));
        }
        self.step(id, |lifecycle| lifecycle.enabling(choice, now))
            .await?;
        let enabled = match self.set_up(id, choice).await {
            Ok(enabled) => enabled,
            Err(error) => {
                // The reason is what the caller must see; a failure to step back is found by `reconcile`.
                let stepped = self
                    .step(id, |lifecycle| lifecycle.enabling_failed(now))
                    .await;
                if let Err(second) = stepped {
                    tracing::warn!(connection.id = %id, error = %second, "could not step back from enabling");
                }
                return Err(error);
            }
        };
        self.audit(
            by,
            "connection.enabled",
            id,
            format!("the feed is {choice}"),
        )
        .await?;
        Ok(enabled)
    }

    /// Stops every call on the connection's behalf, then deregisters its webhook. When it returns, no
    /// poll and no action is under way. A webhook that the service could not deregister now stays
    /// in the state as left over, and is tried again by `reconcile`.
    ///
    /// # Errors
    /// When there is no such connection, or the store fails.
    pub(crate) async fn disable_feed(
        &self,
        id: ConnectionId,
        by: &str,
    ) -> Result<Connection, AdminError> {
        let now = self.ports.clock.now();
        self.step(id, |lifecycle| Ok(lifecycle.disabled(now)))
            .await?;
        self.ports.gate.close(id).await?;
        self.audit(
            by,
            "connection.disabled",
            id,
            "no poll, no delivery, no action".into(),
        )
        .await?;
        // Who looked after the webhook meanwhile may have registered it anew.
        let disabled = self.get(id).await?;
        match disabled.lifecycle.registration() {
            None => Ok(disabled),
            Some(registration) => match self.deregister(&disabled, registration).await {
                Ok(clean) => Ok(clean),
                Err(error) => {
                    let detail = format!("the webhook is still registered: {error}");
                    self.audit("system", "webhook.left_over", id, detail)
                        .await?;
                    Ok(disabled)
                }
            },
        }
    }

    /// Does what an enabling connection still lacks. Safe to do again after a crash.
    pub(crate) async fn set_up(
        &self,
        id: ConnectionId,
        choice: FeedChoice,
    ) -> Result<Connection, AdminError> {
        let connection = self.get(id).await?;
        let client = self.clients.client(&connection)?;
        // INVARIANT: the place to pull from is durable before the webhook is registered and before
        // the connection is enabled, so nothing that happens from now on is missed by the pull.
        self.remember_place(&connection, &client, choice).await?;
        let feed = match choice {
            FeedChoice::Pull => Feed::Pull,
            FeedChoice::Push | FeedChoice::Auto => Feed::Push {
                registration: self.register_webhook(&connection, &client).await?,
            },
        };
        let now = self.ports.clock.now();
        let enabled = self
            .step(id, |lifecycle| lifecycle.enabled(feed.clone(), now))
            .await?;
        self.ports.gate.open(id).await?;
        Ok(enabled)
    }

    fn resolve(
        &self,
        connection: &Connection,
        choice: FeedChoice,
    ) -> Result<FeedChoice, AdminError> {
        let connector = self.connector(connection)?;
        let (push, pull) = (connector.supports_push(), !connector.streams().is_empty());
        let lacks = |feed: &str| AdminError::Conflict {
            detail: format!("the service `{}` has no {feed} feed", connection.service),
        };
        match choice {
            FeedChoice::Auto | FeedChoice::Push if push => Ok(FeedChoice::Push),
            FeedChoice::Auto | FeedChoice::Pull if pull => Ok(FeedChoice::Pull),
            other => Err(lacks(other.word())),
        }
    }

    /// Makes the place where each stream stands now its checkpoint.
    async fn remember_place(
        &self,
        connection: &Connection,
        client: &ServiceClient,
        choice: FeedChoice,
    ) -> Result<(), AdminError> {
        for stream in self.connector(connection)?.streams_read(choice) {
            client.begin(stream).await.map_err(service_error)?;
            let first = client.first_position(stream).await;
            let place = match first {
                Position::Now => {
                    let page = client.page_after(stream, &Position::Now).await;
                    page.map_err(service_error)?.to
                }
                other => other,
            };
            let resource = ports::pull_lease(connection.id, stream);
            let now = self.ports.clock.now();
            let lease = self
                .ports
                .leases
                .acquire_lease(&resource, &self.holder, FIRST_PLACE_LEASE, now)
                .await?
                .ok_or_else(|| AdminError::Service {
                    detail: "the feed is still being read for the time before: try again".into(),
                    retry_after: Some(FIRST_PLACE_LEASE),
                })?;
            let before = self
                .ports
                .checkpoints
                .checkpoint(connection.id, stream)
                .await?;
            let there = Checkpoint::initial(stream, place);
            let moved = self
                .ports
                .checkpoints
                .advance_checkpoint(connection.id, &lease, before.as_ref(), &there)
                .await;
            self.ports.leases.release_lease(&lease).await?;
            moved?;
        }
        Ok(())
    }
}
