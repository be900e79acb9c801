//! Splunk's HTTP Event Collector. Source: Splunk Enterprise, "Format events for HTTP Event Collector" and "About
//! HTTP Event Collector Indexer Acknowledgment": events one after the other in a body, `Authorization: Splunk
//! TOKEN`; with acknowledgement a channel, an `ackId` in the answer, and a question until it is true.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use url::Url;
use zeroize::Zeroizing;

use super::{DeliveryError, Destination, Taken, http};
use crate::{Told, settings};

/// Most bytes of one body: Splunk's own default takes 800 MB, load balancers before it take less.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How often is asked whether it is indexed, and how many times.
const ASK_EVERY: Duration = Duration::from_secs(1);
const ASKED_MAX: u32 = 60;

pub(super) struct Collector {
    client: Client,
    events: Url,
    acknowledgements: Url,
    token: Zeroizing<String>,
    index: Option<String>,
    sourcetype: String,
    channel: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "ackId")]
    ack_id: Option<u64>,
}

#[derive(Deserialize)]
struct Acknowledged {
    acks: HashMap<String, bool>,
}

impl Collector {
    pub(super) fn new(settings: &settings::Splunk) -> Result<Self, String> {
        let at = |path: &str| settings.url.join(path).map_err(|error| error.to_string());
        Ok(Collector {
            client: http::client(settings.ca_file.as_deref())?,
            events: at("/services/collector/event")?,
            acknowledgements: at("/services/collector/ack")?,
            token: settings.secret.read()?,
            index: settings.index.clone(),
            sourcetype: settings.sourcetype.clone(),
            channel: settings.acknowledged.then(channel).transpose()?,
        })
    }

    fn post(&self, url: &Url) -> RequestBuilder {
        let token = Zeroizing::new(format!("Splunk {}", self.token.as_str()));
        let request = self
            .client
            .post(url.clone())
            .header("authorization", token.as_str());
        match &self.channel {
            Some(channel) => request.header("x-splunk-request-channel", channel),
            None => request,
        }
    }

    fn entry(&self, event: &Told) -> Result<String, DeliveryError> {
        let refused = |error: serde_json::Error| DeliveryError::Refused {
            reason: error.to_string(),
        };
        let raw: &RawValue = serde_json::from_slice(event.json()).map_err(refused)?;
        let mut entry = format!(
            "{{\"time\":{}.{:03},\"source\":\"tidegate\",\"sourcetype\":{}",
            event.time().timestamp(),
            event.time().timestamp_subsec_millis(),
            Value::from(self.sourcetype.as_str()),
        );
        if let Some(index) = &self.index {
            entry.push_str(&format!(",\"index\":{}", Value::from(index.as_str())));
        }
        entry.push_str(&format!(",\"event\":{}}}", raw.get()));
        Ok(entry)
    }

    async fn post_events(&self, body: String) -> Result<(), DeliveryError> {
        let answer = http::send(self.post(&self.events).body(body)).await?;
        if self.channel.is_none() {
            return Ok(());
        }
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|error| DeliveryError::later(format!("its answer cannot be read: {error}")))?;
        let Some(ack) = answer.ack_id else {
            return Err(DeliveryError::later(
                "it gives no `ackId`: switch indexer acknowledgement on for the token, or say `acknowledged = false`",
            ));
        };
        self.is_indexed(ack).await
    }

    async fn is_indexed(&self, ack: u64) -> Result<(), DeliveryError> {
        for _ in 0..ASKED_MAX {
            let asked = self
                .post(&self.acknowledgements)
                .json(&json!({"acks": [ack]}));
            let answer = http::send(asked).await?;
            let answer: Acknowledged = serde_json::from_slice(&answer).map_err(|error| {
                DeliveryError::later(format!("its answer cannot be read: {error}"))
            })?;
            if answer.acks.get(&ack.to_string()) == Some(&true) {
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Err(DeliveryError::later(
            "it does not say that the events are indexed",
        ))
    }
}

/// A channel of this process, as an UUID.
fn channel() -> Result<String, String> {
    let mut bytes = [0; 16];
    let random = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&random, &mut bytes)
        .map_err(|_| "there is no chance to be had")?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok([
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-"))
}

#[async_trait]
impl Destination for Collector {
    async fn deliver(&mut self, events: &[Told]) -> Taken {
        let (mut taken, mut waiting, mut body) = (0, 0, String::new());
        for (n, event) in events.iter().enumerate() {
            match self.entry(event) {
                Ok(entry) => body.push_str(&entry),
                Err(error) => return (taken, Err(error)),
            }
            waiting += 1;
            if body.len() < BODY_BYTES_MAX && n + 1 < events.len() {
                continue;
            }
            if let Err(error) = self.post_events(std::mem::take(&mut body)).await {
                return (taken, Err(error));
            }
            taken += std::mem::take(&mut waiting);
        }
        (taken, Ok(()))
    }
}
