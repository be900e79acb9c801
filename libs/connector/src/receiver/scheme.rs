//! How a delivery proves its sender. One variant per kind, each in its own file.

use chrono::{DateTime, TimeDelta, Utc};

use crate::node::Node;
use crate::receiver::jwt::Jwt;
use crate::receiver::keys::KeySet;
use crate::receiver::signed::{Signed, read_hmac, read_public_key};
use crate::receiver::standard_webhooks::StandardWebhooks;
use crate::receiver::static_secret::{BasicAuth, StaticBody, StaticHeader};
use crate::receiver::{DELIVERY_ID_BYTES_MAX, Delivery, Refused};
use crate::scope::Scope;
use crate::template::Template;

/// The way of proving.
#[derive(Debug)]
pub(crate) enum Scheme {
    /// Standard Webhooks 1.0.0.
    StandardWebhooks(StandardWebhooks),
    /// An HMAC or a signature over a text made of headers and the body.
    Signed(Signed),
    /// A signed statement.
    Jwt(Box<Jwt>),
    /// A secret that is sent along as it is.
    StaticHeader(StaticHeader),
    /// The same, as a password.
    Basic(BasicAuth),
    /// The same, in the body.
    StaticBody(StaticBody),
}

/// What a delivery is proved with.
pub(crate) struct Proof<'a> {
    /// The secrets in force.
    pub(crate) secrets: &'a [&'a str],
    /// The service's public keys, where it publishes some.
    pub(crate) keys: &'a KeySet,
    /// The time.
    pub(crate) now: DateTime<Utc>,
    /// The connection.
    pub(crate) scope: Scope<'a>,
}

impl Scheme {
    /// Proves the delivery with one of the secrets or keys, and gives its id.
    pub(crate) fn verify(
        &self,
        delivery: &Delivery<'_>,
        proof: &Proof<'_>,
    ) -> Result<Option<String>, Refused> {
        match self {
            Scheme::StandardWebhooks(scheme) => scheme.verify(delivery, proof.secrets, proof.now),
            Scheme::Signed(scheme) => scheme.verify(delivery, proof.secrets, proof.now),
            Scheme::Jwt(scheme) => scheme.verify(delivery, proof),
            Scheme::StaticHeader(scheme) => scheme.verify(delivery, proof.secrets),
            Scheme::Basic(scheme) => scheme.verify(delivery, proof),
            Scheme::StaticBody(scheme) => scheme.verify(delivery, proof.secrets),
        }
    }

    /// Whether it proves the sender only: who learns what is sent can forge a delivery.
    pub(crate) fn is_low(&self) -> bool {
        match self {
            Scheme::StandardWebhooks(_) | Scheme::Signed(_) => false,
            Scheme::Jwt(jwt) => jwt.is_low(),
            Scheme::StaticHeader(_) | Scheme::Basic(_) | Scheme::StaticBody(_) => true,
        }
    }

    /// Where the service publishes the keys; none where a secret is enough.
    pub(crate) fn key_address(&self) -> Option<&Template> {
        match self {
            Scheme::Jwt(jwt) => jwt.key_address(),
            _ => None,
        }
    }

    /// Every template in it.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match self {
            Scheme::Jwt(jwt) => jwt.templates().collect(),
            Scheme::Basic(basic) => vec![basic.user()],
            _ => Vec::new(),
        }
    }
}

pub(crate) fn read(node: &Node<'_>) -> Option<Scheme> {
    let fields = node.fields()?;
    fields.of_kind(&[
        ("standard_webhooks", |fields| {
            StandardWebhooks::read(fields).map(Scheme::StandardWebhooks)
        }),
        ("hmac", |fields| read_hmac(fields).map(Scheme::Signed)),
        ("public_key", |fields| {
            read_public_key(fields).map(Scheme::Signed)
        }),
        ("jwt", |fields| {
            Jwt::read(fields).map(|jwt| Scheme::Jwt(Box::new(jwt)))
        }),
        ("static_header", |fields| {
            StaticHeader::read(fields).map(Scheme::StaticHeader)
        }),
        ("basic", |fields| BasicAuth::read(fields).map(Scheme::Basic)),
        ("static_body", |fields| {
            StaticBody::read(fields).map(Scheme::StaticBody)
        }),
    ])
}

/// Refuses what is older or newer than the tolerance.
pub(crate) fn check_age(
    sent_at: DateTime<Utc>,
    now: DateTime<Utc>,
    tolerance: std::time::Duration,
) -> Result<(), Refused> {
    let tolerance = TimeDelta::from_std(tolerance).unwrap_or(TimeDelta::MAX);
    if (now - sent_at).abs() > tolerance {
        return Err(Refused::Stale);
    }
    Ok(())
}

/// A delivery id of bounded length.
pub(crate) fn bounded_id(id: &str) -> Result<String, Refused> {
    if id.is_empty() || id.len() > DELIVERY_ID_BYTES_MAX {
        return Err(Refused::MalformedHeader);
    }
    Ok(id.to_owned())
}
