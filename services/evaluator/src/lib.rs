//! The evaluator role: from the activity log to incidents and remedies.
//!
//! What it promises: a batch's activities, incidents and remedies are written in one transaction
//! with unique keys, and only then is the batch's place committed. So the feed is at least once and
//! its effects are exactly once. Content that cannot be had for now gets a second look; content
//! that cannot be had at all is a blind spot, never silently clean. Beside it, policies are tried on
//! recorded activity: nothing is executed by that.

mod assurance;
mod batch;
mod content;
mod evaluate;
mod exceptions;
mod incident;
mod labels;
mod publish;
mod relabelling;
mod replay;
mod room;
mod scan;
mod told;

use std::sync::Arc;
use std::time::Duration;

use ::labels::Labelling;
use connections::Clients;
use decisions::PolicyBook;
use inspector::Inspector;
use ports::{
    ActivityLog, CallGate, Clock, ConnectionStore, Countries, Entropy, EvaluationStore,
    ExceptionStore, IncidentStore, JobStore, PolicyStore, RemedyStore, Topic,
};
use telemetry::Metrics;
use tokio::sync::watch;

use crate::labels::ManifestCache;
pub use crate::publish::{
    PublishError, Published, Publisher, PublisherOptions, PublisherPorts, Services,
};
pub use crate::replay::{ReplayOptions, ReplayPorts, Replays};
use crate::room::Room;
pub use crate::scan::{ScanOptions, ScanPorts, Scans};
use crate::told::ToldCache;

/// The consumer group of the role.
pub const GROUP: &str = "evaluator";

/// Named bounds of the role.
#[derive(Debug, Clone)]
pub struct EvaluatorOptions {
    /// Activities of one batch.
    pub batch_records_max: usize,
    /// Activities of one batch evaluated at a time.
    pub at_once_max: usize,
    /// Contents held in memory at a time, by first looks and by second looks each; of one connection half of them.
    pub contents_at_once_max: usize,
    /// Largest content fetched, in bytes.
    pub content_bytes_max: usize,
    /// Longest that a first look at a content may take, waiting for room included: the batch waits for it.
    pub first_look_max: Duration,
    /// Longest that a second look at a content may take.
    pub second_look_max: Duration,
    /// How often unavailable content is tried before it becomes a blind spot.
    pub second_looks_max: u32,
    /// Longest pause between two tries.
    pub second_look_pause_max: Duration,
    /// How long a reader waits for records before it looks around.
    pub wait: Duration,
    /// Which labels there are, and whom to believe about them.
    pub labelling: Arc<Labelling>,
}

impl Default for EvaluatorOptions {
    fn default() -> Self {
        EvaluatorOptions {
            batch_records_max: 256,
            at_once_max: 32,
            contents_at_once_max: 6,
            content_bytes_max: 64 * 1024 * 1024,
            first_look_max: Duration::from_secs(3),
            second_look_max: Duration::from_secs(60),
            second_looks_max: 60,
            second_look_pause_max: Duration::from_secs(600),
            wait: Duration::from_secs(1),
            labelling: Arc::new(Labelling::built_in()),
        }
    }
}

/// What the evaluator needs of the world.
#[derive(Clone)]
pub struct EvaluatorPorts {
    /// Where activities come from.
    pub log: Arc<dyn ActivityLog>,
    /// Where results go.
    pub results: Arc<dyn EvaluationStore>,
    /// Incidents whose event is confirmed.
    pub incidents: Arc<dyn IncidentStore>,
    /// Their remedies that waited for it.
    pub remedies: Arc<dyn RemedyStore>,
    /// What is let be.
    pub exceptions: Arc<dyn ExceptionStore>,
    /// Where scans of folders whose labels changed are asked for.
    pub jobs: Arc<dyn JobStore>,
    /// The policies.
    pub policies: Arc<dyn PolicyStore>,
    /// The connections.
    pub connections: Arc<dyn ConnectionStore>,
    /// Countries by IP address.
    pub countries: Arc<dyn Countries>,
    /// Calls to the services.
    pub clients: Arc<Clients>,
    /// Where content is inspected.
    pub inspector: Arc<dyn Inspector>,
    /// What stops calls for a disabled connection.
    pub gate: Arc<dyn CallGate>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Counts and times evaluations.
    pub metrics: Arc<Metrics>,
}

/// The role.
pub struct Evaluator {
    ports: EvaluatorPorts,
    options: EvaluatorOptions,
    book: PolicyBook,
    first_looks_room: Room,
    second_looks_room: Room,
    manifests: ManifestCache,
    told: ToldCache,
}

impl Evaluator {
    /// The role over its ports.
    pub fn new(ports: EvaluatorPorts, options: EvaluatorOptions) -> Self {
        let book = PolicyBook::new(Arc::clone(&ports.policies));
        let room = || Room::new(options.contents_at_once_max);
        let (first_looks_room, second_looks_room) = (room(), room());
        Evaluator {
            ports,
            options,
            book,
            first_looks_room,
            second_looks_room,
            manifests: ManifestCache::default(),
            told: ToldCache::default(),
        }
    }

    /// Evaluates until told to stop. A failure leaves the batch's place where it was: the next
    /// round reads it again.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        tokio::join!(self.follow_log(stop.clone()), self.look_again(stop));
    }

    /// Whether looks at contents wait for room: what may wait should.
    pub(crate) fn looks_wait(&self) -> bool {
        self.first_looks_room.is_full() || self.second_looks_room.is_full()
    }

    async fn follow_log(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let mut reader = match self.ports.log.reader(Topic::Activity, GROUP).await {
                Ok(reader) => reader,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the log has no reader for us"
                    );
                    self.pause(&mut stop).await;
                    continue;
                }
            };
            while !*stop.borrow() {
                let step = tokio::select! {
                    step = self.step(reader.as_mut()) => step,
                    _ = stop.changed() => return,
                };
                if let Err(error) = step {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a batch was not evaluated, it is read again"
                    );
                    self.pause(&mut stop).await;
                    break;
                }
            }
        }
    }

    async fn look_again(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let looked = tokio::select! {
                looked = self.second_looks() => looked,
                _ = stop.changed() => return,
            };
            match looked {
                Ok(0) => {
                    let _ = tokio::time::timeout(SECOND_LOOK_TICK, stop.changed()).await;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "second looks failed, they come again"
                    );
                    self.pause(&mut stop).await;
                }
            }
        }
    }

    async fn pause(&self, stop: &mut watch::Receiver<bool>) {
        let _ = tokio::time::timeout(Duration::from_secs(1), stop.changed()).await;
    }
}

/// How often second looks are looked for.
const SECOND_LOOK_TICK: Duration = Duration::from_millis(200);
