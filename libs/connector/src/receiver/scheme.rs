//! How a delivery proves its sender. One variant per kind, each in its own file.

use chrono::{DateTime, TimeDelta, Utc};

use crate::node::Node;
use crate::receiver::{DELIVERY_ID_BYTES_MAX, Delivery, Refused};
use crate::receiver::{
    hmac::Hmac, standard_webhooks::StandardWebhooks, static_header::StaticHeader,
};

/// The way of proving.
#[derive(Debug)]
pub(crate) enum Scheme {
    /// Standard Webhooks 1.0.0.
    StandardWebhooks(StandardWebhooks),
    /// An HMAC over a text made of headers and the body.
    Hmac(Hmac),
    /// A secret that is sent along as it is.
    StaticHeader(StaticHeader),
}

impl Scheme {
    /// Proves the delivery with one of the secrets, and gives its id.
    pub(crate) fn verify(
        &self,
        delivery: &Delivery<'_>,
        secrets: &[&str],
        now: DateTime<Utc>,
    ) -> Result<Option<String>, Refused> {
        match self {
            Scheme::StandardWebhooks(scheme) => scheme.verify(delivery, secrets, now),
            Scheme::Hmac(scheme) => scheme.verify(delivery, secrets, now),
            Scheme::StaticHeader(scheme) => scheme.verify(delivery, secrets),
        }
    }
}

pub(crate) fn read(node: &Node<'_>) -> Option<Scheme> {
    let fields = node.fields()?;
    fields.of_kind(&[
        ("standard_webhooks", |fields| {
            StandardWebhooks::read(fields).map(Scheme::StandardWebhooks)
        }),
        ("hmac", |fields| Hmac::read(fields).map(Scheme::Hmac)),
        ("static_header", |fields| {
            StaticHeader::read(fields).map(Scheme::StaticHeader)
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
