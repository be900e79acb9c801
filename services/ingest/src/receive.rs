//! One delivery, step by step: find, read, verify, map, append, answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::any;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use connector::{Delivery, Refused};
use event_model::{Arrival, AuditId, Connection, ConnectionId};
use intake::{Intake, Origin};
use ports::{AppendError, AuditTrail, Clock, Entropy, NewAudit};
use telemetry::{Counter, Metrics, Timing};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::answer::Answer;
use crate::directory::{Directory, FindError, Open, Standing};

/// Bytes of one permit of the room for bodies.
const BODY_UNIT: usize = 1_024;

/// Named bounds of the role.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// A client that has not sent its body by then is cut off.
    pub body_wait_max: Duration,
    /// Deliveries worked on at a time; beyond it the answer is 503.
    pub deliveries_max: usize,
    /// Bytes of bodies held at a time, before they are known to be signed; beyond it the answer is 503.
    pub body_bytes_held_max: usize,
    /// What a service is asked to wait when the log does not take more.
    pub retry_after: Duration,
    /// Late deliveries to a disabled connection are audited at most once in this time, each.
    pub audit_every: Duration,
}

impl Default for IngestOptions {
    fn default() -> Self {
        IngestOptions {
            body_wait_max: Duration::from_secs(10),
            deliveries_max: 4_096,
            body_bytes_held_max: 256 * 1024 * 1024,
            retry_after: Duration::from_secs(2),
            audit_every: Duration::from_secs(60),
        }
    }
}

/// The role.
pub struct Ingest {
    /// Whose deliveries are taken.
    pub directory: Directory,
    /// Where they go.
    pub intake: Intake,
    /// Where late deliveries are noted.
    pub audit: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Counts deliveries by outcome.
    pub metrics: Arc<Metrics>,
    /// Named bounds.
    pub options: IngestOptions,
    admission: Semaphore,
    /// Permits of [`BODY_UNIT`] bytes.
    body_room: Semaphore,
    audited: Mutex<HashMap<ConnectionId, DateTime<Utc>>>,
}

impl Ingest {
    /// The role over its ports.
    pub fn new(
        directory: Directory,
        intake: Intake,
        audit: Arc<dyn AuditTrail>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: Arc<Metrics>,
        options: IngestOptions,
    ) -> Self {
        let admission = Semaphore::new(options.deliveries_max);
        let body_room = Semaphore::new(options.body_bytes_held_max / BODY_UNIT);
        let audited = Mutex::default();
        Ingest {
            directory,
            intake,
            audit,
            clock,
            entropy,
            metrics,
            options,
            admission,
            body_room,
            audited,
        }
    }
}

/// The routes of the role: `/webhooks/{connection_id}`.
pub fn router(ingest: Arc<Ingest>) -> Router {
    Router::new()
        .route("/webhooks/{connection_id}", any(deliver))
        .with_state(ingest)
}

async fn deliver(
    State(ingest): State<Arc<Ingest>>,
    Path(connection_id): Path<String>,
    request: Request,
) -> Response<Body> {
    let began = ingest.clock.monotonic();
    let answer = ingest.meet(&connection_id, request).await;
    let took = ingest.clock.monotonic().saturating_sub(began);
    ingest
        .metrics
        .count(Counter::Deliveries, &[answer.outcome], 1);
    ingest
        .metrics
        .time(Timing::DeliverySeconds, &[], took.as_secs_f64());
    answer.into_response()
}

impl Ingest {
    async fn meet(&self, connection_id: &str, request: Request) -> Answer {
        let Ok(_admitted) = self.admission.try_acquire() else {
            return Answer::later("overloaded", self.options.retry_after);
        };
        let received_at = self.clock.now();
        let Ok(id) = connection_id.parse::<ConnectionId>() else {
            return unknown();
        };
        let entry = match self.directory.find(id, received_at).await {
            Ok(Some(entry)) => entry,
            Ok(None) => return unknown(),
            Err(FindError::Busy) => return Answer::later("overloaded", self.options.retry_after),
            Err(FindError::Store(error)) => {
                tracing::error!(error = %error, "the connections could not be read");
                return Answer::later("unavailable", self.options.retry_after);
            }
        };
        match &entry.standing {
            Standing::NoPush => unknown(),
            Standing::NotYet => Answer::later("not_yet", Duration::from_secs(1)),
            Standing::Gone => self.gone(id, received_at).await,
            Standing::Open(open) => {
                self.take(&entry.connection, open, request, received_at)
                    .await
            }
        }
    }

    async fn take(
        &self,
        connection: &Connection,
        open: &Open,
        request: Request,
        received_at: DateTime<Utc>,
    ) -> Answer {
        let (parts, body) = request.into_parts();
        let Some(_room) = self.room_for(&parts.headers, open.receiver.body_bytes_max()) else {
            return Answer::later("overloaded", self.options.retry_after);
        };
        let body = match self
            .read(&parts.headers, body, open.receiver.body_bytes_max())
            .await
        {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let delivery = Delivery {
            method: &parts.method,
            query: parts.uri.query(),
            headers: &parts.headers,
            body: &body,
        };
        if let Some(answer) = open.receiver.handshake(&delivery) {
            return Answer::handshake(answer);
        }
        let verified = match open.receiver.verify(&delivery, received_at) {
            Ok(verified) => verified,
            Err(refused) => return refuse(refused),
        };
        let origin = Origin {
            connection,
            arrival: Arrival::Push,
            received_at,
        };
        let appended = match verified.events() {
            Ok(events) => self.intake.accept(origin, &open.mapper, &events).await,
            Err(error) => self.intake.set_aside(origin, error, body.clone()).await,
        };
        match appended {
            Ok(accepted) => {
                let only_dead = accepted.activities == 0 && accepted.dead_letters > 0;
                let outcome = if only_dead { "dead_letter" } else { "accepted" };
                let status = StatusCode::from_u16(open.receiver.accepted_status());
                Answer::bare(outcome, status.unwrap_or(StatusCode::ACCEPTED))
            }
            Err(error) => self.not_durable(&error),
        }
    }

    /// Room for a body: of its announced length, or of the longest that is taken.
    fn room_for(&self, headers: &HeaderMap, bytes_max: usize) -> Option<SemaphorePermit<'_>> {
        let bytes = announced_length(headers)
            .unwrap_or(bytes_max)
            .min(bytes_max);
        let units = u32::try_from(bytes.div_ceil(BODY_UNIT)).unwrap_or(u32::MAX);
        self.body_room.try_acquire_many(units).ok()
    }

    /// The whole body, within its bounds of size and time.
    async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        bytes_max: usize,
    ) -> Result<Bytes, Answer> {
        let too_large = || {
            let detail = format!("a delivery has at most {bytes_max} bytes");
            Answer::refusal("too_large", StatusCode::PAYLOAD_TOO_LARGE, &detail)
        };
        if announced_length(headers).is_some_and(|length| length > bytes_max) {
            return Err(too_large());
        }
        match tokio::time::timeout(self.options.body_wait_max, to_bytes(body, bytes_max)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(error)) if is_over_length(&error) => Err(too_large()),
            Ok(Err(_)) => Err(Answer::refusal(
                "truncated",
                StatusCode::BAD_REQUEST,
                "the body ended before its announced length",
            )),
            Err(_) => Err(Answer::refusal(
                "too_slow",
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time",
            )),
        }
    }

    fn not_durable(&self, error: &AppendError) -> Answer {
        match error {
            AppendError::Overloaded { retry_after } => Answer::later("overloaded", *retry_after),
            AppendError::TooLarge { .. } => Answer::refusal(
                "too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "one event is larger than the log takes",
            ),
            AppendError::NotDurable(_) => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "a delivery was not made durable"
                );
                Answer::later("unavailable", self.options.retry_after)
            }
        }
    }

    /// A late delivery to a disabled connection: never taken, and noted.
    async fn gone(&self, id: ConnectionId, now: DateTime<Utc>) -> Answer {
        if self.is_to_be_audited(id, now) {
            let entry = NewAudit {
                id: AuditId::new(now, self.entropy.draw()),
                at: now,
                actor: "service".into(),
                action: "delivery.refused".into(),
                subject: id.to_string(),
                detail: "a delivery came after the connection was disabled".into(),
            };
            if let Err(error) = self.audit.audit(&entry).await {
                tracing::error!(error = %error, "a late delivery could not be audited");
            }
        }
        Answer::refusal("gone", StatusCode::GONE, "this connection is disabled")
    }

    fn is_to_be_audited(&self, id: ConnectionId, now: DateTime<Utc>) -> bool {
        let mut audited = self.audited.lock().expect("no holder panics");
        let every = chrono::TimeDelta::from_std(self.options.audit_every).unwrap_or_default();
        // Bounded by the number of disabled connections: only those come here.
        match audited.get(&id) {
            Some(last) if now - *last < every => false,
            _ => {
                audited.insert(id, now);
                true
            }
        }
    }
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

fn unknown() -> Answer {
    Answer::refusal(
        "unknown_connection",
        StatusCode::NOT_FOUND,
        "there is no such webhook",
    )
}

fn refuse(refused: Refused) -> Answer {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    Answer::refusal(refused.word(), status, &refused.to_string())
}

/// Whether the body was refused for its length, and not because the client went away.
fn is_over_length(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}
