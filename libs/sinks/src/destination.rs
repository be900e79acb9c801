//! Where events go. A destination takes them in order and says how many it has for good: what comes after
//! them is handed over again, so what is taken twice has the same id.

mod chat;
mod file;
mod http;
mod kafka;
mod mail;
mod splunk;
mod syslog;
mod tls;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ports::{Clock, Mailer};
use thiserror::Error;

use crate::{SettingsError, SinkSettings, Told};

/// Why an event was not taken.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// The receiver cannot be had now: again later.
    #[error("{reason}")]
    Later {
        /// Why.
        reason: String,
        /// When it asked to be called again.
        after: Option<Duration>,
    },
    /// The receiver will never take this event, and may take the next.
    #[error("refused for good: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
}

impl DeliveryError {
    pub(crate) fn later(reason: impl ToString) -> Self {
        let reason = reason.to_string();
        DeliveryError::Later {
            reason,
            after: None,
        }
    }
}

/// By what destinations are reached, beside the network.
#[derive(Clone)]
pub struct Reach {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The mail server of the installation.
    pub mailer: Arc<dyn Mailer>,
}

/// So many events of those handed over are taken; then what went wrong with the next, if anything did.
pub(crate) type Taken = (usize, Result<(), DeliveryError>);

/// Takes events.
#[async_trait]
pub(crate) trait Destination: Send {
    /// Hands the events over in order.
    async fn deliver(&mut self, events: &[Told]) -> Taken;
}

/// Events taken one by one.
#[async_trait]
pub(crate) trait OneByOne: Send {
    async fn deliver_one(&mut self, event: &Told) -> Result<(), DeliveryError>;
}

#[async_trait]
impl<T: OneByOne> Destination for T {
    async fn deliver(&mut self, events: &[Told]) -> Taken {
        for (taken, event) in events.iter().enumerate() {
            if let Err(error) = self.deliver_one(event).await {
                return (taken, Err(error));
            }
        }
        (events.len(), Ok(()))
    }
}

/// The destination that the settings name.
pub(crate) fn of(
    settings: &SinkSettings,
    reach: &Reach,
) -> Result<Box<dyn Destination>, SettingsError> {
    let made = match settings {
        SinkSettings { file: Some(to), .. } => Ok(boxed(file::FileEnd::new(to))),
        SinkSettings {
            webhook: Some(to), ..
        } => webhook::Hook::new(to, &reach.clock).map(boxed),
        SinkSettings {
            syslog: Some(to), ..
        } => syslog::Collector::new(to).map(boxed),
        SinkSettings {
            splunk: Some(to), ..
        } => splunk::Collector::new(to).map(boxed),
        SinkSettings { chat: Some(to), .. } => chat::Room::new(to).map(boxed),
        SinkSettings {
            kafka: Some(to), ..
        } => kafka::Producer::new(to).map(boxed),
        SinkSettings {
            mail: Some(to),
            name,
            ..
        } => Ok(boxed(mail::AtOnce::new(name, to, reach))),
        _ => Err("it leads nowhere".to_owned()),
    };
    made.map_err(|why| SettingsError::Sink {
        name: settings.name.clone(),
        why,
    })
}

/// The destination of what the settings gather; none gathers but e-mail.
pub(crate) fn of_digest(settings: &SinkSettings, reach: &Reach) -> Option<Box<dyn Destination>> {
    let to = settings.mail.as_ref()?;
    Some(boxed(mail::Digest::new(&settings.name, to, reach)))
}

fn boxed(destination: impl Destination + 'static) -> Box<dyn Destination> {
    Box::new(destination)
}
