//! The one way into the activity log: what a service sent, mapped and made durable.
//!
//! `ingest` and `poller` both come through here, so that push and pull give the same normalised
//! events. Nothing is dropped: an event that cannot be mapped goes to the dead-letter topic with
//! its bytes and its reason, in the same call, before the caller acknowledges anything.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use connector::{Lent, Mapper, NotMappable};
use event_model::{
    Activity, ActivityRecord, Arrival, Assurance, Connection, ConnectionId, DEAD_LETTER,
    DeadLetter, RawEvent, RecordBody, RecordHead, TraceContext, WIRE_VERSION, rfc3339,
};
use ports::{ActivityLog, AppendError, Entropy, Header, LogRecord, Topic};
use telemetry::{Counter, Gauge, Metrics, Timing, journey, stage};
use tracing::Span;

/// Most bytes of one unmappable payload that are kept; the rest is cut and said so.
const DEAD_LETTER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The kind of the records of activity, as CloudEvents has kinds.
const ACTIVITY: &str = "tidegate.activity.v1";
/// Most chances drawn at once: 16 bytes each.
const CHANCES_MAX: usize = 10_000;
/// Headers that a record has at most.
const HEADERS: usize = 8;

/// What became of a delivery or a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Activities appended.
    pub activities: usize,
    /// Events set aside.
    pub dead_letters: usize,
}

/// Whose events they are, and how they came.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// Push or pull.
    pub arrival: Arrival,
    /// How sure it is that the service said this.
    pub assurance: Assurance,
    /// When they reached us.
    pub received_at: DateTime<Utc>,
}

/// Maps events and makes them durable.
pub struct Intake {
    log: Arc<dyn ActivityLog>,
    entropy: Arc<dyn Entropy>,
    metrics: Arc<Metrics>,
}

impl Intake {
    /// An intake into that log.
    pub fn new(
        log: Arc<dyn ActivityLog>,
        entropy: Arc<dyn Entropy>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Intake {
            log,
            entropy,
            metrics,
        }
    }

    /// Maps the events and appends them. When it returns `Ok`, each is durable, as an activity or
    /// as a dead letter.
    ///
    /// # Errors
    /// When the log did not take them: nothing may be acknowledged, and the same events can be
    /// given again.
    pub async fn accept(
        &self,
        origin: Origin<'_>,
        mapper: &Mapper,
        events: &[RawEvent],
    ) -> Result<Accepted, AppendError> {
        let mut records = Vec::with_capacity(events.len());
        // Each is open until its record is durable.
        let mut stages = Vec::new();
        let mut dead = Vec::new();
        let mut newest: Option<DateTime<Utc>> = None;
        let mut envelope = Envelope::of(origin);
        let mut chances = Chances::of(self.entropy.as_ref(), events.len());
        for event in events {
            let before = (records.len(), stages.len());
            let mapped = mapper.each(event, origin.received_at, &mut |lent| {
                newest = newest.max(lent.activity.event_timestamp);
                let (record, stage) = record(origin, &mut envelope, chances.next(), lent);
                stages.extend(stage);
                records.push(record);
            });
            if let Err(error) = mapped {
                records.truncate(before.0);
                stages.truncate(before.1);
                dead.push((error, Bytes::copy_from_slice(event.json.get().as_bytes())));
            }
        }
        let accepted = Accepted {
            activities: records.len(),
            dead_letters: dead.len(),
        };
        if !records.is_empty() {
            self.log.append(Topic::Activity, records).await?;
        }
        drop(stages);
        if !dead.is_empty() {
            self.bury(origin, dead, false).await?;
        }
        self.observe(origin, accepted, newest);
        Ok(accepted)
    }

    /// Sets a whole payload aside: it is signed, but no event can be found in it.
    ///
    /// # Errors
    /// When the log did not take it.
    pub async fn set_aside(
        &self,
        origin: Origin<'_>,
        reason: NotMappable,
        body: Bytes,
    ) -> Result<Accepted, AppendError> {
        self.bury(origin, vec![(reason, body)], true).await?;
        Ok(Accepted {
            activities: 0,
            dead_letters: 1,
        })
    }

    /// Takes in a record that could not be read before and can be now, as it was written.
    ///
    /// # Errors
    /// When the log did not take it.
    pub async fn readmit(&self, record: ActivityRecord) -> Result<(), AppendError> {
        let record = readmitted(&record);
        self.log.append(Topic::Activity, vec![record]).await
    }

    async fn bury(
        &self,
        origin: Origin<'_>,
        dead: Vec<(NotMappable, Bytes)>,
        whole: bool,
    ) -> Result<(), AppendError> {
        let id = origin.connection.id;
        let records = dead.into_iter().map(|(error, body)| {
            self.metrics.count(Counter::DeadLetters, &[error.reason.word()], 1);
            tracing::warn!(connection.id = %id, reason = error.reason.word(), detail = error.detail, "set a payload aside");
            let name = format!("{:032x}", self.entropy.draw());
            dead_letter(&name, origin, error, &body, whole)
        });
        self.log.append(Topic::DeadLetter, records.collect()).await
    }

    fn observe(&self, origin: Origin<'_>, accepted: Accepted, newest: Option<DateTime<Utc>>) {
        let arrived = [origin.arrival.word()];
        self.metrics.count(
            Counter::EventsAppended,
            &arrived,
            accepted.activities as u64,
        );
        if let Some(newest) = newest {
            let lag = (origin.received_at - newest).num_milliseconds().max(0) as f64 / 1_000.0;
            self.metrics
                .set(Gauge::FeedLag, &[&origin.connection.id.to_string()], lag);
            self.metrics.time(Timing::ProviderLagSeconds, &[], lag);
        }
    }
}

/// The name of a journey that no collector is told of.
fn untraced(chance: u128) -> String {
    let journey = TraceContext {
        trace_id: chance | 1,
        span_id: (chance >> 64) as u64 | 1,
        sampled: false,
    };
    journey.traceparent()
}

/// The record, and the first stage of its journey where that is traced.
fn record(
    origin: Origin<'_>,
    envelope: &mut Envelope,
    chance: u128,
    lent: Lent<'_>,
) -> (LogRecord, Option<Span>) {
    let activity = lent.activity;
    let begun = journey::begin(chance, || {
        let lag = activity.event_timestamp.map(|at| origin.received_at - at);
        stage!(
            parent: None,
            "append",
            event.id = %activity.event_id,
            connection.id = %origin.connection.id,
            service = origin.connection.service,
            arrival = origin.arrival.word(),
            provider_lag_ms = lag.map(|lag| lag.num_milliseconds()),
        )
    });
    let (stage, traceparent) = match begun {
        Some((stage, traceparent)) => (Some(stage), traceparent),
        None => (None, untraced(chance)),
    };
    let body = RecordBody {
        own: lent.own,
        assurance: origin.assurance,
        traceparent: Some(&traceparent),
        activity,
        provenance: lent.provenance,
        raw: lent.raw,
    };
    let value = envelope.head.encode(&body);
    let record = envelope.around(activity, origin.assurance, traceparent, value);
    (record, stage)
}

/// A record that was written before, as it was.
fn readmitted(record: &ActivityRecord) -> LogRecord {
    let mut envelope = Envelope {
        source: source(record.connection_id).into(),
        time: rfc3339(record.received_at).into(),
        head: record.head(),
    };
    let value = envelope.head.encode(&record.body());
    let traceparent = record.traceparent.clone().unwrap_or_default();
    envelope.around(&record.activity, record.assurance, traceparent, value)
}

/// What all records of one call have alike.
struct Envelope {
    source: Arc<str>,
    time: Arc<str>,
    head: RecordHead,
}

impl Envelope {
    fn of(origin: Origin<'_>) -> Self {
        let Connection { id, service, .. } = origin.connection;
        Envelope {
            source: source(*id).into(),
            time: rfc3339(origin.received_at).into(),
            head: RecordHead::new(*id, service, origin.arrival, origin.received_at),
        }
    }

    /// The record of the log: CloudEvents 1.0 attributes in the binary mode of the Kafka binding, and the
    /// W3C trace context.
    fn around(
        &self,
        activity: &Activity,
        assurance: Assurance,
        traceparent: String,
        value: Bytes,
    ) -> LogRecord {
        let id = activity.event_id.as_str().to_owned();
        let of_call = (Arc::clone(&self.source), Arc::clone(&self.time));
        let mut headers = attributes_of(ACTIVITY, id, of_call);
        headers.push(("traceparent".into(), traceparent.into()));
        if assurance != Assurance::Signed {
            headers.push(("ce_assurance".into(), assurance.word().into()));
        }
        LogRecord {
            key: self.head.key(activity),
            headers,
            value,
        }
    }
}

/// Chance for each of many records, drawn for all that are expected at once.
struct Chances<'e> {
    entropy: &'e dyn Entropy,
    drawn: std::vec::IntoIter<u128>,
}

impl<'e> Chances<'e> {
    fn of(entropy: &'e dyn Entropy, expected: usize) -> Self {
        let drawn = entropy.draw_many(expected.min(CHANCES_MAX)).into_iter();
        Chances { entropy, drawn }
    }

    fn next(&mut self) -> u128 {
        self.drawn.next().unwrap_or_else(|| self.entropy.draw())
    }
}

/// CloudEvents 1.0 attributes of a record of ours that carries JSON.
pub fn attributes(
    kind: &'static str,
    id: &str,
    connection: ConnectionId,
    at: DateTime<Utc>,
) -> Vec<Header> {
    let of_call = (source(connection).into(), rfc3339(at).into());
    attributes_of(kind, id.to_owned(), of_call)
}

fn attributes_of(
    kind: &'static str,
    id: String,
    (source, time): (Arc<str>, Arc<str>),
) -> Vec<Header> {
    let mut headers = Vec::with_capacity(HEADERS);
    headers.extend([
        ("ce_specversion".into(), "1.0".into()),
        ("ce_id".into(), id.into()),
        ("ce_source".into(), source.into()),
        ("ce_type".into(), kind.into()),
        ("ce_time".into(), time.into()),
        ("content-type".into(), "application/json".into()),
    ]);
    headers
}

fn source(connection: ConnectionId) -> String {
    format!("/connections/{connection}")
}

fn dead_letter(
    name: &str,
    origin: Origin<'_>,
    error: NotMappable,
    body: &Bytes,
    whole: bool,
) -> LogRecord {
    let id = origin.connection.id;
    let kept = &body[..body.len().min(DEAD_LETTER_BYTES_MAX)];
    let cut = if kept.len() < body.len() {
        format!(
            "; only the first {DEAD_LETTER_BYTES_MAX} of {} bytes are kept",
            body.len()
        )
    } else {
        String::new()
    };
    let letter = DeadLetter {
        v: WIRE_VERSION,
        connection_id: id,
        arrival: origin.arrival,
        received_at: origin.received_at,
        reason: error.reason,
        detail: format!("{}{cut}", error.detail),
        whole,
        body_base64: STANDARD.encode(kept),
    };
    let value = serde_json::to_vec(&letter).expect("a dead letter has only plain fields");
    LogRecord {
        key: id.to_string(),
        headers: attributes(DEAD_LETTER, name, id, origin.received_at),
        value: Bytes::from(value),
    }
}
