//! Records in a topic of a Kafka cluster: this installation's or another. Taken is what every in-sync replica has;
//! the producer is idempotent, so that its own retries neither double nor reorder.
//!
//! The key is the incident, or the object of a connection: what is told of one stays in one partition.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};

use super::{DeliveryError, Destination, Taken};
use crate::{Told, settings};

/// How long the brokers may take to acknowledge an event.
const ACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);

pub(super) struct Producer {
    producer: FutureProducer,
    topic: String,
}

impl Producer {
    pub(super) fn new(settings: &settings::Kafka) -> Result<Self, String> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", settings.brokers.join(","))
            .set("client.id", "tidegate-sink")
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set(
                "message.timeout.ms",
                ACKNOWLEDGED_MAX.as_millis().to_string(),
            )
            .set("linger.ms", "5")
            .set("compression.type", "gzip");
        let (tls, login) = (settings.tls, settings.user.as_ref());
        let protocol = match (tls, login.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        if let Some(path) = &settings.ca_file {
            config.set("ssl.ca.location", path.display().to_string());
        }
        if let Some(user) = login {
            config
                .set("sasl.mechanism", settings.mechanism.word())
                .set("sasl.username", user)
                .set("sasl.password", settings.secret.read()?.as_str());
        }
        Ok(Producer {
            producer: config.create().map_err(|error| error.to_string())?,
            topic: settings.topic.clone(),
        })
    }

    /// Puts it into the producer's queue; what comes later says whether it was taken.
    fn send(&self, event: &Told) -> Result<DeliveryFuture, KafkaError> {
        let headers = OwnedHeaders::new()
            .insert(header("ce_specversion", "1.0"))
            .insert(header("ce_id", event.id()))
            .insert(header("ce_type", "tidegate.ocsf.v1"))
            .insert(header("content-type", "application/json"));
        let key = event.key();
        let record = FutureRecord::to(&self.topic)
            .key(&key)
            .payload(event.json().as_ref())
            .headers(headers);
        self.producer
            .send_result(record)
            .map_err(|(error, _)| error)
    }

    async fn wave(&self, events: &[Told]) -> Taken {
        let sent: Vec<_> = events.iter().map(|event| self.send(event)).collect();
        let mut outcome = (events.len(), Ok(()));
        for (n, sent) in sent.into_iter().enumerate() {
            let result = match sent {
                Err(error) => Err(error),
                Ok(taken) => match taken.await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err((error, _))) => Err(error),
                    Err(_) => Err(KafkaError::Canceled),
                },
            };
            if let (Err(error), (_, Ok(()))) = (result, &outcome) {
                outcome = (n, Err(told(&error)));
            }
        }
        outcome
    }
}

fn header<'a>(key: &'a str, value: &'a str) -> Header<'a, &'a str> {
    Header {
        key,
        value: Some(value),
    }
}

/// Too large is said of this event, all else may be mended.
fn told(error: &KafkaError) -> DeliveryError {
    let reason = format!("Kafka did not take it: {error}");
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => DeliveryError::Refused { reason },
        _ => DeliveryError::later(reason),
    }
}

/// So many events at the beginning that no two have the same key: what is told of one waits for what was
/// told of it before, so that a failure in between cannot turn the two around.
fn distinct(events: &[Told]) -> usize {
    let mut keys = HashSet::new();
    events
        .iter()
        .take_while(|event| keys.insert(event.key()))
        .count()
}

#[async_trait]
impl Destination for Producer {
    async fn deliver(&mut self, events: &[Told]) -> Taken {
        let mut taken = 0;
        while taken < events.len() {
            let left = &events[taken..];
            let (some, result) = self.wave(&left[..distinct(left)]).await;
            taken += some;
            if result.is_err() {
                return (taken, result);
            }
        }
        (taken, Ok(()))
    }
}
