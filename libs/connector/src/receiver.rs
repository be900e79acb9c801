//! Deliveries: proved on their raw bytes before anything in them is read.
//!
//! INVARIANT: a [`Verified`] is made by [`Receiver::verify`] only, and events come out of nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use event_model::{Assurance, Connection, DeadLetterReason, RawEvent, RawJson};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ports::WebhookSecret;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::connector::Connector;
use crate::json::{self, NotMappable};
use crate::manifest::push::notice::Notice;
use crate::pointer::Pointer;
use crate::scope::Scope;

pub(crate) mod handshake;
mod jwt;
pub(crate) mod keys;
pub(crate) mod scheme;
mod signed;
mod standard_webhooks;
mod static_secret;

use keys::KeySet;
use scheme::Proof;

/// Most events of one delivery.
pub const DELIVERY_EVENTS_MAX: usize = 1_000;
/// Longest delivery id, in bytes.
pub const DELIVERY_ID_BYTES_MAX: usize = 256;
/// Longest header that is kept with an event, in bytes; a longer one is left out.
const KEPT_HEADER_BYTES_MAX: usize = 1024;

/// A request to the webhook, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its query, without the `?`.
    pub query: Option<&'a str>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a Bytes,
}

impl<'a> Delivery<'a> {
    /// The one value of a header; a header that is there twice is as good as none.
    fn header(&self, name: &str) -> Option<&'a str> {
        let mut all = self.headers.get_all(name).iter();
        let one = all.next()?;
        all.next().is_none().then(|| one.to_str().ok())?
    }
}

/// What to answer to the question whether this webhook is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeAnswer {
    /// The status.
    pub status: u16,
    /// The `Content-Type`; `X-Content-Type-Options: nosniff` goes with it.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why a delivery is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// Not a POST.
    #[error("the method is not POST")]
    Method,
    /// Larger than the manifest allows.
    #[error("the body is too large")]
    TooLarge,
    /// A header that proves the sender is missing, or there twice.
    #[error("a header that proves the sender is missing")]
    MissingHeader,
    /// Such a header is not in its form.
    #[error("a header that proves the sender is malformed")]
    MalformedHeader,
    /// Too old, or from the future: it may be a repetition.
    #[error("the delivery's time is outside of the window")]
    Stale,
    /// Not signed with any secret in force.
    #[error("the signature does not match")]
    BadSignature,
    /// There is no secret to prove it with.
    #[error("there is no webhook secret in force")]
    NoSecret,
    /// Signed with a key that the service has not published, as far as is known.
    #[error("the key of the signature is not known")]
    UnknownKey,
}

impl Refused {
    /// A word for a metric.
    pub fn word(self) -> &'static str {
        match self {
            Refused::Method => "method",
            Refused::TooLarge => "too_large",
            Refused::MissingHeader => "missing_header",
            Refused::MalformedHeader => "malformed_header",
            Refused::Stale => "stale",
            Refused::BadSignature => "bad_signature",
            Refused::NoSecret => "no_secret",
            Refused::UnknownKey => "unknown_key",
        }
    }

    /// The status to answer with. Without a secret the fault is ours: the sender should come again.
    pub fn status(self) -> u16 {
        match self {
            Refused::Method => 405,
            Refused::TooLarge => 413,
            Refused::MissingHeader | Refused::MalformedHeader => 400,
            Refused::Stale | Refused::BadSignature | Refused::UnknownKey => 401,
            Refused::NoSecret => 503,
        }
    }
}

/// Proves the deliveries of one connection.
pub struct Receiver {
    connector: Arc<Connector>,
    connection: Connection,
    params: BTreeMap<String, String>,
    secrets: Vec<WebhookSecret>,
}

/// What a delivery holds.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Events, byte for byte.
    pub events: Vec<RawEvent>,
    /// What the service says about the webhook itself, each once.
    pub notices: Vec<Notice>,
}

impl Connector {
    /// What takes this connection's deliveries; none when the service does not deliver.
    pub fn receiver(
        self: &Arc<Self>,
        connection: &Connection,
        secrets: &[WebhookSecret],
    ) -> Option<Receiver> {
        self.push.as_ref()?;
        Some(Receiver {
            connector: Arc::clone(self),
            params: self.params_of(connection),
            connection: connection.clone(),
            secrets: secrets.to_vec(),
        })
    }
}

impl Receiver {
    fn push(&self) -> &crate::manifest::push::Push {
        self.connector
            .push
            .as_ref()
            .expect("a receiver is made only where there is push")
    }

    /// The answer, when the service asks whether this webhook is ours; none for a delivery.
    pub fn handshake(&self, delivery: &Delivery<'_>) -> Option<HandshakeAnswer> {
        let lasting = |secret: &&WebhookSecret| secret.not_after.is_none();
        let secret = self.secrets.iter().find(lasting);
        let secret = secret.map(|secret| secret.secret.expose().as_str());
        let secret = secret.filter(|secret| !secret.is_empty());
        let mut handshakes = self.push().handshakes.iter();
        handshakes.find_map(|handshake| handshake.answer(delivery, secret))
    }

    /// Proves that the service sent this, with one of the secrets in force, and not long ago.
    ///
    /// # Errors
    /// See [`Refused`]; each knows its status.
    pub fn verify(&self, delivery: &Delivery<'_>, now: DateTime<Utc>) -> Result<Verified, Refused> {
        self.verify_with(delivery, &KeySet::default(), now)
    }

    /// The same where the service publishes its keys: see [`PublishedKeys`](crate::PublishedKeys).
    ///
    /// # Errors
    /// `UnknownKey` when another reading of the keys may help; see [`Refused`].
    pub fn verify_with(
        &self,
        delivery: &Delivery<'_>,
        keys: &KeySet,
        now: DateTime<Utc>,
    ) -> Result<Verified, Refused> {
        let push = self.push();
        if delivery.method != Method::POST {
            return Err(Refused::Method);
        }
        if delivery.body.len() > push.body_bytes_max {
            return Err(Refused::TooLarge);
        }
        let in_force = |secret: &&WebhookSecret| secret.not_after.is_none_or(|end| now < end);
        let secrets: Vec<&str> = self
            .secrets
            .iter()
            .filter(in_force)
            .map(|secret| secret.secret.expose().as_str())
            .filter(|secret| !secret.is_empty())
            .collect();
        if secrets.is_empty() && push.scheme.key_address().is_none() {
            return Err(Refused::NoSecret);
        }
        let proof = Proof {
            secrets: &secrets,
            keys,
            now,
            scope: self.scope(),
        };
        let delivery_id = push.scheme.verify(delivery, &proof)?;
        Ok(Verified {
            body: delivery.body.clone(),
            events: push.events.clone(),
            headers: (!push.headers.is_empty()).then(|| kept_headers(delivery, &push.headers)),
            delivery_id,
        })
    }

    fn scope(&self) -> Scope<'_> {
        Scope::new(&self.connection, &self.params)
    }

    /// What a proved delivery holds: events, and what is about the webhook itself. One that says only
    /// that there is something new holds no events.
    ///
    /// # Errors
    /// See [`Verified::events`].
    pub fn content(&self, verified: &Verified) -> Result<Content, NotMappable> {
        let push = self.push();
        if push.thin && push.lifecycle.is_empty() {
            return Ok(Content::default());
        }
        let events = match verified.events() {
            // What says only that there is something new need not be JSON.
            Err(_) if push.thin => return Ok(Content::default()),
            events => events?,
        };
        let mut content = Content::default();
        for event in events {
            match self.notice(&event) {
                Some(notice) if content.notices.contains(&notice) => {}
                Some(notice) => content.notices.push(notice),
                None if push.thin => {}
                None => content.events.push(event),
            }
        }
        Ok(content)
    }

    fn notice(&self, event: &RawEvent) -> Option<Notice> {
        let rules = &self.push().lifecycle;
        if rules.is_empty() {
            return None;
        }
        let document = json::value(event.json.get().as_bytes()).ok()?;
        let scope = self.scope();
        rules
            .iter()
            .find_map(|rule| rule.asks(&scope.over(&document)))
    }

    /// Whether a delivery says only that there is something new, to be pulled.
    pub fn is_thin(&self) -> bool {
        self.push().thin
    }

    /// How sure it is that the service said what it delivers.
    pub fn assurance(&self) -> Assurance {
        match self.push().low_assurance {
            true => Assurance::Low,
            false => Assurance::Signed,
        }
    }

    /// What the service wants to hear when a delivery is taken.
    pub fn accepted_status(&self) -> u16 {
        self.push().accepted.events
    }

    /// The same for one that held nothing but notices.
    pub fn noticed_status(&self) -> u16 {
        self.push().accepted.notices
    }

    /// Where the service publishes its keys; none where a secret is enough, or the connection lacks a
    /// parameter of the address.
    pub(crate) fn key_address(&self) -> Option<String> {
        let address = self.push().scheme.key_address()?;
        address.url(&self.scope()).ok()
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    pub(crate) fn base_url(&self) -> Option<&str> {
        self.connection.base_url.as_deref()
    }

    /// Largest delivery, in bytes.
    pub fn body_bytes_max(&self) -> usize {
        self.push().body_bytes_max
    }
}

/// A delivery that was proved, not yet parsed.
#[derive(Debug, Clone)]
pub struct Verified {
    body: Bytes,
    events: Pointer,
    /// What the manifest lets through of the headers, as JSON; none where it names none.
    headers: Option<Value>,
    delivery_id: Option<String>,
}

/// The headers of these names that are there once. They are signed only where the scheme says so.
fn kept_headers(delivery: &Delivery<'_>, names: &[HeaderName]) -> Value {
    let kept = names.iter().filter_map(|name| {
        let text = delivery.header(name.as_str())?;
        let fits = text.len() <= KEPT_HEADER_BYTES_MAX;
        fits.then(|| (name.as_str().to_owned(), Value::from(text)))
    });
    Value::Object(kept.collect())
}

impl Verified {
    /// A delivery that was proved when it came, and was kept whole as a dead letter. Its headers were
    /// not kept: fields that the manifest reads from them are absent.
    ///
    /// # Errors
    /// When the manifest has no push feed (any more).
    pub fn kept(connector: &Connector, body: Bytes) -> Result<Verified, String> {
        let push = connector
            .push
            .as_ref()
            .ok_or_else(|| format!("the connector `{}` has no push feed", connector.id()))?;
        Ok(Verified {
            body,
            events: push.events.clone(),
            headers: (!push.headers.is_empty()).then(|| Value::Object(Default::default())),
            delivery_id: None,
        })
    }

    /// The events in it, byte for byte. Where the manifest names headers, each event is
    /// `{"headers": {..}, "body": ..}`, with the event byte for byte as its body.
    ///
    /// # Errors
    /// When it is not JSON, nested too deep, or has no event where the manifest says.
    pub fn events(&self) -> Result<Vec<RawEvent>, NotMappable> {
        let whole = json::raw(&self.body)?;
        let nothing = |detail: String| NotMappable::because(DeadLetterReason::NotMappable, detail);
        let place = &self.events;
        let found = place
            .raw(whole)
            .ok_or_else(|| nothing(format!("there is nothing at `{place}`")))?;
        let event = |raw: &RawValue| RawEvent {
            json: match &self.headers {
                None => raw.to_owned().into(),
                Some(headers) => enveloped(headers, raw),
            },
        };
        if found.get().starts_with('{') {
            return Ok(vec![event(found)]);
        }
        let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(found.get()) else {
            return Err(nothing(format!(
                "neither an event nor a list is at `{place}`"
            )));
        };
        if list.len() > DELIVERY_EVENTS_MAX {
            return Err(nothing(format!(
                "more than {DELIVERY_EVENTS_MAX} events at `{place}`"
            )));
        }
        Ok(list.into_iter().map(event).collect())
    }

    /// The sender's id of this delivery, the same in each of its attempts; none when it has none.
    pub fn delivery_id(&self) -> Option<&str> {
        self.delivery_id.as_deref()
    }
}

fn enveloped(headers: &Value, event: &RawValue) -> RawJson {
    let text = format!(r#"{{"headers":{headers},"body":{}}}"#, event.get());
    RawJson::checked(&text)
}

#[cfg(test)]
mod proofs;
#[cfg(test)]
mod tests;
