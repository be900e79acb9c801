//! What a connection's life needs to know of a service's webhooks: who registers them, whose secret
//! proves their deliveries, when they are renewed and looked at.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use event_model::RegisteredPart;

use crate::connector::Connector;
use crate::manifest::push::RegistrationSteps;

/// A registration is renewed a day before its end at the earliest, unless the manifest says otherwise.
const RENEW_BEFORE_MAX: TimeDelta = TimeDelta::days(1);

/// Where the secret comes from that deliveries are proved with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretSource {
    /// The service says it when the webhook is registered, or an administrator gives it.
    Told,
    /// Tidegate makes it up and tells the service.
    Made,
    /// It is the OAuth client's.
    Client,
}

impl Connector {
    fn registration(&self) -> Option<&RegistrationSteps> {
        self.push.as_ref()?.registration.as_ref()
    }

    /// Whether Tidegate registers the webhook; otherwise a person does, in the service's own console.
    pub fn registers_webhook(&self) -> bool {
        self.registration().is_some()
    }

    /// Whether deliveries prove their sender only, so that who learned the secret can forge one.
    pub fn delivers_unsure(&self) -> bool {
        self.push.as_ref().is_some_and(|push| push.low_assurance)
    }

    /// Whether webhooks are registered for one object after the other.
    pub fn registers_by_object(&self) -> bool {
        self.registration()
            .is_some_and(|steps| steps.each.is_some())
    }

    /// Where the secret comes from that deliveries are proved with.
    pub fn webhook_secret_source(&self) -> SecretSource {
        match &self.push {
            Some(push) if push.client_secret => SecretSource::Client,
            _ if self
                .registration()
                .is_some_and(RegistrationSteps::makes_secret) =>
            {
                SecretSource::Made
            }
            _ => SecretSource::Told,
        }
    }

    /// When a registration is to be renewed; none when it does not end.
    pub fn renew_webhook_at(&self, part: &RegisteredPart) -> Option<DateTime<Utc>> {
        let ends = part.expires_at?;
        let lasts = (ends - part.registered_at).max(TimeDelta::zero());
        let before = self.registration()?.renew_before;
        let before = before.and_then(|before| TimeDelta::from_std(before).ok());
        // Never sooner than when half of it is over: a service that gives less than was asked for must
        // not be asked again and again.
        let before = before
            .unwrap_or((lasts / 3).min(RENEW_BEFORE_MAX))
            .min(lasts / 2);
        Some(ends - before)
    }

    /// Whether the manifest can ask the service if it still holds a webhook.
    pub fn asks_for_webhook(&self) -> bool {
        self.registration()
            .is_some_and(|steps| !steps.check.is_empty())
    }

    /// How often the service is asked whether it still holds the webhooks; none when it cannot be asked.
    pub fn check_webhook_every(&self) -> Option<Duration> {
        let steps = self.registration()?;
        let asks = !steps.check.is_empty() || steps.each.is_some();
        asks.then_some(steps.check_every)
    }
}
