//! Registers a webhook with the service, and takes it away again.

use std::borrow::Cow;

use event_model::{Registration, Secret};

use crate::call::CallError;
use crate::client::run::Run;
use crate::client::{ServiceClient, not_supported};
use crate::manifest::push::RegistrationSteps;
use crate::scope::{Word, scalar};
use crate::time::{self, Format};

/// What stands for a registration that an administrator makes by hand.
const BY_HAND: &str = "by hand";

/// A webhook that was registered.
#[derive(Debug, Clone)]
pub struct Registered {
    /// What the service holds.
    pub registration: Registration,
    /// What its deliveries are proved with; absent when the service gave none.
    pub secret: Option<Secret<String>>,
}

impl ServiceClient {
    fn registration_steps(&self) -> Result<Option<&RegistrationSteps>, CallError> {
        let push = self.connector().push.as_ref();
        let push = push.ok_or_else(|| not_supported("the service does not deliver"))?;
        Ok(push.registration.as_ref())
    }

    /// Registers the webhook. Where the service lets people only do that, nothing is called.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn register(&self, webhook_url: &str) -> Result<Registered, CallError> {
        let mut registration = Registration {
            external_id: BY_HAND.to_owned(),
            webhook: webhook_url.to_owned(),
            registered_at: self.0.clock.now(),
            expires_at: None,
        };
        let Some(steps) = self.registration_steps()? else {
            return Ok(Registered {
                registration,
                secret: None,
            });
        };
        let mut run = Run::new(self).with(Word::WebhookUrl, Some(webhook_url));
        run.must(std::slice::from_ref(&steps.register)).await?;
        let kept = |name: &str| run.kept.get(name).and_then(scalar).map(Cow::into_owned);
        registration.external_id = kept("id").ok_or_else(|| {
            CallError::malformed("the service did not say which registration it is")
        })?;
        registration.expires_at =
            kept("expires_at").and_then(|text| time::parse(&text, Format::Rfc3339));
        Ok(Registered {
            registration,
            secret: kept("secret").map(Secret::new),
        })
    }

    /// Takes the webhook away; one that is gone already is done.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn deregister(&self, registration: &Registration) -> Result<(), CallError> {
        let Some(steps) = self.registration_steps()? else {
            return Ok(());
        };
        let mut run = Run::new(self)
            .with(Word::WebhookUrl, Some(&registration.webhook))
            .with(Word::RegistrationId, Some(&registration.external_id));
        match run.must(std::slice::from_ref(&steps.deregister)).await {
            Err(CallError::NotFound) => Ok(()),
            other => other,
        }
    }
}
