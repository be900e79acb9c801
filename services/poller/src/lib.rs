//! The poller role: pull feeds, and the reconciling pull behind push feeds.
//!
//! What it promises: a checkpoint never passes an event that the log has not taken, also when
//! two replicas believe that they hold the same stream. It takes no input: it looks at the
//! enabled connections, reads what is due, and the next round is the retry.

mod coverage;
mod schedule;
mod sharing;
mod step;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use connections::Clients;
use event_model::{Connection, ConnectionId, PageRequest};
use intake::Intake;
use ports::{
    AuditTrail, CallGate, Changes, CheckpointStore, Clock, ConnectionFilter, ConnectionStore,
    Entropy, FeedNotes, LeaseStore, PullSignals, StoreError,
};
use telemetry::Metrics;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use crate::schedule::Schedule;
use crate::sharing::{Membership, Share};
pub use crate::step::{PollError, Polled};

/// Named bounds of the role.
#[derive(Debug, Clone)]
pub struct PollerOptions {
    /// Streams read at a time.
    pub streams_at_once_max: usize,
    /// Pages read of one stream before others get their turn.
    pub pages_in_a_row_max: usize,
    /// How long a stream is held by one who is not heard of; renewed while it is read.
    pub lease: Duration,
    /// How long this poller counts as one of those who share the connections; renewed when a third of
    /// it is over.
    pub membership: Duration,
    /// How often the schedule is looked at when nothing changes.
    pub tick: Duration,
    /// Longest pause after failures.
    pub pause_max: Duration,
}

impl Default for PollerOptions {
    fn default() -> Self {
        PollerOptions {
            streams_at_once_max: 64,
            pages_in_a_row_max: 50,
            lease: Duration::from_secs(20),
            membership: Duration::from_secs(15),
            tick: Duration::from_millis(100),
            pause_max: Duration::from_secs(300),
        }
    }
}

/// What the poller needs of the world.
pub struct PollerPorts {
    /// The connections.
    pub connections: Arc<dyn ConnectionStore>,
    /// Where their streams stand.
    pub checkpoints: Arc<dyn CheckpointStore>,
    /// Who reads which stream.
    pub leases: Arc<dyn LeaseStore>,
    /// Calls to the services.
    pub clients: Arc<Clients>,
    /// What stops calls for a disabled connection.
    pub gate: Arc<dyn CallGate>,
    /// Who asks that streams be read at once.
    pub pulls: Arc<dyn PullSignals>,
    /// Where gaps are noted, how far streams were read, and pauses.
    pub notes: Arc<dyn FeedNotes>,
    /// Where gaps are noted for those who read what happened.
    pub audit: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Counts polls.
    pub metrics: Arc<Metrics>,
}

/// The role.
pub struct Poller {
    ports: PollerPorts,
    intake: Intake,
    options: PollerOptions,
    holder: String,
    /// How far each stream was when that was noted last.
    noted: Mutex<HashMap<(ConnectionId, String), DateTime<Utc>>>,
}

impl Poller {
    /// The role over its ports; `holder` names this process among the replicas.
    pub fn new(ports: PollerPorts, intake: Intake, options: PollerOptions, holder: String) -> Self {
        Poller {
            ports,
            intake,
            options,
            holder,
            noted: Mutex::default(),
        }
    }

    /// Reads what is due until told to stop; ends when the reads under way have ended.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut schedule = Schedule::new(self.options.pause_max);
        let mut changes = self.ports.connections.changes();
        changes.mark_changed();
        let mut asked = self.ports.pulls.asked();
        // Tasks and not futures polled here: one that holds a store's connection must go on while
        // this loop waits for one itself.
        let mut under_way = UnderWay::default();
        let (mut membership, mut share) = (Membership::default(), Share::default());
        let mut share_due = Duration::ZERO;
        while !*stop.borrow() {
            if self.ports.clock.monotonic() >= share_due {
                share_due = self.ports.clock.monotonic() + self.options.membership / 3;
                if self.renew_share(&mut membership, &mut share).await {
                    changes.mark_changed();
                }
            }
            if changes.has_changed().unwrap_or(false) {
                changes.borrow_and_update();
                self.follow(&mut schedule, &share, &mut changes).await;
            }
            asked.borrow_and_update();
            let now = self.ports.clock.monotonic();
            schedule.hurry(&self.ports.pulls.take_asked(), now);
            let at_once_max = self.options.streams_at_once_max;
            let room = at_once_max.saturating_sub(under_way.tasks.len());
            for (connection, stream) in schedule.take_due(self.ports.clock.monotonic(), room) {
                under_way.begin(Arc::clone(&self), connection, stream);
            }
            tokio::select! {
                Some((connection, stream, outcome)) = under_way.next() => {
                    self.settle(&mut schedule, connection, &stream, outcome);
                }
                () = tokio::time::sleep(self.options.tick) => {}
                _ = changes.changed() => changes.mark_changed(),
                _ = asked.changed() => {}
                _ = stop.changed() => {}
            }
        }
        while under_way.next().await.is_some() {}
        if let Err(error) = membership.leave(self.ports.leases.as_ref()).await {
            tracing::warn!(error = %error, "the others were not told that this poller goes");
        }
    }

    /// Whether the part of the connections that is this poller's is another now.
    async fn renew_share(&self, membership: &mut Membership, share: &mut Share) -> bool {
        let (leases, now) = (self.ports.leases.as_ref(), self.ports.clock.now());
        let ttl = self.options.membership;
        match membership.renew(leases, &self.holder, ttl, now).await {
            Ok(renewed) if renewed == *share => false,
            Ok(renewed) => {
                *share = renewed;
                true
            }
            Err(error) => {
                tracing::error!(error = %error, "who shares the connections could not be read");
                false
            }
        }
    }

    async fn follow(&self, schedule: &mut Schedule, share: &Share, changes: &mut Changes) {
        match self.enabled().await {
            Ok(mut enabled) => {
                enabled.retain(|connection| share.has(connection.id));
                let now = self.ports.clock.monotonic();
                schedule.follow(&enabled, self.ports.clients.catalogue(), now);
            }
            Err(error) => {
                tracing::error!(error = %error, "the connections could not be read");
                changes.mark_changed();
            }
        }
    }

    async fn enabled(&self) -> Result<Vec<Connection>, StoreError> {
        let filter = ConnectionFilter {
            state: Some("enabled".into()),
            ..Default::default()
        };
        let mut enabled = Vec::new();
        let mut request = PageRequest::first(500);
        loop {
            let page = self.ports.connections.page(&filter, &request).await?;
            enabled.extend(page.items);
            match page.next {
                Some(next) => request = PageRequest::after(next, 500),
                None => return Ok(enabled),
            }
        }
    }

    fn settle(&self, schedule: &mut Schedule, id: ConnectionId, stream: &str, outcome: Outcome) {
        let now = self.ports.clock.monotonic();
        match outcome {
            Outcome::Again => schedule.again(id, stream, now),
            Outcome::CaughtUp => schedule.caught_up(id, stream, now),
            Outcome::Failed { retry_after } => {
                let jitter = (self.ports.entropy.draw() % 1_000) as f64 / 1_000.0;
                schedule.failed(id, stream, now, retry_after, jitter);
            }
        }
    }
}

/// The streams being read.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<Outcome>,
    streams: HashMap<Id, (ConnectionId, String)>,
}

impl UnderWay {
    fn begin(&mut self, poller: Arc<Poller>, connection: ConnectionId, stream: String) {
        let of = stream.clone();
        let task = self
            .tasks
            .spawn(async move { poller.read(connection, &of).await });
        self.streams.insert(task.id(), (connection, stream));
    }

    /// The next that ended; none when none is under way.
    async fn next(&mut self) -> Option<(ConnectionId, String, Outcome)> {
        let (task, outcome) = match self.tasks.join_next_with_id().await? {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(error = %error, "reading a stream ended unexpectedly");
                (error.id(), Outcome::Failed { retry_after: None })
            }
        };
        let (connection, stream) = self.streams.remove(&task)?;
        Some((connection, stream, outcome))
    }
}

/// What one reading of a stream came to, as the schedule sees it.
enum Outcome {
    /// More is waiting.
    Again,
    /// Nothing is waiting.
    CaughtUp,
    /// It failed; the service may have said when to come again.
    Failed { retry_after: Option<Duration> },
}
