//! One delivery, step by step: find, read, verify, map, append, answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::any;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use connector::{Content, Delivery, NotMappable, Notice, PublishedKeys, Refused, Verified};
use event_model::{Arrival, Assurance, AuditId, Connection, ConnectionId};
use intake::{Accepted, Intake, Origin};
use ports::{
    AppendError, AuditTrail, Clock, Entropy, NewAudit, PullSignals, WebhookNote, WebhookNotes,
};
use telemetry::{Counter, Metrics, Timing};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::answer::Answer;
use crate::directory::{Directory, FindError, Open, Standing};

/// When a delivery is to come again whose webhook is still being registered.
const NOT_YET: Duration = Duration::from_secs(1);
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

/// What the role needs of the world, besides its directory and its way into the log.
pub struct IngestPorts {
    /// Where late deliveries are noted.
    pub audit: Arc<dyn AuditTrail>,
    /// What makes streams be read at once.
    pub pulls: Arc<dyn PullSignals>,
    /// Where it is told what deliveries say of their webhooks.
    pub notes: Arc<dyn WebhookNotes>,
    /// The public keys that services publish.
    pub keys: PublishedKeys,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Counts deliveries by outcome.
    pub metrics: Arc<Metrics>,
}

/// The role.
pub struct Ingest {
    directory: Directory,
    intake: Intake,
    ports: IngestPorts,
    options: IngestOptions,
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
        ports: IngestPorts,
        options: IngestOptions,
    ) -> Self {
        let admission = Semaphore::new(options.deliveries_max);
        let body_room = Semaphore::new(options.body_bytes_held_max / BODY_UNIT);
        Ingest {
            directory,
            intake,
            ports,
            options,
            admission,
            body_room,
            audited: Mutex::default(),
        }
    }
}

/// The routes of the role: `/webhooks/{connection_id}`, and `/notices` below it for services that tell
/// of the webhook itself at an address of its own.
pub fn router(ingest: Arc<Ingest>) -> Router {
    Router::new()
        .route("/webhooks/{connection_id}", any(deliver))
        .route("/webhooks/{connection_id}/notices", any(notify))
        .with_state(ingest)
}

/// Where a delivery was sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    /// The webhook.
    Events,
    /// Its address for notices: nothing that comes in here is an activity.
    Notices,
}

async fn notify(
    State(ingest): State<Arc<Ingest>>,
    Path(connection_id): Path<String>,
    request: Request,
) -> Response<Body> {
    ingest
        .answered(&connection_id, request, Door::Notices)
        .await
}

async fn deliver(
    State(ingest): State<Arc<Ingest>>,
    Path(connection_id): Path<String>,
    request: Request,
) -> Response<Body> {
    ingest.answered(&connection_id, request, Door::Events).await
}

impl Ingest {
    async fn answered(&self, connection_id: &str, request: Request, door: Door) -> Response<Body> {
        let began = self.ports.clock.monotonic();
        let answer = self.meet(connection_id, request, door).await;
        let took = self.ports.clock.monotonic().saturating_sub(began);
        let metrics = &self.ports.metrics;
        metrics.count(Counter::Deliveries, &[answer.outcome], 1);
        metrics.time(Timing::DeliverySeconds, &[], took.as_secs_f64());
        answer.into_response()
    }

    async fn meet(&self, connection_id: &str, request: Request, door: Door) -> Answer {
        let Ok(_admitted) = self.admission.try_acquire() else {
            return Answer::later("overloaded", self.options.retry_after);
        };
        let received_at = self.ports.clock.now();
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
            Standing::NotYet => Answer::later("not_yet", NOT_YET),
            Standing::Opening(open) => self.ask(open, request).await,
            Standing::Gone => self.gone(id, received_at).await,
            Standing::Open(open) => {
                let delivered = Delivered {
                    connection: &entry.connection,
                    open,
                    door,
                    received_at,
                };
                self.take(delivered, request).await
            }
        }
    }

    /// A webhook that is being registered: the service may ask whether it is ours before it says that
    /// it has registered it.
    async fn ask(&self, open: &Open, request: Request) -> Answer {
        let (parts, body) = request.into_parts();
        let bytes_max = open.receiver.body_bytes_max();
        let Some(_room) = self.room_for(&parts.headers, bytes_max) else {
            return Answer::later("overloaded", self.options.retry_after);
        };
        let body = match self.read(&parts.headers, body, bytes_max).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let delivery = delivery(&parts, &body);
        match open.receiver.handshake(&delivery) {
            Some(answer) => Answer::handshake(answer),
            None => Answer::later("not_yet", NOT_YET),
        }
    }

    async fn take(&self, delivered: Delivered<'_>, request: Request) -> Answer {
        let receiver = &delivered.open.receiver;
        let (parts, body) = request.into_parts();
        let Some(_room) = self.room_for(&parts.headers, receiver.body_bytes_max()) else {
            return Answer::later("overloaded", self.options.retry_after);
        };
        let body = match self
            .read(&parts.headers, body, receiver.body_bytes_max())
            .await
        {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let delivery = delivery(&parts, &body);
        if let Some(answer) = receiver.handshake(&delivery) {
            return Answer::handshake(answer);
        }
        let verified = match self.prove(delivered, &delivery).await {
            Ok(verified) => verified,
            Err(answer) => return answer,
        };
        match receiver.content(&verified) {
            Ok(content) => self.accept(delivered, content).await,
            Err(_) if delivered.door == Door::Notices => self.noticed(delivered, &[]),
            Err(error) => self.set_aside(delivered, error, body.clone()).await,
        }
    }

    /// Proves it with the secrets, or with the keys that the service publishes; a key that is not known
    /// is looked for once more.
    async fn prove(
        &self,
        delivered: Delivered<'_>,
        delivery: &Delivery<'_>,
    ) -> Result<Verified, Answer> {
        let receiver = &delivered.open.receiver;
        let mut again = false;
        loop {
            let keys = self.ports.keys.of(receiver, again).await.map_err(|error| {
                tracing::warn!(connection.id = %delivered.connection.id, error = %error, "a service's keys could not be read");
                Answer::later("unavailable", self.options.retry_after)
            })?;
            match receiver.verify_with(delivery, &keys, delivered.received_at) {
                Err(Refused::UnknownKey) if !again => again = true,
                verified => return verified.map_err(refuse),
            }
        }
    }

    async fn accept(&self, delivered: Delivered<'_>, content: Content) -> Answer {
        let receiver = &delivered.open.receiver;
        let is_empty =
            content.events.is_empty() && (receiver.is_thin() || !content.notices.is_empty());
        if is_empty || delivered.door == Door::Notices {
            return self.noticed(delivered, &content.notices);
        }
        let mapper = &delivered.open.mapper;
        let appended = self
            .intake
            .accept(delivered.origin(), mapper, &content.events);
        match appended.await {
            Ok(accepted) => {
                self.pass_on(delivered, &content.notices);
                // What is not sure is asked for at once, so that it can be confirmed.
                if receiver.assurance() == Assurance::Low {
                    self.ports.pulls.ask(delivered.connection.id);
                }
                self.taken(delivered, accepted)
            }
            Err(error) => self.not_durable(&error),
        }
    }

    async fn set_aside(&self, delivered: Delivered<'_>, error: NotMappable, body: Bytes) -> Answer {
        match self.intake.set_aside(delivered.origin(), error, body).await {
            Ok(accepted) => self.taken(delivered, accepted),
            Err(error) => self.not_durable(&error),
        }
    }

    /// Durable.
    fn taken(&self, delivered: Delivered<'_>, accepted: Accepted) -> Answer {
        self.note_first(delivered);
        let only_dead = accepted.activities == 0 && accepted.dead_letters > 0;
        let outcome = if only_dead { "dead_letter" } else { "accepted" };
        let status = StatusCode::from_u16(delivered.open.receiver.accepted_status());
        Answer::bare(outcome, status.unwrap_or(StatusCode::ACCEPTED))
    }

    /// A delivery without events: that there is something new, or something about the webhook. Nothing of
    /// it need be durable: the pull's own rhythm finds what it announced.
    fn noticed(&self, delivered: Delivered<'_>, notices: &[Notice]) -> Answer {
        let receiver = &delivered.open.receiver;
        self.note_first(delivered);
        self.pass_on(delivered, notices);
        let is_thin = receiver.is_thin() && delivered.door == Door::Events && notices.is_empty();
        let (outcome, status) = match is_thin {
            true => ("announced", receiver.accepted_status()),
            false => ("noticed", receiver.noticed_status()),
        };
        if is_thin {
            self.ports.pulls.ask(delivered.connection.id);
        }
        Answer::bare(
            outcome,
            StatusCode::from_u16(status).unwrap_or(StatusCode::ACCEPTED),
        )
    }

    fn pass_on(&self, delivered: Delivered<'_>, notices: &[Notice]) {
        let id = delivered.connection.id;
        for notice in notices {
            match notice {
                Notice::Renew => self.ports.notes.note(id, WebhookNote::Renew),
                Notice::Register => self.ports.notes.note(id, WebhookNote::Register),
                Notice::Check => self.ports.notes.note(id, WebhookNote::Check),
                Notice::Reconcile => self.ports.pulls.ask(id),
            }
        }
    }

    fn note_first(&self, delivered: Delivered<'_>) {
        let registration = delivered.connection.lifecycle.registration();
        if registration.is_some_and(|registration| registration.delivered_at.is_none()) {
            let notes = &self.ports.notes;
            notes.note(delivered.connection.id, WebhookNote::Delivered);
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
                id: AuditId::new(now, self.ports.entropy.draw()),
                at: now,
                actor: "service".into(),
                action: "delivery.refused".into(),
                subject: id.to_string(),
                detail: "a delivery came after the connection was disabled".into(),
            };
            if let Err(error) = self.ports.audit.audit(&entry).await {
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

/// A request to the webhook of a connection that takes deliveries.
#[derive(Clone, Copy)]
struct Delivered<'a> {
    connection: &'a Connection,
    open: &'a Open,
    door: Door,
    received_at: DateTime<Utc>,
}

impl<'a> Delivered<'a> {
    fn origin(self) -> Origin<'a> {
        Origin {
            connection: self.connection,
            arrival: Arrival::Push,
            assurance: self.open.receiver.assurance(),
            received_at: self.received_at,
        }
    }
}

fn delivery<'a>(parts: &'a Parts, body: &'a Bytes) -> Delivery<'a> {
    Delivery {
        method: &parts.method,
        query: parts.uri.query(),
        headers: &parts.headers,
        body,
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
