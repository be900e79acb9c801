//! What an object holds: fetched with the connection's grant, inspected off the reactor, bounded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use connector::{CallError, Disposition, ServiceClient};
use decisions::inspected;
use event_model::{ActivityRecord, BlindSpot, ConnectionId, Evidence};
use inspect::Inspection;
use policy::ContentFacts;
use ports::GateError;
use telemetry::{Timing, stage};
use tracing::Instrument;

use crate::Evaluator;
use crate::labels::Asked;
use crate::room::Room;

/// Most pieces of evidence looked at of one content; an incident keeps fewer.
const EVIDENCE_MAX: usize = 2_000;

/// What became of the attempt to know an object's content.
pub(crate) enum Content {
    /// Inspected, wholly or in part.
    Known {
        facts: Box<ContentFacts>,
        evidence: Vec<Evidence>,
        blind_spots: Vec<BlindSpot>,
    },
    /// It cannot be had.
    Blind(BlindSpot),
    /// It cannot be had now.
    Later { after: Duration, reason: String },
}

/// How much room and time a look at a content has.
struct Look<'a> {
    room: &'a Room,
    patience: Duration,
    wants_labels: bool,
}

fn blind(reason: &str, detail: impl Into<String>) -> Content {
    Content::Blind(BlindSpot {
        reason: reason.into(),
        detail: detail.into(),
    })
}

/// As soon as may be.
fn later(reason: String) -> Content {
    Content::Later {
        after: Duration::ZERO,
        reason,
    }
}

impl Evaluator {
    /// Fetches and inspects the content of the activity's object. A first look is short, for the
    /// batch waits for it: a slow service must not hold the others up. What takes longer gets a
    /// second look, which has its own room and more patience.
    pub(crate) async fn content(
        &self,
        record: &ActivityRecord,
        is_second_look: bool,
        wants_labels: bool,
    ) -> Content {
        let id = record.connection_id;
        // The order matters: first through the gate, then look at the state. See `CallGate`.
        let _pass = match self.ports.gate.enter(id).await {
            Ok(pass) => pass,
            Err(GateError::Closed(_)) => {
                return blind(
                    "disabled",
                    "the connection is disabled, its content is not fetched",
                );
            }
            Err(GateError::Store(error)) => return later(error.to_string()),
        };
        let client = match self.client(id).await {
            Ok(client) => client,
            Err(content) => return content,
        };
        let began = self.ports.clock.monotonic();
        let stage = stage!("content", object.id = record.activity.object_id);
        let look = Look {
            wants_labels,
            ..self.look(is_second_look)
        };
        let content = self.fetch(&client, record, &look).instrument(stage).await;
        let took = self.ports.clock.monotonic().saturating_sub(began);
        self.ports
            .metrics
            .time(Timing::ContentSeconds, &[], took.as_secs_f64());
        content
    }

    /// A client of a connection whose content may be fetched; otherwise what is said of it.
    async fn client(&self, id: ConnectionId) -> Result<ServiceClient, Content> {
        let connection = match self.ports.connections.get(id).await {
            Ok(Some(connection)) => connection,
            Ok(None) => return Err(blind("disabled", "the connection is gone")),
            Err(error) => return Err(later(error.to_string())),
        };
        if connection.lifecycle.word() == "needs_consent" {
            // What waits is not looked at again before consent: see `EvaluationStore::take_awaited`.
            return Err(later("the connection needs consent".into()));
        }
        if !connection.lifecycle.is_enabled() {
            return Err(blind(
                "disabled",
                "the connection is not enabled, its content is not fetched",
            ));
        }
        let client = self.ports.clients.client(&connection);
        client.map_err(|_| blind("unsupported", "the service is not in the catalogue"))
    }

    async fn fetch(
        &self,
        client: &ServiceClient,
        record: &ActivityRecord,
        look: &Look<'_>,
    ) -> Content {
        let (id, activity) = (record.connection_id, &record.activity);
        let is_fetching = AtomicBool::new(false);
        let fetched = async {
            let _place = look.room.enter(id).await;
            if look.room.is_slow(id, self.ports.clock.monotonic()) {
                return Ok(later("the service is slow at the moment".into()));
            }
            is_fetching.store(true, Ordering::Relaxed);
            let download = client
                .download(activity, self.options.content_bytes_max)
                .await?;
            is_fetching.store(false, Ordering::Relaxed);
            let bytes = download.bytes;
            is_fetching.store(false, Ordering::Relaxed);
            let inspected = self
                .inspect(bytes.clone(), activity.object_name.clone())
                .await;
            is_fetching.store(true, Ordering::Relaxed);
            let asked = Asked {
                id,
                client,
                activity,
                arrived_at: record.received_at,
                are_wanted: look.wants_labels,
            };
            // The manifest of the folder comes from the service, too.
            is_fetching.store(true, Ordering::Relaxed);
            self.label(&asked, &bytes, inspected).await
        };
        match tokio::time::timeout(look.patience, fetched).await {
            Ok(Ok(content)) => content,
            Ok(Err(error)) => self.failed(id, &error).await,
            Err(_) => {
                // Who waited for room, or for the inspection, says nothing about the service.
                if is_fetching.load(Ordering::Relaxed) {
                    look.room.was_slow(id, self.ports.clock.monotonic());
                }
                later("the content was not fetched and read in time".into())
            }
        }
    }

    fn look(&self, is_second_look: bool) -> Look<'_> {
        if is_second_look {
            Look {
                room: &self.second_looks_room,
                patience: self.options.second_look_max,
                wants_labels: false,
            }
        } else {
            Look {
                room: &self.first_looks_room,
                patience: self.options.first_look_max,
                wants_labels: false,
            }
        }
    }

    async fn failed(&self, id: ConnectionId, error: &CallError) -> Content {
        if let CallError::GrantDead { reason } = error
            && let Err(error) = self.ports.clients.grant_died(id, reason).await
        {
            tracing::error!(connection.id = %id, error = %error, "a dead grant could not be noted");
        }
        match error.disposition() {
            Disposition::Retry(after) => Content::Later {
                after,
                reason: error.to_string(),
            },
            Disposition::AskAdmin if matches!(error, CallError::GrantDead { .. }) => {
                Content::Later {
                    after: Duration::ZERO,
                    reason: error.to_string(),
                }
            }
            Disposition::AskAdmin | Disposition::GiveUp => {
                let reason = match error {
                    CallError::NotFound => "gone",
                    CallError::Forbidden { .. } => "forbidden",
                    CallError::TooLarge { .. } => "too_large",
                    CallError::OutsideAllowList { .. } => "outside_allow_list",
                    CallError::NotSupported { .. } => "no_content",
                    _ => "unreachable",
                };
                blind(reason, error.to_string())
            }
        }
    }

    async fn inspect(&self, bytes: bytes::Bytes, name: Option<String>) -> Content {
        match self.ports.inspector.inspect(bytes, name).await {
            Ok(inspection) => known(&inspection),
            Err(error) => later(error.to_string()),
        }
    }
}

fn known(inspection: &Inspection) -> Content {
    Content::Known {
        facts: Box::new(inspected::facts(inspection)),
        evidence: inspected::evidence(inspection, EVIDENCE_MAX),
        blind_spots: inspected::blind_spots(inspection),
    }
}
