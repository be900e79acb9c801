//! One reading of one stream: page by page, append before advance.

use std::time::Duration;

use connector::{CallError, Disposition, Mapper, ServiceClient};
use event_model::{
    Arrival, Assurance, Checkpoint, CheckpointError, Connection, ConnectionId, GapReason, Position,
};
use intake::Origin;
use ports::{AppendError, GateError, Lease, Pass, StoreError, pull_lease};
use telemetry::{Counter, Gauge};
use thiserror::Error;

use crate::{Outcome, Poller};

/// How often a lease is renewed before it would end.
const RENEWALS_A_LEASE: u32 = 3;

/// What one page came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// The service says that more is waiting.
    MoreWaiting,
    /// Read to the end.
    CaughtUp,
}

/// Why a stream could not be read further. Nothing is lost: the checkpoint stands before it.
#[derive(Debug, Error)]
pub enum PollError {
    /// The service.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The service asked this process or another for patience.
    #[error("the service wants {}s more of patience", left.as_secs_f32().ceil())]
    Paused {
        /// For so much longer.
        left: Duration,
    },
    /// The page does not join.
    #[error(transparent)]
    Page(#[from] CheckpointError),
    /// The log.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The store, or a lease that another took over.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Poller {
    /// Reads a stream until it is caught up, has had its turn, or fails.
    pub(crate) async fn read(&self, id: ConnectionId, stream: &str) -> Outcome {
        // The order matters: first through the gate, then look at the state. See `CallGate`.
        let read = match self.ports.gate.enter(id).await {
            Ok(pass) => self.read_through_gate(&pass, stream).await,
            Err(GateError::Closed(_)) => return Outcome::CaughtUp,
            Err(GateError::Store(error)) => Err(error.into()),
        };
        self.judge(id, stream, read).await
    }

    async fn read_through_gate(&self, pass: &Pass, stream: &str) -> Result<Polled, PollError> {
        let id = pass.connection();
        let Some(connection) = self.ports.connections.get(id).await? else {
            return Ok(Polled::CaughtUp);
        };
        if !connection.lifecycle.is_enabled() {
            return Ok(Polled::CaughtUp);
        }
        if let Some(left) = self.pause_left(id).await? {
            return Err(PollError::Paused { left });
        }
        let resource = pull_lease(id, stream);
        let now = self.ports.clock.now();
        let leases = self.ports.leases.as_ref();
        let lease = leases
            .acquire_lease(&resource, &self.holder, self.options.lease, now)
            .await?;
        let Some(mut lease) = lease else {
            return Ok(Polled::CaughtUp);
        };
        let (mut renewed, due) = (now, self.options.lease / RENEWALS_A_LEASE);
        let mut read = Ok(Polled::MoreWaiting);
        // Nobody else moves it while the lease is held, and whoever did would be found out.
        let mut stored = self.ports.checkpoints.checkpoint(id, stream).await?;
        for _ in 0..self.options.pages_in_a_row_max {
            let step = self.step_held(&connection, stream, &mut stored, &lease);
            read = step.await;
            if !matches!(read, Ok(Polled::MoreWaiting)) || !pass.holds() {
                break;
            }
            let now = self.ports.clock.now();
            if (now - renewed).to_std().is_ok_and(|since| since >= due) {
                lease = leases.renew_lease(&lease, self.options.lease, now).await?;
                renewed = now;
            }
        }
        leases.release_lease(&lease).await?;
        read
    }

    /// One page, while the lease is renewed: a slow page is not lost to another replica, and one that
    /// died is followed soon.
    async fn step_held(
        &self,
        connection: &Connection,
        stream: &str,
        stored: &mut Option<Checkpoint>,
        lease: &Lease,
    ) -> Result<Polled, PollError> {
        tokio::select! {
            read = self.step(connection, stream, stored, lease) => read,
            lost = self.renewed_until_lost(lease) => Err(lost.into()),
        }
    }

    /// Returns when another took the lease over. What fails otherwise is tried again.
    async fn renewed_until_lost(&self, lease: &Lease) -> StoreError {
        loop {
            tokio::time::sleep(self.options.lease / RENEWALS_A_LEASE).await;
            let now = self.ports.clock.now();
            let renewed = self
                .ports
                .leases
                .renew_lease(lease, self.options.lease, now);
            if let Err(lost @ StoreError::Fenced { .. }) = renewed.await {
                return lost;
            }
        }
    }

    /// One page: read, append, advance. `stored` is the checkpoint as it stands in the store, before and
    /// after.
    ///
    /// # Errors
    /// See [`PollError`].
    pub async fn step(
        &self,
        connection: &Connection,
        stream: &str,
        stored: &mut Option<Checkpoint>,
        lease: &Lease,
    ) -> Result<Polled, PollError> {
        let client = self.client(connection)?;
        let here = match &*stored {
            Some(checkpoint) => checkpoint.clone(),
            None => Checkpoint::initial(stream, client.first_position(stream).await),
        };
        let page = match client.page_after(stream, &here.position).await {
            Err(CallError::CursorExpired { resume, reason }) => {
                let places = (&mut *stored, &here);
                let lost = (resume, reason);
                return self.resume(connection, places, lost, lease).await;
            }
            page => page?,
        };
        let there = here.advance(&page)?;
        if !page.events.is_empty() {
            let received_at = self.ports.clock.now();
            let origin = Origin {
                connection,
                arrival: Arrival::Pull,
                assurance: Assurance::Signed,
                received_at,
            };
            let mapper = self.mapper(connection)?;
            self.intake.accept(origin, &mapper, &page.events).await?;
        }
        // INVARIANT: what the page held is durable here. A crash now costs a repetition, never a gap.
        if stored.as_ref() != Some(&there) {
            let checkpoints = self.ports.checkpoints.as_ref();
            checkpoints
                .advance_checkpoint(connection.id, lease, stored.as_ref(), &there)
                .await?;
            *stored = Some(there.clone());
        }
        let polled = match page.more && there != here {
            true => Polled::MoreWaiting,
            false => Polled::CaughtUp,
        };
        self.note_standing(connection.id, &there, polled).await?;
        Ok(polled)
    }

    /// What lies between here and where reading goes on is lost, and is noted before the place moves.
    async fn resume(
        &self,
        connection: &Connection,
        (stored, here): (&mut Option<Checkpoint>, &Checkpoint),
        (resume, reason): (Option<Position>, GapReason),
        lease: &Lease,
    ) -> Result<Polled, PollError> {
        self.note_gap(connection, here, reason, resume.as_ref())
            .await?;
        let there = Checkpoint::initial(&here.stream, resume.unwrap_or(Position::Start));
        let checkpoints = self.ports.checkpoints.as_ref();
        checkpoints
            .advance_checkpoint(connection.id, lease, stored.as_ref(), &there)
            .await?;
        *stored = Some(there);
        Ok(Polled::MoreWaiting)
    }

    fn mapper(&self, connection: &Connection) -> Result<Mapper, PollError> {
        let connector = self.ports.clients.catalogue().get(&connection.service);
        connector
            .map(|connector| connector.mapper(connection))
            .ok_or_else(|| unknown_service(connection))
    }

    fn client(&self, connection: &Connection) -> Result<ServiceClient, PollError> {
        self.ports
            .clients
            .client(connection)
            .map_err(|_| unknown_service(connection))
    }

    /// Counts what came of it, tells who must know, and says when to come again.
    async fn judge(
        &self,
        id: ConnectionId,
        stream: &str,
        read: Result<Polled, PollError>,
    ) -> Outcome {
        let (word, outcome) = match read {
            Ok(Polled::MoreWaiting) => ("more", Outcome::Again),
            Ok(Polled::CaughtUp) => {
                let now = self.ports.clock.now().timestamp() as f64;
                self.ports
                    .metrics
                    .set(Gauge::LastPolled, &[&id.to_string()], now);
                ("caught_up", Outcome::CaughtUp)
            }
            Err(PollError::Store(StoreError::Fenced { .. })) => ("fenced", Outcome::CaughtUp),
            Err(PollError::Paused { left }) => {
                let retry_after = Some(left);
                ("throttled", Outcome::Failed { retry_after })
            }
            Err(error) => {
                tracing::warn!(connection.id = %id, stream, error = %error, "a feed could not be read further");
                if let PollError::Call(CallError::GrantDead { reason }) = &error
                    && let Err(error) = self.ports.clients.grant_died(id, reason).await
                {
                    tracing::error!(connection.id = %id, error = %error, "a dead grant could not be noted");
                }
                let retry_after = retry_after(&error);
                let throttled = matches!(error, PollError::Call(CallError::Throttled { .. }));
                if let (true, Some(wait)) = (throttled, retry_after) {
                    self.note_pause(id, wait).await;
                }
                let word = if throttled { "throttled" } else { "failed" };
                (word, Outcome::Failed { retry_after })
            }
        };
        self.ports.metrics.count(Counter::Polls, &[word], 1);
        outcome
    }
}

/// When the service or the log asked us to come again; none when they did not say.
fn retry_after(error: &PollError) -> Option<Duration> {
    match error {
        PollError::Call(CallError::Throttled { retry_after }) => Some(*retry_after),
        PollError::Call(error) => match error.disposition() {
            Disposition::Retry(after) if !after.is_zero() => Some(after),
            _ => None,
        },
        PollError::Append(AppendError::Overloaded { retry_after }) => Some(*retry_after),
        _ => None,
    }
}

fn unknown_service(connection: &Connection) -> PollError {
    PollError::Call(CallError::NotSupported {
        what: format!(
            "the service `{}`, which is not in the catalogue",
            connection.service
        ),
    })
}
