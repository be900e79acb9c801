//! A webhook of the check's own: registered, waited for, deregistered.
//!
//! Of a service that registers webhooks for one object after the other, the first is enough.

use std::collections::BTreeSet;

use connector::{Registered, SecretSource, WebhookOffer};
use event_model::{RegisteredPart, Secret};
use ports::WebhookSecret;

use super::listener::Arrived;
use super::{Listener, Options, Subject};

/// What came of registering a webhook.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    pub(super) registered: Option<RegisteredPart>,
    pub(super) refused: Option<String>,
    pub(super) handshakes: usize,
    pub(super) proved: usize,
    pub(super) mapped: usize,
    /// Of them, about an object that was made after the registration.
    pub(super) about_new_objects: usize,
    pub(super) unproved: Vec<&'static str>,
    /// Deregistered, and once more without harm.
    pub(super) deregistered: Option<Result<(), String>>,
}

/// Registers it, and has the listener prove what arrives.
pub(super) async fn register(subject: &Subject, listener: &Listener) -> Pushed {
    let mut pushed = Pushed::default();
    let prove_with = |secret: Option<Secret<String>>| {
        let secrets = Vec::from_iter(secret.map(|secret| WebhookSecret {
            secret,
            not_after: None,
        }));
        let receiver = subject.connector.receiver(&subject.connection, &secrets);
        if let Some(receiver) = receiver {
            listener.prove_with(receiver);
        }
    };
    let offer = offer(subject, listener);
    let source = subject.connector.webhook_secret_source();
    let known = match source {
        SecretSource::Client => subject.client_secret.clone(),
        SecretSource::Made | SecretSource::Told => offer.secret.clone(),
    };
    prove_with(known);
    match register_first(subject, &offer).await {
        Ok(registered) => {
            if let Some(told) = registered.secret {
                prove_with(Some(told));
            }
            pushed.registered = Some(registered.part);
        }
        Err(why) => pushed.refused = Some(why),
    }
    pushed
}

async fn register_first(subject: &Subject, offer: &WebhookOffer) -> Result<Registered, String> {
    let scopes = subject.client.webhook_scopes().await;
    let scopes = scopes.map_err(|error| error.to_string())?;
    let Some(scope) = scopes.first() else {
        return Err("the service has nothing that a webhook could be registered for".into());
    };
    let registered = subject.client.register(offer, scope).await;
    registered.map_err(|error| error.to_string())
}

fn offer(subject: &Subject, listener: &Listener) -> WebhookOffer {
    let drawn = || format!("{:032x}", subject.entropy.draw());
    let made = subject.connector.webhook_secret_source() == SecretSource::Made;
    WebhookOffer {
        url: listener.webhook_url(),
        secret: made.then(|| Secret::new(drawn() + &drawn())),
        id: drawn(),
    }
}

/// Waits for the first delivery, and takes what comes with it.
pub(super) async fn await_deliveries(
    subject: &Subject,
    listener: &Listener,
    options: &Options,
    made: &BTreeSet<String>,
    pushed: &mut Pushed,
) {
    let mapper = subject.connector.mapper(&subject.connection);
    let deadline = subject.clock.monotonic() + options.delivery_patience;
    loop {
        let patience = deadline.saturating_sub(subject.clock.monotonic());
        let Some(arrived) = listener.arrived(patience).await else {
            return;
        };
        match arrived {
            Arrived::Handshake => pushed.handshakes += 1,
            Arrived::Unproved(why) => pushed.unproved.push(why),
            Arrived::Proved(verified) => {
                pushed.proved += 1;
                for event in verified.events().unwrap_or_default() {
                    for one in mapper.map(&event, subject.clock.now()).unwrap_or_default() {
                        pushed.mapped += 1;
                        let object = one.activity.object_id;
                        let new = object.is_some_and(|object| made.contains(&object));
                        pushed.about_new_objects += usize::from(new);
                    }
                }
            }
        }
        let enough = pushed.mapped > 0 && (made.is_empty() || pushed.about_new_objects > 0);
        if enough {
            return;
        }
    }
}

/// Twice: what is gone already must be no failure.
pub(super) async fn deregister(subject: &Subject, listener: &Listener, pushed: &mut Pushed) {
    let Some(part) = &pushed.registered else {
        return;
    };
    let url = listener.webhook_url();
    let mut done = subject.client.deregister(&url, part).await;
    if done.is_ok() {
        done = subject.client.deregister(&url, part).await;
    }
    pushed.deregistered = Some(done.map_err(|error| error.to_string()));
}
